"""Sentences about a judge that was tried on edited cards: what it notices, what it misses, what sways it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.records import PassportEntry
from tasks.rubric import load_rubric
from tasks.sentences.numbers import count, decimal, interval_words, percent

NOTICED_MIN = 0.9  # share of edits from which a check notices its evidence
STIRRED_MAX = 0.02
# Scores that are closer together than this tell good cards from bad ones hardly at all.
SPREAD_MIN = 0.25
_TRIALS_MIN = 5  # of a check, for a word about it
_NAMED_MAX = 6


def evidence_sentences(passport: Sequence[PassportEntry]) -> list[str]:
    """What the judge did when evidence came and went; empty for a judge that was not tried."""
    tried = [entry for entry in passport if entry.is_label_free]
    said = (
        _overall(tried),
        _noticed(tried),
        _missed(tried),
        _stirred(tried),
        _spread(tried),
        *_swayed(tried),
    )
    return [sentence for sentence in said if sentence]


def found(
    passport: Iterable[PassportEntry], probe: str, measure: str, subject: str = "score"
) -> PassportEntry | None:
    """The measure of a passport without labels, where it gave a figure."""
    key = (probe, measure, subject)
    entries = (e for e in passport if e.is_label_free and (e.probe, e.measure, e.subject) == key)
    return next((e for e in entries if e.estimate is not None), None)


def _overall(tried: Sequence[PassportEntry]) -> str:
    moved, stirred = (found(tried, "evidence", name) for name in ("share_moved", "share_stirred"))
    if moved is None:
        return ""
    sentence = (
        f"When evidence was put into real cards or taken out of them, the check that asks about it changed its answer "
        f"as it must in {percent(moved.estimate)} of {count(moved.n)} trials{_interval(moved)}"
    )
    if stirred is None:
        return f"{sentence}."
    return (
        f"{sentence}; checks about other things changed in {percent(stirred.estimate)} of {count(stirred.n)}."
    )


def _interval(entry: PassportEntry) -> str:
    if entry.ci_low is None or entry.ci_high is None:
        return ""
    return f" ({interval_words(percent(entry.ci_low), percent(entry.ci_high))})"


def _checks(tried: Sequence[PassportEntry], measure: str) -> list[tuple[str, float]]:
    """Words of each check that was tried often enough, and its share."""
    entries = ((check.words, found(tried, "evidence", measure, check.id)) for check in load_rubric().checks)
    return [(words, e.estimate or 0.0) for words, e in entries if e is not None and e.n >= _TRIALS_MIN]


def _noticed(tried: Sequence[PassportEntry]) -> str:
    shares = _checks(tried, "share_moved")
    always = [words for words, share in shares if share >= NOTICED_MIN]
    if not shares:
        return ""
    if not always:
        return f"No check of {count(len(shares))} noticed its evidence in {percent(NOTICED_MIN)} of the trials or more."
    which = "All" if len(always) == len(shares) else f"{count(len(always))} of"
    least = percent(NOTICED_MIN)
    return f"{which} {count(len(shares))} checks noticed their evidence in {least} of the trials or more."


def _missed(tried: Sequence[PassportEntry]) -> str:
    shares = sorted(_checks(tried, "share_moved"), key=lambda pair: pair[1])
    worst = [(words, share) for words, share in shares if share < NOTICED_MIN]
    if not worst:
        return ""
    named = ", ".join(f"{words} ({percent(share)})" for words, share in worst[:_NAMED_MAX])
    more = f" and {count(len(worst) - _NAMED_MAX)} more" if len(worst) > _NAMED_MAX else ""
    return f"It overlooks most often: {named}{more}."


def _stirred(tried: Sequence[PassportEntry]) -> str:
    shares = sorted(_checks(tried, "share_stirred"), key=lambda pair: -pair[1])
    worst = [f"{words} ({percent(share)})" for words, share in shares if share > STIRRED_MAX]
    if not worst:
        return ""
    return f"Moved by edits that have nothing to do with them: {', '.join(worst[:_NAMED_MAX])}."


def _spread(tried: Sequence[PassportEntry]) -> str:
    spread = found(tried, "sway", "standard_deviation")
    if spread is None or (spread.estimate or 0.0) >= SPREAD_MIN:
        return ""
    return (
        f"Its scores hardly differ between good cards and bad ones (standard deviation {decimal(spread.estimate)} "
        "points): that little moves them is no merit."
    )


def _swayed(tried: Sequence[PassportEntry]) -> list[str]:
    """How far padding and attacks lift the score, in points and in the judge's own standard deviations."""
    causes = (
        ("padding", "Padding cards to twice their length with sentences that say nothing"),
        ("attack", "Attacks inserted into its weakest cards"),
    )
    said = []
    for subject, cause in causes:
        points, deviations = (found(tried, "sway", name, subject) for name in ("mean_rise", "mean_rise_sds"))
        if points is None:
            continue
        verb = "raises" if subject == "padding" else "raise"
        measure = (
            f"{_signed(deviations.estimate)} of its own standard deviations"
            if deviations
            else "which cannot be measured against its own spread, because it has none"
        )
        said.append(f"{cause} {verb} its score by {_signed(points.estimate)} points on average, {measure}.")
    return said


def _signed(value: float | None) -> str:
    """Two decimals; nothing that rounds to zero has a sign."""
    return decimal(0.0 if value is None or abs(value) < 0.005 else value)
