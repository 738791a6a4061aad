"""How sure a finding is: who moves it, by every choice, step by step, and the questions of a sceptic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from tasks.records import Finding
from tasks.report import figures
from tasks.report.data import ReportData, read_report_data
from tasks.sentences.estimates import reading, reading_without
from tasks.sentences.findings import beside_headline, headline, sentence
from tasks.sentences.robustness import doubts_of, steps_sentence
from tasks.storage.warehouse import frame

Make = Callable[..., Finding]
HELD: dict[str, Any] = {
    "influential_author": "ada",
    "estimate_without": 0.2,
    "ci_low_without": 0.1,
    "ci_high_without": 0.3,
}
LOST: dict[str, Any] = {**HELD, "estimate_without": 0.05, "ci_low_without": -0.1}


@pytest.fixture
def data(invented_warehouse: Callable[..., duckdb.DuckDBPyConnection], finding: Make) -> ReportData:
    db = invented_warehouse(200, findings=[finding()])
    (latest,) = frame(db, "out/latest_judged").to_dicts()
    return read_report_data(db, **latest)


def test_a_clear_answer_must_stay_clear_without_its_most_influential_author(finding: Make) -> None:
    assert reading(finding(**HELD)) == "more"
    assert reading(finding(**LOST)) == "one_author"
    assert reading(finding(**{**HELD, "estimate_without": None})) == "one_author"
    assert reading(finding(**{**HELD, "ci_low_without": None})) == "one_author"
    assert reading(finding(estimate=-0.2, ci_low=-0.3, ci_high=-0.1, **HELD)) == "one_author"


def test_who_it_hangs_on_is_named_in_the_sentence_and_cannot_break_it(finding: Make) -> None:
    text = sentence(finding(**LOST | {"influential_author": "a\x1b[31mda\n" + "x" * 300}))
    assert "hangs on one author" in text
    assert "0.05, −0.10 to 0.30, without a" in text
    assert "\x1b" not in text
    assert "\n" not in text
    assert len(text) < 400


def test_what_one_author_hides_is_said_too(finding: Make) -> None:
    hidden = finding(ci_low=-0.1, **HELD)
    assert (reading(hidden), reading_without(hidden)) == ("unclear", "more")
    assert "no clear association" in sentence(hidden)
    assert "0.20, 0.10 to 0.30, without ada" in sentence(hidden)


def per_author(finding: Make, **fields: Any) -> Finding:
    return finding(estimator="spearman_per_author", **fields)


def test_the_headline_weighs_authors_and_says_so_and_the_others_stand_beside_it(finding: Make) -> None:
    models = [finding(**LOST), finding(outcome="likes", **HELD)]
    authors = [per_author(finding), per_author(finding, outcome="likes")]
    within = finding(estimator="spearman_within_author", estimate=0.1, ci_low=0.05, ci_high=0.15)
    size = finding(
        question="regression_controlled",
        outcome="log1p_likes",
        estimator="huber",
        estimate=0.3,
        ci_low=0.2,
        ci_high=0.4,
    )
    found = [*models, *authors, within, size]
    assert "each author weighing one so that none decides" in headline(found)
    each, same, typical = beside_headline(found)
    assert each.startswith("Each model weighing one")
    assert "without ada" in each
    assert same.startswith("Among models of the same author")
    assert "all else equal".casefold() in typical.casefold()
    assert "Huber regression" in typical
    assert "weighing one" not in headline(models)


def test_where_every_model_is_its_own_author_nothing_is_said_of_weights(finding: Make) -> None:
    assert "weighing" not in headline([per_author(finding, n=400, n_clusters=400)])


def asked(finding: Make) -> list[Finding]:
    return [
        finding(),
        finding(
            question="partial_rank_correlation", estimator="spearman_given_words", estimate=0.1, ci_low=0.02
        ),
        per_author(finding, question="negative_control", predictor="name_length", ci_low=-0.2),
        finding(
            question="robustness",
            estimator="robustness_value",
            estimate=0.2,
            ci_low=0.15,
            ci_high=None,
            p=None,
        ),
        finding(question="left_out", stratum="status=none", predictor="left_out", estimator="cliffs_delta"),
    ]


def test_a_sceptics_questions_are_answered_by_the_findings_that_there_are(finding: Make) -> None:
    texts = doubts_of(asked(finding), "downloads")
    assert [text.partition("?")[0] for text in texts] == [
        "Is it the length of the card",
        "Would the method find what is not there",
        "Could a hidden cause explain it",
        "Who is left out",
    ]
    assert "nothing is found for it" in texts[1]
    assert "explain 20" in texts[2]
    assert "have more downloads than scored ones" in texts[3]
    assert doubts_of(asked(finding), "likes") == []
    found = [*asked(finding)[:2], per_author(finding, question="negative_control", predictor="name_length")]
    assert "something is found for it" in doubts_of(found, "downloads")[1]


def steps(finding: Make, *ranks: float) -> list[Finding]:
    return [
        finding(
            question="dose_response",
            estimator="mean_rank",
            stratum=f"score={1 + at / 2:g} to {1.5 + at / 2:g}",
            estimate=rank,
            ci_low=rank - 0.03,
            ci_high=rank + 0.03,
            p=None,
        )
        for at, rank in enumerate(ranks)
    ]


@pytest.mark.parametrize(
    ("ranks", "end"),
    [
        ((0.3, 0.5, 0.7), "(0.70)."),
        ((0.3, 0.7, 0.5), "above that they are lower."),
        ((0.3, 0.7, 0.68), "is not clear."),
    ],
)
def test_popularity_may_fall_where_the_score_is_highest(
    ranks: tuple[float, ...], end: str, finding: Make
) -> None:
    text = steps_sentence(steps(finding, *ranks), "downloads")
    assert text is not None
    assert text.startswith("Downloads are lowest at scores of 1 to 1.5 (mean rank 0.30)")
    assert text.endswith(end)


def test_the_steps_and_the_choices_are_drawn_and_tabled(data: ReportData, finding: Make) -> None:
    stepped = figures.robustness.dose_response(replace(data, findings=tuple(steps(finding, 0.3, 0.5, 0.7))))
    assert stepped
    assert stepped.spec
    assert sorted(row["estimate"] for row in max(stepped.spec["datasets"].values(), key=len)) == [
        0.3,
        0.5,
        0.7,
    ]
    choices = (
        finding(),
        finding(stratum="without_outliers", **LOST),
        per_author(finding, estimate=0.3),
        finding(estimator="kendall"),
    )
    chosen = figures.robustness.specification_curve(replace(data, findings=choices), "downloads")
    assert chosen
    assert chosen.spec
    rows = max(chosen.spec["datasets"].values(), key=len)
    assert [row["estimate"] for row in rows] == [0.21, 0.21, 0.3]
    assert "2 give a clear positive answer, 0 a clear negative one, 1 hang on one author" in chosen.summary
    assert figures.robustness.specification_curve(replace(data, findings=choices[:1]), "downloads") is None
    assert figures.robustness.dose_response(replace(data, findings=())) is None
