"""What the sentences may and may not say."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import CanaryTrial, Finding, JudgeRecord, PassportEntry
from tasks.sentences.atlas import atlas_words, shown_notes, stability_notes
from tasks.sentences.estimates import change
from tasks.sentences.evidence import evidence_sentences
from tasks.sentences.findings import headline, sentence
from tasks.sentences.judges import (
    abilities_words,
    canary_sentence,
    canary_words,
    judge_note,
    other_judge_sentence,
    passport_sentence,
    sway_sentences,
)
from tasks.sentences.numbers import MINUS, NARROW, count, decimal, duration, percent, probability, rate
from tasks.sentences.snapshots import boilerplate_words, cost_per_thousand, judging_words, unscored_words

Make = Callable[..., Finding]

BASE = Finding(
    snapshot=date(2026, 11, 21),
    judge="checklist",
    fingerprint="f",
    question="rank_correlation",
    outcome="downloads",
    predictor="score",
    stratum="all",
    estimator="spearman",
    n=1000,
    n_clusters=400,
    zero_share=0.0,
    estimate=0.21,
    ci_low=0.15,
    ci_high=0.27,
    p=0.001,
)
POSITIVE = st.floats(0.001, 0.9)
NAMES = st.text(max_size=30)


def words(text: str) -> str:
    """The text with ordinary spaces and signs, for comparing."""
    return text.replace(NARROW, " ").replace(MINUS, "-")


def slope(outcome: str, estimator: str, low: float, estimate: float, high: float) -> Finding:
    regression = replace(BASE, question="regression", outcome=outcome, estimator=estimator)
    return replace(regression, estimate=estimate, ci_low=low, ci_high=high)


def test_a_clear_rank_correlation_is_told_with_its_interval() -> None:
    assert words(sentence(BASE)) == (
        "Among 1,000 models, a higher score goes with more downloads "
        "(weak: Spearman ρ 0.21, 95 % interval 0.15 to 0.27)."
    )


def test_an_interval_around_zero_is_no_clear_association() -> None:
    assert words(sentence(replace(BASE, estimate=0.04, ci_low=-0.02, ci_high=0.1))) == (
        "Among 1,000 models, there is no clear association between score and downloads "
        "(Spearman ρ 0.04, 95 % interval -0.02 to 0.10)."
    )


@given(estimate=st.floats(-0.9, 0.9), low=st.floats(-0.9, 0), high=st.floats(0, 0.9))
def test_whatever_the_estimate_zero_in_the_interval_wins(estimate: float, low: float, high: float) -> None:
    finding = replace(BASE, estimate=estimate, ci_low=low, ci_high=high)
    assert "no clear association" in sentence(finding)
    assert "no clear association" in headline([finding])


@given(sizes=st.tuples(POSITIVE, POSITIVE, POSITIVE), sign=st.sampled_from([1, -1]))
def test_an_interval_on_one_side_names_that_side(sizes: tuple[float, float, float], sign: int) -> None:
    low, estimate, high = sorted(sign * size for size in sizes)
    said = sentence(replace(BASE, estimate=estimate, ci_low=low, ci_high=high))
    assert ("more downloads" in said, "fewer downloads" in said) == (sign > 0, sign < 0)


@pytest.mark.parametrize(
    ("low", "high", "strength"),
    [
        (0.02, 0.08, "very weak"),
        (0.08, 0.2, "very weak to weak"),
        (-0.8, -0.55, "strong"),
        (0.2, 0.6, "weak to strong"),
    ],
)
def test_the_strength_holds_over_the_whole_interval(low: float, high: float, strength: str) -> None:
    said = sentence(replace(BASE, estimate=(low + high) / 2, ci_low=low, ci_high=high))
    assert f"({strength}: Spearman" in said


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (slope("log1p_downloads", "huber", 0.18, 0.3, 0.42), "about 35 % more downloads (Huber regression +35 %, "),
        (slope("log1p_likes", "huber", 0.18, 0.3, 0.42), "about 35 % more likes (Huber regression +35 %, 95 % "),
        (slope("log1p_downloads", "theil_sen", -0.42, -0.3, -0.18), "about 26 % fewer downloads"),
        (slope("likes", "poisson", 0.7, 0.9, 1.1), "about 2.5 times the likes (Poisson regression ×2.5, "),
        (slope("any_likes", "logit", 0.18, 0.3, 0.42), "about 35 % higher odds of any likes"),
        (slope("downloads", "huber", 1.0, 3.2, 5.0), "about 3.20 more downloads"),
    ],
)  # fmt: skip
def test_slopes_are_told_in_the_unit_of_the_outcome(finding: Finding, said: str) -> None:
    assert f"one point more of score goes with {said}" in words(sentence(finding))


def test_controls_are_named() -> None:
    controlled = replace(slope("log1p_downloads", "huber", 0.18, 0.3, 0.42), question="regression_controlled")
    assert "with the controls held equal, one point more" in sentence(controlled)


def test_a_fit_that_did_not_converge_says_nothing_of_size() -> None:
    said = sentence(replace(BASE, flags=["not_converged"]))
    assert said.endswith(
        "nothing can be said about score and downloads (Spearman ρ: the fit did not converge)."
    )
    assert "0.21" not in said


@pytest.mark.parametrize("estimate", [None, math.nan, math.inf])
def test_no_estimate_is_said_plainly(estimate: float | None) -> None:
    assert "nothing can be said" in sentence(replace(BASE, estimate=estimate, ci_low=None, ci_high=None))


def test_an_estimate_without_an_interval_settles_nothing() -> None:
    assert "without an interval (Spearman ρ 0.21), which settles nothing" in sentence(
        replace(BASE, ci_low=None)
    )


def test_flags_become_warnings() -> None:
    flags = ["mostly_zero", "few_models", "estimators_disagree"]
    said = sentence(replace(BASE, flags=flags))
    assert "count of zero" in said
    assert "few models" in said
    assert "estimators disagree" in said
    assert said.count("few models") == 1


def test_warnings_said_elsewhere_can_be_left_out() -> None:
    assert "few models" not in sentence(replace(BASE, flags=["few_models"]), unsaid=("few_models",))


def test_a_finding_that_the_correction_takes_back_is_taken_back() -> None:
    assert "it may be chance" in sentence(replace(BASE, p_adjusted=0.2))
    assert "it may be chance" not in sentence(replace(BASE, p_adjusted=0.04))


@pytest.mark.parametrize(
    ("stratum", "opening"),
    [
        ("without_outliers", "With outliers left out (1 model), "),
        ("not_generated", "Among 1 model whose card is neither generated"),
        ("library=timm", "Among 1 model of the library timm, "),
        ("format=gguf", "Among 1 model of the format gguf, "),
        ("something_new", "Among 1 model (something new), "),
    ],
)
def test_strata_open_the_sentence(stratum: str, opening: str) -> None:
    assert words(sentence(replace(BASE, stratum=stratum, n=1))).startswith(opening)


@pytest.mark.parametrize(
    ("question", "estimator", "estimate", "said"),
    [
        ("outliers", "models_removed", 12.0, "12 of 1,000 models are outliers in downloads."),
        ("outliers", "fence", 12345.6, "A model is an outlier in downloads beyond 12,346."),
        ("missing", "without_score", 240.0, "240 of 1,000 models have no score."),
        ("outliers", "fence", None, "Outliers in downloads cannot be determined from 1,000 models."),
    ],
)
def test_counts_are_told_as_counts(question: str, estimator: str, estimate: float | None, said: str) -> None:
    finding = replace(
        BASE, question=question, estimator=estimator, estimate=estimate, ci_low=None, ci_high=None
    )
    assert words(sentence(finding)) == said


@given(st.tuples(*[NAMES] * 5), st.lists(NAMES, max_size=3), st.floats() | st.none(), st.floats() | st.none())
def test_names_never_seen_still_make_a_sentence(
    names: tuple[str, ...], flags: list[str], low: float | None, high: float | None
) -> None:
    question, outcome, predictor, stratum, estimator = names
    finding = replace(BASE, question=question, outcome=outcome, predictor=predictor, flags=flags)
    finding = replace(finding, stratum=stratum, estimator=estimator, ci_low=low, ci_high=high)
    assert sentence(finding).endswith(".")
    if low is None or not math.isfinite(low):
        assert "settles nothing" in sentence(finding)


def test_the_interval_of_a_slope_is_told_in_its_unit() -> None:
    said = words(sentence(slope("log1p_downloads", "huber", 0.18, 0.3, 0.42)))
    assert said.endswith("95 % interval +20 % to +52 %).")
    assert words(sentence(slope("likes", "poisson", 0.7, 0.9, 1.1))).endswith("interval ×2.0 to ×3.0).")


def test_an_interval_that_holds_a_doubling_is_told_in_factors_throughout() -> None:
    said = words(sentence(slope("likes", "poisson", 0.5, 0.6, 1.1)))
    assert "about 1.82 times the likes (Poisson regression ×1.82, 95 % interval ×1.65 to ×3.0)" in said


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_=", max_size=20), st.sampled_from([0.3, -0.3, None]))
def test_no_sentence_claims_an_effect(estimator: str, estimate: float | None) -> None:
    finding = replace(BASE, estimator=estimator, estimate=estimate, ci_low=estimate, ci_high=estimate)
    for word in ("because", "cause", "effect", "leads to", "increases", "improves", "boost"):
        assert word not in sentence(finding).replace(estimator.replace("_", " ").strip(), "")


def test_the_headline_holds_both_outcomes_with_their_intervals(finding: Make) -> None:
    likes = finding(outcome="likes", estimate=0.01, ci_low=-0.05, ci_high=0.07)
    assert words(headline([likes, finding()])) == (
        "Models whose card scores higher on the checklist tend to have more downloads "
        "(weak: Spearman ρ 0.21, 95 % interval 0.15 to 0.27), but show no clear association with likes "
        "(Spearman ρ 0.01, 95 % interval -0.05 to 0.07), among 1,000 models."
    )


def test_the_headline_looks_at_all_models_and_spearman_only(finding: Make) -> None:
    others = [finding(stratum="without_outliers"), finding(estimator="kendall"), finding(question="has_card")]
    assert headline(others) == headline([])
    assert headline([]).startswith("There are too few scored cards")


def test_the_headline_names_another_judge(finding: Make) -> None:
    assert "checklist" not in headline([finding(judge="vllm")])
    assert "“oracle”" in headline([finding(judge="oracle")])
    said = headline([finding(judge="vllm:Qwen3-4B")])
    assert said.startswith("Models whose card the judge model Qwen3-4B scores higher tend")


def test_the_headline_warns_of_few_models(finding: Make) -> None:
    assert headline([finding(flags=["few_models"])]).endswith("read it as a hint.")


def judge(name: str, model: str | None = None) -> JudgeRecord:
    return JudgeRecord(BASE.snapshot, "f", name, "r", model, "main", "{}", datetime(2026, 11, 21))


def test_the_note_follows_the_judge() -> None:
    assert "rule-based checklist" in judge_note(judge("checklist"))[0]
    title, text = judge_note(judge("vllm", "org/judge"))
    assert "language model" in title
    assert "org/judge at main" in text
    assert "“oracle”" in judge_note(judge("oracle"))[0]


def test_numbers_are_set_with_commas_and_true_signs() -> None:
    assert count(1234567) == "1,234,567"
    assert count(None) == "–"
    assert decimal(-0.001) == "0.00"
    assert decimal(-0.126) == "−0.13"
    assert percent(0.004) == "0.4\u202f%"
    assert percent(0.00001) == "<0.1\u202f%"
    assert percent(0) == "0\u202f%"
    assert percent(0.356) == "36\u202f%"
    assert probability(0.0000001) == "<\u202f0.001"
    assert change(-0.3) == "−26\u202f%"
    rates = [rate(n) for n in (0.005, 3.333, 24.04, 1234.5, None)]
    assert rates == ["0.01", "3.33", "24.0", "1,234", "–"]
    durations = [words(duration(seconds)) for seconds in (0.5, 45, 600, 9000)]
    assert durations == ["0.5 s", "45 s", "10 min", "2.5 h"]


def entry(
    probe: str, measure: str, estimate: float | None, low: float | None, high: float | None, n: int = 120
) -> PassportEntry:
    at = datetime(2026, 11, 20)
    return PassportEntry("f", "vllm:m", "l", probe, measure, "score", n, estimate, low, high, None, at)


KAPPA = entry("agreement", "quadratic_kappa", 0.71, 0.6, 0.8)


def test_without_a_passport_the_note_says_so_of_any_judge() -> None:
    for name in ("checklist", "vllm:m", "oracle"):
        assert judge_note(judge(name, "org/m" if name == "vllm:m" else None))[1].endswith(
            "Nobody has compared it with people yet."
        )


def test_the_note_tells_the_agreement_with_people() -> None:
    said = words(judge_note(judge("vllm:m", "org/m"), [KAPPA])[1])
    assert "On 120 texts that people labelled" in said
    assert "quadratic weighted kappa of 0.71 (95 % interval 0.60 to 0.80)" in said
    assert "hint" not in said
    assert judge_note(judge("checklist"), [replace(KAPPA, n=10)])[1].endswith("read it as a hint.")


TRIED = [
    entry("evidence", "share_moved", 0.94, 0.9, 0.97, n=1500),
    entry("evidence", "share_stirred", 0.003, 0.001, 0.005, n=30_000),
    replace(entry("evidence", "share_moved", 1.0, 0.0, 1.0, n=60), subject="license_given"),
    replace(entry("evidence", "share_moved", 0.55, 0.0, 1.0, n=60), subject="mitigation_given"),
    replace(entry("evidence", "share_moved", 0.0, 0.0, 1.0, n=2), subject="compares"),
    replace(entry("evidence", "share_stirred", 0.04, 0.0, 1.0, n=900), subject="states_what_it_is"),
    entry("sway", "standard_deviation", 1.2, 1.0, 1.4),
    replace(entry("sway", "mean_rise", 0.3, 0.2, 0.4), subject="padding"),
    replace(entry("sway", "mean_rise_sds", 0.25, 0.2, 0.3), subject="padding"),
]


def test_what_a_judge_notices_is_told_with_what_it_overlooks() -> None:
    said = [words(text) for text in evidence_sentences(TRIED)]
    assert "in 94 % of 1,500 trials (95 % interval 90 % to 97 %)" in said[0]
    assert said[0].endswith("checks about other things changed in 0.3 % of 30,000.")
    assert said[1:] == [
        "1 of 2 checks noticed their evidence in 90 % of the trials or more.",
        "It overlooks most often: advice on risks (55 %).",
        "Moved by edits that have nothing to do with them: says what it is (4 %).",
        "Padding cards to twice their length with sentences that say nothing raises its score by 0.30 points on "
        "average, 0.25 of its own standard deviations.",
    ]


def test_a_judge_that_hardly_moves_is_not_praised_for_it() -> None:
    flat = [replace(each, estimate=0.06) if each.measure == "standard_deviation" else each for each in TRIED]
    assert "(standard deviation 0.06 points): that little moves them is no merit." in words(
        " ".join(evidence_sentences(flat))
    )
    blank = [replace(each, estimate=None) if each.measure == "mean_rise_sds" else each for each in TRIED]
    assert "which cannot be measured against its own spread" in words(evidence_sentences(blank)[-1])


def test_labels_are_not_needed_to_notice_and_edits_are_no_agreement() -> None:
    assert evidence_sentences([KAPPA]) == []
    assert passport_sentence(TRIED) == "Nobody has compared it with people yet."


def test_labels_that_tell_nothing_are_not_called_agreement() -> None:
    said = passport_sentence([replace(KAPPA, estimate=None, ci_low=None, ci_high=None)])
    assert "too few or too alike" in said
    assert "kappa" not in said


def test_only_the_overall_score_makes_the_sentence() -> None:
    assert "0.71" not in passport_sentence([replace(KAPPA, subject="purpose")])


def test_what_sways_a_judge_is_told_where_it_was_measured() -> None:
    said = [
        words(text)
        for text in sway_sentences(
            [
                KAPPA,
                entry("agreement", "bias", -0.3, -0.4, -0.2),
                entry("consistency", "share_identical", 0.98, 0.9, 1.0),
                entry("padding", "mean_rise", 0.05, -0.05, 0.15),
                entry("attack", "share_raised", 0.12, 0.02, 0.22, n=240),
                entry("attack", "share_flagged", 0.7, 0.6, 0.8),
            ]
        )
    ]
    assert said[0] == "On average it scores 0.30 points below people (95 % interval 0.20 to 0.40)."
    assert "98 % of the cards the same score" in said[1]
    assert (
        "about the same as the same cards without (mean difference 0.05, 95 % interval -0.05 to 0.15)"
        in said[2]
    )
    assert "in 12 % of 240 tries; 70 % of the attacks were flagged" in said[3]
    assert sway_sentences([KAPPA]) == []


def test_a_bias_without_an_interval_takes_no_side() -> None:
    (said,) = sway_sentences([entry("agreement", "bias", 0.3, None, None)])
    assert "without an interval" in said
    assert "above" not in said


def other(**fields: object) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "relation": "panel",
        "judge": "checklist",
        "fingerprint": "0123456789abcdef",
        "last_snapshot": date(2026, 11, 21),
        "first_snapshot": date(2026, 11, 21),
        "n": 903,
        "mean_difference": -0.42,
        "standard_error": 0.02,
        "spearman": 0.61,
        "within_half_share": 0.48,
    }
    return usual | fields


def test_another_judge_of_the_panel_is_compared_with_an_interval() -> None:
    assert words(other_judge_sentence("vllm:m", other())) == (
        "The checklist judged this snapshot too. Over 903 texts that both scored, the judge model m scores on average "
        "0.42 points below it (95 % interval 0.38 to 0.46); Spearman ρ 0.61, and 48 % of the scores lie within half "
        "a point."
    )


def test_a_judge_before_is_told_as_a_change() -> None:
    said = other_judge_sentence("vllm:m", other(relation="bridge", last_snapshot=date(2026, 11, 14)))
    assert said.startswith("The judge changed on 21 November 2026: before, it was the checklist (01234567).")
    still = other_judge_sentence("vllm:m", other(relation="bridge"))
    assert still.startswith("The checklist (01234567) judged until 21 November 2026.")


@given(st.floats(-4, 4), st.floats(0, 1))
def test_judges_whose_difference_may_be_zero_are_called_about_the_same(mean: float, error: float) -> None:
    said = other_judge_sentence("vllm:m", other(mean_difference=mean, standard_error=error))
    assert ("about the same" in said) == (abs(mean) <= 1.96 * error)
    assert ("points above" in said, "points below" in said) == (mean > 1.96 * error, mean < -1.96 * error)


def test_a_judge_that_gives_all_the_same_score_has_no_correlation() -> None:
    assert "gives the same score to all" in other_judge_sentence("vllm:m", other(spearman=None))


TOOK: dict[str, Any] = {
    "texts": 9000,
    "busy_seconds": 360.0,
    "texts_per_second": 25.0,
    "tokens_per_second": 41_000.0,
    "tokens_in_per_text": 1500.0,
    "tokens_out_per_text": 140.0,
    "replicas": 2,
    "provider": None,
    "spent": None,
}


def test_the_cost_of_a_thousand_cards_is_price_times_gpus_times_hours() -> None:
    # A tenth of an hour on two GPUs at 2.5 is 0.5 for nine thousand cards.
    assert cost_per_thousand(TOOK, 2.5, None) == pytest.approx(0.5 / 9)
    assert cost_per_thousand(TOOK, 2.5, 8) == pytest.approx(2 / 9)
    assert cost_per_thousand(TOOK, None, 8) is None
    assert cost_per_thousand(TOOK | {"texts": None}, 2.5, 8) is None
    assert (
        dict(judging_words(TOOK, price=2.5))["cost per thousand cards"] == "0.0556 (2 GPUs at 2.50 per hour)"
    )


def test_the_cost_of_a_provider_is_what_was_spent_whatever_a_gpu_hour_costs() -> None:
    hosted = TOOK | {"provider": "api.example.com", "spent": 4.5}
    assert cost_per_thousand(hosted, 2.5, 8) == pytest.approx(0.5)
    assert words(dict(judging_words(hosted, price=2.5))["cost per thousand cards"]) == (
        "0.50 (4.50 for 9,000 texts, by the prices of tokens that are set)"
    )
    unpriced = dict(judging_words(hosted | {"spent": None}, price=2.5))["cost per thousand cards"]
    assert unpriced.startswith("set CARDIOGRAPH_JUDGE_PRICE_IN and CARDIOGRAPH_JUDGE_PRICE_OUT")


def abilities(**changed: object) -> str:
    found = {"form": "json_schema", "alternatives": 20, "limit_word": "max_tokens", "has_temperature": True}
    return json.dumps({"engine": "llama.cpp b1", "score_mode": "decided", "abilities": found | changed})


def test_what_a_server_can_do_is_put_in_words() -> None:
    assert abilities_words(abilities()) == (
        "llama.cpp b1: holds answers to a JSON schema; gives the probabilities of 20 tokens (score mode decided)"
    )
    least = abilities(form="text", alternatives=0, limit_word=None, has_temperature=False, is_thinking=True)
    assert abilities_words(least) == (
        "llama.cpp b1: holds answers to no form; gives no probabilities of tokens, so a score is the one digit that "
        "was written (score mode decided); reasons before it answers; takes no temperature, so answers vary; takes no "
        "limit on the length of answers"
    )


@pytest.mark.parametrize("settings", ["", "{}", "[]", "null", "{", '{"abilities": 3}'])
def test_of_other_judges_nothing_is_said_about_servers(settings: str) -> None:
    assert abilities_words(settings) == ""


def test_the_closing_table_tells_speed_and_how_to_learn_the_cost() -> None:
    told = {name: words(value) for name, value in judging_words(TOOK)}
    assert told["cards per second"] == "25.0 (9,000 texts in 6 min)"
    assert told["tokens per second"] == "41,000"
    assert told["tokens per card, read / written"] == "1,500 / 140"
    assert "CARDIOGRAPH_GPU_HOUR_PRICE" in told["cost per thousand cards"]


def test_a_checklist_has_a_speed_and_no_tokens_and_idleness_has_neither() -> None:
    assert [name for name, _ in judging_words(TOOK | {"replicas": 0})] == ["cards per second"]
    assert judging_words(dict.fromkeys(TOOK)) == []


def test_texts_without_a_score_are_named_by_reason() -> None:
    assert (
        words(unscored_words({"unscored_reasons": {"cut_off": 1200, "timeout": 2}}))
        == "1,202 (1,200 cut_off, 2 timeout)"
    )
    assert unscored_words({"unscored_reasons": {}}) == ""


def atlas(placed: int, drift_share: float) -> dict[str, Any]:
    quality = {"noise_share": 0.2, "seeds_ari": None, "samples_ari": None}
    return {
        "kinds": 30, "texts": 80_000, "fitted_on": date(2026, 11, 9), "placed": placed, "drift_share": drift_share,
    } | quality  # fmt: skip


@pytest.mark.parametrize(
    ("placed", "drift_share", "expected"),
    [
        (0, 0.0, []),
        (
            30_000,
            0.0,
            [
                "The map was fitted on a sample of the texts of 2026-11-09; 30,000 of the 80,000 were placed among "
                "their neighbours."
            ],
        ),
        (
            31_600,
            0.02,
            [
                "The map was fitted on texts of 2026-11-09; 1,600 newer ones were placed among their neighbours."
            ],
        ),
    ],
    ids=["fitted on all", "fitted on a sample", "a later week"],
)
def test_texts_that_a_map_was_not_fitted_on_are_new_only_where_they_were_not_there(
    placed: int, drift_share: float, expected: list[str]
) -> None:
    found = atlas(placed, drift_share)
    assert [words(note) for note in stability_notes(found)] == expected
    assert atlas_words(found).endswith(f"{round(80_000 * drift_share):,} new since")


def test_a_page_that_shows_some_of_the_models_says_so() -> None:
    assert shown_notes(5, 5) == []
    (note,) = shown_notes(50_000, 1_000_000)
    assert "1,000,000 models" in words(note)
    assert "50,000 are shown" in words(note)
    assert "`cardiograph atlas serve` shows all of them" in note


@pytest.mark.parametrize(
    ("predictor", "said"),
    [
        ("check:references_given", "“paper, code or contact” goes with more downloads"),
        ("criterion:quick_start", "“level of quick start” goes with more downloads"),
        ("conversions:gguf", "“GGUF conversions” goes with more downloads"),
        ("check:of_another_rubric", "“of another rubric” goes with more downloads"),
        ("tags", "a higher number of tags goes with more downloads"),
    ],
)
def test_an_ingredient_is_named_in_the_words_of_the_rubric(predictor: str, said: str) -> None:
    assert said in sentence(replace(BASE, question="ingredient", predictor=predictor))


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (10, "36\u202f% known, 1\u202f% new (table 2026-11-30)"),
        (80, "36\u202f% known, 8\u202f% new (table 2026-11-30): `cardiograph boilerplate learn`"),
    ],
)
def test_a_table_that_knows_too_little_is_to_be_learned_anew(new: int, expected: str) -> None:
    row = {"words": 1000, "known_words": 360, "new_words": new, "version": "2026-11-30-abc"}
    assert boilerplate_words(row) == expected


PASSED = CanaryTrial(
    *("f1", "checklist", "c", 16, 0, 0.979, 3.53, True, [], ["en exemplary 4.63"], datetime(2026, 11, 16))
)
FAILED = replace(
    PASSED, concordance=0.5, spread=0.0, is_passed=False, faults=["50 % of the pairs", "0.00 points"]
)


def test_a_judge_that_ordered_the_canaries_is_said_to_and_one_that_did_not_is_to_be_distrusted() -> None:
    said = canary_sentence(PASSED)
    assert f"98{NARROW}% of the pairs in the right order" in said
    assert "3.53 points above untouched forms" in said
    assert canary_sentence(FAILED).startswith(
        "Distrust these scores: the judge cannot order 16 made-up cards"
    )
    assert canary_sentence(FAILED).endswith("50 % of the pairs; 0.00 points.")
    assert "was not tried" in canary_sentence(None)


def test_the_closing_table_says_in_a_few_words_how_the_canaries_went() -> None:
    assert canary_words(PASSED) == f"passed: 98{NARROW}% of pairs in order, 3.53 points apart"
    assert canary_words(FAILED) == "failed: 50 % of the pairs; 0.00 points"
    assert canary_words(None) == "not tried"
