"""One author who has a third of a made-up Hub: it decides a naive interval, and ours says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from tasks.demo.corpus import LAST_SNAPSHOT, make_plan
from tasks.findings.find import find
from tasks.findings.study import Study
from tasks.records import Finding
from tasks.sentences.estimates import reading
from tasks.sentences.findings import headline

STUDY = Study("documentation", ("downloads",), subject="model_id", cluster="author")


def hub(dominant: float) -> tuple[pl.DataFrame, str]:
    """The models of a made-up Hub of 1,000 in its last week, and the author who dominates it, if any does."""
    plan = make_plan(1000, 1, 7, LAST_SNAPSHOT, dominant)
    rows = pl.DataFrame(
        {
            "model_id": [model.model_id for model in plan.roster],
            "author": [model.author.name for model in plan.roster],
            "documentation": [model.documentation for model in plan.roster],
            "downloads": plan.fate.downloads.window[:, -1],
        }
    )
    most = rows["author"].value_counts(sort=True)["author"][0]
    return rows, str(most)


def answers(rows: pl.DataFrame, study: Study = STUDY) -> dict[str, Finding]:
    found = find(rows, study, snapshot=date(2026, 11, 16), judge="truth", fingerprint="truth")
    return {f.estimator: f for f in found if f.question == "rank_correlation" and f.stratum == "all"}


@pytest.fixture(scope="module")
def dominated() -> tuple[pl.DataFrame, str]:
    return hub(0.35)


def test_without_a_dominant_author_documentation_goes_with_downloads() -> None:
    rows, _ = hub(0.0)
    assert reading(answers(rows)["spearman_per_author"]) == "more"


def test_a_dominant_author_fools_an_interval_that_does_not_know_authors(
    dominated: tuple[pl.DataFrame, str],
) -> None:
    rows, most = dominated
    assert (rows["author"] == most).mean() == pytest.approx(0.35, abs=0.05)
    naive = answers(rows, replace(STUDY, cluster=None))["spearman"]
    assert reading(naive) == "less"
    assert naive.p is not None
    assert naive.p < 1e-3


def test_ours_gives_no_verdict_and_names_the_author(dominated: tuple[pl.DataFrame, str]) -> None:
    rows, most = dominated
    found = answers(rows)
    assert reading(found["spearman"]) in ("unsettled", "unclear", "one_author")
    assert found["spearman"].influential_author == most
    assert found["spearman"].effective_authors is not None
    assert found["spearman"].effective_authors < 15
    # Of the others alone, and where each author weighs one, it is what was planted.
    assert found["spearman"].ci_low_without is not None
    assert found["spearman"].ci_low_without > 0
    assert reading(found["spearman_per_author"]) == "more"


def test_the_headline_is_the_same_with_and_without_the_dominant_author(
    dominated: tuple[pl.DataFrame, str],
) -> None:
    for rows in (dominated[0], hub(0.0)[0]):
        found = [replace(f, predictor="score") for f in answers(rows).values()]
        text = headline(found)
        assert "tend to have more downloads" in text
        assert "each author weighing one" in text


def test_the_dominant_author_changes_nothing_else_of_the_hub() -> None:
    plain, dominated = (make_plan(300, 1, 7, LAST_SNAPSHOT, share) for share in (0.0, 0.35))
    names = pl.Series("author", [model.author.name for model in dominated.roster])
    owned = names == names.value_counts(sort=True)["author"][0]
    assert 0.2 < owned.mean() < 0.5
    for one, other, is_owned in zip(plain.roster, dominated.roster, owned, strict=True):
        assert one.archetype == other.archetype
        assert is_owned or one.documentation == other.documentation
