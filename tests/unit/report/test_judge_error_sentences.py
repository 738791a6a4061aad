"""What the page and the terminal say of the judge's error: both figures, and no more than the interval holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import duckdb
import pytest

from flows.cli.analyse import print_findings
from tasks.records import Finding
from tasks.report import figures
from tasks.report.data import read_report_data
from tasks.report.page import render_report
from tasks.sentences.findings import as_people_score, sentence
from tasks.sentences.words import flag_words

MakeFinding = Callable[..., Finding]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def asked(finding: MakeFinding) -> list[Finding]:
    """Every row of the question: of all models by both scores, and of a hundred and twenty labelled ones."""
    kinds = [("score", "all", 0.3, 1000), ("label", "all", 0.2, 1000), ("label", "labelled", 0.25, 120)]
    plan = [("spearman", ""), ("huber", "log1p_"), ("poisson", "")]
    return [
        finding(
            question="judge_error",
            outcome=prefix + outcome,
            predictor=predictor,
            stratum=stratum,
            estimator=estimator,
            estimate=estimate,
            ci_low=estimate - 0.1,
            ci_high=estimate + 0.1,
            n=n,
        )
        for (estimator, prefix), outcome, (predictor, stratum, estimate, n) in product(
            plan, ("downloads", "likes"), kinds
        )
    ]


def changed(asked: list[Finding], **fields: object) -> list[Finding]:
    """With other values in the corrected rows."""
    return [
        replace(row, **fields) if (row.predictor, row.stratum) == ("label", "all") else row  # type: ignore[arg-type]
        for row in asked
    ]


def test_both_correlations_are_told_with_their_intervals(asked: list[Finding]) -> None:
    told = as_people_score(asked, "likes")
    assert told is not None
    assert "with the judge’s score is 0.30" in told
    assert "estimated from labels of 120 models, 0.20" in told
    assert "no clear" not in told
    assert as_people_score(asked, "stars") is None


def test_an_association_that_the_correction_takes_back_is_said_to_be_unclear(asked: list[Finding]) -> None:
    told = as_people_score(changed(asked, ci_low=-0.1), "likes")
    assert told is not None
    assert told.endswith("With people’s score there is no clear association.")


def test_without_an_interval_there_is_no_correction(asked: list[Finding]) -> None:
    told = as_people_score(changed(asked, ci_low=None, ci_high=None, flags=["few_labels"]), "likes")
    assert told is not None
    assert told.startswith("Labels of 120 models are too few to correct likes")
    assert "Fewer than a hundred texts are labelled" in told
    assert "0.2" not in told


def test_the_warnings_of_labels_are_sentences(asked: list[Finding]) -> None:
    assert flag_words("unlabelled_level:5").startswith("Nobody labelled a card of level 5")
    assert "a higher score by people goes with" in sentence(asked[1])
    assert "that people labelled" in sentence(asked[2])


def test_the_page_draws_slopes_by_who_scores_and_is_silent_without_labels(
    asked: list[Finding], invented_warehouse: Warehouse
) -> None:
    key = {"snapshot": asked[0].snapshot, "fingerprint": asked[0].fingerprint}
    data = read_report_data(invented_warehouse(40, findings=asked), **key)  # type: ignore[arg-type]
    figure = figures.judge_error(data)
    assert figure is not None
    assert figure.spec is not None
    for words in ("as the judge scores", "as people would, all models", "people, labelled models alone"):
        assert words in str(figure.spec)
    assert "Spearman" not in str(figure.spec["datasets"])
    assert figure.title in render_report(data)
    assert figures.judge_error(replace(data, findings=())) is None


def test_the_command_tells_whose_score_each_row_is_of(
    asked: list[Finding], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    print_findings(asked, as_json=False)
    told = " ".join(capsys.readouterr().out.split())  # a sentence may be wrapped
    assert "all models, Poisson regression, score" in told
    assert "all models, Poisson regression, label" in told
    assert "estimated from labels of 120 models" in told
