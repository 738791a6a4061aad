"""What the trials say: shares of edits that moved a check, points gained by evidence, rises in the judge's spread.

Intervals resample cards, each with all its trials: edits of one card are not independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.arrays import Floats
from tasks.passport.agreement import Measure, measured
from tasks.passport.metamorphic.trials import ALIKE, PADDING, Trial
from tasks.passport.probes import Verdicts
from tasks.passport.sheet import OVERALL
from tasks.rubric import Criterion, load_rubric

Found = tuple[str, Measure]  # the subject, and a measure of it

SPREADLESS = 1e-6  # below, scores do not differ: they are rounded when stored


@dataclass(frozen=True, slots=True)
class CheckMove:
    """One check in one trial: whether it had to move, and whether it did."""

    card: str
    name: str
    language: str | None
    is_later: bool
    check: str
    must: bool
    has_moved: bool


def moves_of(trials: Iterable[Trial], verdicts: Verdicts) -> Iterator[CheckMove]:
    """Each check of each edit, where it had room to move or had to stay; trials without two verdicts are left out."""
    checks = [check.id for check in load_rubric().checks]
    for trial in trials:
        before, after = (_passed(verdicts, key) for key in (trial.before, trial.after))
        if before is None or after is None or not trial.is_edit:
            continue
        for check in checks:
            was, is_now = check in before, check in after
            must = (check in trial.rises and not was) or (check in trial.falls and was)
            if must or check not in trial.touched:
                kept = (trial.card, trial.name, trial.language, trial.is_later)
                yield CheckMove(*kept, check, must, was != is_now)


def _passed(verdicts: Verdicts, card_hash: str) -> frozenset[str] | None:
    verdict = verdicts.get(card_hash)
    return None if verdict is None or verdict.score is None else frozenset(verdict.passed)


# --------------------------------------------------------------------------------------------------------- shares

_Subjects = Callable[[CheckMove], Iterable[str]]


def shares(moves: Sequence[CheckMove], *, seed: int) -> list[Found]:
    """`share_moved` and `share_stirred` overall, by criterion, by check, by edit and by language."""
    criterion_of = {check.id: c.id for c in load_rubric().criteria for check in c.checks}

    def subjects(moved: CheckMove) -> Iterable[str]:
        yield from (OVERALL, criterion_of[moved.check], moved.check, f"edit:{moved.name}")
        if moved.language:
            yield f"language:{moved.language}"

    found = []
    for name, must in (("share_moved", True), ("share_stirred", False)):
        grouped = _by_subject((moved for moved in moves if moved.must == must), subjects)
        found += [(subject, share(name, rows, seed=seed)) for subject, rows in grouped.items()]
    return found


def _by_subject(moves: Iterable[CheckMove], subjects: _Subjects) -> dict[str, list[tuple[str, bool]]]:
    grouped: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    for moved in moves:
        for subject in subjects(moved):
            grouped[subject].append((moved.card, moved.has_moved))
    return grouped


def share(name: str, rows: Iterable[tuple[str, bool]], *, seed: int) -> Measure:
    """The share of (card, yes or no) that is yes; `n` counts the pairs."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for card, is_so in rows:
        counts[card][0] += is_so
        counts[card][1] += 1
    table = np.array(list(counts.values()), dtype=np.float64).reshape(-1, 2)
    return replace(measured(name, table, _ratio_of_sums, seed=seed), n=int(table[:, 1].sum()))


def _ratio_of_sums(values: Floats) -> Floats:
    return np.asarray(values[..., 0].sum(-1) / values[..., 1].sum(-1))


# ------------------------------------------------------------------------------------------------- discrimination


def discrimination(trials: Sequence[Trial], verdicts: Verdicts, *, seed: int) -> list[Found]:
    """Per criterion: its level with evidence minus without, in points and in the level's own standard deviations."""
    found: list[Found] = []
    for criterion in load_rubric().criteria:
        table = _gains(criterion, trials, verdicts)
        pairs = int(table[:, 2].sum())
        for name, statistic in (("level_difference", _mean_gain), ("effect_size", _gain_in_spread)):
            found.append((criterion.id, replace(measured(name, table, statistic, seed=seed), n=pairs)))
    return found


def _gains(criterion: Criterion, trials: Sequence[Trial], verdicts: Verdicts) -> Floats:
    """Per card: the sum of gains over its pairs, the card's own level, and the number of pairs."""
    own = {check.id for check in criterion.checks}
    rows: dict[str, list[float]] = {}
    for trial in trials:
        is_more, is_less = bool(own & trial.rises), bool(own & trial.falls)
        levels = [_level(verdicts, key, criterion.id) for key in (trial.before, trial.after)]
        if is_more == is_less or None in levels or not trial.is_edit:
            continue
        before, after = (level or 0.0 for level in levels)
        row = rows.setdefault(trial.card, [0.0, before, 0.0])
        row[0] += after - before if is_more else before - after
        row[2] += 1
    return np.array(list(rows.values()), dtype=np.float64).reshape(-1, 3)


def _level(verdicts: Verdicts, card_hash: str, criterion: str) -> float | None:
    verdict = verdicts.get(card_hash)
    return None if verdict is None else verdict.levels.get(criterion)


def _mean_gain(values: Floats) -> Floats:
    return np.asarray(values[..., 0].sum(-1) / values[..., 2].sum(-1))


def _gain_in_spread(values: Floats) -> Floats:
    return _over(_mean_gain(values), values[..., 1].std(-1))


def _over(above: Floats, spread: Floats) -> Floats:
    """The quotient; NaN where there is no spread to measure in."""
    is_spread = spread > SPREADLESS
    return np.where(is_spread, above / np.where(is_spread, spread, 1.0), np.nan)


# ----------------------------------------------------------------------------------------------------- invariance


def invariance(trials: Sequence[Trial], verdicts: Verdicts, *, seed: int) -> list[Found]:
    """Pairs that mean the same: the share of checks answered alike, and how far the scores are apart, in points."""
    checks = [check.id for check in load_rubric().checks]
    found: list[Found] = []
    for name in ALIKE:
        pairs = [
            (trial.card, before, after)
            for trial in trials
            if trial.name == name
            and (before := _passed(verdicts, trial.before)) is not None
            and (after := _passed(verdicts, trial.after)) is not None
        ]
        if not pairs:
            continue
        alike = [(card, (c in before) == (c in after)) for card, before, after in pairs for c in checks]
        found.append((name, share("share_same", alike, seed=seed)))
        apart = np.array([[distance, 1.0] for distance in _distances(name, trials, verdicts)])
        found.append((name, measured("mean_distance", apart, _ratio_of_sums, seed=seed)))
    return found


def _distances(name: str, trials: Sequence[Trial], verdicts: Verdicts) -> list[float]:
    """The mean distance of the scores, one per card."""
    by_card: defaultdict[str, list[float]] = defaultdict(list)
    for trial in trials:
        if trial.name == name and (rise := _rise(trial, verdicts)) is not None:
            by_card[trial.card].append(abs(rise))
    return [float(np.mean(values)) for values in by_card.values()]


def _rise(trial: Trial, verdicts: Verdicts) -> float | None:
    before, after = (_score(verdicts, key) for key in (trial.before, trial.after))
    return None if before is None or after is None else after - before


def _score(verdicts: Verdicts, card_hash: str) -> float | None:
    verdict = verdicts.get(card_hash)
    return None if verdict is None else verdict.score


# ----------------------------------------------------------------------------------------------------------- sway


def spread(scores: Sequence[float], *, seed: int) -> Measure:
    """The standard deviation of the judge's scores over the cards."""
    return measured(
        "standard_deviation", np.array(scores)[:, None], lambda v: np.asarray(v[..., 0].std(-1)), seed=seed
    )


def padding(trials: Sequence[Trial], verdicts: Verdicts, *, seed: int) -> list[Measure]:
    """The mean rise by padding, in points and in standard deviations of the same cards' scores."""
    rows = [
        [rise, _score(verdicts, trial.before) or 0.0]
        for trial in trials
        if trial.name == PADDING and (rise := _rise(trial, verdicts)) is not None
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return [
        measured("mean_rise", table, lambda values: np.asarray(values[..., 0].mean(-1)), seed=seed),
        _spreadless(measured("mean_rise_sds", table, _rise_in_spread, seed=seed)),
    ]


def _rise_in_spread(values: Floats) -> Floats:
    return _over(np.asarray(values[..., 0].mean(-1)), values[..., 1].std(-1))


def in_spread(rise: Measure, scores: Sequence[float]) -> Measure:
    """A mean rise in standard deviations of the scores; its interval takes the standard deviation as given."""
    deviation = float(np.std(scores)) if scores else 0.0
    named = replace(rise, name=f"{rise.name}_sds")
    if rise.estimate is None:
        return named
    if deviation <= SPREADLESS:
        return _spreadless(Measure(named.name, rise.n))
    low, high = (None if end is None else end / deviation for end in (rise.ci_low, rise.ci_high))
    return replace(named, estimate=rise.estimate / deviation, ci_low=low, ci_high=high)


def _spreadless(measure: Measure) -> Measure:
    if measure.estimate is not None or measure.n == 0:
        return measure
    return replace(measure, detail="the judge gives all cards the same score: it has no spread to measure in")
