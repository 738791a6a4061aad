"""Every statement of sql/out, with rows in and rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from tasks.storage.warehouse import frame, statement, statements

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection
Model = tuple[str, float | None, int | None, int | None]

WEEK = date(2026, 1, 5)
KEY = {"snapshot": WEEK, "fingerprint": "f1"}
# What these say is about several judges, or about one and its answers: test_judging.py has them.
OF_JUDGES = {
    *("disagreements", "explanations", "fitted", "judging", "other_judges", "passport", "passport_texts"),
    "score_grid",
}
# What these say is about several weeks, or about how a judge answers: test_gate.py has them, and gate_measures.
OF_WEEKS = {"canaries", "gate_before", "gate_judging", "gate_latest", "loss_reasons", "quarantined"}
# What these say is about edits and copies: test_edits.py has them.
OF_BOILERPLATE = {"boilerplate", "boilerplate_cards", "boilerplate_checks", "boilerplate_sample"}
OF_EDITS = {"edit_panel", "edit_panel_digest", "families", "family_digest", "family_texts"}

# What these say is about maps: test_mapping.py and test_atlas.py have them.
OF_MAPS = {
    "atlas_before",
    "atlas_digest",
    "atlas_embedder",
    "atlas_file",
    "atlas_fitted",
    "atlas_kinds_of",
    "atlas_lying",
}
OF_MAPS |= {"atlas_of", "atlas_page", "atlas_page_kinds", "atlas_page_points", "atlas_texts", "atlas_words"}
OF_MAPS |= {"kind_cards", "kind_models", "kind_numbers", "kind_stabilities", "kind_terms", "kinds_named"}
OF_MAPS |= {
    "close_names",
    "latest_atlas",
    "map_kinds",
    "model_names",
    "nearest_models",
    "placed_model",
    "texts_of",
    "unplaced_model",
}

# What these say is about one card and its surroundings: test_advice.py has them.
OF_ADVICE = {
    "author_cards",
    "card_of_model",
    "cards_of_models",
    "goes_with",
    "latest_snapshot",
    "model_history",
}
OF_ADVICE |= {"passed_checks", "peers"}


@pytest.fixture
def judged(db: Database, fill: Fill) -> Database:
    """A week that the judges f1 and f0 have judged, and an earlier one; only f1's of the later may count."""
    fill(
        db,
        "base.snapshots",
        "snapshot | selection | listed\n2026-01-05 | all models | 9\n2025-12-29 | all models | 9",
    )
    fill(
        db,
        "base.judges",
        "snapshot | fingerprint | judge\n2026-01-05 | f1 | checklist\n2025-12-29 | f1 | checklist",
    )
    fill(db, "base.judges", "snapshot | fingerprint | judge\n2026-01-05 | f0 | other")
    return db


@pytest.fixture
def small_hub(judged: Database, fill: Fill) -> Database:
    """One model of each fate."""
    fill(
        judged,
        "base.listing",
        """
        model_id   | downloads | likes | library_name | created_at | has_readme
        ada/good   | 1000      | 5     | transformers | 2026-01-01 | true
        ada/same   | 10        | 0     | transformers | 2025-01-05 | true
        bob/odd    | 10        | 0     |              |            | true
        bob/empty  |           | 0     |              |            | true
        bob/none   | 0         |       | gguf         |            | false
        broken     | 0         | 0     |              |            | true
        unread     | 0         | 0     |              |            | true
        """,
    )
    fill(judged, "base.listing", "snapshot | model_id | downloads\n2025-12-29 | ada/good | 7")
    fill(
        judged,
        "base.reads",
        """
        model_id  | status | card_hash | reason
        ada/good  | card   | h1        |
        ada/same  | card   | h1        |
        bob/odd   | card   | h2        |
        bob/empty | empty  | h0        |
        broken    | failed |           | gated
        """,
    )
    fill(judged, "base.texts", "card_hash | card_text\nh1 | # Good\nh2 | # Odd")
    fill(
        judged,
        "base.facts",
        """
        card_hash | facts_version | words | is_generated | template | sections
        h1        | 1             | 1     | true         | old      | [old]
        h1        | 2             | 120   | false        |          | [usage, license]
        h2        | 2             | 3     | true         | trainer  | []
        """,
    )
    fill(
        judged,
        "base.verdicts",
        """
        card_hash | fingerprint | score | reason    | detail
        h1        | f1          | 4.25  |           |
        h1        | f0          | 1     |           |
        h2        | f1          |       | off_scale | a score of 9
        """,
    )
    return judged


def test_every_statement_of_out_has_a_test_here_and_tells_its_grain(grain: Callable[[str], str]) -> None:
    asked = {name.removeprefix("out/") for name in statements("out")}
    tested = {
        "analysis_digest",
        "analysis_frame",
        "counts",
        "exemplars",
        "failures",
        "findings",
        "ingredients",
        "latest_judged",
        "provenance",
    }
    tested |= {"gate_measures", "scope", "score_histogram", "section_fill", "spearman", "strata"}
    assert asked - OF_JUDGES - OF_WEEKS - OF_EDITS - OF_MAPS - OF_BOILERPLATE - OF_ADVICE == tested
    assert all(grain(f"out/{name}").startswith("One row") for name in asked)


# analysis_frame and analysis_digest


def test_a_creation_time_that_is_the_last_modification_is_no_age(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        judged,
        "base.listing",
        """
        model_id | created_at          | last_modified
        ada/both | 2025-12-26 08:00:00 | 2025-12-26 08:00:00
        ada/old  | 2025-12-26 08:00:00 | 2025-12-26 08:00:01
        """,
    )
    expect(
        frame(judged, "out/analysis_frame", **KEY),
        "model_id | age_days\nada/both | \nada/old | 10",
    )


def test_the_analysis_frame_has_each_model_once_whatever_became_of_its_card(
    small_hub: Database, expect: Expect
) -> None:
    expect(
        frame(small_hub, "out/analysis_frame", **KEY),
        """
        model_id  | author | downloads | likes | score | card_status | model_format | age_days | words
        ada/good  | ada    | 1000      | 5     | 4.25  | card        | weights      | 4        | 120
        ada/same  | ada    | 10        | 0     | 4.25  | card        | weights      | 365      | 120
        bob/empty | bob    |           | 0     |       | empty       | weights      |          |
        bob/none  | bob    | 0         |       |       | none        | gguf         |          |
        bob/odd   | bob    | 10        | 0     |       | card        | weights      |          | 3
        broken    | broken | 0         | 0     |       | failed      | weights      |          |
        unread    | unread | 0         | 0     |       | pending     | weights      |          |
        """,
    )


@pytest.fixture
def labelled(judged: Database, fill: Fill) -> Database:
    """Texts of ada at two levels, one that bob uses too, one that nobody scored, and what people say of them."""
    fill(judged, "base.listing", "model_id\nada/a\nada/b\nada/c\nbob/a\nbob/d\nbob/e")
    fill(
        judged,
        "base.reads",
        "model_id | card_hash\nada/a | h1\nada/b | h2\nada/c | h3\nbob/a | h1\nbob/d | h4\nbob/e | h5",
    )
    fill(
        judged,
        "base.verdicts",
        """
        card_hash | fingerprint | score
        h1        | f1          | 3.4
        h2        | f1          | 2.5
        h3        | f1          | 4.6
        h4        | f1          | 3
        h1        | f0          | 1
        """,
    )
    fill(
        judged,
        "base.labels",
        """
        card_hash | subject | mark | labels | labelled_at
        h1        | score   | 2    | l1     | 2026-01-01 01:00
        h1        | score   | 4.5  | l2     | 2026-01-02 01:00
        h1        | purpose | 1    | l2     | 2026-01-03 01:00
        h3        | purpose | 5    | l1     | 2026-01-01 01:00
        h4        | score   | 3    | l1     | 2026-01-01 01:00
        gone      | score   | 5    | l1     | 2026-01-01 01:00
        """,
    )
    return judged


def test_a_label_stands_for_its_author_s_texts_at_its_level_and_the_last_counts(
    labelled: Database, expect: Expect
) -> None:
    expect(
        frame(labelled, "out/analysis_frame", **KEY),
        """
        model_id | label | label_level | label_weight
        ada/a    | 4.5   | 3           | 2
        ada/b    |       | 3           | 2
        ada/c    |       | 5           | 1
        bob/a    | 4.5   | 3           | 2
        bob/d    | 3     | 3           | 1
        bob/e    |       |             |
        """,
    )
    expect(
        labelled.sql("from labels order by card_hash, subject").pl(),
        """
        card_hash | subject | mark | labels
        gone      | score   | 5    | l1
        h1        | purpose | 1    | l2
        h1        | score   | 4.5  | l2
        h3        | purpose | 5    | l1
        h4        | score   | 3    | l1
        """,
    )


def test_the_levels_are_those_that_texts_to_label_are_drawn_from(labelled: Database) -> None:
    drawn = frame(labelled, "labels/sample_by_score", fingerprint="f1").sort("card_hash")
    levels = frame(labelled, "out/analysis_frame", **KEY).select("card_hash", "label_level").unique()
    assert drawn.select("card_hash", "stratum").rows() == levels.drop_nulls().sort("card_hash").rows()


def test_a_new_label_of_a_text_and_no_other_changes_the_digest(labelled: Database, fill: Fill) -> None:
    def digest() -> str:
        return str(frame(labelled, "out/analysis_digest", **KEY).item())

    before = digest()
    later = "card_hash | subject | mark | labels | labelled_at\n{} | {} | {} | l3 | 2026-01-09 01:00"
    fill(labelled, "base.labels", later.format("h1", "score", "4.5"))
    fill(labelled, "base.labels", later.format("h1", "purpose", "3"))
    fill(labelled, "base.labels", later.format("gone", "score", "2"))
    assert digest() == before
    fill(labelled, "base.labels", later.format("h2", "score", "2"))
    assert digest() != before


def test_facts_in_the_analysis_frame_are_of_the_newest_parser(small_hub: Database, expect: Expect) -> None:
    expect(
        frame(small_hub, "out/analysis_frame", **KEY).filter(pl.col("card_status") == "card"),
        """
        model_id | is_generated | template | sections
        ada/good | false        |          | [usage, license]
        ada/same | false        |          | [usage, license]
        bob/odd  | true         | trainer  | []
        """,
    )


@pytest.mark.parametrize(
    "change",
    [
        "update base.listing set likes = 6 where model_id = 'ada/good' and snapshot = '2026-01-05'",
        "update base.verdicts set score = 4.5 where card_hash = 'h1' and fingerprint = 'f1'",
        "insert into base.facts by name select * replace (3 as facts_version) from base.facts where card_hash = 'h2'",
        "insert into base.facts by name select * replace ('new' as boilerplate) from base.facts where card_hash = 'h2'",
    ],
)
def test_the_digest_changes_with_what_findings_are_estimated_from(small_hub: Database, change: str) -> None:
    before = frame(small_hub, "out/analysis_digest", **KEY).item()
    assert frame(small_hub, "out/analysis_digest", **KEY).item() == before
    small_hub.execute(change)
    assert frame(small_hub, "out/analysis_digest", **KEY).item() != before


def test_the_digest_does_not_change_with_another_week(small_hub: Database) -> None:
    before = frame(small_hub, "out/analysis_digest", **KEY).item()
    small_hub.execute("update base.listing set likes = 600 where snapshot = '2025-12-29'")
    assert frame(small_hub, "out/analysis_digest", **KEY).item() == before


# counts, failures, provenance, findings


def test_counts_add_up_to_the_models_listed(small_hub: Database, expect: Expect) -> None:
    counts = frame(small_hub, "out/counts", **KEY)
    expect(
        counts,
        """
        models | cards | empty | none | failed | pending | authors | distinct_texts | verdicts
        7      | 3     | 1     | 1    | 1      | 1       | 4       | 2              | 1
        """,
    )
    expect(counts, "scored_models | median_score | failures\n2 | 4.25 | 2")
    assert sum(counts.row(0, named=True)["failure_reasons"].values()) == 2


def test_names_that_were_requested_in_vain_are_listed(db: Database, fill: Fill) -> None:
    fill(
        db,
        "base.list_failures",
        "snapshot | subject | reason\n2026-01-05 | ada/oen | not_found\n2026-01-05 | x | malformed_row",
    )
    row = frame(db, "out/counts", snapshot=date(2026, 1, 5), fingerprint="f").row(0, named=True)
    assert (row["not_found"], row["failure_reasons"]) == (["ada/oen"], {"malformed_row": 1, "not_found": 1})


def test_counts_of_an_unjudged_week_are_zero_and_not_absent(db: Database, expect: Expect) -> None:
    expect(frame(db, "out/counts", **KEY), "models | cards | median_score | failures\n0 | 0 | | 0")


def test_failures_are_grouped_by_stage_and_reason_with_three_subjects(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.list_failures",
        """
        snapshot   | subject | reason    | detail
        2026-01-05 | m4      | gone      | not there
        2026-01-05 | m2      | gone      | not there
        2026-01-05 | m3      | gone      | moved
        2026-01-05 | m1      | gone      | not there
        2026-01-05 | page 3  | malformed | no id
        2025-12-29 | m9      | gone      | not there
        """,
    )
    expect(
        frame(db, "out/failures", snapshot=WEEK),
        """
        stage | reason    | n | subjects     | detail
        list  | gone      | 4 | [m1, m2, m3] | moved
        list  | malformed | 1 | [page 3]     | no id
        """,
    )


def test_a_model_that_two_judges_could_not_score_is_named_once(
    small_hub: Database, fill: Fill, expect: Expect
) -> None:
    fill(small_hub, "base.judges", "fingerprint | judge\nf2 | vllm")
    fill(
        small_hub,
        "base.verdicts",
        "card_hash | fingerprint | judge | reason | detail\nh2 | f2 | vllm | off_scale | a score of 0",
    )
    judged = frame(small_hub, "out/failures", snapshot=WEEK).filter(pl.col("stage") == "judge")
    expect(judged, "reason | n | subjects\noff_scale | 2 | [bob/odd]")


def test_provenance_is_of_one_week_and_one_judge(small_hub: Database, fill: Fill, expect: Expect) -> None:
    fill(small_hub, "base.judges", "fingerprint | judge\nf2 | vllm")
    expect(
        frame(small_hub, "out/provenance", **KEY),
        "snapshot | hub | selection | listed | fingerprint | judge\n"
        "2026-01-05 | https://hub.example | all models | 9 | f1 | checklist",
    )


def test_the_scope_is_the_selection_in_columns(db: Database, fill: Fill, expect: Expect) -> None:
    fill(
        db,
        "base.snapshots",
        """
        snapshot   | listed | top_n | top_by | sample_n | sample_seed | only_tags | has_private | private_left_out
        2026-01-05 | 9      | 5     | likes  |          |             |           | false       | 2
        2026-01-12 | 9      |       |        | 5        | 1           | [gguf]    | true        | 0
        """,
    )
    columns = (
        "listed | top_n | top_by | sample_n | sample_seed | named_n | only_tags | only_author | has_private | "
        "private_left_out\n"
    )
    expect(frame(db, "out/scope", snapshot=WEEK), columns + "9 | 5 | likes | | | | [] | | false | 2")
    expect(frame(db, "out/scope", snapshot="2026-01-12"), columns + "9 | | | 5 | 1 | | [gguf] | | true | 0")


def test_findings_come_back_in_a_fixed_order_and_of_one_judge_alone(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.findings",
        """
        fingerprint | question         | outcome   | predictor | stratum | estimator | n
        f1          | regression       | likes     | score     | all     | poisson   | 5
        f1          | rank_correlation | likes     | score     | all     | spearman  | 5
        f1          | rank_correlation | downloads | score     | all     | spearman  | 6
        f0          | rank_correlation | downloads | score     | all     | spearman  | 7
        """,
    )
    expect(
        frame(db, "out/findings", **KEY),
        """
        question         | outcome   | estimator | n
        rank_correlation | downloads | spearman  | 6
        rank_correlation | likes     | spearman  | 5
        regression       | likes     | poisson   | 5
        """,
    )


# score_histogram, section_fill, strata, exemplars


def scored_models(db: Database, fill: Fill, rows: Sequence[Model]) -> None:
    """Models with a card of their own each: name, score, downloads, likes."""

    def table(head: str, lines: list[str]) -> str:
        return "\n".join([head, *lines])

    def cell(value: object) -> str:
        return "" if value is None else str(value)

    listed = [f"{m} | {cell(downloads)} | {cell(likes)}" for m, _, downloads, likes in rows]
    fill(db, "base.listing", table("model_id | downloads | likes", listed))
    fill(db, "base.reads", table("model_id | card_hash | reason", [f"{m} | h-{m} | " for m, *_ in rows]))
    fill(db, "base.texts", table("card_hash | card_text", [f"h-{m} | # {m}" for m, *_ in rows]))
    verdicts = [f"h-{m} | {score} | |" for m, score, *_ in rows if score is not None]
    if verdicts:
        fill(db, "base.verdicts", table("card_hash | score | reason | detail", verdicts))


def test_the_histogram_has_every_bin_and_puts_a_five_in_the_last(judged: Database, fill: Fill) -> None:
    scores = [1.0, 1.24, 1.25, 4.75, 5.0, None]
    scored_models(judged, fill, [(f"m{i}", score, 0, 0) for i, score in enumerate(scores)])
    bins = frame(judged, "out/score_histogram", **KEY)
    assert bins["score_low"].to_list() == [1 + i / 4 for i in range(16)]
    assert bins["score_high"].to_list() == [1.25 + i / 4 for i in range(16)]
    assert bins["n"].to_list() == [2, 1, *[0] * 13, 2]


def test_models_with_as_many_downloads_are_in_one_tier(judged: Database, fill: Fill, expect: Expect) -> None:
    # Of 20 models two are the most downloaded: 10 %. The next three share 50 downloads, and the rest has none.
    downloads = [900, 800, 50, 50, 50, *[0] * 15]
    scored_models(judged, fill, [(f"m{i:02}", 3.0, d, 0) for i, d in enumerate(downloads)])
    facts = [f"h-m{i:02} | {'[usage]' if i in (0, 2, 19) else '[]'}" for i in range(20)]
    fill(judged, "base.facts", "\n".join(["card_hash | sections", *facts]))
    expected = """
        tier      | section | n  | n_filled | fill_share
        next 9 %  | usage   | 2  | 1        | 0.5
        next 40 % | usage   | 3  | 1        | 0.333333
        the rest  | usage   | 15 | 1        | 0.0666667
        """
    expect(frame(judged, "out/section_fill", snapshot=WEEK), expected)
    # Which of the tied models comes first by name must not matter.
    judged.execute("update base.listing set downloads = 50 where model_id = 'm19'")
    judged.execute("update base.listing set downloads = 0 where model_id = 'm02'")
    expect(frame(judged, "out/section_fill", snapshot=WEEK), expected)


def test_a_tie_across_a_border_falls_to_the_lower_tier(judged: Database, fill: Fill, expect: Expect) -> None:
    # Four models share the first place of ten: more than a tenth, so none of them is in the first tenth.
    scored_models(judged, fill, [(f"m{i}", 3.0, 9 if i < 4 else 0, 0) for i in range(10)])
    fill(judged, "base.facts", "\n".join(["card_hash | sections", *(f"h-m{i} | [usage]" for i in range(10))]))
    expect(
        frame(judged, "out/section_fill", snapshot=WEEK),
        """
        tier      | n
        next 40 % | 4
        the rest  | 6
        """,
    )


def test_models_of_unknown_downloads_are_in_no_tier(judged: Database, fill: Fill, expect: Expect) -> None:
    scored_models(judged, fill, [("known", 3.0, 0, 0), ("unknown", 3.0, None, 0)])
    fill(judged, "base.facts", "card_hash | sections\nh-known | [usage]\nh-unknown | [usage]")
    expect(frame(judged, "out/section_fill", snapshot=WEEK), "tier | n\nthe rest | 1")


def test_a_library_or_format_is_a_stratum_from_thirty_models_on(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    lines = [
        f"m{i:02} | {'spacy' if i < 29 else ''} | {i} | {'' if i == 0 else int(i > 54)}" for i in range(59)
    ]
    fill(judged, "base.listing", "\n".join(["model_id | library_name | downloads | likes", *lines]))
    fill(
        judged,
        "base.reads",
        "model_id | status | card_hash\nm30 | card | h1\nm31 | card | h2\nm32 | card | h3",
    )
    fill(judged, "base.reads", "model_id | status\nm33 | empty\nm34 | failed")
    fill(judged, "base.verdicts", "card_hash | score | reason | detail\nh1 | 2 | |\nh2 | 4 | |")
    expect(
        frame(judged, "out/strata", **KEY),
        """
        dimension | stratum | models | scored | median_score | cardless_share | median_downloads | liked_share
        format    | weights | 59     | 2      | 3            | 0.25           | 29               | 0.0689655
        library   | (none)  | 30     | 2      | 3            | 0.25           | 43.5             | 0.133333
        """,
    )


def test_a_stratum_of_which_nothing_is_known_has_no_shares(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    fill(judged, "base.listing", "\n".join(["model_id", *(f"m{i}" for i in range(30))]))
    expect(
        frame(judged, "out/strata", **KEY).filter(pl.col("dimension") == "library"),
        "models | scored | median_score | cardless_share | median_downloads | liked_share\n30 | 0 | | | |",
    )


def test_exemplars_are_of_different_authors_and_different_cards(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    models = [
        ("ada/best", 5.0, 0, 0),
        ("ada/second", 4.9, 0, 0),
        ("bob/third", 4.8, 0, 0),
        ("cid/copy", 5.0, 0, 0),
    ]
    scored_models(judged, fill, [*models, ("dan/liked", 5.0, 0, 1), ("eve/busy", 5.0, 900, 0)])
    judged.execute("update base.reads set card_hash = 'h-ada/best' where model_id = 'cid/copy'")
    expect(
        frame(judged, "out/exemplars", **KEY),
        """
        kind                       | place | model_id  | score
        well documented, unnoticed | 1     | ada/best  | 5
        well documented, unnoticed | 2     | bob/third | 4.8
        """,
    )


def test_a_popular_model_is_undocumented_without_a_card_not_without_a_score(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    crowd = [(f"z{i:02}", 3.0, 1, 1) for i in range(36)]
    scored_models(
        judged,
        fill,
        [*crowd, ("ada/poor", 1.5, 900, 9), ("bob/odd", None, 950, 9), ("cid/shy", 1.0, None, 9)],
    )
    fill(judged, "base.verdicts", "card_hash | reason | detail\nh-bob/odd | off_scale | a score of 9")
    fill(judged, "base.listing", "model_id | downloads | likes | has_readme\ndan/bare | 999 | 9 | false")
    expect(
        frame(judged, "out/exemplars", **KEY),
        """
        kind                  | place | model_id | score | card_status
        popular, undocumented | 1     | dan/bare |       | none
        popular, undocumented | 2     | ada/poor | 1.5   | card
        """,
    )


def test_there_are_ten_exemplars_a_kind_at_the_most(judged: Database, fill: Fill) -> None:
    scored_models(judged, fill, [(f"a{i}/m", 4.0, 0, 0) for i in range(15)])
    found = frame(judged, "out/exemplars", **KEY)
    assert found["place"].to_list() == list(range(1, 11))
    assert found["model_id"].to_list() == sorted(f"a{i}/m" for i in range(15))[:10]


# spearman


def test_spearman_in_sql_is_scipys_with_ties_and_unknown_values(judged: Database, fill: Fill) -> None:
    rng = np.random.default_rng(20)
    scores = np.round(rng.uniform(1, 5, 150), 1)
    downloads = np.floor(np.exp(scores + rng.normal(size=150)))
    likes = np.where(rng.uniform(size=150) < 0.85, 0, rng.geometric(0.5, size=150))
    rows: list[Model] = [
        (f"m{i:03}", float(s), int(d), int(k))
        for i, (s, d, k) in enumerate(zip(scores, downloads, likes, strict=True))
    ]
    rows += [("unknown", 5.0, None, 0), ("unscored", None, 9, 9)]
    scored_models(judged, fill, rows)
    found = {o: (n, r) for o, n, r in frame(judged, "out/spearman", **KEY).iter_rows()}
    assert {outcome: n for outcome, (n, _) in found.items()} == {"downloads": 150, "likes": 151}
    expected = stats.spearmanr(scores, downloads).statistic
    assert found["downloads"][1] == pytest.approx(expected, abs=1e-9)
    expected = stats.spearmanr(np.append(scores, 5), np.append(likes, 0)).statistic
    assert found["likes"][1] == pytest.approx(expected, abs=1e-9)


def test_spearman_in_sql_is_null_where_nothing_varies(judged: Database, fill: Fill, expect: Expect) -> None:
    scored_models(judged, fill, [("m1", 2.0, 1, 0), ("m2", 3.0, 2, 0), ("m3", 4.0, 9, 0)])
    expect(
        frame(judged, "out/spearman", **KEY),
        """
        outcome   | n | spearman
        downloads | 3 | 1
        likes     | 3 |
        """,
    )


# latest_judged


def test_the_latest_judged_snapshot_has_its_newest_judge(db: Database, fill: Fill, expect: Expect) -> None:
    assert frame(db, "out/latest_judged").is_empty()
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge     | judged_at
        2026-01-05 | f1          | checklist | 2026-01-05 01:00
        2026-01-05 | f2          | checklist | 2026-01-05 02:00
        2025-12-29 | f3          | checklist | 2026-01-05 03:00
        """,
    )
    expect(frame(db, "out/latest_judged"), "snapshot | fingerprint\n2026-01-05 | f2")


# All of them


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in statements("out")
        if name.removeprefix("out/")
        not in OF_JUDGES
        | OF_WEEKS
        | OF_EDITS
        | OF_MAPS
        | OF_BOILERPLATE
        | OF_ADVICE
        | {"findings", "latest_judged"}
    ],
)
def test_neither_another_week_nor_another_judge_leaks_in(judged: Database, fill: Fill, name: str) -> None:
    models: list[Model] = [(f"a{i}/m", 1 + i / 10, i // 3, i % 4) for i in range(40)]
    scored_models(judged, fill, [*models, ("poor/m", 1.0, 99, 0), ("good/m", 5.0, 0, 0)])
    fill(judged, "base.list_failures", "subject | reason\nx | gone")
    fill(judged, "base.facts", "\n".join(["card_hash | sections", *(f"h-{m} | [usage]" for m, *_ in models)]))
    asked = {
        key: value for key, value in KEY.items() if key == "snapshot" or "$fingerprint" in statement(name)
    }
    before = frame(judged, name, **asked)
    assert before.height
    fill(
        judged,
        "base.verdicts",
        "\n".join(["card_hash | fingerprint | score", *(f"h-{m} | f0 | 3" for m, *_ in models)]),
    )
    judged.execute("update base.verdicts set reason = null, detail = null where fingerprint = 'f0'")
    judged.execute(
        "insert into base.listing by name "
        "select * replace (date '2025-12-29' as snapshot, 7 as downloads) from base.listing"
    )
    fill(judged, "base.list_failures", "snapshot | subject | reason\n2025-12-29 | y | gone")
    assert_frame_equal(frame(judged, name, **asked), before)  # but for the order in which DuckDB adds up


# ingredients


@pytest.fixture
def kitchen(judged: Database, fill: Fill) -> Database:
    """A model with a conversion by its own author, another by somebody else, and a model tuned from it."""
    fill(
        judged,
        "base.listing",
        """
        model_id      | tags                             | library_name | pipeline_tag | base_models        | has_readme
        ada/base      | [pytorch, region:us, has_space]  | transformers | fill-mask    | []                 | true
        ada/base-GGUF | [gguf]                           |              |              | [ada/base]         | false
        bob/base-awq  | [awq]                            |              |              | [ada/base, gone/x] | false
        bob/tuned     | [pytorch]                        |              |              | [ada/base]         | true
        """,
    )
    fill(
        judged,
        "base.listing",
        "snapshot | model_id | base_models\n2025-12-29 | eve/base-GGUF | [ada/base]",
    )
    fill(judged, "base.reads", "model_id | card_hash\nada/base | h1\nbob/tuned | h2")
    space = "try it: https://huggingface.co/spaces/ada/base"
    fill(judged, "base.texts", f"card_hash | card_text\nh1 | {space}\nh2 | see train.ipynb")
    fill(judged, "base.facts", "card_hash | metadata_keys\nh1 | [license, tags, widget]\nh2 | []")
    fill(
        judged,
        "base.verdicts",
        """
        card_hash | fingerprint | score | passed            | levels
        h1        | f1          | 4     | [snippet, origin] | {purpose=4.5, data=2}
        h1        | f0          | 2     | []                | {purpose=1}
        h2        | f1          | 2     | []                | {purpose=1}
        """,
    )
    return judged


def test_ingredients_are_what_the_card_of_a_scored_model_holds(kitchen: Database, expect: Expect) -> None:
    expect(
        frame(kitchen, "out/ingredients", **KEY),
        """
        model_id  | passed            | criteria        | levels   | tags | metadata_share | has_space | has_notebook
        ada/base  | [snippet, origin] | [purpose, data] | [4.5, 2] | 1    | 0.5            | true      | false
        bob/tuned | []                | [purpose]       | [1]      | 1    | 0.125          | false     | true
        """,
    )


def test_conversions_are_counted_by_format_and_a_model_tuned_further_is_none(
    kitchen: Database, expect: Expect
) -> None:
    expect(
        frame(kitchen, "out/ingredients", **KEY),
        """
        model_id  | gguf_conversions | quantised_conversions | onnx_conversions | own_conversions
        ada/base  | 1                | 1                     | 0                | 1
        bob/tuned | 0                | 0                     | 0                | 0
        """,
    )


def test_a_new_tag_or_conversion_changes_the_digest(kitchen: Database) -> None:
    digests = [frame(kitchen, "out/analysis_digest", **KEY).item()]
    for change in ("tags = ['a']", "base_models = []"):
        kitchen.execute(f"update base.listing set {change} where model_id = 'bob/base-awq'")  # noqa: S608
        digests.append(frame(kitchen, "out/analysis_digest", **KEY).item())
    assert len(set(digests)) == 3
