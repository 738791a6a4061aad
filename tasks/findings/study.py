"""What is asked of a table of models: which column says what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

SUBJECT, CLUSTER = "__subject", "__cluster"  # as `clean` names them, whatever the table does


@dataclass(frozen=True, slots=True)
class Labels:
    """Which columns say how people score some of the models, and how those were drawn.

    `mark`: people's score, null for most. `text`: what a label is of, where several models share it. `level`: within
    what they were drawn at random; none: fifths of the judge's score. `weight`: how many texts a labelled one stands
    for, on a scale that may differ from level to level; none: each for as many.
    """

    mark: str
    text: str | None = None
    level: str | None = None
    weight: str | None = None

    def columns(self) -> list[str]:
        """Every column, each once."""
        return [name for name in (self.mark, self.text, self.level, self.weight) if name]


@dataclass(frozen=True, slots=True)
class Study:
    """Which columns are asked about.

    `outcomes` are counts; `score` is any number. Models of one `cluster` are not independent of each other; none:
    each model is a cluster of its own. Controls: `amounts` enter as log1p of the number, `kinds` as indicators of
    that many of their more common levels. The same question is asked within each level of the `strata`, which go by
    the names that findings call them. `generated` and `status`, where there are any: the column that says that nobody
    wrote the card, and the one that says whether there is a card at all. `labels`: where people's scores of some models
    stand.
    """

    score: str
    outcomes: tuple[str, ...]
    subject: str | None = None
    cluster: str | None = None
    amounts: tuple[str, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)
    generated: str | None = None
    status: str | None = None
    labels: Labels | None = None

    def columns(self) -> list[str]:
        """Every column that is asked about, each once."""
        single = [name for name in (self.subject, self.cluster, self.generated, self.status) if name]
        single += self.labels.columns() if self.labels else []
        return list(
            dict.fromkeys(
                (self.score, *self.outcomes, *single, *self.amounts, *self.kinds, *self.strata.values())
            )
        )


HUB = Study(
    score="score",
    outcomes=("downloads", "likes"),
    subject="model_id",
    cluster="author",
    amounts=("age_days", "parameters", "author_models"),
    kinds={"library_name": 8, "model_format": 8, "pipeline_tag": 10},
    strata={"library": "library_name", "format": "model_format"},
    generated="is_generated",
    status="card_status",
    labels=Labels("label", text="card_hash", level="label_level", weight="label_weight"),
)
KINDS_KEPT = 10


def study_of(
    table: pl.Schema,
    *,
    score: str,
    outcomes: tuple[str, ...],
    cluster: str | None = None,
    controls: tuple[str, ...] = (),
    strata: tuple[str, ...] = (),
    label: str | None = None,
) -> Study:
    """The study of a table of anybody's: controls that are numbers are amounts, the others kinds."""
    amounts = tuple(name for name in controls if table[name].is_numeric())
    return Study(
        score=score,
        outcomes=outcomes,
        cluster=cluster,
        amounts=amounts,
        kinds={name: KINDS_KEPT for name in controls if name not in amounts},
        strata={name: name for name in strata},
        labels=Labels(label) if label else None,
    )
