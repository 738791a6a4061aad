"""A fitted judge for people: how well it agrees, what more labels are worth, what it weighs, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.fitted.fitting import LabelFit
from tasks.records import FittedMeasure
from tasks.rubric import load_rubric
from tasks.sentences.numbers import decimal, signed

NOT_KNOWN = "–"
WEIGHTS_SHOWN = 10
WIDE = 0.2  # from end to end of an interval of the AUC
_BAR_CELLS = 20
_SCORERS = ("fitted", "judge", "length")
_WORDS = {
    "auc": "AUC",
    "spearman": "Spearman's rho",
    "quadratic_kappa": "quadratic kappa",
}
CAUTION = (
    "It is fitted to these raters, and says nothing of others, who may weigh the checks differently: --try-on OTHER "
    "measures it on other labels. Its scores are in the view fitted_scores, and never among those of the rubric."
)

Row = tuple[str, ...]


def agreement_rows(fit: LabelFit, probe: str = "out_of_fold") -> list[Row]:
    """The measure in words, and its figure with interval of the fitted judge, of its base and of length alone."""
    measures = dict.fromkeys(m.measure for m in fit.measures if m.probe == probe)
    return [
        (_WORDS[name], *(with_interval(fit.find(name, scorer, probe)) for scorer in _SCORERS))
        for name in measures
    ]


def curve_rows(fit: LabelFit) -> list[Row]:
    """Labels, the AUC that they lead to, its range among the draws, and a bar from 0.5 to 1."""
    points = [m for m in fit.measures if m.probe == "curve"]
    return [
        (f"{m.learned_from:,}", _figure(m.estimate), f"{_figure(m.ci_low)} to {_figure(m.ci_high)}", _bar(m))
        for m in points
    ]


def weight_rows(fit: LabelFit, limit: int = WEIGHTS_SHOWN) -> list[Row]:
    """The checks that weigh most, each in words, with its weight."""
    words = {check.id: check.words for check in load_rubric().checks}
    largest = sorted(fit.judge.weights.items(), key=lambda entry: (-abs(entry[1]), entry[0]))
    return [(words[check], check, signed(weight)) for check, weight in largest[:limit]]


def sentences(fit: LabelFit, unscored: int = 0) -> Iterator[str]:
    """What it was learned from, how far to trust the figures, and what it is not."""
    judge = fit.judge
    yield (
        f"{judge.judge} ({judge.fingerprint}) weighs the answers of {judge.base_judge} "
        f"{judge.base_fingerprint[:8]}: learned from {judge.texts:,} texts in {judge.authors:,} groups that share no "
        "author and no nearly equal text; all figures are of groups kept aside."
    )
    if judge.without_author:
        yield (
            f"Of {judge.without_author:,} texts no author is known; each counts as an author of its own. Where some "
            "have the same author that flatters the figures: add a column 'author'."
        )
    if unscored:
        yield f"{unscored:,} labelled texts have no score of {judge.base_judge} and were left out."
    yield (
        "AUC: how often, of two texts that were marked differently, the better one is scored higher. Kappa: after "
        "score and length were put on the raters' scale in the same folds."
    )
    yield from _on_gain(fit)
    yield from _on_width(fit)
    yield CAUTION


def _on_gain(fit: LabelFit) -> Iterator[str]:
    """Whether it is better than the judge as it is."""
    base = fit.find("auc", "judge")
    if base is None or base.gain is None:
        return
    words = f"The AUC is {abs(base.gain):.3f} {'above' if base.gain > 0 else 'below'} that of {fit.judge.base_judge}"
    if base.gain_low is None or base.gain_high is None:
        yield f"{words} as it is; too few authors to say whether that is chance."
        return
    low, high = signed(base.gain_low, 3), signed(base.gain_high, 3)
    yield f"{words} as it is (95 % interval of the difference {low} to {high})."
    if base.gain_low <= 0:
        yield "That may be chance: with these labels the fitted judge is not known to be better."


def _on_width(fit: LabelFit) -> Iterator[str]:
    """How wide the interval is, where it is wide or missing."""
    auc = fit.find("auc")
    if auc is None or auc.ci_low is None or auc.ci_high is None:
        why = (auc and auc.detail) or "no interval"
        yield f"How far to trust these figures is unknown ({why}); label cards of more authors."
    elif auc.ci_high - auc.ci_low > WIDE:
        yield (
            f"The interval of the AUC is {auc.ci_high - auc.ci_low:.2f} wide: {fit.judge.texts:,} labels do not say "
            "how good it is; label 100 or more."
        )


def with_interval(measure: FittedMeasure | None) -> str:
    """`0.91 (0.86 to 0.95)`; a word where there is no estimate."""
    if measure is None:
        return NOT_KNOWN
    if measure.ci_low is None or measure.ci_high is None:
        return _figure(measure.estimate) if measure.estimate is not None else measure.detail or NOT_KNOWN
    return f"{_figure(measure.estimate)} ({_figure(measure.ci_low)} to {_figure(measure.ci_high)})"


def _figure(value: float | None) -> str:
    return decimal(value, 3)


def _bar(measure: FittedMeasure) -> str:
    share = min(1.0, max(0.0, 2 * (measure.estimate or 0.5) - 1))
    return "█" * round(share * _BAR_CELLS)
