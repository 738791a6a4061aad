"""Files are for their user, pages show no character that acts on others, and exports run nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cards.one_line import visible
from tasks.hub.source import model_pages
from tasks.pages import environment, write_page
from tasks.report.tables import exemplars_table
from tasks.spreadsheets import guarded, guarded_frame, unguarded
from tasks.storage.lake import Lake
from tasks.storage.warehouse import make_home

ACTING = "\x00\x07\x1b\x7f\x9b\u061c\u200e\u200f\u2028\u202a\u202e\u2066\u2069"
HOSTILE = f"evil{ACTING}gnp.<b>exe"


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_is_for_its_user_and_its_files_follow_the_umask(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "home"
    make_home(home)
    write_page("a page", home / "report.html")
    Lake(home).put("note", b"a note")
    assert mode(home) == 0o700
    assert mode(home / "report.html") == 0o666 & ~umask
    assert {mode(path) & umask for path in home.rglob("*")} == {0}


def test_a_home_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_home(tmp_path)
    assert mode(tmp_path) == 0o750


def test_no_value_of_any_page_keeps_a_character_that_acts_on_others(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }} {{ data|tojson }} {{ names|join(',') }}")
    page = environment(tmp_path).get_template("page.html")
    shown = page.render(name=HOSTILE, data={HOSTILE: [HOSTILE, (HOSTILE, 1)]}, names=[HOSTILE])
    assert not set(ACTING) & set(shown)
    assert not any(f"\\u{ord(character):04x}" in shown for character in ACTING)
    assert "<b>" not in shown


@given(st.text())
def test_what_is_visible_is_the_text_or_blanks(text: str) -> None:
    shown = visible(text)
    assert not set(ACTING) & set(shown)
    assert visible(shown) == shown
    if text.isprintable():
        assert shown == text


@given(st.text())
def test_a_guarded_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert guarded(text)[:1] not in set("=+-@\t\r\n＝＋－＠")
    assert unguarded(guarded(text)) == text
    assert guarded_frame(pl.DataFrame({"a": [text]}))["a"][0] == guarded(text)


@pytest.mark.parametrize(
    ("hub", "href"),
    [
        ("the Hugging Face Hub", "https://huggingface.co/ada/one%3F"),
        ("https://hub.example", "https://hub.example/ada/one%3F"),
        ("the demo corpus", None),
        ("a replica of demo.parquet", None),
        ("javascript:alert(1)", None),
    ],
)
def test_only_models_of_a_hub_are_linked(hub: str, href: str | None) -> None:
    row = {
        "model_id": "ada/one?", "score": 3.0, "card_status": "card", "downloads": 1234, "likes": 1,
        "library_name": None, "pipeline_tag": None,
    }  # fmt: skip
    table = exemplars_table(pl.DataFrame([row]), "Best", model_pages(hub))
    assert (table.rows[0][0].href, table.rows[0][2].text) == (href, "1,234")
