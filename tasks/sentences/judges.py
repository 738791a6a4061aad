"""Sentences about a judge: what its scores are, what its passport measured, how it differs from others."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.records import CanaryTrial, JudgeRecord, PassportEntry
from tasks.sentences.numbers import count, decimal, interval_words, long_date, percent, texts
from tasks.sentences.words import judge_words, upper_first

_MEASURED_TEXTS_MIN = 50
_NOTES = {
    "checklist": (
        "These are scores of a rule-based checklist.",
        "No reader and no language model has judged these cards: rules look for what a card should contain "
        "(a snippet, numbers, a license, sections) and cannot tell whether it is true, clear or useful.",
    )
}


def judge_note(judge: JudgeRecord, passport: Sequence[PassportEntry] = ()) -> tuple[str, str]:
    """What the scores are and are not: a short heading and the sentences below it, the last one on agreement."""
    trust = passport_sentence(passport)
    if judge.judge in _NOTES:
        title, note = _NOTES[judge.judge]
        return title, f"{note} {trust}"
    if judge.model:
        which = f"{judge.model} at {judge.revision}" if judge.revision else judge.model
        return (
            "These are scores of a language model.",
            f"The judge model {which} read each card against the rubric. No person has read them; a model may "
            f"favour certain styles and lengths, and another judge model would score differently. {trust}",
        )
    return (
        f"These are scores of the judge “{judge.judge}”.",
        f"They are one way to read a card against the rubric; another judge would score differently. {trust}",
    )


_FORMS = {
    "json_schema": "holds answers to a JSON schema",
    "object_schema": "holds answers to a JSON schema",
    "json_object": "holds answers to JSON, of any shape",
    "text": "holds answers to no form",
}


def abilities_words(settings: str) -> str:
    """What the server of a judge model was found to be able to do, from the judge's settings; empty where unknown."""
    try:
        found = json.loads(settings)
    except ValueError:
        return ""
    abilities = found.get("abilities") if isinstance(found, dict) else None
    if not isinstance(abilities, dict):
        return ""
    words = [
        _FORMS.get(str(abilities.get("form")), ""),
        _probability_words(abilities, str(found.get("score_mode"))),
    ]
    words += ["reasons before it answers"] if abilities.get("is_thinking") else []
    words += [] if abilities.get("has_temperature") else ["takes no temperature, so answers vary"]
    words += [] if abilities.get("limit_word") else ["takes no limit on the length of answers"]
    return f"{found.get('engine')}: {'; '.join(filter(None, words))}"


def _probability_words(abilities: Mapping[str, Any], mode: str) -> str:
    if not abilities.get("alternatives"):
        return "gives no probabilities of tokens, so a score is the one digit that was written (score mode decided)"
    return f"gives the probabilities of {abilities['alternatives']} tokens (score mode {mode})"


def _entry(passport: Iterable[PassportEntry], probe: str, measure: str) -> PassportEntry | None:
    """A measure of the overall score, where it gave a figure."""
    wanted = (probe, measure, "score")
    return next(
        (e for e in passport if (e.probe, e.measure, e.subject) == wanted and e.estimate is not None), None
    )


def _interval(low: float | None, high: float | None) -> str:
    """`95 % interval 0.60 to 0.80`, or `no interval`."""
    if low is None or high is None or not math.isfinite(low + high):
        return "no interval"
    return interval_words(decimal(low), decimal(high))


def passport_sentence(passport: Sequence[PassportEntry]) -> str:
    """How far the judge agrees with people, or that nobody has measured it."""
    if all(entry.is_label_free for entry in passport):
        return "Nobody has compared it with people yet."
    kappa = _entry(passport, "agreement", "quadratic_kappa")
    if kappa is None:
        return (
            "It was compared with people’s labels, which were too few or too alike to say how far it agrees."
        )
    agreement = (
        f"On {texts(kappa.n)} that people labelled, its scores agree with theirs to a quadratic weighted kappa of "
        f"{decimal(kappa.estimate)} ({_interval(kappa.ci_low, kappa.ci_high)}), where 1 is full agreement and 0 "
        "is chance."
    )
    if kappa.n < _MEASURED_TEXTS_MIN:
        agreement += " Based on few texts: read it as a hint."
    return agreement


def canary_sentence(trial: CanaryTrial | None) -> str:
    """How the judge ordered the canaries, or that it was not tried."""
    if trial is None:
        return "It was not tried on canaries, made-up cards of known quality."
    cards = f"{count(trial.cards)} made-up cards of known quality (canaries)"
    if not trial.is_passed:
        return (
            f"Distrust these scores: the judge cannot order {cards}. {upper_first('; '.join(trial.faults))}."
        )
    return (
        f"Of {cards}, it put {percent(trial.concordance)} of the pairs in the right order, and exemplary ones "
        f"{decimal(trial.spread)} points above untouched forms."
    )


def canary_words(trial: CanaryTrial | None) -> str:
    """The same for a closing table."""
    if trial is None:
        return "not tried"
    if not trial.is_passed:
        return f"failed: {'; '.join(trial.faults)}"
    return f"passed: {percent(trial.concordance)} of pairs in order, {decimal(trial.spread)} points apart"


def sway_sentences(passport: Sequence[PassportEntry]) -> list[str]:
    """What else the passport measured, each where it did: bias, consistency, padding, attacks."""
    bias = _entry(passport, "agreement", "bias")
    again = _entry(passport, "consistency", "share_identical")
    padded = _entry(passport, "padding", "mean_rise")
    raised = _entry(passport, "attack", "share_raised")
    noticed = _entry(passport, "attack", "share_flagged")
    found = []
    if bias:
        found.append(f"On average it scores {_apart(bias.estimate, bias.ci_low, bias.ci_high, 'people')}.")
    if again:
        found.append(
            f"Asked again, it gives {percent(again.estimate)} of the cards the same score each time."
        )
    if padded:
        found.append(
            "Cards padded to twice their length with sentences that say nothing score "
            f"{_apart(padded.estimate, padded.ci_low, padded.ci_high, 'the same cards without')}."
        )
    if raised:
        seen = f"; {percent(noticed.estimate)} of the attacks were flagged" if noticed else ""
        found.append(
            f"Attacks inserted into weak cards raise the score by half a point or more in {percent(raised.estimate)} "
            f"of {count(raised.n)} tries{seen}."
        )
    return found


def fitted_sentences(fitted: Sequence[Mapping[str, Any]]) -> list[str]:
    """That a judge was fitted to people's labels on this one's answers, and how well it agrees, in one sentence.

    `fitted`: rows of `sql/out/fitted.sql`; without any there is no sentence.
    """
    aucs = {row["scorer"]: row for row in fitted if row["measure"] == "auc" and row["estimate"] is not None}
    if not {"fitted", "judge"} <= aucs.keys():
        return []
    own = aucs["fitted"]
    return [
        f"A judge fitted to one set of people’s labels ({own['judge']}) weighs its answers by their marks of "
        f"{texts(own['texts'])}: of two texts by authors kept aside, it scores the one they marked higher above the "
        f"other in {percent(own['estimate'])} of the pairs ({_interval(own['ci_low'], own['ci_high'])}), where the "
        f"score on this page does in {percent(aucs['judge']['estimate'])}; it speaks for those people alone, and no "
        "figure here rests on it."
    ]


def _apart(difference: float | None, low: float | None, high: float | None, what: str) -> str:
    """`0.42 points above people (95 % interval 0.38 to 0.46)`, `about the same as people (…)` around zero."""
    if difference is None or low is None or high is None:
        return f"{decimal(difference)} points from {what}, without an interval"
    if low <= 0 <= high:
        return f"about the same as {what} (mean difference {decimal(difference)}, {_interval(low, high)})"
    nearer, farther = sorted((abs(low), abs(high)))
    side = "above" if difference > 0 else "below"
    return f"{decimal(abs(difference))} points {side} {what} ({_interval(nearer, farther)})"


def other_judge_sentence(judge: str, other: Mapping[str, Any]) -> str:
    """A row of `sql/out/other_judges.sql`: how `judge` differs from another of the panel, or from an earlier one."""
    mean, error = other["mean_difference"], other["standard_error"]
    apart = _apart(mean, mean - 1.96 * error, mean + 1.96 * error, "it")
    rank = other["spearman"]
    order = "one of them gives the same score to all" if rank is None else f"Spearman ρ {decimal(rank)}"
    that, this = judge_words(other["judge"]), judge_words(judge)
    if other["relation"] == "panel":
        opening = f"{upper_first(that)} judged this snapshot too."
    elif other["last_snapshot"] < other["first_snapshot"]:
        opening = (
            f"The judge changed on {long_date(other['first_snapshot'])}: before, it was {that} "
            f"({other['fingerprint'][:8]}). Scores of before and after are not one series."
        )
    else:
        opening = f"{upper_first(that)} ({other['fingerprint'][:8]}) judged until {long_date(other['last_snapshot'])}."
    return (
        f"{opening} Over {texts(other['n'])} that both scored, {this} scores on average {apart}; {order}, and "
        f"{percent(other['within_half_share'])} of the scores lie within half a point."
    )
