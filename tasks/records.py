"""The nouns. Frozen, plain fields, each carrying its key everywhere.

Units stand in the names: `_at` is a UTC time, `_share` lies in 0-1, `is_`/`has_` are booleans. The same names
are the columns of the lake's parts and of `sql/schema.sql`, where every one of them is explained.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

ReadStatus = Literal["card", "empty", "none", "failed"]
Stage = Literal["list", "read", "describe", "judge"]
Sort = Literal["downloads", "likes", "trending", "created"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which models a snapshot is about: the words of the command line, kept with the snapshot."""

    limit: int | None = None
    sort: Sort = "downloads"
    filters: tuple[str, ...] = ()
    author: str | None = None
    models: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people; two selections are the same exactly when their lines are."""
        if self.models:
            digest = hashlib.sha256("\n".join(self.models).encode()).hexdigest()[:8]
            return f"{len(self.models)} named models ({', '.join(self.models[:3])}, …; list {digest})"
        words = [f"top {self.limit} by {self.sort}" if self.limit else "all models"]
        words += [f"filter {tag}" for tag in self.filters]
        words += [f"author {self.author}"] if self.author else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One row of the Hub's listing at one snapshot."""

    snapshot: date
    model_id: str
    author: str | None
    sha: str
    created_at: datetime | None
    last_modified: datetime | None
    downloads: int | None
    downloads_all_time: int | None
    likes: int | None
    trending_score: float | None
    tags: list[str]
    library_name: str | None
    pipeline_tag: str | None
    gated: str | None
    has_readme: bool
    parameters: int | None
    base_models: list[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A model, card or row that could not be carried through; never a gap, never a guess."""

    snapshot: date
    subject: str
    stage: Stage
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class CardRead:
    """What reading one model's README at one revision gave. `card_text` is null where the text is known already."""

    snapshot: date
    model_id: str
    sha: str
    status: ReadStatus
    etag: str | None = None
    card_hash: str | None = None
    card_text: str | None = None
    reason: str | None = None
    detail: str | None = None
    is_final: bool = True
    requests: int = 1
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardText:
    """A distinct text: sha256 of the bytes as read, and the text decoded (U+FFFD where it was not UTF-8)."""

    card_hash: str
    card_text: str


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the parser sees in a card text, whoever judges it."""

    card_hash: str
    facts_version: int
    characters: int
    words: int
    headings: int
    code_blocks: int
    links: int
    images: int
    tables: int
    has_front_matter: bool
    front_matter_error: str | None
    metadata_keys: list[str]
    sections: list[str]
    template: str | None
    is_generated: bool
    flags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge's answer on one card text. Exactly one of `score` and `reason` is set."""

    card_hash: str
    judge: str
    fingerprint: str
    score: float | None
    score_mode: str | None
    levels: dict[str, float]
    passed: list[str]
    failed: list[str]
    flags: list[str]
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """Which judge, exactly: everything that its fingerprint is made of, and the snapshot that it judged."""

    snapshot: date
    fingerprint: str
    judge: str
    rubric: str
    model: str | None
    revision: str | None
    settings: str
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One estimate with its interval: a row of `out_findings`."""

    snapshot: date
    judge: str
    fingerprint: str
    question: str
    outcome: str
    predictor: str
    stratum: str
    estimator: str
    n: int
    n_clusters: int | None
    zero_share: float | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None = None
    flags: list[str] = field(default_factory=list)
    computed_at: datetime | None = None
