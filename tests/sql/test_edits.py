"""The panel of card edits and the families of texts, with rows in and rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import polars as pl
import pytest

from tasks.findings.steps import _estimate
from tasks.storage.warehouse import frame
from tasks.work.run import Run

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection

KEY: dict[str, Any] = {"snapshot": date(2026, 1, 19), "fingerprint": "f1"}


@pytest.fixture
def three_weeks(db: Database, fill: Fill) -> Database:
    """A model of each kind of edit, over three weeks judged by f1."""
    weeks = ("2026-01-05", "2026-01-12", "2026-01-19")
    fill(db, "base.snapshots", "snapshot | selection\n" + "\n".join(f"{week} | all models" for week in weeks))
    fill(db, "base.judges", "snapshot | fingerprint\n" + "\n".join(f"{week} | f1" for week in weeks))
    cards = {
        "ada/better": ("h1", "h1", "h4"),
        "ada/section": ("h1", "h2", "h2"),
        "ada/touched": ("h1", "h3", "h3"),
        "ada/same": ("h1", "h1", "h1"),
        "ada/new": (None, None, "h1"),
    }
    for place, week in enumerate(weeks):
        for name, hashes in cards.items():
            text = hashes[place]
            fill(
                db,
                "base.listing",
                f"snapshot | model_id | sha | likes | downloads | has_readme\n"
                f"{week} | {name} | s{place}{name} | {place} | 9 | {'true' if text else 'false'}",
            )
            if text:
                fill(
                    db,
                    "base.reads",
                    f"snapshot | model_id | sha | status | card_hash\n{week} | {name} | s{place}{name} | card | {text}",
                )
    fill(db, "base.texts", "card_hash | card_text\nh1 | a\nh2 | b\nh3 | c\nh4 | d")
    fill(
        db,
        "base.facts",
        "card_hash | sections\nh1 | [usage]\nh2 | [usage, license]\nh3 | [usage]\nh4 | [usage]",
    )
    fill(
        db,
        "base.verdicts",
        "card_hash | fingerprint | score\nh1 | f1 | 2\nh2 | f1 | 2.1\nh3 | f1 | 2.9\nh4 | f1 | 3",
    )
    return db


def unread_weeks(db: Database, fill: Fill, *weeks: str) -> None:
    """Earlier snapshots, of one model without a card."""
    for week in weeks:
        fill(db, "base.snapshots", f"snapshot | selection\n{week} | all models")
        fill(db, "base.judges", f"snapshot | fingerprint\n{week} | f1")
        fill(
            db,
            "base.listing",
            f"snapshot | model_id | sha | likes | downloads | has_readme\n{week} | ada/same | s | 1 | 9 | false",
        )


def test_edits_are_told_from_touches_and_first_cards(three_weeks: Database, expect: Expect) -> None:
    expect(
        frame(three_weeks, "out/edit_panel", **KEY).filter(pl.col("is_edited") | pl.col("is_documented")),
        """
        snapshot   | model_id    | is_edited | is_documented
        2026-01-19 | ada/better  | true      | true
        2026-01-19 | ada/new     | false     | true
        2026-01-12 | ada/section | true      | true
        2026-01-12 | ada/touched | true      | false
        """,
    )
    assert frame(three_weeks, "out/edit_panel", **KEY).height == 15


def test_later_other_and_quarantined_weeks_are_in_no_panel(three_weeks: Database, fill: Fill) -> None:
    panel = frame(three_weeks, "out/edit_panel", snapshot=date(2026, 1, 12), fingerprint="f1")
    assert panel["snapshot"].n_unique() == 2
    three_weeks.execute("update base.snapshots set selection = 'top 10' where snapshot = '2026-01-05'")
    assert frame(three_weeks, "out/edit_panel", **KEY)["snapshot"].n_unique() == 2
    assert frame(three_weeks, "out/edit_panel", snapshot=KEY["snapshot"], fingerprint="f2").is_empty()


def test_the_snapshot_itself_counts_before_a_gate_has_measured_it(three_weeks: Database, fill: Fill) -> None:
    before = [frame(three_weeks, f"out/{name}", **KEY) for name in ("edit_panel", "edit_panel_digest")]
    gates = "snapshot | fingerprint | measure | is_suspicious"
    for week in ("2026-01-05", "2026-01-12", "2026-01-19"):
        fill(three_weeks, "base.gates", f"{gates}\n{week} | f1 | models | false")
        found = [frame(three_weeks, f"out/{name}", **KEY) for name in ("edit_panel", "edit_panel_digest")]
        if week >= "2026-01-12":  # until then the week between is hidden, for the first one was measured
            assert found[0].equals(before[0])
            assert found[1].equals(before[1])
        assert found[0]["snapshot"].max() == KEY["snapshot"]


def test_half_a_year_is_followed_and_an_age_that_is_no_age_is_none(three_weeks: Database, fill: Fill) -> None:
    unread_weeks(three_weeks, fill, "2025-07-14", "2025-08-04")
    three_weeks.execute(
        "update base.listing set created_at = '2026-01-01', last_modified = '2026-01-02' where model_id = 'ada/same'"
    )
    three_weeks.execute(
        "update base.listing set created_at = '2026-01-01', last_modified = '2026-01-01' where model_id = 'ada/new'"
    )
    panel = frame(three_weeks, "out/edit_panel", **KEY)
    assert panel["snapshot"].min() == date(2025, 8, 4)
    panel = panel.filter(pl.col("snapshot") >= date(2026, 1, 5))
    ages = {
        name: panel.filter(pl.col("model_id") == name)["age_days"].to_list()
        for name in ("ada/same", "ada/new")
    }
    assert ages == {"ada/same": [4, 11, 18], "ada/new": [None, None, None]}


def test_a_snapshot_s_findings_hold_those_on_edits_once_there_are_six_weeks(
    three_weeks: Database, fill: Fill
) -> None:
    unread_weeks(three_weeks, fill, "2025-12-15", "2025-12-22", "2025-12-29")

    class Opened:
        @contextmanager
        def open(self) -> Iterator[Database]:
            yield three_weeks

    run = SimpleNamespace(warehouse=Opened(), snapshot=KEY["snapshot"])
    found = _estimate(cast("Run", run), "checklist", KEY["fingerprint"])
    effects = [row for row in found if row.question == "edit_effect"]
    assert {row.predictor for row in effects} == {"documentation_edit", "cosmetic_edit"}
    assert all("few_edits" in row.flags for row in effects)


@pytest.mark.parametrize(
    "change",
    [
        "update base.listing set likes = 70 where snapshot = '2026-01-05' and model_id = 'ada/same'",
        "update base.verdicts set score = 5 where card_hash = 'h3'",
        "update base.snapshots set selection = 'top 10' where snapshot = '2026-01-12'",
    ],
)
def test_the_digest_of_the_panel_changes_with_any_of_its_weeks(three_weeks: Database, change: str) -> None:
    before = frame(three_weeks, "out/edit_panel_digest", **KEY).item()
    assert frame(three_weeks, "out/edit_panel_digest", **KEY).item() == before
    three_weeks.execute(change)
    assert frame(three_weeks, "out/edit_panel_digest", **KEY).item() != before


def test_the_texts_compared_are_those_of_the_snapshot_each_once(
    three_weeks: Database, expect: Expect
) -> None:
    asked = {"snapshot": KEY["snapshot"]}
    expect(
        frame(three_weeks, "out/family_texts", **asked),
        "card_hash | card_text\nh1 | a\nh2 | b\nh3 | c\nh4 | d",
    )
    first = frame(three_weeks, "out/family_digest", **asked, version="1").item()
    assert first != frame(three_weeks, "out/family_digest", **asked, version="2").item()
    assert first != frame(three_weeks, "out/family_digest", snapshot=date(2026, 1, 5), version="1").item()
    assert frame(three_weeks, "out/family_digest", snapshot=date(2025, 1, 6), version="1").item() is None


def test_a_family_counts_models_texts_and_authors(three_weeks: Database, fill: Fill, expect: Expect) -> None:
    fill(
        three_weeks,
        "base.families",
        "snapshot | card_hash | family\n2026-01-19 | h2 | h2\n2026-01-19 | h3 | h2",
    )
    expect(
        frame(three_weeks, "out/families", snapshot=KEY["snapshot"]).sort("card_hash"),
        "card_hash | family\nh2 | h2\nh3 | h2",
    )
    found = three_weeks.sql("from families order by family").pl()
    expect(found, "family | models | texts | authors\nh1 | 2 | 1 | 1\nh2 | 2 | 2 | 1")
