"""Robust regressions and count models of popularity on the score, with author-clustered intervals.

All intervals are jackknifed over authors (CR3), with t on one degree of freedom less than there are effective authors
(`tasks/findings/authors.py`); an author's weight is its share of the score's information. Leaving an author out is one
Newton step, exact for least squares; the Poisson mean, which a few giants decide, is fitted again without large ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import special, stats
from statsmodels.robust.norms import HuberT, TukeyBiweight

from tasks.arrays import Floats
from tasks.findings.authors import LARGE_SHARE, against, cluster_sums, effective_number, too_few
from tasks.findings.controls import Design, independent, least_squares
from tasks.findings.sample import Bools, Codes, Estimate

MAD_TO_SIGMA = float(stats.norm.ppf(0.75))
ITERATIONS = 500
TOLERANCE = 1e-10  # of the coefficients
TIED_SHARE = 0.1
MODELS_TO_PREPROCESS, DRAWN, BAND = 100_000, 40_000, 0.08
CLUSTERS_TO_JACKKNIFE = 1000  # all of them; of more, those that weigh
WITHOUT_IT_SINGULAR = 1e8
LINEAR_PREDICTOR_LIMIT = 30.0  # exp(-30): a fitted mean of practically 0, the sign of separated data


class Norm(Protocol):
    """What statsmodels' robust norms offer: weights(u) = psi(u) / u, psi and its derivative."""

    def weights(self, z: Floats) -> Floats: ...
    def psi(self, z: Floats) -> Floats: ...
    def psi_deriv(self, z: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients with each model's derivative of the objective (n) and of that derivative (n)."""

    coefficients: Floats
    slope: Floats
    curvature: Floats


@dataclass(frozen=True, slots=True)
class NoFit:
    """Why there are no coefficients."""

    flags: tuple[str, ...]


def huber(design: Design) -> Estimate:
    """Huber's M-estimate of log1p(outcome) on the score: log points per point of score.

    psi(u) = max(-1.345, min(1.345, u)) of the residuals over their scale 1.4826 MAD, re-estimated in each step;
    95 % efficient for normal errors. Assumes a line and symmetric errors; not robust to outliers in the score,
    which a bounded scale does not have. Huber (1964, 1973), "Robust regression: asymptotics, conjectures and
    Monte Carlo".
    """
    return _score_estimate(design, huber_fit(design))


def tukey(design: Design) -> Estimate:
    """Tukey's biweight M-estimate, started at Huber's: models far off the line have no weight.

    psi(u) = u (1 - (u / 4.685)^2)^2 within 4.685, else 0. Units and assumptions as Huber's; may have several
    solutions, hence the start. Beaton & Tukey (1974), "The fitting of power series, meaning polynomials".
    """
    start = huber_fit(design)
    if isinstance(start, NoFit):
        return Estimate(flags=start.flags)
    fit = _iterate(design.x, np.log1p(design.y), TukeyBiweight(), start.coefficients, design.weights)
    return _score_estimate(design, fit)


def huber_fit(design: Design) -> Fit | NoFit:
    """The coefficients of `huber`; models count by the design's weights."""
    return _iterate(design.x, np.log1p(design.y), HuberT(), None, design.weights)


def poisson_fit(design: Design) -> Fit | NoFit:
    """The coefficients of `poisson`; models count by the design's weights."""
    return _glm(design, design.y, POISSON)


def poisson(design: Design) -> Estimate:
    """Poisson pseudo-maximum-likelihood: log of the ratio of expected counts per point of score.

    Consistent whenever E[y | x] = exp(x b), whatever the variance and however many zeros. A few very popular
    models may dominate it: compare the stratum without outliers.
    Gourieroux, Monfort & Trognon (1984); Santos Silva & Tenreyro (2006), "The log of gravity".
    """
    fit = poisson_fit(design)
    return _score_estimate(design, fit, moves_of=_moves_refitted if isinstance(fit, Fit) else _moves)


def logit_any(design: Design) -> Estimate:
    """Logistic regression of having any at all: log odds ratio per point of score.

    It still works where nearly all counts are 0 or 1; the first part of a two-part model. Levels of a control in which
    all models or none have any would get unbounded coefficients and say nothing about the score: they are left out.
    Cox (1958), "The regression analysis of binary sequences"; Mullahy (1986); Albert & Anderson (1984), "On the
    existence of maximum likelihood estimates in logistic regression models".
    """
    kept = _undecided(design)
    codes, clusters = np.unique(design.clusters[kept], return_inverse=True)
    used = design if kept.all() else _only(design, kept, clusters)
    has = (used.y > 0).astype(np.float64)
    found = _score_estimate(replace(used, y=has), _glm(used, has, BINOMIAL))
    if found.most_influential is None:
        return found
    moving = found.most_moving if found.most_moving is None else int(codes[found.most_moving])
    return replace(found, most_influential=int(codes[found.most_influential]), most_moving=moving)


def _undecided(design: Design) -> Bools:
    """Which models (n) are of no level all of whose models have some, or none."""
    has, decided = design.y > 0, np.zeros(len(design.y), dtype=bool)
    for column in design.x.T[1:-1]:
        its = column == 1
        if np.all(its | (column == 0)) and (has[its].all() or not has[its].any()):
            decided |= its
    return np.asarray(~decided)


def _only(design: Design, kept: Bools, clusters: Codes) -> Design:
    """The models that are kept, with the codes of their clusters, and a flag."""
    x = design.x[kept]
    return replace(
        design,
        x=x[:, independent(x)],
        y=design.y[kept],
        clusters=clusters,
        weights=None if design.weights is None else design.weights[kept],
        flags=(*design.flags, "decided_levels"),
    )


def median(design: Design) -> Estimate:
    """Median regression of log1p(outcome) on the score: log points per point of score, at the median.

    Least absolute deviations, by pyfixest's interior-point method. It says nothing about counts whose median is a value
    that many models share, such as 0: refused (`quantile_is_tied`) where the line passes through more than a tenth. The
    density of the residuals at 0 is that of those within Hall and Sheather's bandwidth.
    Koenker & Bassett (1978), "Regression quantiles"; Parente & Santos Silva (2016), "Quantile regression with
    clustered data".
    """
    if not design.x.shape[1]:
        return Estimate(flags=("constant",))
    y = np.log1p(design.y)
    beta = least_absolute(design.x, y)
    if isinstance(beta, NoFit):
        return Estimate(flags=beta.flags)
    residuals = y - design.x @ beta
    if _is_tied(residuals):
        return Estimate(flags=("quantile_is_tied",))
    width = _bandwidth(residuals)
    near = (np.abs(residuals) <= width) / (2 * width)
    return _score_estimate(design, Fit(beta, np.sign(residuals) / 2, near))


def least_absolute(x: Floats, y: Floats) -> Floats | NoFit:
    """The coefficients (k) with the least sum of absolute residuals; x (n x k) begins with a column of ones.

    With many models, a fit to a random draw shows which are far above the line and which far below. Each of the two
    groups is replaced by the sum of its rows, as long as the fitted line leaves all of it on its side: the exact
    solution at a fraction of the cost. Portnoy & Koenker (1997), "The Gaussian hare and the Laplacian tortoise".
    """
    if len(y) <= MODELS_TO_PREPROCESS:
        return _by_interior_points(x, y)
    drawn = np.random.default_rng(20).choice(len(y), DRAWN, replace=False)
    line = _by_interior_points(x[drawn], y[drawn])
    if isinstance(line, NoFit):
        return line
    residuals = y - x @ line
    if _is_tied(residuals):  # then the line of all models is tied too
        return NoFit(("quantile_is_tied",))
    low, high = np.quantile(residuals, (0.5 - BAND, 0.5 + BAND))
    below, above = residuals < low, residuals > high
    while True:
        near = ~(below | above)
        sums = [(x[side].sum(axis=0), y[side].sum()) for side in (below, above)]
        rows, values = zip(*sums, strict=True)
        found = _by_interior_points(np.vstack([x[near], *rows]), np.append(y[near], values))
        if isinstance(found, NoFit):
            return found
        residuals = y - x @ found
        crossed = (below & (residuals > 0)) | (above & (residuals < 0))
        if not crossed.any():
            return found
        below, above = below & ~crossed, above & ~crossed


def _is_tied(residuals: Floats) -> bool:
    """Whether the line passes through more models than a median of distinct numbers would."""
    return bool(np.mean(np.abs(residuals) < 1e-5) > TIED_SHARE)


def _by_interior_points(x: Floats, y: Floats) -> Floats | NoFit:
    """By pyfixest; columns that are not independent get 0."""
    from pyfixest import quantreg  # takes seconds

    names = [f"x{place}" for place in range(1, x.shape[1])]
    # Its own constant is not used: in a row that is a sum of others it is their number.
    table = pd.DataFrame(x, columns=["x0", *names]).assign(y=y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental; convergence is checked below
        try:
            formula = f"y ~ x0 + {' + '.join(names)} - 1"
            fitted: Any = quantreg(formula, table, quantile=0.5, method="fn", vcov="iid", maxiter=ITERATIONS)
        except (ValueError, RuntimeError, np.linalg.LinAlgError):
            return NoFit(("not_converged",))
    beta: Floats = fitted.coef().reindex(["x0", *names]).fillna(0.0).to_numpy(np.float64)
    return beta if fitted._has_converged else NoFit(("not_converged",))


def _bandwidth(residuals: Floats) -> float:
    """Hall & Sheather's (1988) for the median, from the scale of quantiles to that of the residuals."""
    step = (1.5 * stats.norm.ppf(0.975) ** 2 * stats.norm.pdf(0.0) ** 2 / len(residuals)) ** (1 / 3)
    spread = min(float(np.std(residuals)), float(stats.iqr(residuals)) / 1.34)
    return spread * float(stats.norm.ppf(min(0.99, 0.5 + step)) - stats.norm.ppf(max(0.01, 0.5 - step)))


def log_positive(design: Design) -> Estimate:
    """Least squares of log(outcome) of the models that have any: log points per point of score.

    The second part of a two-part model, beside `logit_any`: how many, where there are any at all. It models the
    geometric mean, which a few very popular models do not dominate as they would a mean. Outcomes must be positive.
    Cragg (1971); Duan, Manning, Morris & Newhouse (1983), "A comparison of alternative models".
    """
    if not design.x.shape[1]:
        return Estimate(flags=("constant",))
    y = np.log(design.y)
    beta = least_squares(design.x, y)
    return _score_estimate(design, Fit(beta, y - design.x @ beta, np.ones(len(y))))


def _iterate(
    x: Floats, y: Floats, norm: Norm, start: Floats | None, weights: Floats | None = None
) -> Fit | NoFit:
    """Iteratively reweighted least squares: the fixed point of statsmodels' RLM, by normal equations.

    Where one value fits over half of the models exactly, the scale goes to 0 and the estimate with it: that says
    nothing about the rest, so it is refused (`scale_collapsed`).
    """
    if not x.shape[1]:
        return NoFit(("constant",))
    counted = np.ones(len(y)) if weights is None else weights
    root = np.sqrt(counted)
    beta = least_squares(x * root[:, None], y * root) if start is None else start
    floor = 1e-6 * float(np.std(y))
    for _ in range(ITERATIONS):
        residuals = y - x @ beta
        scale = _median(np.abs(residuals), weights) / MAD_TO_SIGMA
        if scale <= floor:
            return NoFit(("not_converged", "scale_collapsed"))
        weighted = x * (counted * norm.weights(residuals / scale))[:, None]
        try:
            new: Floats = np.asarray(np.linalg.solve(weighted.T @ x, weighted.T @ y), np.float64)
        except np.linalg.LinAlgError:
            return NoFit(("not_converged",))
        moved, beta = float(np.max(np.abs(new - beta))), new
        if moved <= TOLERANCE * (1 + float(np.max(np.abs(beta)))):
            standard = (y - x @ beta) / scale
            return Fit(beta, counted * norm.psi(standard), counted * norm.psi_deriv(standard) / scale)
    return NoFit(("not_converged",))


def _median(values: Floats, weights: Floats | None) -> float:
    """The value with half of the weight below it; between two values their mean."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / np.sum(weights)
    sides = (np.searchsorted(below, 0.5 - 1e-12), np.searchsorted(below, 0.5 + 1e-12))
    return float(np.mean(values[order][np.minimum(sides, len(values) - 1)]))


@dataclass(frozen=True, slots=True)
class Family:
    """A distribution with its canonical link: linear predictor of a mean, mean of a predictor, variance of a mean."""

    link: Callable[[Floats], Floats]
    mean: Callable[[Floats], Floats]
    variance: Callable[[Floats], Floats]


POISSON = Family(np.log, np.exp, lambda mean: mean)
BINOMIAL = Family(special.logit, special.expit, lambda mean: mean * (1 - mean))


def _glm(design: Design, y: Floats, family: Family, start: Floats | None = None) -> Fit | NoFit:
    """A generalised linear model with its canonical link, refused where it did not converge or is separated.

    Newton's method, which for a canonical link is iteratively reweighted least squares (Nelder & Wedderburn 1972), by
    normal equations: with a million models statsmodels' decomposition in each step takes minutes.
    """
    x, counted = design.x, np.ones(len(y)) if design.weights is None else design.weights
    if not x.shape[1] or not len(y) or np.all(y == y[0]):
        return NoFit(("constant",))
    beta = np.zeros(x.shape[1]) if start is None else start
    predictor = family.link((y + y.mean()) / 2) if start is None else x @ start
    mean = family.mean(predictor)
    with np.errstate(all="ignore"):  # divergence is checked below
        for _ in range(ITERATIONS):
            variance = family.variance(mean)
            weighted = x * (counted * variance)[:, None]
            try:
                new = np.linalg.solve(weighted.T @ x, weighted.T @ (predictor + (y - mean) / variance))
            except np.linalg.LinAlgError:
                return NoFit(("not_converged",))
            if not np.all(np.isfinite(new)):
                return NoFit(("not_converged",))
            moved, beta = float(np.max(np.abs(new - beta))), np.asarray(new)
            predictor = x @ beta
            mean = family.mean(predictor)
            if moved <= TOLERANCE * (1 + float(np.max(np.abs(beta)))):
                if np.max(np.abs(predictor)) >= LINEAR_PREDICTOR_LIMIT:
                    break
                return Fit(beta, counted * (y - mean), counted * family.variance(mean))
    return NoFit(("not_converged",))


Moves = Callable[[Design, Fit], Floats | None]


def _moves(design: Design, fit: Fit) -> Floats | None:
    """How far the score's coefficient moves without each author (G), by one Newton step."""
    bread = _bread(design.x, fit)
    if bread is None:
        return None
    return np.asarray(-_sums_left_out(design.x, fit, design.clusters, bread) @ bread[-1])


def _moves_refitted(design: Design, fit: Fit) -> Floats | None:
    """The same of a Poisson fit, which is made again without each author of more than a fiftieth of the information."""
    moves = _moves(design, fit)
    if moves is None or len(moves) < 2:
        return moves
    sizes = np.bincount(design.clusters, weights=design.weights)
    shares = np.maximum(_shares(design, fit), sizes / sizes.sum())
    for author in np.flatnonzero(shares > _REFITTED_SHARE):
        kept = design.clusters != author
        left = replace(
            design,
            x=design.x[kept],
            y=design.y[kept],
            weights=None if design.weights is None else design.weights[kept],
        )
        again = _glm(left, left.y, POISSON, start=fit.coefficients)
        if isinstance(again, Fit):
            moves[author] = again.coefficients[-1] - fit.coefficients[-1]
    return moves


_REFITTED_SHARE = 0.02


def _shares(design: Design, fit: Fit) -> Floats:
    """Each author's share of the information on the score's coefficient (G).

    sum c_i (x_i' a)^2 with a the last row of A^-1: the sum over all authors is a' A a.
    """
    bread = _bread(design.x, fit)
    own = np.zeros(len(design.y)) if bread is None else fit.curvature * (design.x @ bread[-1]) ** 2
    information = np.maximum(np.bincount(design.clusters, weights=own), 0.0)
    total = float(information.sum())
    return np.asarray(information / total if total > 0 else np.full(len(information), 1 / len(information)))


def _score_estimate(design: Design, fit: Fit | NoFit, moves_of: Moves = _moves) -> Estimate:
    """The score's coefficient with its interval over authors: CR3, t on one less than the effective authors."""
    if isinstance(fit, NoFit):
        return Estimate(flags=(*fit.flags, *design.flags))
    moves = moves_of(design, fit)
    if moves is None:
        return Estimate(flags=("not_converged", *design.flags))
    groups, information = len(moves), (_shares(design, fit), _spread_of_outcome(design))
    effective = min(map(effective_number, information))
    bare = Estimate(
        float(fit.coefficients[-1]),
        flags=design.flags,
        effective_authors=effective,
        most_influential=int(np.argmax(np.abs(moves))),
        most_moving=int(np.argmax(np.abs(moves))),
    )
    if (flag := too_few(*information)) is not None:
        return bare.flagged(flag)
    error = float(np.sqrt(np.sum(moves**2) * (groups - 1) / groups))
    if not error > 0:
        return Estimate(flags=("not_converged", *design.flags))
    found = bare.by_t(error, effective - 1)
    most = against(found.value or 0.0, found.low or 0.0, found.high or 0.0, moves)
    return replace(found, most_influential=most)


def _spread_of_outcome(design: Design) -> Floats:
    """Each author's part of the spread of the outcome's ranks (G): two authors may have all that is not zero."""
    ranks = stats.rankdata(design.y)
    return np.asarray(np.bincount(design.clusters, weights=(ranks - ranks.mean()) ** 2))


def over_clusters(x: Floats, fit: Fit, clusters: Codes) -> Floats | None:
    """The variance of the coefficients (k x k), jackknifed by cluster (CR3).

    (G - 1) / G times the sum of squares of A_-g^-1 s_g, s_g the cluster's sum of s_i x_i: exact for least squares, one
    Newton step for the others. For M-estimators the scale is taken as known, which is right for the slopes when the
    errors are symmetric or independent of x. Of more than 1,000 clusters those with more than a hundredth of the
    models are left out, and the others count as in the plain sandwich, which for them is the same.
    Bell & McCaffrey (2002); MacKinnon, Nielsen & Webb (2023), "Cluster-robust inference: a guide to empirical
    practice".
    """
    bread = _bread(x, fit)
    if bread is None:
        return None
    sums = _sums_left_out(x, fit, clusters, bread)
    groups = len(sums)
    return np.asarray(bread @ (sums.T @ sums) @ bread.T * ((groups - 1) / groups))


def _sums_left_out(x: Floats, fit: Fit, clusters: Codes, bread: Floats) -> Floats:
    """Each cluster's sum of s_i x_i as it would be were the fit made without that cluster (G x k)."""
    sums = cluster_sums(x * fit.slope[:, None], clusters)
    for group, (_, own) in _left_out(x, fit, clusters, bread):
        sums[group] = np.linalg.solve(own, sums[group])
    return sums


def _left_out(
    x: Floats, fit: Fit, clusters: Codes, bread: Floats
) -> Iterator[tuple[int, tuple[Codes, Floats]]]:
    """Of each cluster that weighs: its rows, and A_-g A^-1 (k x k).

    Without some clusters a coefficient would not exist; they count as in the plain sandwich, by the identity.
    """
    sizes = np.bincount(clusters)
    order = np.argsort(clusters, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    identity = np.eye(x.shape[1])
    is_few = len(sizes) <= CLUSTERS_TO_JACKKNIFE
    for group in range(len(sizes)) if is_few else np.flatnonzero(sizes > LARGE_SHARE * len(x)):
        rows = order[bounds[group] : bounds[group + 1]]
        own = identity - (x[rows] * fit.curvature[rows, None]).T @ x[rows] @ bread
        yield int(group), (rows, own if np.linalg.cond(own) < WITHOUT_IT_SINGULAR else identity)


def contributions(design: Design, fit: Fit) -> Floats | None:
    """Each model's contribution to the score's coefficient (n); summed over a cluster, how far it moves the estimate.

    That is how far leaving the cluster out would move it, as in `over_clusters`. Null where the coefficients are not
    determined.
    """
    bread = _bread(design.x, fit)
    if bread is None:
        return None
    moved = design.x * fit.slope[:, None]
    found = np.asarray(moved @ bread[-1])
    for _, (rows, own) in _left_out(design.x, fit, design.clusters, bread):
        found[rows] = moved[rows] @ np.linalg.solve(own.T, bread[-1])
    return found


def _bread(x: Floats, fit: Fit) -> Floats | None:
    try:
        return np.asarray(np.linalg.inv((x * fit.curvature[:, None]).T @ x))
    except np.linalg.LinAlgError:
        return None
