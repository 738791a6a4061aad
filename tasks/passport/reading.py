"""A passport as people read it: measures in words, figures with their intervals, and what each one says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.passport.passport import TEXTS_FOR_TRUST, find, kappa_of
from tasks.passport.probes import ATTACK_RISE, PADDED_RISE
from tasks.passport.sheet import OVERALL
from tasks.records import PassportEntry
from tasks.rubric import load_rubric

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
_SIGNED = frozenset({"bias", "mean_rise"})


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: what was measured, the figure, its interval, texts (or pairs) behind it, what it says."""

    name: str
    estimate: str
    interval: str
    n: int
    meaning: str


def tables(entries: Sequence[PassportEntry]) -> list[tuple[str, list[Line]]]:
    """Titles and rows, in the order in which a passport is read; parts that were not measured are left out."""
    raters = find(entries, "raters", "mean_pairwise_kappa")
    made = [
        ("Agreement with people", [_line(e, _agreeing(e, raters)) for e in _of(entries, "agreement")]),
        ("People among themselves", [_line(e, e.detail or "") for e in _of(entries, "raters")]),
        ("By criterion: quadratic weighted kappa", _criteria(entries)),
        ("The same cards again", [_line(e, _consistent(e)) for e in _of(entries, "consistency")]),
        (
            "Cards padded to twice their length",
            [_line(e, _raised(e, PADDED_RISE, "more than ")) for e in _of(entries, "padding")],
        ),
        (
            "Attacks on the weakest cards",
            [_line(e, _raised(e, ATTACK_RISE, "at least ")) for e in _of(entries, "attack")],
        ),
        ("Attacks by family: share raised", _families(entries)),
        (f"The {WORST_ATTACKS} attacks that gain most", _worst(entries)),
    ]
    return [(title, lines) for title, lines in made if lines]


def conclusion(entries: Sequence[PassportEntry]) -> str:
    """What to make of it, in a sentence or two."""
    kappa = kappa_of(entries)
    if kappa is None or kappa.estimate is None:
        return f"Nothing can be said of its agreement with people: {_why(kappa)}."
    told = f"Of the disagreement that chance would give, {1 - kappa.estimate:.0%} is left (kappa {_figure(kappa)})."
    if kappa.n < TEXTS_FOR_TRUST:
        told += f" It rests on {kappa.n} texts; label {TEXTS_FOR_TRUST} or more before relying on it."
    return told


def _of(entries: Sequence[PassportEntry], probe: str) -> list[PassportEntry]:
    """The entries of a probe about the score, but for refusals that did not happen."""
    return [
        e
        for e in entries
        if e.probe == probe and e.subject == OVERALL and not (e.measure == "share_refused" and not e.estimate)
    ]


def _line(entry: PassportEntry, meaning: str) -> Line:
    return Line(_WORDS.get(entry.measure, entry.measure), _figure(entry), _interval(entry), entry.n, meaning)


def _agreeing(entry: PassportEntry, raters: PassportEntry | None) -> str:
    if entry.estimate is None or entry.measure == "share_refused":
        return entry.detail or ""
    if entry.measure == "bias":
        return (
            f"scores {abs(entry.estimate):.2f} {'above' if entry.estimate > 0 else 'below'} people on average"
        )
    told = {
        "quadratic_kappa": "1: same levels as people, 0: as by chance",
        "krippendorff_alpha": "the same question, without rounding",
        "spearman": "1: same order as people, 0: none",
        "mean_absolute_error": "points between judge and people",
    }.get(entry.measure, "share of texts")
    if entry.measure == "quadratic_kappa" and raters is not None and raters.estimate is not None:
        told += f"; two people reach {raters.estimate:.2f}"
    return told


def _consistent(entry: PassportEntry) -> str:
    told = {
        "share_identical": "1: every card gets the same score each time",
        "mean_absolute_difference": "points between the first time and later ones",
        "largest_difference": "points, of any card",
    }
    return entry.detail or told.get(entry.measure, "")


def _raised(entry: PassportEntry, rise: float, bound: str) -> str:
    told = {
        "mean_rise": "points gained; 0: it is not swayed",
        "share_raised": f"rose by {bound}{rise:g}",
        "share_flagged": "the verdict says that something is odd",
    }
    if entry.estimate is None or entry.measure == "share_refused":
        return entry.detail or ""
    return told.get(entry.measure, "")


def _criteria(entries: Sequence[PassportEntry]) -> list[Line]:
    titles = {criterion.id: criterion.title for criterion in load_rubric().criteria}
    lines = []
    for criterion, title in titles.items():
        kappa = find(entries, "agreement", "quadratic_kappa", criterion)
        rho, bias = (find(entries, "agreement", measure, criterion) for measure in ("spearman", "bias"))
        if kappa and rho and bias:
            meaning = kappa.detail or f"bias {_figure(bias)}, Spearman's rho {_figure(rho)}"
            lines.append(Line(title, _figure(kappa), _interval(kappa), kappa.n, meaning))
    return lines


def _families(entries: Sequence[PassportEntry]) -> list[Line]:
    def words(entry: PassportEntry) -> str:
        rise = find(entries, "attack", "mean_rise", entry.subject)
        seen = find(entries, "attack", "share_flagged", entry.subject)
        return f"mean rise {_figure(rise)}, flagged {_figure(seen)}"

    return _named(entries, lambda e: e.measure == "share_raised" and e.subject.startswith("family:"), words)


def _worst(entries: Sequence[PassportEntry]) -> list[Line]:
    def is_one(entry: PassportEntry) -> bool:
        is_single = entry.subject != OVERALL and not entry.subject.startswith("family:")
        return entry.measure == "mean_rise" and is_single and (entry.estimate or 0) > 0

    lines = _named(sorted(entries, key=lambda e: -(e.estimate or 0)), is_one, lambda e: "mean rise")
    return lines[:WORST_ATTACKS]


def _named(
    entries: Sequence[PassportEntry],
    wanted: Callable[[PassportEntry], bool],
    words: Callable[[PassportEntry], str],
) -> list[Line]:
    """Lines of attacks, each under its subject's name."""
    chosen = [e for e in entries if e.probe == "attack" and wanted(e)]
    return [Line(_plain(e.subject), _figure(e), _interval(e), e.n, words(e)) for e in chosen]


def _plain(subject: str) -> str:
    return subject.removeprefix("family:").replace("_", " ")


def _figure(entry: PassportEntry | None) -> str:
    if entry is None or entry.estimate is None:
        return NOT_KNOWN
    if entry.measure.startswith("share_"):
        return f"{entry.estimate:.0%}"
    return f"{entry.estimate:+.2f}" if entry.measure in _SIGNED else f"{entry.estimate:.2f}"


def _interval(entry: PassportEntry) -> str:
    if entry.ci_low is None or entry.ci_high is None:
        return ""
    if entry.measure.startswith("share_"):
        return f"{entry.ci_low:.0%} to {entry.ci_high:.0%}"
    return f"{entry.ci_low:.2f} to {entry.ci_high:.2f}"


def _why(kappa: PassportEntry | None) -> str:
    return "the labels have no overall score" if kappa is None else kappa.detail or "no estimate"
