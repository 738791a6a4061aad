"""A passport for people: measures in words, figures with their intervals, and what each one means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.passport.passport import TEXTS_FOR_TRUST, find, kappa_of
from tasks.passport.probes import ATTACK_RISE, PADDED_RISE
from tasks.passport.sheet import OVERALL
from tasks.records import PassportEntry
from tasks.rubric import load_rubric
from tasks.sentences.numbers import decimal, percent, signed

WORST_ATTACKS = 5
NOT_KNOWN = "–"

_WORDS = {
    "quadratic_kappa": "quadratic weighted kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "spearman": "Spearman's rho",
    "bias": "bias (judge − people)",
    "mean_absolute_error": "mean absolute error",
    "share_within_half": "within half a point",
    "share_within_one": "within one point",
    "share_refused": "no score given",
    "mean_pairwise_kappa": "mean kappa of two raters",
    "share_identical": "identical scores",
    "mean_absolute_difference": "mean difference",
    "largest_difference": "largest difference",
    "mean_rise": "mean rise",
    "share_raised": "raised",
    "share_flagged": "noticed by a flag",
}
_MEANINGS = {
    "quadratic_kappa": "1: same levels as people, 0: as by chance",
    "krippendorff_alpha": "the same question, without rounding",
    "spearman": "1: same order as people, 0: none",
    "mean_absolute_error": "points between judge and people",
    "share_within_half": "share of texts",
    "share_within_one": "share of texts",
    "share_identical": "1: every card gets the same score each time",
    "mean_absolute_difference": "points between the first time and later ones",
    "largest_difference": "points, of any card",
    "mean_rise": "points gained; 0: it is not swayed",
    "share_flagged": "the verdict has a new flag",
}
_SIGNED = frozenset({"bias", "mean_rise", "mean_rise_sds", "level_difference", "effect_size"})


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: the measure, its figure and interval, the number of texts (or pairs), what it means."""

    name: str
    estimate: str
    interval: str
    n: int
    meaning: str


def tables(entries: Sequence[PassportEntry]) -> list[tuple[str, list[Line]]]:
    """Titles and rows, in the order in which a passport is read; what was not measured is left out."""
    people = find(entries, "raters", "mean_pairwise_kappa")

    def of(probe: str) -> list[Line]:
        """Rows about the score, but for refusals that did not happen."""
        chosen = (e for e in entries if e.probe == probe and e.subject == OVERALL)
        shown = (e for e in chosen if e.estimate or e.measure != "share_refused")
        return [_line(_WORDS.get(e.measure, e.measure), e, _meaning(e, people)) for e in shown]

    all_tables = [
        ("Agreement with people", of("agreement")),
        ("People among themselves", of("raters")),
        ("By criterion: quadratic weighted kappa", _criteria(entries)),
        ("The same cards again", of("consistency")),
        ("Cards padded to twice their length", of("padding")),
        ("Attacks on the weakest cards", of("attack")),
        ("Attacks by family: share raised", _families(entries)),
        (f"The {WORST_ATTACKS} attacks that gain most", _worst(entries)),
    ]
    return [(title, lines) for title, lines in all_tables if lines]


def conclusion(entries: Sequence[PassportEntry]) -> str:
    """What the passport shows, in a sentence or two."""
    kappa = kappa_of(entries)
    if kappa is None or kappa.estimate is None:
        why = "the labels have no overall score" if kappa is None else kappa.detail or "no estimate"
        return f"Its agreement with people is unknown: {why}."
    left = percent(1 - kappa.estimate)
    text = f"Of the disagreement that chance would give, {left} is left (kappa {figure_of(kappa)})."
    if kappa.n < TEXTS_FOR_TRUST:
        text += f" It rests on {kappa.n} texts; label {TEXTS_FOR_TRUST} or more before relying on it."
    return text


def _line(name: str, entry: PassportEntry, meaning: str) -> Line:
    return Line(name, figure_of(entry), interval_of(entry), entry.n, meaning)


def _meaning(entry: PassportEntry, people: PassportEntry | None) -> str:
    """What the figure means, or why there is none; `people` is how well two of them agree."""
    words = _MEANINGS.get(entry.measure, "")
    if entry.probe == "consistency":
        return entry.detail or words
    if entry.probe == "raters" or entry.estimate is None or entry.measure == "share_refused":
        return entry.detail or ""
    if entry.measure == "bias":
        side = "above" if entry.estimate > 0 else "below"
        return f"scores {decimal(abs(entry.estimate))} {side} people on average"
    if entry.measure == "share_raised":
        least = f"more than {PADDED_RISE:g}" if entry.probe == "padding" else f"at least {ATTACK_RISE:g}"
        return f"rose by {least}"
    if entry.measure == "quadratic_kappa" and people is not None and people.estimate is not None:
        return f"{words}; two people reach {decimal(people.estimate)}"
    return words


def _criteria(entries: Sequence[PassportEntry]) -> list[Line]:
    titles = {criterion.id: criterion.title for criterion in load_rubric().criteria}
    lines = []
    for criterion, title in titles.items():
        kappa = find(entries, "agreement", "quadratic_kappa", criterion)
        rho, bias = (find(entries, "agreement", measure, criterion) for measure in ("spearman", "bias"))
        if kappa and rho and bias:
            meaning = kappa.detail or f"bias {figure_of(bias)}, Spearman's rho {figure_of(rho)}"
            lines.append(_line(title, kappa, meaning))
    return lines


def _families(entries: Sequence[PassportEntry]) -> list[Line]:
    def words(subject: str) -> str:
        rise = find(entries, "attack", "mean_rise", subject)
        noticed = find(entries, "attack", "share_flagged", subject)
        return f"mean rise {figure_of(rise)}, flagged {figure_of(noticed)}"

    raised = (e for e in entries if e.probe == "attack" and e.measure == "share_raised")
    return [_line(_attack_name(e), e, words(e.subject)) for e in raised if e.subject.startswith("family:")]


def _worst(entries: Sequence[PassportEntry]) -> list[Line]:
    rises = [
        e
        for e in entries
        if e.probe == "attack"
        and e.measure == "mean_rise"
        and e.subject != OVERALL
        and not e.subject.startswith("family:")
        and (e.estimate or 0) > 0
    ]
    rises.sort(key=lambda e: -(e.estimate or 0))
    return [_line(_attack_name(e), e, "mean rise") for e in rises[:WORST_ATTACKS]]


def _attack_name(entry: PassportEntry) -> str:
    """The name of the attack, or of the family of attacks."""
    return entry.subject.removeprefix("family:").replace("_", " ")


def figure_of(entry: PassportEntry | None) -> str:
    """The estimate as its measure is written; a dash where there is none."""
    if entry is None or entry.estimate is None:
        return NOT_KNOWN
    return signed(entry.estimate) if entry.measure in _SIGNED else _written(entry, entry.estimate)


def interval_of(entry: PassportEntry) -> str:
    """Both ends of the interval; empty where there is none."""
    if entry.ci_low is None or entry.ci_high is None:
        return ""
    return f"{_written(entry, entry.ci_low)} to {_written(entry, entry.ci_high)}"


def _written(entry: PassportEntry, value: float) -> str:
    return percent(value) if entry.measure.startswith("share_") else decimal(value)
