"""The corpus as files: rows streamed in groups of models, each file finished before any of them has its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.arrays import Floats
from tasks.demo.archetypes import COMPLETE_FROM, WITHOUT_CARD
from tasks.demo.edits import Edit, plan_edit, touch_up
from tasks.demo.facts import Draft, draft_of
from tasks.demo.front_matter import listed_tags
from tasks.demo.hostile import HTML_TAGS, attack, encoded
from tasks.demo.layouts import write_card
from tasks.demo.popularity import DemoPopularity, ages_in_days, simulate
from tasks.demo.roster import DemoModel, is_editable, make_roster
from tasks.demo.truth import DemoTruth, gather_truth, truth_json
from tasks.demo.writing import rng_for
from tasks.errors import UsageError

LAST_SNAPSHOT = date(2026, 11, 16)
MODELS_MIN = 20
WEEKS_MAX = 260
# Models in a row group: what is held in memory at once.
GROUP_MODELS = 500
# Models of each kind of failure: a share, but one at least from `COMPLETE_FROM` models on.
FAILURE_SHARE = 0.003
FAILURES = ("is_disabled", "is_deleted", "readme_gated", "renamed")
GATED_SHARE = 0.04
DICTIONARY_BYTES = 64 << 20

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
        "author_effect_likes": pa.float64(),
        "author_effect_downloads": pa.float64(),
        "log_mean_likes": pa.float64(),
        "log_mean_downloads": pa.float64(),
        "log_rate_likes": pa.float64(),
        "log_rate_downloads": pa.float64(),
        "likes_gained": pa.int64(),
        "downloads_week": pa.int64(),
        "likes": pa.int64(),
        "downloads": pa.int64(),
    }
)

CorpusRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided before a word is written."""

    roster: Sequence[DemoModel]
    edits: Sequence[Edit | None]
    fate: DemoPopularity
    failures: dict[int, str]
    age_days: Floats
    weeks: int
    seed: int
    end: date

    def snapshot(self, week: int) -> date:
        """The date of a week of the corpus."""
        return self.end - timedelta(weeks=self.weeks - 1 - week)


@dataclass(frozen=True, slots=True)
class Version:
    """A model's repository between two commits."""

    documentation: float
    card: str | None
    sha: str
    modified: datetime
    tags: list[str]


def write_demo_corpus(out: Path, *, models: int, weeks: int, seed: int, end: date | None = None) -> DemoTruth:
    """Write the corpus to `out`, and its truth beside it as `….truth.json` and `….truth.parquet`.

    Raises `UsageError` where the numbers or the place cannot be honoured; then no file is left behind.
    """
    _check(out, models, weeks)
    stem = out.with_name(out.name.removesuffix(".parquet"))
    paths = (out, stem.with_name(f"{stem.name}.truth.json"), stem.with_name(f"{stem.name}.truth.parquet"))
    plan = make_plan(models, weeks, seed, end or LAST_SNAPSHOT)
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


def make_plan(models: int, weeks: int, seed: int, end: date) -> Plan:
    """Who, what, when and how popular, without the texts."""
    roster, society = make_roster(models, seed)
    age_days = ages_in_days(models, seed)
    planned = [_plan_edit(model, age_days[model.index], weeks, seed) for model in roster]
    edit_week = [edit.week if edit and edit.kind == "documentation" else weeks for edit in planned]
    fate = simulate(roster, society, age_days, np.array(edit_week), weeks, seed)
    return Plan(roster, planned, fate, _choose_failures(roster, seed), age_days, weeks, seed, end)


def _plan_edit(model: DemoModel, age_days: float, weeks: int, seed: int) -> Edit | None:
    """Only models that were there at the first snapshot are edited."""
    if age_days <= 7 * weeks:
        return None
    has_card = model.archetype not in WITHOUT_CARD
    return plan_edit(
        model.index, model.documentation, weeks, seed, is_editable=is_editable(model), has_card=has_card
    )


def _choose_failures(roster: Sequence[DemoModel], seed: int) -> dict[int, str]:
    """Index to the way in which reading that model fails; ordinary models with a card and an owner."""
    each = (
        round(FAILURE_SHARE * len(roster))
        if len(roster) < COMPLETE_FROM
        else max(1, round(FAILURE_SHARE * len(roster)))
    )
    candidates = [model.index for model in roster if is_editable(model) and "/" in model.model_id]
    chosen = rng_for(seed, 0, "failures").sample(candidates, min(len(candidates), each * len(FAILURES)))
    return {index: FAILURES[place % len(FAILURES)] for place, index in enumerate(chosen)}


def _write(plan: Plan, truth: DemoTruth) -> None:
    """All three under temporary names, then renamed, the corpus last: where it stands, its truth stands too."""
    paths = (truth.truth_json, truth.truth_parquet, truth.corpus)
    temporary = [path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in paths]
    try:
        temporary[0].write_bytes(truth_json(truth))
        _write_tables(plan, temporary[2], temporary[1])
        for source, target in zip(temporary, paths, strict=True):
            source.replace(target)
    finally:
        for path in temporary:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _write_tables(plan: Plan, corpus: Path, truth: Path) -> None:
    with ExitStack() as stack:
        options: dict[str, Any] = {"compression": "zstd", "dictionary_pagesize_limit": DICTIONARY_BYTES}
        corpus_file = stack.enter_context(pq.ParquetWriter(corpus, CORPUS_SCHEMA, **options))
        truth_file = stack.enter_context(pq.ParquetWriter(truth, TRUTH_SCHEMA, **options))
        for start in range(0, len(plan.roster), GROUP_MODELS):
            pairs = [
                pair for model in plan.roster[start : start + GROUP_MODELS] for pair in _rows(plan, model)
            ]
            corpus_file.write_table(pa.Table.from_pylist([row for row, _ in pairs], schema=CORPUS_SCHEMA))
            truth_file.write_table(pa.Table.from_pylist([row for _, row in pairs], schema=TRUTH_SCHEMA))


def _rows(plan: Plan, model: DemoModel) -> Iterator[tuple[CorpusRow, CorpusRow]]:
    """A row of the corpus and one of the truth for each week since the model exists."""
    edit = plan.edits[model.index]
    before = _first_version(plan, model)
    after = _edited(plan, model, before, edit) if edit else before
    constant = _constant_columns(plan, model)
    for week in range(plan.weeks):
        if plan.fate.age_weeks[model.index, week] > 0:
            version = after if edit and week >= edit.week else before
            yield (
                constant | _weekly_columns(plan, model, version, week),
                _truth_row(plan, model, version, week),
            )


def _first_version(plan: Plan, model: DemoModel) -> Version:
    rng = rng_for(plan.seed, model.index, "commits")
    created = _created(plan, model)
    first_seen = datetime.combine(plan.snapshot(0), datetime.min.time(), UTC)
    latest = max(created, first_seen - timedelta(hours=1))
    modified = created + (latest - created) * (rng.random() ** 2)
    draft = draft_of(model, model.documentation, plan.seed)
    return Version(
        model.documentation, _card(draft), _sha(plan, model, 0), _whole_seconds(modified), _tags(draft)
    )


def _edited(plan: Plan, model: DemoModel, before: Version, edit: Edit) -> Version:
    rng = rng_for(plan.seed, model.index, "edited")
    day = datetime.combine(plan.snapshot(edit.week), datetime.min.time(), UTC)
    modified = _whole_seconds(day - timedelta(days=7 * rng.random()))
    sha = _sha(plan, model, 1)
    if edit.kind == "documentation":
        draft = draft_of(model, edit.documentation, plan.seed)
        return Version(edit.documentation, _card(draft), sha, modified, _tags(draft))
    card = before.card
    if edit.kind == "placebo" and card:
        card = touch_up(card, rng)
    return Version(before.documentation, card, sha, modified, before.tags)


def _created(plan: Plan, model: DemoModel) -> datetime:
    end = datetime.combine(plan.end, datetime.min.time(), UTC)
    return _whole_seconds(end - timedelta(days=float(plan.age_days[model.index])))


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _sha(plan: Plan, model: DemoModel, version: int) -> str:
    return hashlib.sha1(f"{plan.seed}/{model.model_id}/{version}".encode(), usedforsecurity=False).hexdigest()


def _card(draft: Draft) -> str | None:
    card = write_card(draft)
    form = draft.model.hostile_form
    return attack(card, form, draft.rng("attack")) if card is not None and form else card


def _tags(draft: Draft) -> list[str]:
    extra = HTML_TAGS if draft.model.hostile_form == "html_tag" else ()
    return [*listed_tags(draft), *extra]


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
        "created_at": _created(plan, model),
        "gated": rng.choice(("auto", "manual")) if is_gated else None,
        "parameters": round(model.billions * 1e9) if knows_parameters else None,
        "base_models": [model.base.model_id] if model.base else [],
        "renamed_from": [old_id] if failure == "renamed" else [],
        "is_disabled": failure == "is_disabled",
        "readme_gated": failure == "readme_gated",
    }


def _weekly_columns(plan: Plan, model: DemoModel, version: Version, week: int) -> CorpusRow:
    likes, downloads, at = plan.fate.likes, plan.fate.downloads, (model.index, week)
    is_deleted = plan.failures.get(model.index) == "is_deleted" and week >= plan.weeks // 2
    return {
        "snapshot_date": plan.snapshot(week),
        "card_text": version.card,
        "card_bytes": encoded(version.card, model.hostile_form) if version.card else None,
        "sha": version.sha,
        "last_modified": version.modified,
        "tags": version.tags,
        "downloads": int(downloads.window[at]),
        "downloads_all_time": int(downloads.total[at]),
        "likes": int(likes.total[at]),
        "trending_score": round(float(likes.weekly[at] + np.log1p(downloads.weekly[at]) / 10), 1),
        "is_deleted": is_deleted,
    }


def _truth_row(plan: Plan, model: DemoModel, version: Version, week: int) -> CorpusRow:
    fate, edit, at = plan.fate, plan.edits[model.index], (model.index, week)
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
        "age_weeks": float(fate.age_weeks[at]),
        "author_effect_likes": float(fate.likes.author_effect[model.index]),
        "author_effect_downloads": float(fate.downloads.author_effect[model.index]),
        "log_mean_likes": float(fate.likes.log_mean[at]),
        "log_mean_downloads": float(fate.downloads.log_mean[at]),
        "log_rate_likes": float(fate.likes.log_rate[at]),
        "log_rate_downloads": float(fate.downloads.log_rate[at]),
        "likes_gained": int(fate.likes.weekly[at]),
        "downloads_week": int(fate.downloads.weekly[at]),
        "likes": int(fate.likes.total[at]),
        "downloads": int(fate.downloads.window[at]),
    }
