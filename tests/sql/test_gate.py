"""What the gate measures and compares with, and how a quarantined snapshot is hidden and shown again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame, statement

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection

GOOD, ODD = date(2026, 1, 5), date(2026, 1, 12)
KEY = {"snapshot": ODD, "fingerprint": "f1"}


@pytest.fixture
def weeks(db: Database, fill: Fill) -> Database:
    """Two weeks, judged and analysed; the second has a model more, which could not be read."""
    fill(db, "base.snapshots", "snapshot\n2026-01-05\n2026-01-12")
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | sha | downloads | likes | has_readme | library_name
        2026-01-05 | ada/a    | s1  | 10        | 0     | true       | peft
        2026-01-05 | ada/none | s1  | 0         |       | false      |
        2026-01-12 | ada/a    | s1  | 10        | 0     | true       | peft
        2026-01-12 | ada/b    | s1  |           | 1     | true       |
        2026-01-12 | ada/gone | s1  | 0         | 0     | true       |
        2026-01-12 | ada/none | s1  | 0         |       | false      |
        """,
    )
    fill(db, "base.list_failures", "snapshot | subject\n2026-01-12 | page 3")
    fill(
        db,
        "base.reads",
        "model_id | sha | status | card_hash | reason\nada/a | s1 | card | h1 |\nada/b | s1 | card | h2 |",
    )
    fill(db, "base.reads", "snapshot | model_id | sha | status\n2026-01-12 | ada/gone | s1 | failed")
    fill(
        db, "base.facts", "card_hash | facts_version | sections\nh1 | 2 | [usage, license]\nh2 | 2 | [usage]"
    )
    fill(db, "base.facts", "card_hash | facts_version | sections\nh1 | 1 | [old]")
    fill(db, "base.judges", "snapshot | fingerprint\n2026-01-05 | f1\n2026-01-12 | f1")
    fill(
        db,
        "base.verdicts",
        "card_hash | fingerprint | score | reason | detail\nh1 | f1 | 3.5 | |\nh2 | f1 | | odd | odd",
    )
    fill(
        db,
        "base.findings",
        "snapshot | fingerprint | question | estimate\n2026-01-05 | f1 | q | 0.1\n2026-01-12 | f1 | q | 0.1",
    )
    return db


@pytest.fixture
def quarantined(weeks: Database, fill: Fill) -> Database:
    fill(
        weeks,
        "base.gates",
        """
        snapshot   | fingerprint | measure      | value | is_suspicious
        2026-01-05 | f1          | models       | 2     | false
        2026-01-12 | f1          | models       | 4     | true
        2026-01-12 | f1          | unread_share | 0.33  | true
        2026-01-12 | f1          | median_score | 3.5   | false
        """,
    )
    return weeks


def test_the_measures_of_a_week_are_counts_and_shares_of_what_it_holds(
    weeks: Database, expect: Expect
) -> None:
    expect(
        frame(weeks, "out/gate_measures", **KEY),
        """
        measure             | value    | n | spread
        card_share          | 0.5      | 4 |
        cards               | 2        | 2 |
        filled:created_at   | 0        | 4 |
        filled:downloads    | 0.75     | 4 |
        filled:library_name | 0.25     | 4 |
        filled:likes        | 0.75     | 4 |
        filled:pipeline_tag | 0        | 4 |
        median_score        | 3.5      | 1 | 0
        models              | 4        | 4 |
        section:license     | 0.5      | 2 |
        section:usage       | 1        | 2 |
        unlisted_share      | 0.2      | 5 |
        unread_share        | 0.333333 | 3 |
        unscored_share      | 0.5      | 2 |
        zero:downloads      | 0.666667 | 3 |
        zero:likes          | 0.666667 | 3 |
        """,
    )


def test_what_is_lost_has_reasons(weeks: Database, expect: Expect) -> None:
    weeks.execute("update base.list_failures set reason = 'odd_row'")
    weeks.execute("update base.reads set reason = 'gated' where model_id = 'ada/gone'")
    expect(
        frame(weeks, "out/loss_reasons", **KEY),
        """
        measure        | reason  | n
        unlisted_share | odd_row | 1
        unread_share   | gated   | 1
        unscored_share | odd     | 1
        """,
    )


def test_a_week_is_measured_without_scores_where_another_judge_judged_it(
    weeks: Database, expect: Expect
) -> None:
    found = frame(weeks, "out/gate_measures", snapshot=ODD, fingerprint="f9")
    expect(
        found.filter(pl.col("measure").is_in(["median_score", "models", "unscored_share"])),
        "measure | value | n\nmedian_score | | 0\nmodels | 4 | 4\nunscored_share | | 0",
    )


def test_a_week_is_compared_with_the_last_complete_one_of_the_same_selection(
    weeks: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        weeks, "base.snapshots", "snapshot | selection\n2026-01-09 | top 10\n2026-01-10 | all models"
    )  # the one of another selection, the other never analysed
    fill(weeks, "base.findings", "snapshot | fingerprint\n2026-01-09 | f1")
    expect(frame(weeks, "out/gate_before", snapshot=ODD), "snapshot\n2026-01-05")
    assert frame(weeks, "out/gate_before", snapshot=GOOD).is_empty()


def test_a_quarantined_week_is_not_compared_with(quarantined: Database, fill: Fill, expect: Expect) -> None:
    fill(quarantined, "base.snapshots", "snapshot\n2026-01-19")
    expect(frame(quarantined, "out/gate_before", snapshot=date(2026, 1, 19)), "snapshot\n2026-01-05")
    fill(quarantined, "base.releases", "snapshot\n2026-01-12")
    expect(frame(quarantined, "out/gate_before", snapshot=date(2026, 1, 19)), "snapshot\n2026-01-12")


@pytest.mark.parametrize("view", ["panel", "scores", "failures", "snapshots", "out_findings"])
def test_a_quarantined_week_is_in_no_view_until_it_is_released(
    quarantined: Database, fill: Fill, view: str
) -> None:
    def shown() -> set[date]:
        return {day for (day,) in quarantined.table(view).project("snapshot").fetchall()}

    assert ODD not in shown()
    fill(quarantined, "base.releases", "snapshot | reason\n2026-01-12 | the Hub did grow")
    assert ODD in shown()


def test_the_latest_week_is_the_last_good_one(quarantined: Database, expect: Expect) -> None:
    expect(
        quarantined.sql("select snapshot, model_id from leaderboard").pl(),
        "snapshot | model_id\n2026-01-05 | ada/a",
    )
    expect(quarantined.sql("select distinct snapshot from models").pl(), "snapshot\n2026-01-05")
    expect(frame(quarantined, "out/latest_judged"), "snapshot | fingerprint\n2026-01-05 | f1")
    expect(quarantined.sql(statement("saved/findings")).pl(), "question | n\nq | 0")


def test_whoever_names_a_quarantined_week_still_sees_it(quarantined: Database, expect: Expect) -> None:
    expect(frame(quarantined, "out/counts", **KEY), "models | cards | failures\n4 | 2 | 3")
    assert frame(quarantined, "out/analysis_frame", **KEY).height == 4


def test_the_view_of_the_quarantine_says_why(quarantined: Database, fill: Fill, expect: Expect) -> None:
    expect(
        frame(quarantined, "out/quarantined"),
        "snapshot | measure | value\n2026-01-12 | models | 4\n2026-01-12 | unread_share | 0.33",
    )


def test_another_judge_that_reads_brings_a_week_out_of_quarantine(quarantined: Database, fill: Fill) -> None:
    fill(
        quarantined,
        "base.judges",
        "snapshot | judge | fingerprint | judged_at\n2026-01-12 | other | f2 | 2026-01-12 09:00:00",
    )
    assert frame(quarantined, "out/quarantined").height == 2  # judged, and not yet measured
    fill(
        quarantined,
        "base.gates",
        "snapshot | fingerprint | measure | value | is_suspicious | measured_at\n"
        "2026-01-12 | f2 | models | 4 | false | 2026-01-12 09:30:00",
    )
    assert frame(quarantined, "out/quarantined").is_empty()


def test_what_was_measured_last_counts(quarantined: Database, fill: Fill, expect: Expect) -> None:
    later = "snapshot | fingerprint | measure | value | is_suspicious | measured_at\n"
    fill(quarantined, "base.gates", later + "2026-01-12 | f1 | models | 3 | false | 2026-01-12 09:00:00")
    assert frame(quarantined, "out/quarantined").is_empty()
    expect(frame(quarantined, "out/gate_latest", **KEY), "measure | value\nmodels | 3")


def test_a_judge_that_another_of_its_name_has_replaced_does_not_quarantine(
    quarantined: Database, fill: Fill
) -> None:
    fill(
        quarantined,
        "base.judges",
        "snapshot | fingerprint | judged_at\n2026-01-12 | f2 | 2026-01-12 09:00:00",
    )
    assert frame(quarantined, "out/quarantined").is_empty()


def test_a_bridge_leads_to_the_last_week_that_is_shown(
    quarantined: Database, fill: Fill, expect: Expect
) -> None:
    fill(quarantined, "base.snapshots", "snapshot\n2026-01-19")
    fill(quarantined, "base.judges", "snapshot | fingerprint\n2026-01-19 | f2")
    quarantined.execute("update base.judges set fingerprint = 'f2' where snapshot = '2026-01-12'")
    fill(quarantined, "base.gates", "snapshot | fingerprint | is_suspicious\n2026-01-12 | f2 | true")
    quarantined.execute("update base.reads set has_text = true")
    asked = {"snapshot": date(2026, 1, 19), "fingerprint": "f2", "judge": "checklist", "size": 5}
    expect(frame(quarantined, "pending/bridge", **asked), "card_hash\nh1")


def test_days_late_are_counted_for_a_late_snapshot_alone(db: Database, fill: Fill, expect: Expect) -> None:
    fill(
        db,
        "base.snapshots",
        """
        snapshot   | started_at          | is_late
        2026-01-05 | 2026-01-08 00:30:00 | true
        2026-01-12 | 2026-11-12 06:00:00 | false
        """,
    )
    fill(db, "base.judges", "snapshot | fingerprint\n2026-01-05 | f1")
    fill(db, "base.releases", "snapshot | reason\n2026-01-05 | a person looked")
    expect(
        db.sql("select snapshot, is_late, days_late, release_reason from snapshots order by 1").pl(),
        "snapshot | is_late | days_late | release_reason\n"
        "2026-01-05 | true | 3 | a person looked\n2026-01-12 | false | 0 |",
    )
    expect(
        frame(db, "out/provenance", snapshot=GOOD, fingerprint="f1"),
        "snapshot | is_late | days_late | release_reason\n2026-01-05 | true | 3 | a person looked",
    )


PATTERNS = ["", "a,b,c"]


@pytest.fixture
def judged(db: Database, fill: Fill) -> Database:
    """Five texts that the parser tells apart, a second one of a kind, a generated one, and one without a score."""
    fill(db, "base.snapshots", "snapshot\n2026-01-12")
    names = ["h1", "h2", "h3", "h4", "h5", "twin", "tool", "odd"]
    listed = "\n".join(f"2026-01-12 | ada/{name} | s | true" for name in names)
    fill(db, "base.listing", f"snapshot | model_id | sha | has_readme\n{listed}")
    reads = "\n".join(f"ada/{name} | s | card | {name}" for name in names)
    fill(db, "base.reads", f"model_id | sha | status | card_hash\n{reads}")
    fill(
        db,
        "base.facts",
        """
        card_hash | facts_version | own_words | code_blocks | sections  | is_generated
        h1        | 2             | 100       | 0           | [usage]   | false
        h2        | 2             | 100       | 2           | [usage]   | false
        h3        | 2             | 100       | 0           | [license] | false
        h4        | 2             | 900       | 0           | [usage]   | false
        h5        | 2             | 3         | 0           | []        | false
        twin      | 2             | 110       | 0           | [usage]   | false
        tool      | 2             | 100       | 9           | []        | true
        odd       | 2             | 100       | 9           | []        | false
        """,
    )
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score | passed    | failed    | reason
        h1        | f1          | 3     | [a, c]    | [b]       |
        h2        | f1          | 5     | [c, b, a] | []        |
        h3        | f1          | 1     | []        | [a, b, c] |
        h4        | f1          | 3     | [a, c]    | [b]       |
        h5        | f1          | 3     | [a]       | [b, c]    |
        twin      | f1          | 3     | [a, c]    | [b]       |
        tool      | f1          | 1     | []        | [a, b, c] |
        odd       | f1          |       | []        | []        | odd
        h1        | f2          | 3     | []        | []        |
        h2        | f2          | 3     | []        | []        |
        """,
    )
    return db


def test_a_judges_answers_are_measured_on_one_text_of_each_kind(judged: Database, expect: Expect) -> None:
    # pass shares: a 4/5, b 1/5, c 3/5; passed per text: 2, 3, 0, 2, 1 with variance 1.04
    expect(
        frame(judged, "out/gate_judging", **KEY, patterns=PATTERNS),
        """
        measure                | value    | n
        judging:by_position    | 0.253333 | 5
        judging:coherence      | 0.692308 | 5
        judging:same_checks    | 0.4      | 5
        judging:score_spread   | 1.26491  | 5
        judging:unread_pattern | 0.4      | 5
        """,
    )


def test_a_judge_without_checks_is_measured_by_its_scores_alone(judged: Database, expect: Expect) -> None:
    expect(
        frame(judged, "out/gate_judging", snapshot=ODD, fingerprint="f2", patterns=PATTERNS),
        """
        measure                | value | n
        judging:by_position    |       | 0
        judging:coherence      |       | 0
        judging:same_checks    |       | 0
        judging:score_spread   | 0     | 2
        judging:unread_pattern |       | 0
        """,
    )


def test_answers_that_never_change_have_no_coherence(judged: Database) -> None:
    judged.execute("update base.verdicts set passed = ['a'], failed = ['b', 'c']")
    found = dict(
        frame(judged, "out/gate_judging", **KEY, patterns=PATTERNS)[["measure", "value"]].iter_rows()
    )
    assert found["judging:coherence"] is None
    assert (found["judging:by_position"], found["judging:same_checks"]) == (1.0, 1.0)


def test_the_last_trial_on_canaries_is_the_one_that_counts(db: Database, fill: Fill, expect: Expect) -> None:
    fill(
        db,
        "base.canaries",
        """
        fingerprint | canaries | concordance | is_passed | tried_at
        f1          | c        | 0.5         | false     | 2026-01-12 09:00:00
        f1          | c        | 0.95        | true      | 2026-01-12 10:00:00
        f2          | c        | 0.4         | false     | 2026-01-12 11:00:00
        """,
    )
    expect(
        frame(db, "out/canaries", fingerprint="f1"), "fingerprint | concordance | is_passed\nf1 | 0.95 | true"
    )
    assert frame(db, "out/canaries", fingerprint="f9").is_empty()
