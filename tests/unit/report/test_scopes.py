"""What the selection of a snapshot makes of its sentences: named where it matters, and a warning where it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import duckdb
import pytest
import vl_convert

from tasks.findings.selected import flag_selected
from tasks.records import Finding, Scope, Selection
from tasks.report import page
from tasks.report.data import read_report_data
from tasks.report.page import render_report
from tasks.sentences.findings import headline, sentence
from tasks.sentences.numbers import MINUS, NARROW
from tasks.sentences.scopes import counted_of, sample_hint, scope_words, scored_of, selection_warning
from tasks.storage.warehouse import frame

Make = Callable[..., Finding]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]

TOP = Selection(3000).scope(3000)
LIKED = Selection(3000, "likes").scope(3000)
SAMPLE = Selection(sample=3000).scope(2_900_000)
WHOLE = Selection().scope(1000)


def words(text: str) -> str:
    """The text with ordinary spaces and signs, for comparing."""
    return text.replace(NARROW, " ").replace(MINUS, "-")


@pytest.mark.parametrize(
    ("scope", "named", "counted"),
    [
        (TOP, "the 3,000 most downloaded models", "2,403 of the 3,000 most downloaded models"),
        (LIKED, "the 3,000 most liked models", "2,403 of the 3,000 most liked models"),
        (SAMPLE, "a random sample of 3,000 models of the Hub", "2,403 of a random sample of 3,000 models of the Hub"),
        (WHOLE, "all models", "2,403 models"),
        (Selection(3000).scope(2500), "all models", "2,403 models"),
        (Selection(sample=3000).scope(2500), "all models", "2,403 models"),
        (Selection(author="ada").scope(9), "all models of ada", "2,403 models of ada"),
        (Selection(9, "created").scope(9), "the 9 newest models", "2,403 of the 9 newest models"),
        (Selection(9, "trending").scope(9), "the 9 models that trend most", "2,403 of the 9 models that trend most"),
        (
            Selection(9, "likes", ("gguf", "de"), "ada").scope(9),
            "the 9 most liked models with the tags gguf and de of ada",
            "2,403 of the 9 most liked models with the tags gguf and de of ada",
        ),
        (
            Selection(sample=9, filters=("gguf",)).scope(90),
            "a random sample of 9 models with the tag gguf",
            "2,403 of a random sample of 9 models with the tag gguf",
        ),
        (Selection(models=("a/b", "c/d")).scope(2), "2 named models", "2,403 of 2 named models"),
    ],
)  # fmt: skip
def test_a_selection_is_named_in_words(scope: Scope, named: str, counted: str) -> None:
    assert words(scope_words(scope)) == named
    assert words(counted_of(2403, scope)) == counted


def test_of_all_models_the_headline_names_all_that_have_a_score() -> None:
    assert words(scored_of(943, WHOLE)) == "all 943 models with a score"
    assert words(scored_of(943, TOP)) == "943 of the 3,000 most downloaded models"
    assert words(scored_of(943, None)) == "943 models"


def test_the_headline_is_about_the_outcome_that_did_not_select_the_models(finding: Make) -> None:
    likes = finding(outcome="likes", estimate=0.3, ci_low=0.2, ci_high=0.4)
    assert words(headline([finding(), likes], TOP)) == (
        "Models whose card scores higher on the checklist tend to have more likes "
        "(weak to moderate: Spearman ρ 0.30, 95 % interval 0.20 to 0.40), among 1,000 of the 3,000 most downloaded "
        "models. They were selected by downloads, so the association with downloads among them "
        "(Spearman ρ 0.21, 95 % interval 0.15 to 0.27) says little about models in general."
    )
    by_likes = words(headline([finding(), likes], LIKED))
    assert "tend to have more downloads" in by_likes
    assert "tend to have more likes" not in by_likes


def test_the_headline_of_a_sample_is_about_both_outcomes(finding: Make) -> None:
    likes = finding(outcome="likes", estimate=0.01, ci_low=-0.05, ci_high=0.07)
    told = words(headline([finding(), likes], SAMPLE))
    assert told.endswith(", among 1,000 of a random sample of 3,000 models of the Hub.")
    assert "more downloads" in told
    assert "with likes" in told
    assert words(headline([finding(), likes], WHOLE)).endswith(", among all 1,000 models with a score.")


def test_a_headline_without_the_other_outcome_claims_nothing(finding: Make) -> None:
    assert headline([finding()], TOP).startswith("There are too few scored cards")


def test_sentences_name_the_selection_and_warn_of_a_selected_outcome(finding: Make) -> None:
    (flagged,) = flag_selected([finding()], TOP.selected_on)
    told = words(sentence(flagged, TOP))
    assert told.startswith("Among 1,000 of the 3,000 most downloaded models, a higher score goes with")
    assert told.endswith(
        "The models were selected by this outcome, so this says little about models in general."
    )
    share = finding(question="documentation", estimator="share", outcome="is_generated", stratum="tier=all")
    assert "cards of the 3,000 most downloaded models" in words(sentence(share, TOP))
    assert "cards of all models" in sentence(share, WHOLE)
    tier = words(sentence(replace(share, stratum="tier=top 1 %"), TOP))
    assert "the top 1 % of the 3,000 most downloaded models by downloads" in tier


@pytest.mark.parametrize(
    ("scope", "outcome"), [(TOP, "downloads"), (LIKED, "likes"), (SAMPLE, None), (WHOLE, None)]
)
def test_only_a_selection_by_an_outcome_is_warned_of(scope: Scope, outcome: str | None) -> None:
    warning = selection_warning(scope)
    if outcome is None:
        assert warning is None
    else:
        assert warning is not None
        assert warning[0] == f"Selected by {outcome}."
        assert f"little about what goes with {outcome} (range restriction)" in warning[1]


def test_a_command_hints_at_a_sample_in_one_line() -> None:
    hint = sample_hint(Selection(3000))
    assert hint is not None
    assert "`--sample 3000`" in hint
    assert "\n" not in hint
    others = [Selection(), Selection(sample=9), Selection(9, "created"), Selection(models=("a/b",))]
    assert [sample_hint(selection) for selection in others] == [None] * 4


@pytest.fixture(scope="module", autouse=True)
def short_script() -> Iterator[None]:
    """A word in the place of Vega, whose 0.9 MB take long to bundle and to parse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "window.vegaEmbed = null;")
        page._scripts.cache_clear()
        yield
    page._scripts.cache_clear()


def rendered(db: duckdb.DuckDBPyConnection) -> str:
    (latest,) = frame(db, "out/latest_judged").to_dicts()
    return words(render_report(read_report_data(db, **latest)))


def test_the_report_warns_where_the_outcome_selected_the_models(
    invented_warehouse: Warehouse, finding: Make
) -> None:
    findings = flag_selected([finding(), finding(outcome="likes")], "downloads")
    text = rendered(invented_warehouse(500, findings=findings, top_n=500))
    assert 'aria-label="About the selection"' in text
    assert "Selected by downloads." in text
    first, second = (
        text.index("<h3>Likes, 1,000 of the 500 most"),
        text.index("<h3>Downloads, 1,000 of the 500 most"),
    )
    assert first < second
    assert text.count("The models were selected by this outcome") >= 1
    assert "selected on outcome" in text  # in the table of all findings


def test_the_report_of_all_models_does_not_warn(invented_warehouse: Warehouse, finding: Make) -> None:
    text = rendered(invented_warehouse(500, findings=[finding(), finding(outcome="likes")]))
    assert "About the selection" not in text
    assert text.index("<h3>Downloads, 1,000 models") < text.index("<h3>Likes, 1,000 models")
