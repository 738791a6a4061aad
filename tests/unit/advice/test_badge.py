"""The badge: well-formed, escaped, legible, and what shields.io expects."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli.app import app
from tasks.advice.badge import as_endpoint, as_svg, colour_of

SVG = "{http://www.w3.org/2000/svg}"
CARD = "---\nlicense: mit\n---\n# Heron\n\nTells the calls of herons apart, for wardens of marshes.\n"


@given(st.none() | st.floats(1, 5), st.text())
def test_a_badge_with_any_label_is_well_formed_and_holds_no_markup_of_it(
    score: float | None, label: str
) -> None:
    root = ElementTree.fromstring(as_svg(score, label))  # noqa: S314 - made here
    assert root.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "rect",
        "path",
        "g",
        "text",
    }


def test_a_badge_asks_no_server_for_anything() -> None:
    svg = as_svg(3.5, "<script href='https://tracker.example/x'>")
    assert "<script" not in svg
    assert "href" not in svg.replace("href=&#x27;", "")


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("score", [None, 1.0, 1.9, 2.0, 3.0, 4.0, 5.0])
def test_white_text_can_be_read_on_every_colour(score: float | None) -> None:
    assert 1.05 / (_luminance(colour_of(score)) + 0.05) >= 4.5


def test_the_colour_follows_the_score() -> None:
    assert len({colour_of(score) for score in (None, 1.5, 2.5, 3.5, 4.5)}) == 5
    assert colour_of(4.0) == colour_of(5.0)


@given(st.none() | st.floats(1, 5), st.text())
def test_the_endpoint_has_the_keys_of_shields_and_no_other(score: float | None, label: str) -> None:
    made = json.loads(json.dumps(as_endpoint(score, label)))
    assert made.keys() == {"schemaVersion", "label", "message", "color"}
    assert made["schemaVersion"] == 1
    assert all(isinstance(made[key], str) for key in ("label", "message", "color"))


def test_the_command_writes_the_form_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    svg, made = tmp_path / "badge.svg", tmp_path / "badge.json"
    for words in (["--output", str(svg)], ["--json", "--label", "heron", "--output", str(made)]):
        assert CliRunner().invoke(app, ["badge", str(tmp_path), *words]).exit_code == 0
    assert ElementTree.fromstring(svg.read_text(encoding="utf-8")).tag == f"{SVG}svg"  # noqa: S314 - made here
    shown = json.loads(made.read_text(encoding="utf-8"))
    assert (shown["label"], shown["message"][-5:]) == ("heron", " of 5")
