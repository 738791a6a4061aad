"""The corpus as files: rows are written in groups of models, and all files are complete before any has its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.arrays import Floats
from tasks.demo.edits import Edit, plan_edit, touch_up
from tasks.demo.facts import draft_of
from tasks.demo.front_matter import listed_tags
from tasks.demo.hostile import FORMS, HTML_TAGS, encoded
from tasks.demo.layouts import write_card
from tasks.demo.popularity import DemoPopularity, ages_in_days, simulate
from tasks.demo.roster import DemoModel, make_roster
from tasks.demo.truth import DemoTruth, gather_truth, truth_json
from tasks.demo.writing import rng_for
from tasks.errors import UsageError

LAST_SNAPSHOT = date(2026, 11, 16)
MODELS_MIN = 20
WEEKS_MAX = 260
# Models in a row group: what is held in memory at once.
GROUP_MODELS = 500
# Models of each kind of failure; from 167 models on, that is one of each at least.
FAILURE_SHARE = 0.003
FAILURES = ("is_disabled", "is_deleted", "readme_gated", "renamed")
GATED_SHARE = 0.04
DICTIONARY_BYTES = 64 << 20

EFFECTS = ("author_effect", "log_mean", "log_rate")
OUTCOMES = ("likes", "downloads")
_INSTANT = pa.timestamp("ms", tz="UTC")
CORPUS_SCHEMA = pa.schema(
    {
        "model_id": pa.string(),
        "card_text": pa.string(),
        "downloads": pa.int64(),
        "likes": pa.int64(),
        "tags": pa.list_(pa.string()),
        "library_name": pa.string(),
        "pipeline_tag": pa.string(),
        "last_modified": _INSTANT,
        "sha": pa.string(),
        "created_at": _INSTANT,
        "gated": pa.string(),
        "downloads_all_time": pa.int64(),
        "trending_score": pa.float64(),
        "snapshot_date": pa.date32(),
        "parameters": pa.int64(),
        "base_models": pa.list_(pa.string()),
        "card_bytes": pa.binary(),
        "renamed_from": pa.list_(pa.string()),
        "is_disabled": pa.bool_(),
        "is_deleted": pa.bool_(),
        "readme_gated": pa.bool_(),
    }
)
TRUTH_SCHEMA = pa.schema(
    {
        "model_id": pa.string(),
        "snapshot_date": pa.date32(),
        "week": pa.int64(),
        "archetype": pa.string(),
        "hostile_form": pa.string(),
        "author": pa.string(),
        "author_kind": pa.string(),
        "model_format": pa.string(),
        "library_name": pa.string(),
        "documentation": pa.float64(),
        "documentation_start": pa.float64(),
        "edited_this_week": pa.bool_(),
        "edit_kind": pa.string(),
        "edit_week": pa.int64(),
        "is_after_edit": pa.bool_(),
        "age_weeks": pa.float64(),
        **{f"{effect}_{outcome}": pa.float64() for effect in EFFECTS for outcome in OUTCOMES},
        "likes_gained": pa.int64(),
        "downloads_week": pa.int64(),
        "likes": pa.int64(),
        "downloads": pa.int64(),
    }
)

CorpusRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before any text is written."""

    roster: Sequence[DemoModel]
    edits: Sequence[Edit | None]
    fate: DemoPopularity
    failures: dict[int, str]
    age_days: Floats
    weeks: int
    seed: int
    end: date

    def snapshot(self, week: int) -> date:
        """Date of the snapshot of a week, counted from 0."""
        return self.end - timedelta(weeks=self.weeks - 1 - week)

    def created(self, model: DemoModel) -> datetime:
        age = timedelta(days=float(self.age_days[model.index]))
        return (_midnight(self.end) - age).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Version:
    """A model's repository between two commits."""

    documentation: float
    card: str | None
    sha: str
    modified: datetime
    tags: list[str]


def write_demo_corpus(
    out: Path, *, models: int, weeks: int, seed: int, end: date | None = None, dominant: float = 0.0
) -> DemoTruth:
    """Write the corpus to `out`, and its truth beside it as `….truth.json` and `….truth.parquet`.

    `dominant`: the share of all models (0-1) that belongs to one author, besides what the others have.

    Raises `UsageError` for numbers out of range or a path that cannot be written; then no file is left behind.
    """
    _check(out, models, weeks)
    stem = out.with_name(out.name.removesuffix(".parquet"))
    paths = (out, stem.with_name(f"{stem.name}.truth.json"), stem.with_name(f"{stem.name}.truth.parquet"))
    plan = make_plan(models, weeks, seed, end or LAST_SNAPSHOT, dominant)
    truth = gather_truth(paths, plan.roster, plan.edits, plan.fate, seed, plan.end)
    try:
        _write(plan, truth)
    except OSError as error:
        raise UsageError(
            f"{out}: cannot be written ({error.strerror or error}); choose another place"
        ) from error
    return truth


def _check(out: Path, models: int, weeks: int) -> None:
    if models < MODELS_MIN:
        raise UsageError(f"models: {models} is too few for a demo corpus; ask for {MODELS_MIN} or more")
    if not 1 <= weeks <= WEEKS_MAX:
        raise UsageError(f"weeks: {weeks} is out of range; ask for 1 to {WEEKS_MAX}")
    if not out.parent.is_dir():
        raise UsageError(f"{out}: the folder {out.parent} does not exist; make it first")
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name a file in it")


def make_plan(models: int, weeks: int, seed: int, end: date, dominant: float = 0.0) -> Plan:
    """Decide on models, edits, failures and popularity, without the texts."""
    roster, society = make_roster(models, seed, dominant)
    age_days = ages_in_days(models, seed)
    planned = [plan_edit(model, age_days[model.index], weeks, seed) for model in roster]
    edit_week = [edit.week if edit and edit.kind == "documentation" else weeks for edit in planned]
    fate = simulate(roster, society, age_days, np.array(edit_week), weeks, seed, is_dominated=dominant > 0)
    return Plan(roster, planned, fate, _choose_failures(roster, seed), age_days, weeks, seed, end)


def _choose_failures(roster: Sequence[DemoModel], seed: int) -> dict[int, str]:
    """Map the index of a model to the kind of failure; only ordinary models with a card and an owner fail."""
    each = round(FAILURE_SHARE * len(roster))
    candidates = [model.index for model in roster if model.is_editable and "/" in model.model_id]
    chosen = rng_for(seed, 0, "failures").sample(candidates, min(len(candidates), each * len(FAILURES)))
    return {index: FAILURES[place % len(FAILURES)] for place, index in enumerate(chosen)}


def _write(plan: Plan, truth: DemoTruth) -> None:
    """Write all three in a folder of drafts, then move them, the corpus last: where it exists, its truth does."""
    with TemporaryDirectory(dir=truth.corpus.parent, prefix=".") as folder:
        drafts = {
            path: Path(folder) / path.name for path in (truth.truth_json, truth.truth_parquet, truth.corpus)
        }
        drafts[truth.truth_json].write_bytes(truth_json(truth))
        _write_tables(plan, drafts[truth.corpus], drafts[truth.truth_parquet])
        for path, draft in drafts.items():
            draft.replace(path)


def _write_tables(plan: Plan, corpus: Path, truth: Path) -> None:
    options: dict[str, Any] = {"compression": "zstd", "dictionary_pagesize_limit": DICTIONARY_BYTES}
    with (
        pq.ParquetWriter(corpus, CORPUS_SCHEMA, **options) as corpus_file,
        pq.ParquetWriter(truth, TRUTH_SCHEMA, **options) as truth_file,
    ):
        for start in range(0, len(plan.roster), GROUP_MODELS):
            pairs = [
                pair for model in plan.roster[start : start + GROUP_MODELS] for pair in _rows(plan, model)
            ]
            for file, rows in zip((corpus_file, truth_file), zip(*pairs, strict=True), strict=True):
                file.write_table(pa.Table.from_pylist(rows, schema=file.schema))


def _rows(plan: Plan, model: DemoModel) -> Iterator[tuple[CorpusRow, CorpusRow]]:
    """Yield a row of the corpus and one of the truth for each week in which the model exists."""
    edit = plan.edits[model.index]
    before = _first_version(plan, model)
    after = _edited(plan, model, before, edit) if edit else before
    constant = _constant_columns(plan, model)
    for week in range(plan.weeks):
        if plan.fate.age_weeks[model.index, week] > 0:
            version = after if edit and week >= edit.week else before
            truth = _truth_row(plan, model, version, week)
            yield constant | _weekly_columns(plan, model, version, week), truth


def _first_version(plan: Plan, model: DemoModel) -> Version:
    rng = rng_for(plan.seed, model.index, "commits")
    created = plan.created(model)
    latest = max(created, _midnight(plan.snapshot(0)) - timedelta(hours=1))
    modified = created + (latest - created) * (rng.random() ** 2)
    return _version(plan, model, 0, model.documentation, modified)


def _edited(plan: Plan, model: DemoModel, before: Version, edit: Edit) -> Version:
    rng = rng_for(plan.seed, model.index, "edited")
    modified = _midnight(plan.snapshot(edit.week)) - timedelta(days=7 * rng.random())
    after = _version(plan, model, 1, edit.documentation, modified)
    if edit.kind == "documentation":
        return after
    card = before.card
    return replace(after, card=touch_up(card, rng) if edit.kind == "placebo" and card else card)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _version(plan: Plan, model: DemoModel, number: int, documentation: float, modified: datetime) -> Version:
    draft, form = draft_of(model, documentation, plan.seed), model.hostile_form
    card = write_card(draft)
    if card is not None and form:
        card = FORMS[form](card, draft.rng("attack"))
    name = f"{plan.seed}/{model.model_id}/{number}".encode()
    sha = hashlib.sha1(name, usedforsecurity=False).hexdigest()
    tags = [*listed_tags(draft), *(HTML_TAGS if form == "html_tag" else ())]
    return Version(documentation, card, sha, modified.replace(microsecond=0), tags)


def _constant_columns(plan: Plan, model: DemoModel) -> CorpusRow:
    rng = rng_for(plan.seed, model.index, "listing")
    failure = plan.failures.get(model.index)
    is_gated = failure == "readme_gated" or (model.author.kind == "lab" and rng.random() < GATED_SHARE)
    knows_parameters = model.format == "weights" and model.pipeline and rng.random() < 0.8
    old_id = f"{model.author.name}/{model.name}-old"
    return {
        "model_id": model.model_id,
        "library_name": model.library,
        "pipeline_tag": model.pipeline,
        "created_at": plan.created(model),
        "gated": rng.choice(("auto", "manual")) if is_gated else None,
        "parameters": round(model.billions * 1e9) if knows_parameters else None,
        "base_models": [model.base.model_id] if model.base else [],
        "renamed_from": [old_id] if failure == "renamed" else [],
        "is_disabled": failure == "is_disabled",
        "readme_gated": failure == "readme_gated",
    }


def _weekly_columns(plan: Plan, model: DemoModel, version: Version, week: int) -> CorpusRow:
    likes, downloads, place = plan.fate.likes, plan.fate.downloads, (model.index, week)
    is_deleted = plan.failures.get(model.index) == "is_deleted" and week >= plan.weeks // 2
    return {
        "snapshot_date": plan.snapshot(week),
        "card_text": version.card,
        "card_bytes": encoded(version.card, model.hostile_form) if version.card else None,
        "sha": version.sha,
        "last_modified": version.modified,
        "tags": version.tags,
        "downloads": int(downloads.window[place]),
        "downloads_all_time": int(downloads.total[place]),
        "likes": int(likes.total[place]),
        "trending_score": round(float(likes.weekly[place] + np.log1p(downloads.weekly[place]) / 10), 1),
        "is_deleted": is_deleted,
    }


def _truth_row(plan: Plan, model: DemoModel, version: Version, week: int) -> CorpusRow:
    fate, edit, place = plan.fate, plan.edits[model.index], (model.index, week)
    outcomes = {"likes": fate.likes, "downloads": fate.downloads}
    changes_card = edit is not None and edit.kind != "files" and edit.week == week
    return {
        "model_id": model.model_id,
        "snapshot_date": plan.snapshot(week),
        "week": week,
        "archetype": model.archetype,
        "hostile_form": model.hostile_form,
        "author": model.author.name,
        "author_kind": model.author.kind,
        "model_format": model.format,
        "library_name": model.library,
        "documentation": version.documentation,
        "documentation_start": model.documentation,
        "edited_this_week": changes_card,
        "edit_kind": edit.kind if edit else None,
        "edit_week": edit.week if edit else None,
        "is_after_edit": edit is not None and edit.kind == "documentation" and week > edit.week,
        "age_weeks": float(fate.age_weeks[place]),
        **{f"author_effect_{name}": float(o.author_effect[model.index]) for name, o in outcomes.items()},
        **{f"log_mean_{name}": float(o.log_mean[place]) for name, o in outcomes.items()},
        **{f"log_rate_{name}": float(o.log_rate[place]) for name, o in outcomes.items()},
        "likes_gained": int(fate.likes.weekly[place]),
        "downloads_week": int(fate.downloads.weekly[place]),
        "likes": int(fate.likes.total[place]),
        "downloads": int(fate.downloads.window[place]),
    }
