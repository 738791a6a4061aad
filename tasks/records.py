"""The nouns: frozen records with plain fields, each with its whole key.

Names contain units: `_at` is a UTC time, `_share` is between 0 and 1, `is_` and `has_` are booleans. The same names are
the columns of the lake's parts and of `sql/schema.sql`, which explains each of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

ReadStatus = Literal["card", "empty", "none", "failed"]
FailureStage = Literal["list", "read", "describe", "judge", "explain"]
ScoreMode = Literal["checks", "expected", "decided", "soft"]
EventOfKind = Literal["continues", "birth", "death", "split", "merge"]
HubPlan = Literal["anonymous", "free", "pro", "team", "enterprise", "enterprise-plus"]
Sort = Literal["downloads", "likes", "trending", "created"]

OUTCOMES = ("downloads", "likes")  # what findings are about, and what a top N can be selected by

DEFAULT_JUDGE = "checklist"
# Apache-2.0, 22 million parameters, 384 dimensions; in a package, so that no Hub is needed
DEFAULT_EMBEDDER = "all-MiniLM-L6-v2-int8"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which models a snapshot is about, in the words of the command line; kept with the snapshot.

    With `sample`, that many models drawn at random, by the numbers that `sample_seed` gives them. Private models, which
    only the token's account may see, are left out unless `include_private`.
    """

    limit: int | None = None
    sort: Sort = "downloads"
    filters: tuple[str, ...] = ()
    author: str | None = None
    models: tuple[str, ...] = ()
    sample: int | None = None
    sample_seed: int = 1
    include_private: bool = False

    def describe(self) -> str:
        """One line for people; two selections are the same exactly when their lines are."""
        private = ["private ones too"] if self.include_private else []
        if self.models:
            digest = hashlib.sha256("\n".join(self.models).encode()).hexdigest()[:8]
            named = f"{len(self.models)} named models ({', '.join(self.models[:3])}, …; list {digest})"
            return ", ".join([named, *private])
        words = [f"top {self.limit} by {self.sort}" if self.limit else "all models"]
        if self.sample:
            words = [f"a random sample of {self.sample}, seed {self.sample_seed}"]
        words += [f"filter {tag}" for tag in self.filters]
        words += [f"author {self.author}"] if self.author else []
        return ", ".join([*words, *private])

    def scope(self, listed: int, private_left_out: int = 0) -> Scope:
        """What the snapshot's record keeps of it, after a walk of so many rows besides the private ones left out."""
        is_top = not self.models and not self.sample and self.limit is not None
        return Scope(
            listed,
            top_n=self.limit if is_top else None,
            top_by=self.sort if is_top else None,
            sample_n=self.sample,
            sample_seed=self.sample_seed if self.sample else None,
            named_n=len(self.models) or None,
            only_tags=list(self.filters),
            only_author=self.author,
            has_private=self.include_private,
            private_left_out=private_left_out,
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which models a snapshot is about, as columns of its record: the top N, a sample, named ones, or all.

    `listed`: rows of the listing as walked. All are narrowed to models with every one of `only_tags`, of `only_author`.
    `private_left_out`: models that the walk met and left out, because only the token's account may see them; no row of
    the lake names them, and `listed` does not count them.
    """

    listed: int
    top_n: int | None = None
    top_by: str | None = None
    sample_n: int | None = None
    sample_seed: int | None = None
    named_n: int | None = None
    only_tags: list[str] = field(default_factory=list)
    only_author: str | None = None
    has_private: bool = False
    private_left_out: int = 0

    @property
    def is_top(self) -> bool:
        """Whether models were left out for their rank; a listing shorter than N is listed whole."""
        return self.top_n is not None and self.listed >= self.top_n

    @property
    def is_sample(self) -> bool:
        """Whether models were left out by chance."""
        return self.sample_n is not None and self.listed > self.sample_n

    @property
    def selected_on(self) -> str | None:
        """The outcome that the models were selected by, `downloads` or `likes`; null for none."""
        return self.top_by if self.is_top and self.top_by in OUTCOMES else None


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One row of the Hub's listing at one snapshot.

    `sample_weight`: how many listed models a drawn one stands for, 1 / its inclusion probability; null without a draw.
    """

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
    sample_weight: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A model, card or row that could not be processed: recorded, never guessed."""

    snapshot: date
    subject: str
    stage: FailureStage
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class CardRef:
    """What to read: a model's README at a commit.

    `etag` and `card_hash` are those of an earlier README of the model, if one is known; `attempts` counts earlier
    failed reads of this commit.
    """

    model_id: str
    sha: str
    etag: str | None = None
    card_hash: str | None = None
    attempts: int = 0

    @property
    def subject(self) -> str:
        """What it is about, whatever its state: one order at most is about it."""
        return self.model_id

    @property
    def identity(self) -> str:
        """What distinguishes it from other reads: equal parts consist of equal identities."""
        return f"{self.model_id} {self.sha} {self.attempts}"


@dataclass(frozen=True, slots=True)
class CardRead:
    """The result of reading one model's README at one revision. `card_text` is null where the text is known already."""

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
class TextRef:
    """Where a card text lies: the part of the lake that holds it. `subject` and `identity` as for `CardRef`."""

    part: str
    card_hash: str

    @property
    def subject(self) -> str:
        """The text."""
        return self.card_hash

    @property
    def identity(self) -> str:
        """The text: it never changes."""
        return self.card_hash


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the parser finds in a card text, independent of any judge. `boilerplate`: the table's version."""

    card_hash: str
    facts_version: int
    boilerplate: str
    characters: int
    words: int
    own_words: int
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
class BoilerplateSentence:
    """A sentence that nobody wrote: its digest, and how many authors and models had it where it was learned.

    A form's is in the cards of many authors, a house form's (`is_house`) in many cards of one. No counts: it comes with
    the package.
    """

    version: str
    sentence: int
    is_house: bool
    authors: int | None
    models: int | None


@dataclass(frozen=True, slots=True)
class BoilerplateCheck:
    """How much of a snapshot's text the table of boilerplate knows, in a sample of its models with a card.

    `words` of prose; `known_words` in sentences of the table; `new_words` in those that should be in one and are not.
    """

    snapshot: date
    version: str
    models: int
    words: int
    known_words: int
    new_words: int
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class CardFamily:
    """A card text of a snapshot that is nearly the same as others, and the text that names their family."""

    snapshot: date
    card_hash: str
    family: str
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge's answer on one card text. Exactly one of `score` and `reason` is set.

    `score_mode` is the origin of the score: `checks` (composed from the checks), `expected` (the mean over the
    probabilities of the token that decided it), `decided` (that token alone) or `soft` (composed from the
    probabilities of the checks). `probabilities` maps levels "1" to "5" to their probabilities, `log_odds` maps
    checks to the natural log-odds that they pass, and `soft_levels` criteria to levels composed from these, where the
    judge gives any; `card_tokens` counts the tokens of the card in the prompt.
    """

    card_hash: str
    judge: str
    fingerprint: str
    score: float | None
    score_mode: ScoreMode | None
    levels: dict[str, float]
    passed: list[str]
    failed: list[str]
    flags: list[str]
    reason: str | None = None
    detail: str | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    card_tokens: int | None = None
    is_truncated: bool = False
    log_odds: dict[str, float] = field(default_factory=dict)
    soft_levels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A judge's explanation of one criterion of one card. `is_verbatim`: the card contains the quote word for word.

    Where the answer could not be used there is one row for the card: criterion `all`, no level, and the reason.
    """

    card_hash: str
    judge: str
    fingerprint: str
    criterion: str
    level: float | None
    quote: str | None
    is_verbatim: bool
    improvement: str
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """What judging one part used. `metrics`: what the servers counted meanwhile, including work for other parts."""

    snapshot: date
    fingerprint: str
    part: str
    texts: int
    failed: int
    requests: int
    tokens_in: int
    tokens_out: int
    replicas: int
    seconds: float
    started_at: datetime
    ended_at: datetime
    metrics: dict[str, float] = field(default_factory=dict)


LABEL_FREE_PROBES = ("evidence", "invariance", "sway")


@dataclass(frozen=True, slots=True)
class PassportEntry:
    """One measure of how far a judge can be trusted, with its 95 % interval where one was bootstrapped.

    `probe` is the experiment (with labels: agreement, raters, consistency, padding, attack; without: evidence,
    invariance, sway), `measure` the statistic, `subject` what it is about: `score`, a criterion, a check, one attack or
    one edit. `labels` is the digest of the labels, or of the cards that were edited.
    """

    fingerprint: str
    judge: str
    labels: str
    probe: str
    measure: str
    subject: str
    n: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    detail: str | None
    measured_at: datetime

    @property
    def is_label_free(self) -> bool:
        """Whether it was measured on edited cards, without anybody's labels."""
        return self.probe in LABEL_FREE_PROBES


@dataclass(frozen=True, slots=True)
class CardLabel:
    """People's marks of a card text: the median of their marks, 1 to 5, of the `score` or of a criterion.

    `labels` is the digest of the labels file, `raters` the number of people who marked it, `labelled_at` the time when
    those labels were first used.
    """

    card_hash: str
    subject: str
    mark: float
    raters: int
    labels: str
    labelled_at: datetime


@dataclass(frozen=True, slots=True)
class SpendingCap:
    """The most that a run may spend on a judge that is paid for: money, and requests; null for no cap."""

    money: float | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class CanaryTrial:
    """How a judge ordered the canaries, cards of known quality. `canaries`: the digest of their set.

    `concordance` is the share of pairs in the right order, `spread` the points between the best and the worst level;
    null where the answers do not say. `faults` are the reasons not to trust it, in words; `ranking` has the cards with
    their scores, the best first.
    """

    fingerprint: str
    judge: str
    canaries: str
    cards: int
    refused: int
    concordance: float | None
    spread: float | None
    is_passed: bool
    faults: list[str]
    ranking: list[str]
    tried_at: datetime


@dataclass(frozen=True, slots=True)
class FittedJudge:
    """Weights on a judge's answers, learned from one set of people's labels: everything its fingerprint is made of.

    `answers` are what is weighed of the judge named by `base_fingerprint`: the `log_odds` of its checks, or `passed`,
    1 or 0. A mark is at least a level of `thresholds` with the log-odds: sum of weights x answers, less the threshold;
    `lowest` is the level without one. `labels` is their digest, `subject` what was marked, `authors` the groups of
    texts that share an author or are nearly the same, and `without_author` counts texts whose author is unknown.
    """

    fingerprint: str
    judge: str
    base_judge: str
    base_fingerprint: str
    labels: str
    subject: str
    rubric: str
    answers: Literal["passed", "log_odds"]
    weights: dict[str, float]
    thresholds: dict[str, float]
    lowest: float
    penalty: float
    texts: int
    authors: int
    without_author: int
    fitted_at: datetime


@dataclass(frozen=True, slots=True)
class FittedMeasure:
    """How well a fitted judge agrees with people by one measure, with its 95 % interval over authors.

    `probe` is the experiment: `out_of_fold` (authors kept aside), `curve` (of few labels) or `other_labels` (of other
    people, whose digest is `labels`). `scorer` is fitted, judge (its base as it is) or length. `learned_from` counts
    the labels that weights were learned from, `n` the texts that they were tried on. `gain` is that of the fitted judge
    over the scorer. On a curve the interval is the spread of the draws.
    """

    fingerprint: str
    labels: str
    probe: str
    scorer: str
    measure: str
    learned_from: int
    n: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    effective_authors: float | None
    detail: str | None
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """A judge as requested on the command line.

    `kind` is a name in the registry of judges. `model` is the judge model's name on the Hub or a folder (null: that of
    the settings, or the one that the servers serve), `urls` its servers (none: the run starts one), and `revision` the
    commit of the model where the run that started the servers chose it. `explains`: whether explanations will be asked
    for, which need a longer context.
    """

    kind: str = "checklist"
    model: str | None = None
    urls: tuple[str, ...] = ()
    revision: str | None = None
    explains: bool = False
    cap: SpendingCap = SpendingCap()


@dataclass(frozen=True, slots=True)
class JudgeUsage:
    """What a judge used since it was opened: requests, tokens, servers, and what the servers counted meanwhile."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    replicas: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgeRecord:
    """The exact judge of a snapshot: everything that its fingerprint is made of."""

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
    tie_share: float | None = None
    effective_authors: float | None = None
    # The author without whom the estimate moves furthest, and what it is then.
    influential_author: str | None = None
    estimate_without: float | None = None
    ci_low_without: float | None = None
    ci_high_without: float | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """A card text as vectors of length 1: of its body, and of its front matter if it has any.

    A text that is too short to be placed on the map has neither.
    """

    card_hash: str
    embedder: str
    body: list[float]
    metadata: list[float]
    passages: int
    tokens: int
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """The exact embedder of a snapshot's texts: everything that its fingerprint is made of."""

    snapshot: date
    embedder: str
    name: str
    weights: str
    settings: str
    embedded_at: datetime


@dataclass(frozen=True, slots=True)
class Atlas:
    """The map of one snapshot, and how good it is.

    `fitted_on` is the snapshot that the map was fitted on: newer texts are placed on it. `drift_share` is the share of
    such texts, `refit_reason` the reason for a new fit, null where there was none. `seeds_ari` and
    `samples_ari` are medians of the adjusted Rand index between the map's kinds and those of fits with other seeds,
    and on other samples of the texts.
    """

    snapshot: date
    embedder: str
    fitted_on: date
    texts: int
    placed: int
    kinds: int
    noise_share: float
    drift_share: float
    trustworthiness: float | None
    seeds_ari: float | None
    samples_ari: float | None
    refit_reason: str | None
    settings: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class AtlasPoint:
    """The place of a card text on the map of a snapshot, and its kind: null for a text of no kind.

    `strength_share` is the certainty of the kind: the membership from the clustering, or, for a text that was placed,
    the share of its neighbours that are of the kind. `words` distinguish the text from others, for searching.
    """

    snapshot: date
    card_hash: str
    x: float
    y: float
    kind: int | None
    strength_share: float
    is_fitted: bool
    words: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class CardKind:
    """A kind of card: a cluster of the map. `stability` is the mean of its best Jaccard index in fits on samples."""

    snapshot: date
    kind: int
    texts: int
    x: float
    y: float
    stability: float | None
    terms: list[str]
    archetype: str
    archetype_reason: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class KindName:
    """A name of a kind, given by its `terms`, by a judge model (its fingerprint) or by a `person`.

    Where a judge model's answer could not be used, the name is empty and `reason` says why.
    """

    snapshot: date
    kind: int
    named_by: str
    name: str
    description: str
    reason: str | None
    named_at: datetime


@dataclass(frozen=True, slots=True)
class KindEvent:
    """What happened to a kind between two maps; `texts` counts texts, `texts_share` is between 0 and 1.

    continues  `kind` still exists with `texts` now; `texts_share` is its Jaccard index with the kind before, over the
               texts that are on both maps.
    birth      `kind` is new, with `texts`; `texts_share` of them were not on the map before.
    death      `kind` no longer exists; it had `texts`; `texts_share` of them are in no kind now, or gone.
    split      `texts_share` of the old `kind`'s texts, `texts` in number, are in kind `other` now; one row per part.
    merge      `texts_share` of the new `kind`'s texts, `texts` in number, were in kind `other`; one row per part.
    """

    snapshot: date
    event: EventOfKind
    kind: int
    other: int | None
    texts: int
    texts_share: float
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One of the nearest texts of a text, by the cosine of their vectors."""

    snapshot: date
    card_hash: str
    neighbour: str
    place: int
    similarity: float
    made_at: datetime


@dataclass(frozen=True, slots=True)
class GateMeasure:
    """One measure of a snapshot by the data-quality gate, and the same measure of the snapshot it is compared with.

    `low` and `high` limit what passes, null for no limit; `value` is null where there was nothing to measure.
    """

    snapshot: date
    fingerprint: str
    measure: str
    value: float | None
    before: float | None
    low: float | None
    high: float | None
    is_suspicious: bool
    measured_at: datetime
    compared_with: date | None


@dataclass(frozen=True, slots=True)
class Release:
    """A person's decision to show a suspicious snapshot."""

    snapshot: date
    reason: str
    released_at: datetime
