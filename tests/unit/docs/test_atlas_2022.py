"""The page of kinds of 2022: names by a model that is known to many, figures by the warehouse."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import polars as pl
import pytest

from benchmarks.atlas_2022 import page
from benchmarks.atlas_2022.__main__ import NAMES, write_names
from tasks.atlas import kind_names as kind_naming
from tasks.errors import NotWritten
from tasks.storage.warehouse import Warehouse, make_home

DOC = Path(__file__).parents[3] / "docs" / "atlas-2022.md"


def kinds(**changed: object) -> pl.DataFrame:
    row: dict[str, object] = {
        "kind": 7, "name": "Bots | <b>", "named_by": "person", "name_by_terms": "Bots by a tool",
        "archetype": "generated", "models": 2468, "median_score": 2.934, "score_gap": -0.004,
        "median_downloads": 2.5, "stability": 0.55, "is_unstable": True, "x": 1.0, "y": 2.0,
    }  # fmt: skip
    return pl.DataFrame([row | changed])


def test_a_kind_is_a_row_with_both_of_its_names() -> None:
    row = page.kinds_table(kinds()).splitlines()[-1]
    assert row == ("| 7 | Bots \\| &lt;b> | Bots by a tool | generated | 2,468 | 2.93 | 0.00 | 2 | 0.55 † |")


def test_a_kind_that_nobody_named_has_a_dash() -> None:
    assert "| 7 | – | Bots by a tool |" in page.kinds_table(kinds(named_by="terms", is_unstable=False))


def test_names_are_such_as_the_command_takes(tmp_path: Path) -> None:
    """Each is short enough, no model is there twice, and what the command writes is read by `atlas names`."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    given = [(kind, row["name"], row["description"]) for kind, row in enumerate(rows)]
    write_names(tmp_path / "kinds.csv", given)
    read = kind_naming.read_names(tmp_path / "kinds.csv")
    assert [(name.kind, name.name, name.description) for name in read] == given
    assert len({row["anchor"] for row in rows}) == len(rows)


def test_the_template_itself_holds_no_measured_figure() -> None:
    template = Path(page.__file__).with_name("page.md").read_text(encoding="utf-8")
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", template, flags=re.DOTALL)
    # Dates and names of files, what a card has to have, the days of a count, and constants of the measures.
    assert set(re.findall(r"\d+(?:\.\d+)?", prose)) <= {
        "2022",
        "15",
        "200",
        "1",
        "0.5",
        "80",
        "100",
        "0.6",
        "30",
    }


def test_the_page_in_the_documents_is_one_that_the_command_writes() -> None:
    text = DOC.read_text(encoding="utf-8")
    heads = page.kinds_table(kinds()).splitlines()[0]
    assert heads in text
    assert len(re.findall(r"^\| \d+ \|", text, flags=re.MULTILINE)) == int(
        re.search(r"are of one of (\d+) kinds", " ".join(text.split()))[1]  # type: ignore[index]  # it says so
    )
    for name in re.findall(r"pictures/[\w.-]+", text):
        assert (DOC.parent / name).is_file()


def test_a_home_without_a_map_is_reported(tmp_path: Path) -> None:
    make_home(tmp_path)
    warehouse = Warehouse(tmp_path)
    with warehouse.writer():
        warehouse.begin()
        warehouse.publish()
    with pytest.raises(NotWritten, match="no snapshot of it has a map"):
        page.read(tmp_path)
