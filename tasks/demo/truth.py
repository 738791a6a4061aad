"""The planted truth that findings are compared with: coefficients, counts, and correlations in this sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import orjson
from scipy.stats import spearmanr

from tasks.arrays import Floats
from tasks.demo import edits, popularity
from tasks.demo.archetypes import WITHOUT_CARD
from tasks.demo.edits import Edit
from tasks.demo.popularity import DemoPopularity, Ints
from tasks.demo.roster import DemoModel

# A rank correlation of fewer models than this says nothing.
SPEARMAN_MODELS_MIN = 10


@dataclass(frozen=True, slots=True)
class DemoTruth:
    """The planted truth of one corpus. `spearman` maps outcome, then stratum, at the last snapshot."""

    corpus: Path
    truth_json: Path
    truth_parquet: Path
    models: int
    weeks: int
    rows: int
    seed: int
    end: date
    beta_doc_likes: float
    beta_doc_downloads: float
    edit_effect_likes: float
    edit_effect_downloads: float
    zero_likes_share: float
    archetype_counts: Mapping[str, int]
    hostile_counts: Mapping[str, int]
    edit_counts: Mapping[str, int]
    spearman: Mapping[str, Mapping[str, float | None]]


SENTENCES = {
    "models": "Models in the corpus; all of them exist at the last snapshot.",
    "weeks": "Weekly snapshots, the last of them at `end`.",
    "rows": "Rows of the corpus: one a model and week since the model exists.",
    "seed": "The same seed, models, weeks and end give the same rows.",
    "end": "Date of the last snapshot, always a real date and never today's.",
    "beta_doc_likes": "Rise of the log rate of likes for one level of documentation (1-5), between models.",
    "beta_doc_downloads": "Rise of the log rate of downloads for one level of documentation, between models.",
    "edit_effect_likes": "Rise of the log rate of likes in the weeks after a documentation edit, within a model.",
    "edit_effect_downloads": "The same for downloads; placebo edits and commits to other files change nothing.",
    "zero_likes_share": "Share of models without a like at the last snapshot.",
    "archetype_counts": "Models of each archetype.",
    "hostile_counts": "Models of each hostile form.",
    "edit_counts": "Models with an edit of each kind within the weeks.",
    "spearman": "Rank correlation of documentation level and outcome at the last snapshot, in this finite sample: "
    "over all models, over those with a card, and by format; null where there are too few.",
}


def gather_truth(
    paths: tuple[Path, Path, Path],
    roster: Sequence[DemoModel],
    planned: Sequence[Edit | None],
    fate: DemoPopularity,
    seed: int,
    end: date,
) -> DemoTruth:
    """Gather the truth of this roster and its simulated popularity."""
    likes = fate.likes.total[:, -1]
    return DemoTruth(
        *paths,
        models=len(roster),
        weeks=fate.age_weeks.shape[1],
        rows=int((fate.age_weeks > 0).sum()),
        seed=seed,
        end=end,
        beta_doc_likes=popularity.BETA_DOC_LIKES,
        beta_doc_downloads=popularity.BETA_DOC_DOWNLOADS,
        edit_effect_likes=popularity.EDIT_EFFECT_LIKES,
        edit_effect_downloads=popularity.EDIT_EFFECT_DOWNLOADS,
        zero_likes_share=round(float((likes == 0).mean()), 6),
        archetype_counts=_counted(model.archetype for model in roster),
        hostile_counts=_counted(model.hostile_form for model in roster if model.hostile_form),
        edit_counts=_counted(edit.kind for edit in planned if edit),
        spearman=_correlations(roster, planned, fate),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _correlations(
    roster: Sequence[DemoModel], planned: Sequence[Edit | None], fate: DemoPopularity
) -> dict[str, dict[str, float | None]]:
    level = np.array(
        [e.documentation if e else m.documentation for m, e in zip(roster, planned, strict=True)]
    )
    strata = {
        "all": np.ones(len(roster), dtype=bool),
        "with_card": np.array([model.archetype not in WITHOUT_CARD for model in roster]),
    }
    formats = np.array([model.format for model in roster])
    strata |= {f"format={packaging}": formats == packaging for packaging in sorted(set(formats.tolist()))}
    outcomes = {
        "likes": fate.likes.total[:, -1],
        "downloads": fate.downloads.window[:, -1],
        "downloads_all_time": fate.downloads.total[:, -1],
    }
    return {
        outcome: {stratum: _spearman(level[chosen], values[chosen]) for stratum, chosen in strata.items()}
        for outcome, values in outcomes.items()
    }


def _spearman(x: Floats, y: Ints) -> float | None:
    if len(x) < SPEARMAN_MODELS_MIN or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return round(float(spearmanr(x, y).statistic), 6)


def truth_json(truth: DemoTruth) -> bytes:
    """Write every value with the sentence that explains it, and the formula's other constants."""
    values = {key: value for key, value in asdict(truth).items() if key in SENTENCES}
    entries = {key: {"value": value, "meaning": SENTENCES[key]} for key, value in values.items()}
    entries["other_constants"] = {
        "value": constants(),
        "meaning": "The rest of the formula in tasks/demo/popularity.py, and of the plan in tasks/demo/edits.py.",
    }
    return orjson.dumps(entries, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"


def constants() -> dict[str, object]:
    """Collect every named constant of the popularity model and the plan of edits."""
    return {
        name: value
        for module in (popularity, edits)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, (int, float, dict, tuple))
    }
