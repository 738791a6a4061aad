"""What an estimate allows to be said: its scale, its interval, and how far the interval is from zero."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from tasks.cards.one_line import one_line
from tasks.estimators import Estimator, family, spearman_given
from tasks.records import Finding
from tasks.sentences.numbers import NARROW, decimal, interval_words

_RANKED = {
    *(Estimator.SPEARMAN, Estimator.SPEARMAN_PER_AUTHOR, Estimator.SPEARMAN_WITHIN_AUTHOR),
    *(Estimator.KENDALL, Estimator.CLIFFS_DELTA),
}
_LOG_RATIOS = {Estimator.POISSON, Estimator.POISSON_STACKED, Estimator.LOGIT}
_SECOND_OPINIONS = {
    *(Estimator.KENDALL, Estimator.TUKEY, Estimator.MEDIAN),
    *(Estimator.THEIL_SEN, Estimator.LOGIT, Estimator.HURDLE_LOG),
}
_FIRST_PARTIALS = {
    Estimator.SPEARMAN_GIVEN_CONTROLS,
    spearman_given("downloads"),
    spearman_given("words"),
}

# Upper ends of "very weak", "weak" and "moderate". Cohen (1988) for a correlation; Kendall's τ runs at about
# two thirds of Spearman's ρ; Romano et al. (2006) for Cliff's δ.
_STEPS: dict[str, tuple[float, float, float]] = {
    Estimator.KENDALL: (0.07, 0.2, 0.33),
    Estimator.CLIFFS_DELTA: (0.147, 0.33, 0.474),
}
_COHEN = (0.1, 0.3, 0.5)
_STRENGTHS = ("very weak", "weak", "moderate", "strong")

EstimateReading = Literal["nothing", "unsettled", "unclear", "one_author", "more", "less"]


def is_interval(finding: Finding) -> bool:
    """Whether estimate and both ends of the interval are finite numbers."""
    numbers = (finding.estimate, finding.ci_low, finding.ci_high)
    return all(number is not None and math.isfinite(number) for number in numbers)


def ends(finding: Finding) -> tuple[float, float]:
    """Both ends of the interval, lower first; only for a finding that `is_interval`."""
    low, high = sorted((finding.ci_low or 0.0, finding.ci_high or 0.0))
    return low, high


def reading(finding: Finding) -> EstimateReading:
    """What the estimate allows to be said.

    `nothing` without an estimate, `unsettled` without an interval, `unclear` where zero lies inside it
    (or the estimate across zero from it), `one_author` where that is so once one author is left out, else `more` or
    `less`.
    """
    verdict = _by_interval(finding)
    if verdict in ("more", "less") and finding.influential_author is not None:
        return verdict if _holds_without(finding, verdict) else "one_author"
    return verdict


def _holds_without(finding: Finding, verdict: EstimateReading) -> bool:
    """Whether the verdict is the same without that author; of ingredients only the sign without it is known."""
    if finding.question == "ingredient" and finding.estimate_without is not None:
        return (finding.estimate_without > 0) == (verdict == "more")
    return reading_without(finding) == verdict


def reading_without(finding: Finding) -> EstimateReading:
    """What the estimate would allow to be said without its influential author."""
    return _by_interval(left_of(finding))


def left_of(finding: Finding) -> Finding:
    """The finding with the estimate and the interval that it has without its influential author."""
    return replace(
        finding,
        estimate=finding.estimate_without,
        ci_low=finding.ci_low_without,
        ci_high=finding.ci_high_without,
    )


def _by_interval(finding: Finding) -> EstimateReading:
    if finding.estimate is None or not math.isfinite(finding.estimate) or "not_converged" in finding.flags:
        return "nothing"
    if not is_interval(finding):
        return "unsettled"
    low, high = ends(finding)
    if low > 0 and finding.estimate > 0:
        return "more"
    return "less" if high < 0 and finding.estimate < 0 else "unclear"


def is_second_opinion(finding: Finding) -> bool:
    """Whether another estimator answers the same question first; second opinions go into tables."""
    is_partial = family(finding.estimator) != finding.estimator
    return finding.estimator in _SECOND_OPINIONS or (is_partial and finding.estimator not in _FIRST_PARTIALS)


def is_ranked(finding: Finding) -> bool:
    """Whether the estimate lies on the scale from -1 to 1."""
    return family(finding.estimator) in _RANKED


def is_number(finding: Finding) -> bool:
    """Whether the estimate counts models or downloads and is not an association."""
    return finding.question in ("outliers", "missing")


def is_multiplicative(finding: Finding) -> bool:
    """Whether the estimate is a difference of logarithms, so that its exponential is a factor."""
    if is_ranked(finding) or is_number(finding):
        return False
    if finding.question in ("edit_power", "edit_pretrend"):
        return finding.question == "edit_power"
    return finding.estimator in _LOG_RATIOS or finding.outcome.startswith(("log1p_", "log_"))


def strength(finding: Finding) -> str:
    """The size of a rank correlation in words that hold over the whole interval: `weak to moderate`."""
    steps = _STEPS.get(family(finding.estimator), _COHEN)
    weakest, strongest = sorted(abs(end) for end in ends(finding))
    words = [_STRENGTHS[sum(size >= step for step in steps)] for size in (weakest, strongest)]
    return " to ".join(dict.fromkeys(words))


def change(log_ratio: float, *, as_factor: bool = False) -> str:
    """A difference of logarithms as `+35 %`, or as `×1.35`."""
    factor = math.exp(min(log_ratio, 50.0))
    if as_factor:
        return f"×{decimal(factor, 1 if factor >= 2 else 2)}"
    return f"{'+' if factor >= 1.005 else ''}{decimal(100 * (factor - 1), 0)}{NARROW}%"


def figure(finding: Finding, value: float | None) -> str:
    """One number of a finding in its own unit; as a factor where any of its numbers is a doubling or more."""
    if value is None or not math.isfinite(value):
        return "–"
    if not is_multiplicative(finding):
        return decimal(value)
    return change(value, as_factor=is_as_factor(finding))


def is_as_factor(finding: Finding) -> bool:
    """Whether a difference of logarithms is told as a factor: any of its numbers is a doubling or more."""
    numbers = (finding.estimate, finding.ci_low, finding.ci_high)
    return any(n is not None and math.exp(min(n, 50.0)) >= 2 for n in numbers)


def interval(finding: Finding) -> str:
    """`95 % interval 0.15 to 0.27`, in the finding's own unit."""
    return interval_words(*(figure(finding, end) for end in ends(finding)))


def without(finding: Finding) -> str:
    """`0.33, 0.24 to 0.42, without ada`: the same without its influential author; a dash for none."""
    if finding.influential_author is None or finding.estimate_without is None:
        return "–"
    left = left_of(finding)
    author = one_line(finding.influential_author, _AUTHOR_CHARACTERS)
    return f"{figure(left, left.estimate)}, {both_ends(left)}, without {author}"


_AUTHOR_CHARACTERS = 40


def both_ends(finding: Finding) -> str:
    """`0.15 to 0.27`, in the finding's own unit, or a dash."""
    return " to ".join(figure(finding, end) for end in ends(finding)) if is_interval(finding) else "–"
