"""Where judges meet: pairs, panels, passports, explanations, and what judging took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats

from tasks.records import LABEL_FREE_PROBES
from tasks.storage.warehouse import frame, statement

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection

WEEK = date(2026, 1, 5)
KEY = {"snapshot": WEEK, "fingerprint": "f1"}


@pytest.fixture
def panel(db: Database, fill: Fill) -> Database:
    """Two models share a card; f1 and f2 judge this week, f0 judged the week before."""
    fill(db, "base.snapshots", "snapshot\n2025-12-29\n2026-01-05")
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge     | model  | judged_at
        2025-12-29 | f0          | vllm:a    | org/a  | 2025-12-29 07:00
        2026-01-05 | f1          | vllm:a    | org/a  | 2026-01-05 07:00
        2026-01-05 | f2          | checklist |        | 2026-01-05 06:00
        """,
    )
    fill(
        db,
        "base.listing",
        """
        model_id  | sha | downloads
        ada/a     | s1  | 5
        ada/copy  | s1  | 50
        bob/b     | s1  | 7
        cid/c     | s1  | 9
        """,
    )
    fill(
        db,
        "base.reads",
        "model_id | sha | card_hash\nada/a | s1 | h1\nada/copy | s1 | h1\nbob/b | s1 | h2\ncid/c | s1 | h3",
    )
    fill(
        db,
        "base.verdicts",
        """
        card_hash | judge     | fingerprint | score | reason | detail
        h1        | vllm:a    | f0          | 1     |        |
        h1        | vllm:a    | f1          | 4     |        |
        h1        | checklist | f2          | 2.5   |        |
        h2        | vllm:a    | f1          | 3     |        |
        h2        | checklist | f2          | 3.5   |        |
        h3        | vllm:a    | f1          |       | prose  | no
        h3        | checklist | f2          | 2     |        |
        """,
    )
    return db


# judge_pairs, judge_panel


def test_each_pair_of_judges_meets_once_a_text_the_older_first(panel: Database, expect: Expect) -> None:
    expect(
        panel.sql("from judge_pairs order by card_hash, old_fingerprint, fingerprint").pl(),
        """
        card_hash | old_judge | old_fingerprint | old_score | judge     | fingerprint | score | difference
        h1        | vllm:a    | f0              | 1         | vllm:a    | f1          | 4     | 3
        h1        | vllm:a    | f0              | 1         | checklist | f2          | 2.5   | 1.5
        h1        | checklist | f2              | 2.5       | vllm:a    | f1          | 4     | 1.5
        h2        | checklist | f2              | 3.5       | vllm:a    | f1          | 3     | -0.5
        """,
    )


def test_judges_that_began_at_once_are_ordered_by_fingerprint(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf2 | a\nf1 | b")
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh | f2 | 1\nh | f1 | 2")
    expect(db.sql("from judge_pairs").pl(), "old_fingerprint | fingerprint | difference\nf1 | f2 | -1")


def test_a_panel_is_of_the_judges_of_its_snapshot_alone(panel: Database, expect: Expect) -> None:
    expect(
        panel.sql("from judge_panel order by card_hash").pl(),
        """
        snapshot   | card_hash | judges | score | spread   | lowest | highest | disagreement
        2026-01-05 | h1        | 2      | 3.25  | 1.06066  | 2.5    | 4       | 1.5
        2026-01-05 | h2        | 2      | 3.25  | 0.353553 | 3      | 3.5     | 0.5
        """,
    )
    (scores,) = panel.sql("select scores from judge_panel where card_hash = 'h1'").fetchall()[0]
    assert scores == {"checklist": 2.5, "vllm:a": 4.0}


def test_a_text_that_one_of_three_judges_could_not_score_has_no_mean(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(panel, "base.judges", "fingerprint | judge\nf3 | vllm:b")
    fill(panel, "base.verdicts", "card_hash | fingerprint | judge | score\nh2 | f3 | vllm:b | 1")
    expect(
        panel.sql("select * from judge_panel order by card_hash").pl(),
        "card_hash | judges | score | disagreement\nh1 | 2 | | 1.5\nh2 | 3 | 2.5 | 2.5",
    )


def test_a_replaced_fingerprint_is_in_no_panel(panel: Database, fill: Fill, expect: Expect) -> None:
    fill(panel, "base.judges", "fingerprint | judge | judged_at\nf3 | checklist | 2026-01-05 09:00")
    fill(panel, "base.verdicts", "card_hash | fingerprint | judge | score\nh1 | f3 | checklist | 5")
    expect(panel.sql("from judge_panel").pl(), "card_hash | lowest | highest\nh1 | 4 | 5")


# disagreements, judges-disagree, judge-change


def test_disagreements_are_of_different_cards_and_authors(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(panel, "base.listing", "model_id | sha | author | downloads\nada/other | s1 | ada | 1")
    fill(panel, "base.reads", "model_id | sha | card_hash\nada/other | s1 | h4")
    fill(
        panel,
        "base.verdicts",
        "card_hash | fingerprint | judge | score\nh4 | f1 | vllm:a | 4\nh4 | f2 | checklist | 3",
    )
    found = frame(panel, "out/disagreements", snapshot=WEEK)
    expect(
        found,
        "model_id | disagreement | score | downloads\nada/copy | 1.5 | 3.25 | 50\nbob/b | 0.5 | 3.25 | 7",
    )
    assert found["scores"][0].to_list() == [
        {"key": "checklist", "value": 2.5},
        {"key": "vllm:a", "value": 4.0},
    ]


def test_judges_that_agree_on_a_card_are_not_shown(db: Database, fill: Fill) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf1 | a\nf2 | b")
    fill(db, "base.listing", "model_id | sha\nada/a | s1")
    fill(db, "base.reads", "model_id | sha | card_hash\nada/a | s1 | h")
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh | f1 | 3\nh | f2 | 3")
    assert db.sql("select count(*) from judge_panel").fetchall() == [(1,)]
    assert frame(db, "out/disagreements", snapshot=WEEK).is_empty()


def test_the_saved_disagreements_name_each_card_once(panel: Database, expect: Expect) -> None:
    expect(
        panel.sql(statement("saved/judges-disagree")).pl(),
        "model_id | models | disagreement | mean_score\nada/copy | 2 | 1.5 | 3.25\nbob/b | 1 | 0.5 | 3.25",
    )


def test_the_saved_change_of_judges_compares_each_with_each_before(panel: Database, expect: Expect) -> None:
    expect(
        panel.sql(statement("saved/judge-change")).pl(),
        """
        judge_before | judge_after  | texts | change | plus_minus | within_half
        vllm:a f0    | checklist f2 | 1     | 1.5    |            | 0
        checklist f2 | vllm:a f1    | 2     | 0.5    | 1.96       | 0.5
        vllm:a f0    | vllm:a f1    | 1     | 3      |            | 0
        """,
    )


# other_judges, score_grid


def scored_by(db: Database, fill: Fill, fingerprint: str, scores: np.ndarray) -> None:
    lines = [f"t{i:03} | {fingerprint} | {score}" for i, score in enumerate(scores)]
    fill(db, "base.verdicts", "\n".join(["card_hash | fingerprint | score", *lines]))


@pytest.fixture
def three(db: Database, fill: Fill) -> dict[str, np.ndarray]:
    """f1 judges this week beside f2; f0 judged the week before, f3 a week later; 29 texts are shared with f4."""
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge     | model | judged_at
        2025-12-29 | f0          | vllm:a    | org/a | 2025-12-29 07:00
        2026-01-05 | f1          | vllm:a    | org/a | 2026-01-05 07:00
        2026-01-05 | f2          | checklist |       | 2026-01-05 06:00
        2026-01-05 | f4          | vllm:b    | org/b | 2026-01-05 06:00
        2026-01-12 | f3          | vllm:c    | org/c | 2026-01-12 06:00
        """,
    )
    rng = np.random.default_rng(5)
    scores = {"f1": np.round(rng.uniform(1, 5, 60), 1)}
    for name, n in (("f0", 40), ("f2", 60), ("f3", 60), ("f4", 29)):
        scores[name] = np.clip(np.round(scores["f1"][:n] + rng.normal(0.3, 0.6, n), 1), 1, 5)
    for name, values in scores.items():
        scored_by(db, fill, name, values)
    return scores


def test_other_judges_are_the_panel_and_those_before(
    db: Database, three: dict[str, np.ndarray], expect: Expect
) -> None:
    found = frame(db, "out/other_judges", **KEY)
    expect(
        found,
        """
        relation | judge     | fingerprint | model | last_snapshot | first_snapshot | n
        panel    | checklist | f2          |       | 2026-01-05    | 2026-01-05     | 60
        bridge   | vllm:a    | f0          | org/a | 2025-12-29    | 2026-01-05     | 40
        """,
    )
    for row in found.to_dicts():
        mine, theirs = three["f1"][: row["n"]], three[row["fingerprint"]]
        assert row["mean_difference"] == pytest.approx(np.mean(mine - theirs))
        assert row["standard_error"] == pytest.approx(stats.sem(mine - theirs))
        assert row["spearman"] == pytest.approx(stats.spearmanr(mine, theirs).statistic)


def test_the_share_within_half_a_point_counts_the_half_itself(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf1 | a\nf2 | b")
    scored_by(db, fill, "f1", np.array([3.0] * 30))
    scored_by(db, fill, "f2", np.array([3.5] * 15 + [4.0] * 15))
    expect(
        frame(db, "out/other_judges", **KEY),
        "n | within_half_share | spearman | mean_difference\n30 | 0.5 | | -0.75",
    )


def test_a_score_grid_puts_a_five_into_the_last_bin(db: Database, fill: Fill, expect: Expect) -> None:
    scored_by(db, fill, "f1", np.array([1.0, 1.4, 5.0]))
    scored_by(db, fill, "f2", np.array([1.5, 1.9, 4.6]))
    scored_by(db, fill, "f3", np.array([2.0, 2.0, 2.0]))
    expect(
        frame(db, "out/score_grid", fingerprint="f1", other="f2"),
        "score_low | other_low | n\n1 | 1.5 | 2\n4.5 | 4.5 | 1",
    )


# judging_rates, judging


def test_the_time_in_which_a_judge_was_busy_counts_parts_side_by_side_once(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf1 | vllm:a")
    fill(
        db,
        "base.judged_parts",
        """
        part | texts | failed | requests | tokens_in | tokens_out | replicas | started_at          | ended_at
        p1   | 10    | 1      | 11       | 900       | 100        | 2        | 2026-01-05 07:00:00 | 2026-01-05 07:00:10
        p2   | 10    | 0      | 10       | 900       | 100        | 1        | 2026-01-05 07:00:02 | 2026-01-05 07:00:08
        p3   | 10    | 0      | 10       | 900       | 100        | 2        | 2026-01-05 07:00:05 | 2026-01-05 07:00:15
        p4   | 10    | 0      | 10       | 900       | 100        | 2        | 2026-01-05 08:00:00 | 2026-01-05 08:00:05
        """,
    )
    expect(
        db.sql("from judging_rates").pl(),
        """
        judge  | parts | texts | failed | requests | tokens_in | tokens_out | replicas | busy_seconds | texts_per_second
        vllm:a | 4     | 40    | 1      | 41       | 3600      | 400        | 2        | 20           | 2
        """,
    )
    expect(
        db.sql("from judging_rates").pl(),
        "tokens_per_second | tokens_in_per_text | tokens_out_per_text | cached_share\n200 | 90 | 10 |",
    )


def test_money_that_parts_cost_adds_up_and_is_unknown_where_none_says(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf1 | openai:a\nf2 | vllm:b")
    fill(
        db,
        "base.judged_parts",
        """
        part | fingerprint | texts | metrics
        p1   | f1          | 5     | {spent=0.5}
        p2   | f1          | 5     | {spent=0.25}
        p3   | f2          | 5     | {prefix_cache_hits=7}
        """,
    )
    expect(
        db.sql("select judge, spent from judging_rates order by 1").pl(),
        "judge | spent\nopenai:a | 0.75\nvllm:b |",
    )


def test_a_clock_set_back_takes_no_time_away(db: Database, fill: Fill, expect: Expect) -> None:
    fill(db, "base.judges", "fingerprint | judge\nf1 | a")
    fill(
        db,
        "base.judged_parts",
        """
        part | texts | started_at          | ended_at            | metrics
        p1   | 5     | 2026-01-05 07:00:00 | 2026-01-05 06:59:00 | {prefix_cache_queries=10, prefix_cache_hits=9}
        p2   | 5     | 2026-01-05 07:00:00 | 2026-01-05 07:00:10 | {prefix_cache_queries=10, prefix_cache_hits=7}
        """,
    )
    expect(db.sql("from judging_rates").pl(), "texts | busy_seconds | cached_share\n10 | 10 | 0.8")


def test_judging_tells_answers_of_the_snapshot_and_what_it_took(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    panel.execute("update base.verdicts set is_truncated = false, card_tokens = 100 where fingerprint = 'f1'")
    panel.execute(
        "update base.verdicts set is_truncated = true, card_tokens = 300, score_mode = 'expected', "
        "flags = ['asked_twice', 'addresses_a_judge'] where card_hash = 'h1' and fingerprint = 'f1'"
    )
    fill(panel, "base.verdicts", "card_hash | fingerprint | score\nelsewhere | f1 | 5")
    fill(panel, "base.judged_parts", "part | texts | seconds\np1 | 4 | 3")
    found = frame(panel, "out/judging", **KEY)
    expect(found, "judge | verdicts | unscored | asked_twice | addressing\nvllm:a | 3 | 1 | 1 | 1")
    expect(found, "truncated_share | median_card_tokens | score_mode | texts\n0.333333 | 100 | expected | 4")
    assert found.row(0, named=True)["unscored_reasons"] == {"prose": 1}


def test_texts_without_a_score_are_counted_by_reason_the_most_frequent_first(
    db: Database, fill: Fill
) -> None:
    fill(db, "base.judges", "fingerprint\nf1")
    hashes = [f"h{number}" for number in range(5)]
    fill(db, "base.listing", "model_id | sha\n" + "\n".join(f"ada/{card} | s1" for card in hashes))
    fill(
        db,
        "base.reads",
        "model_id | sha | card_hash\n" + "\n".join(f"ada/{card} | s1 | {card}" for card in hashes),
    )
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score | reason
        h0        | f1          |       | timeout
        h1        | f1          |       | cut_off
        h2        | f1          |       | cut_off
        h3        | f1          | 3     |
        h4        | f2          |       | empty
        """,
    )
    found = frame(db, "out/judging", snapshot=WEEK, fingerprint="f1").row(0, named=True)
    assert list(found["unscored_reasons"].items()) == [("cut_off", 2), ("timeout", 1)]


@pytest.mark.parametrize(
    ("settings", "provider"),
    [('{"provider": "api.example.com"}', "api.example.com"), ("{}", ""), ("rules 7", "")],
)
def test_judging_names_the_provider_of_a_judge_that_has_one(
    panel: Database, expect: Expect, settings: str, provider: str
) -> None:
    panel.execute("update base.judges set settings = $1 where fingerprint = 'f1'", [settings])
    expect(frame(panel, "out/judging", **KEY), f"judge | provider\nvllm:a | {provider}")


def test_a_judge_that_had_nothing_to_do_took_nothing(panel: Database, expect: Expect) -> None:
    found = frame(panel, "out/judging", **KEY | {"fingerprint": "f2"})
    expect(found, "verdicts | unscored | truncated_share | texts | texts_per_second\n3 | 0 | | |")
    assert found.row(0, named=True)["unscored_reasons"] == {}


# passports


def test_a_passport_is_of_the_newest_measurement_and_the_newest_labels(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.passports",
        """
        fingerprint | labels | probe     | measure         | subject | n  | estimate | measured_at
        f1          | l1     | agreement | quadratic_kappa | score   | 9  | 0.1      | 2026-01-01 01:00
        f1          | l1     | padding   | mean_rise       | score   | 9  | 0.3      | 2026-01-01 01:00
        f1          | l1     | agreement | quadratic_kappa | score   | 9  | 0.2      | 2026-01-02 01:00
        f1          | l2     | agreement | quadratic_kappa | purpose | 30 | 0.4      | 2026-01-03 01:00
        f1          | l2     | agreement | bias            | score   | 30 | 0.6      | 2026-01-03 01:00
        f1          | l2     | agreement | quadratic_kappa | score   | 30 | 0.5      | 2026-01-03 01:00
        f2          | l1     | agreement | quadratic_kappa | score   | 9  | 0.9      | 2026-01-04 01:00
        """,
    )
    expect(
        db.sql("from passports order by fingerprint, labels, estimate").pl(),
        """
        fingerprint | labels | estimate
        f1          | l1     | 0.2
        f1          | l2     | 0.4
        f1          | l2     | 0.5
        f1          | l2     | 0.6
        f2          | l1     | 0.9
        """,
    )
    expect(
        frame(db, "out/passport", fingerprint="f1"),
        """
        labels | measure         | subject | estimate
        l2     | quadratic_kappa | score   | 0.5
        l2     | bias            | score   | 0.6
        l2     | quadratic_kappa | purpose | 0.4
        """,
    )
    expect(
        db.sql(statement("saved/passport")).pl(),
        """
        judge        | basis       | measure         | n  | estimate | measured_on
        checklist f1 | with labels | bias            | 30 | 0.6      | 2026-01-03
        checklist f1 | with labels | quadratic_kappa | 30 | 0.5      | 2026-01-03
        checklist f1 | with labels | quadratic_kappa | 9  | 0.2      | 2026-01-02
        checklist f2 | with labels | quadratic_kappa | 9  | 0.9      | 2026-01-04
        """,
    )


@pytest.fixture
def tried(db: Database, fill: Fill) -> Database:
    """A judge that people compared, that was tried twice without labels, and another that was not."""
    fill(db, "base.judges", "fingerprint | snapshot\nf1 | 2026-01-05\nf2 | 2026-01-05")
    fill(
        db,
        "base.passports",
        """
        fingerprint | labels | probe      | measure         | subject   | n  | estimate | measured_at
        f1          | l1     | agreement  | quadratic_kappa | score     | 30 | 0.5      | 2026-01-03 01:00
        f1          | old    | evidence   | share_moved     | score     | 90 | 0.7      | 2026-01-01 01:00
        f1          | new    | evidence   | share_moved     | score     | 90 | 0.8      | 2026-01-02 01:00
        f1          | new    | evidence   | share_moved     | edit:bias | 9  | 0.6      | 2026-01-02 01:00
        f1          | new    | invariance | share_same      | heading   | 9  | 0.9      | 2026-01-02 01:00
        f1          | new    | sway       | mean_rise       | padding   | 9  | 0.1      | 2026-01-02 01:00
        f2          | l1     | agreement  | quadratic_kappa | score     | 30 | 0.4      | 2026-01-03 01:00
        """,
    )
    return db


def test_a_passport_has_the_newest_labels_and_the_newest_cards_that_were_edited(
    tried: Database, expect: Expect
) -> None:
    expect(
        frame(tried, "out/passport", fingerprint="f1"),
        """
        labels | probe      | subject   | estimate
        l1     | agreement  | score     | 0.5
        new    | evidence   | score     | 0.8
        new    | evidence   | edit:bias | 0.6
        new    | invariance | heading   | 0.9
        new    | sway       | padding   | 0.1
        """,
    )


def test_the_saved_query_shows_both_kinds_of_passport(tried: Database, expect: Expect) -> None:
    expect(
        tried.sql(statement("saved/passport")).pl(),
        """
        judge        | basis          | probe      | subject | estimate
        checklist f1 | with labels    | agreement  | score   | 0.5
        checklist f1 | without labels | evidence   | score   | 0.8
        checklist f1 | without labels | invariance | heading | 0.9
        checklist f1 | without labels | sway       | padding | 0.1
        checklist f1 | without labels | evidence   | score   | 0.7
        checklist f2 | with labels    | agreement  | score   | 0.4
        """,
    )


def test_a_judge_is_tried_once_without_labels(tried: Database) -> None:
    assert frame(tried, "pending/passport", fingerprint="f1").rows() == []
    assert frame(tried, "pending/passport", fingerprint="f2").rows() == [("f2", 0)]
    assert frame(tried, "pending/passport", fingerprint="unknown").rows() == []


def test_the_statements_name_the_probes_that_need_no_labels() -> None:
    probes = ", ".join(f"'{probe}'" for probe in LABEL_FREE_PROBES)
    assert f"probe in ({probes})" in statement("out/passport")
    assert f"probe in ({probes})" in statement("saved/passport")


def test_cards_to_edit_are_written_by_people_and_have_the_judges_level(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(panel, "base.texts", "card_hash | card_text\nh1 | by a person\nh2 | by a tool\nh3 | by another")
    fill(panel, "base.facts", "card_hash | is_generated\nh1 | false\nh2 | true\nh3 | false")
    key = {"snapshot": WEEK, "characters_max": 40}
    expect(
        frame(panel, "out/passport_texts", fingerprint="f1", **key),
        "card_hash | author | stratum\nh1 | ada | 4",
    )
    expect(
        frame(panel, "out/passport_texts", fingerprint="f2", **key),
        "card_hash | author | stratum\nh1 | ada | 3\nh3 | cid | 2",
    )
    by_length = frame(panel, "out/passport_texts", fingerprint="nobody", **key)
    expect(by_length, "card_hash | stratum\nh1 | 2\nh3 | 1")
    short = frame(panel, "out/passport_texts", fingerprint="f1", snapshot=WEEK, characters_max=5)
    assert short.is_empty()


# explanations


def test_a_quote_that_does_not_stand_in_the_card_is_not_shown(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.explanations",
        """
        card_hash | criterion | level | quote | is_verbatim | reason  | detail
        h1        | purpose   | 3     | words | true        |         |
        h1        | structure | 2     | lies  | false       |         |
        h2        | all       |       |       | false       | timeout | 600 s
        """,
    )
    expect(
        db.sql("from explanations order by criterion").pl(),
        "card_hash | criterion | level | quote\nh1 | purpose | 3 | words\nh1 | structure | 2 |",
    )


def test_an_explanation_that_failed_is_a_failure_of_its_models(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        panel,
        "base.explanations",
        "card_hash | fingerprint | criterion | reason | detail\nh1 | f1 | all | timeout | 600 s\n"
        "h1 | f0 | all | timeout | 600 s",
    )
    expect(
        panel.sql("select * from failures where stage = 'explain' order by subject").pl(),
        "subject | reason | detail\nada/a | timeout | 600 s\nada/copy | timeout | 600 s",
    )


def test_a_card_of_which_several_criteria_are_not_explained_fails_once(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        panel,
        "base.explanations",
        """
        card_hash | fingerprint | criterion | level | reason          | detail
        h1        | f1          | metadata  |       | repeats         | one sentence
        h1        | f1          | purpose   | 3     |                 |
        h1        | f1          | structure |       | not_in_the_card | a quote
        """,
    )
    expect(
        panel.sql("select * from failures where stage = 'explain' order by subject").pl(),
        "subject | reason | detail\nada/a | repeats | one sentence\nada/copy | repeats | one sentence",
    )


def explained(db: Database, fill: Fill, scores: dict[str, float]) -> None:
    """Models whose cards f1 has scored and explained, with one of the week before."""
    fill(db, "base.judges", "fingerprint | judge\nf1 | vllm:a")
    fill(db, "base.listing", "\n".join(["model_id | sha", *(f"ada/{m} | s1" for m in scores)]))
    fill(
        db,
        "base.reads",
        "\n".join(["model_id | sha | card_hash", *(f"ada/{m} | s1 | h-{m}" for m in scores)]),
    )
    fill(
        db,
        "base.verdicts",
        "\n".join(["card_hash | score", *(f"h-{m} | {score}" for m, score in scores.items())]),
    )
    rows = [f"h-{m} | {criterion} | 3" for m in scores for criterion in ("purpose", "structure")]
    fill(db, "base.explanations", "\n".join(["card_hash | criterion | level", *rows]))


def test_three_cards_are_shown_best_middle_and_worst(db: Database, fill: Fill, expect: Expect) -> None:
    explained(db, fill, {"a": 1.0, "b": 4.5, "c": 2.0, "d": 3.0, "e": 2.5})
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh-x | f1 | 5")
    expect(
        frame(db, "out/explanations", **KEY),
        """
        kind   | model_id | score | criterion
        best   | ada/b    | 4.5   | purpose
        best   | ada/b    | 4.5   | structure
        middle | ada/e    | 2.5   | purpose
        middle | ada/e    | 2.5   | structure
        worst  | ada/a    | 1     | purpose
        worst  | ada/a    | 1     | structure
        """,
    )


@pytest.mark.parametrize(
    ("scores", "kinds"), [({"a": 1.0}, ["best"]), ({"a": 1.0, "b": 2.0}, ["best", "worst"])]
)
def test_hardly_any_explained_cards_are_each_shown_once(
    db: Database, fill: Fill, scores: dict[str, float], kinds: list[str]
) -> None:
    explained(db, fill, scores)
    found = frame(db, "out/explanations", **KEY)
    assert found["kind"].unique(maintain_order=True).to_list() == kinds


def test_a_card_that_many_models_share_is_shown_for_the_most_downloaded(
    panel: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        panel,
        "base.explanations",
        "card_hash | fingerprint | criterion | level\nh1 | f1 | purpose | 4\nh1 | f2 | purpose | 1",
    )
    expect(
        frame(panel, "out/explanations", **KEY), "kind | model_id | score | level\nbest | ada/copy | 4 | 4"
    )


@pytest.mark.parametrize(
    "name",
    ["disagreements", "explanations", "judging", "other_judges", "passport", "passport_texts", "score_grid"],
)
def test_a_statement_about_judges_tells_its_grain(grain: Callable[[str], str], name: str) -> None:
    assert grain(f"out/{name}").startswith("One row")


def test_the_odds_of_checks_have_a_row_per_check_of_every_verdict_that_has_any(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.verdicts",
        """
        card_hash | judge     | fingerprint | score | passed       | log_odds
        h1        | vllm:a    | f1          | 3     | [own_words]  | {own_words=2, has_snippet=-20}
        h2        | vllm:a    | f1          | 1     | []           | {own_words=0, has_snippet=-1}
        h1        | checklist | f2          | 4     | [own_words]  | {}
        """,
    )
    found = db.sql(
        "select card_hash, check_id, log_odds, round(pass_probability, 6) as p, is_passed from check_odds order by all"
    ).pl()
    expect(
        found,
        """
        card_hash | check_id    | log_odds | p        | is_passed
        h1        | has_snippet | -20      | 0        | false
        h1        | own_words   | 2        | 0.880797 | true
        h2        | has_snippet | -1       | 0.268941 | false
        h2        | own_words   | 0        | 0.5      | false
        """,
    )
