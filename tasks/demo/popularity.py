"""How popular the invented models are, and why: the planted truth that findings are compared with.

For model i of author a in week t, downloads and likes gained are each Poisson with rate

    rate[i, t] = exp(m[i, t]) * g[i] * w[i, t]
    m[i, t]    = intercept + BETA_DOC * (d[i] - 3) + FORMAT[format i] + LIBRARY[library i] + author[a]
                 + AGE * log(age in years) + EDIT_EFFECT * [t is after a documentation edit of i]

- d is the documentation level (1-5) before any edit; what an edit does is `EDIT_EFFECT` alone, so the two can be
  distinguished: BETA_DOC is an association between models, EDIT_EFFECT an effect within one.
- g is gamma with mean 1, one draw per model (shape `SHAPE_…`): over many weeks a model's total is negative binomial
  with dispersion 1 / shape. g of likes and downloads come from normals with correlation `FAME_CORRELATION`.
- w is gamma with mean 1 and shape `SHAPE_WEEK`: no two weeks are alike.
- author is normal around a mean by kind of author; likes share `AUTHOR_LIKES_SLOPE` of its deviation. The labs' mean is
  high and their cards are rich: a confounder. GGUF files are downloaded often and documented thinly: another.
- Placebo edits and commits to other files have no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr

from tasks.arrays import Floats
from tasks.demo.people import Society
from tasks.demo.roster import DemoModel, dominant_author

Ints = NDArray[np.int64]

BETA_DOC_LIKES = 0.45
BETA_DOC_DOWNLOADS = 0.15
EDIT_EFFECT_LIKES = 0.50
EDIT_EFFECT_DOWNLOADS = 0.25
INTERCEPT_LIKES = -5.1
INTERCEPT_DOWNLOADS = 1.9
AGE_LIKES = -0.35
AGE_DOWNLOADS = -0.15
FORMAT_LIKES = {"weights": 0.0, "gguf": -0.3, "quantised": -0.6, "adapter": -0.4}
FORMAT_DOWNLOADS = {"weights": 0.0, "gguf": 1.2, "quantised": 0.5, "adapter": -0.6}
# PEFT, llama.cpp and MLX stay at zero: their effect is that of their format.
LIBRARY_LIKES = {
    "diffusers": 0.5,
    "sentence-transformers": 0.3,
    "timm": -0.4,
    "stable-baselines3": -1.5,
    None: -0.5,
}
LIBRARY_DOWNLOADS = {
    "diffusers": 0.2,
    "sentence-transformers": 0.8,
    "timm": 0.3,
    "stable-baselines3": -1.2,
    None: -0.9,
}
AUTHOR_MEAN_LIKES = {"lab": 4.2, "converter": 0.8, "indie": 0.0}
AUTHOR_MEAN_DOWNLOADS = {"lab": 5.0, "converter": 1.2, "indie": 0.0}
AUTHOR_SD = {"lab": 1.6, "converter": 0.7, "indie": 1.0}
AUTHOR_LIKES_SLOPE = 0.7
DOMINANT_LIKES = -1.5  # of an author who has a given share of all models, and documents them well
DOMINANT_DOWNLOADS = -2.5
AUTHOR_LIKES_SD = 0.3
SHAPE_LIKES = 1.0
SHAPE_DOWNLOADS = 0.6
SHAPE_WEEK = 20.0
FAME_CORRELATION = 0.6
MEAN_AGE_DAYS = 600
OLDEST_DAYS = 1_700
# 30 days are the last four weeks and two days of the week before; those before the first snapshot are simulated too.
WINDOW_WEEKS = 4
WINDOW_REST = 2 / 7


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """One outcome of every model: all (models, weeks) but `before` and `author_effect` (models,).

    `log_mean` is m above, `log_rate` adds log g; -inf in weeks before the model existed.
    """

    author_effect: Floats
    log_mean: Floats
    log_rate: Floats
    weekly: Ints
    window: Ints
    total: Ints


@dataclass(frozen=True, slots=True)
class DemoPopularity:
    """Both outcomes of every model; `age_weeks` (models, weeks) is not positive before the model existed."""

    age_weeks: Floats
    likes: DemoOutcome
    downloads: DemoOutcome


def ages_in_days(models: int, seed: int) -> Floats:
    """Draw the age of each model at the last snapshot: at least nine days, and more models are young than old."""
    rng = np.random.default_rng([seed, 1])
    return 9.0 + rng.exponential(MEAN_AGE_DAYS, models) % OLDEST_DAYS


def simulate(
    roster: Sequence[DemoModel],
    society: Society,
    age_days: Floats,
    edit_week: Ints,
    weeks: int,
    seed: int,
    *,
    is_dominated: bool = False,
) -> DemoPopularity:
    """Simulate both outcomes. `edit_week` is the week of a documentation edit, `weeks` where there is none."""
    rng = np.random.default_rng([seed, 2])
    author_of = np.array([model.author.index for model in roster])
    likes_author, downloads_author = _author_effects(society, rng)
    if is_dominated:
        at = dominant_author(society).index
        likes_author[at], downloads_author[at] = DOMINANT_LIKES, DOMINANT_DOWNLOADS
    fame = _fame(len(roster), rng)
    columns = np.arange(-WINDOW_WEEKS, weeks)
    age_weeks = age_days[:, None] / 7 - (weeks - 1 - columns)
    after = (columns > edit_week[:, None]).astype(float)
    likes = _mean_of(roster, INTERCEPT_LIKES, BETA_DOC_LIKES, FORMAT_LIKES, LIBRARY_LIKES)
    downloads = _mean_of(roster, INTERCEPT_DOWNLOADS, BETA_DOC_DOWNLOADS, FORMAT_DOWNLOADS, LIBRARY_DOWNLOADS)
    author = likes_author[author_of], downloads_author[author_of]
    edit = EDIT_EFFECT_LIKES * after, EDIT_EFFECT_DOWNLOADS * after
    return DemoPopularity(
        age_weeks[:, WINDOW_WEEKS:],
        _outcome(likes, author[0], fame[0], age_weeks, AGE_LIKES, edit[0], rng),
        _outcome(downloads, author[1], fame[1], age_weeks, AGE_DOWNLOADS, edit[1], rng),
    )


def _author_effects(society: Society, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the effect of each author on log likes and log downloads."""
    kinds = [author.kind for authors in society.by_kind.values() for author in authors]
    deviation: Floats = rng.normal(size=len(kinds)) * np.array([AUTHOR_SD[kind] for kind in kinds])
    own = rng.normal(0, AUTHOR_LIKES_SD, len(kinds))
    likes = np.array([AUTHOR_MEAN_LIKES[kind] for kind in kinds]) + AUTHOR_LIKES_SLOPE * deviation + own
    downloads = np.array([AUTHOR_MEAN_DOWNLOADS[kind] for kind in kinds]) + deviation
    return likes, downloads


def _fame(models: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw g of likes and of downloads, through a Gaussian copula."""
    first: Floats = rng.normal(size=models)
    second: Floats = FAME_CORRELATION * first + np.sqrt(1 - FAME_CORRELATION**2) * rng.normal(size=models)
    return _gamma_of(first, SHAPE_LIKES), _gamma_of(second, SHAPE_DOWNLOADS)


def _gamma_of(normal: Floats, shape: float) -> Floats:
    """Turn standard normal draws into gamma draws of mean 1."""
    return np.asarray(gammaincinv(shape, ndtr(normal)) / shape, dtype=np.float64)


def _mean_of(
    roster: Sequence[DemoModel],
    intercept: float,
    beta: float,
    formats: dict[str, float],
    libraries: dict[str | None, float],
) -> Floats:
    return np.array(
        [
            intercept
            + beta * (model.documentation - 3)
            + formats[model.format]
            + (libraries.get(model.library, 0.0) if model.format == "weights" else 0.0)
            for model in roster
        ]
    )


def _outcome(
    fixed: Floats,
    author: Floats,
    fame: Floats,
    age_weeks: Floats,
    age: float,
    edit: Floats,
    rng: np.random.Generator,
) -> DemoOutcome:
    constant = (fixed + author)[:, None]
    exists = age_weeks > 0
    log_years = np.log(np.maximum(age_weeks, 1.0) / 52)  # the first week counts as one
    log_mean = np.where(exists, constant + age * log_years + edit, -np.inf)
    log_fame = np.log(np.maximum(fame, 1e-12))[:, None]
    weather = rng.gamma(SHAPE_WEEK, 1 / SHAPE_WEEK, log_mean.shape)
    weekly = rng.poisson(np.exp(log_mean + log_fame) * weather * np.clip(age_weeks, 0, 1))
    earlier = rng.poisson(np.exp(constant[:, 0]) * fame * _weeks_lived(age_weeks[:, 0] - 1, age))
    return DemoOutcome(
        author_effect=author,
        log_mean=log_mean[:, WINDOW_WEEKS:],
        log_rate=(log_mean + log_fame)[:, WINDOW_WEEKS:],
        weekly=weekly[:, WINDOW_WEEKS:],
        window=_window(weekly),
        total=(earlier[:, None] + weekly.cumsum(axis=1))[:, WINDOW_WEEKS:],
    )


def _weeks_lived(age_weeks: Floats, age: float) -> Floats:
    """Integrate (week / 52) ** `age` over a life of `age_weeks`: each week weighs as its age attracts."""
    lived: Floats = np.maximum(age_weeks, 0.0)
    return 52 * (lived / 52) ** (1 + age) / (1 + age)


def _window(weekly: Ints) -> Ints:
    """Count the 30 days up to each snapshot, from weekly counts that begin `WINDOW_WEEKS` before the first."""
    weeks = weekly.shape[1] - WINDOW_WEEKS
    full = sum(weekly[:, lag : lag + weeks] for lag in range(1, WINDOW_WEEKS + 1))
    window: Ints = (full + np.floor(weekly[:, :weeks] * WINDOW_REST)).astype(np.int64)
    return window
