"""A study: which columns of a table of models are analysed, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SUBJECT, CLUSTER, AUTHOR = (
    "__subject",
    "__cluster",
    "__author",
)  # as `clean` names them, whatever the table does


@dataclass(frozen=True, slots=True)
class Labels:
    """The columns with people's scores of some models, and how those models were drawn.

    `mark`: people's score, null for most. `text`: the text that was labelled, where several models share it. `level`:
    the levels within which texts were drawn at random; none: fifths of the judge's score. `weight`: how many texts a
    labelled one stands for, on a scale that may differ between levels; none: all the same number.
    """

    mark: str
    text: str | None = None
    level: str | None = None
    weight: str | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """The columns to analyse.

    `outcomes` are counts; `score` is any number. Models of one `cluster` depend on each other; none: each model is its
    own cluster. Controls: `amounts` enter as log1p of the number, `kinds` as indicators of that many of their most
    common levels. `strata`, by the names that findings use, are also analysed within each of their levels. `generated`
    and `status`, where present: whether a tool wrote the card, and whether there is a card at all. `labels`: the
    columns with people's scores of some models. `rivals`: amounts that may be what the score stands for, such as the
    length of the card. `negative_controls`: numbers that cannot matter, to show what confounding alone does.
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
    rivals: tuple[str, ...] = ()
    negative_controls: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers from 0, but for the score."""
        return (*self.outcomes, *self.amounts, *self.rivals, *self.negative_controls)


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
    rivals=("words",),
    negative_controls=("name_length",),
)
