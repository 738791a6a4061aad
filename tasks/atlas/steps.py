"""The @tasks of the atlas: the map of a snapshot, the names of its kinds, and the page of the map."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from prefect import task

from tasks.atlas.page.latest import write_latest_atlas
from tasks.clock import utc_now
from tasks.errors import UsageError
from tasks.judges import identify
from tasks.records import JudgeSpec, KindName
from tasks.storage.lake import part_name
from tasks.storage.publishing import send_published
from tasks.storage.warehouse import frame, stream
from tasks.work.orders import Shared
from tasks.work.run import Run

CARDS_SHOWN = 5  # of each kind, to the judge model that names it


@task(task_run_name="map {run.snapshot}")
def make_map(run: Run, embedder: str) -> bool:
    """Make the map of a snapshot, unless the lake has one of the same texts; returns whether it is new."""
    from tasks.atlas.making import ATLAS_VERSION
    from tasks.atlas.rows import write_map

    warehouse = run.warehouse
    with warehouse.open() as db:
        texts = {"snapshot": run.snapshot, "embedder": embedder, "version": ATLAS_VERSION}
        digest = frame(db, "out/atlas_digest", **texts).item()
    name = f"{run.snapshot}-{(digest or 'empty')[:16]}.parquet"
    is_new = not warehouse.lake.has(f"atlases/{name}")
    if is_new:
        write_map(warehouse, run.snapshot, embedder, name)
        warehouse.land()
    return is_new


@task(task_run_name="plan the naming of the kinds of {run.snapshot}")
def plan_naming(run: Run, judge: JudgeSpec) -> list[int]:
    """List the kinds of the snapshot that this judge model has not been asked to name."""
    fingerprint = identify(judge).record(run.snapshot, utc_now()).fingerprint
    with run.warehouse.open() as db:
        rows = frame(db, "pending/kind_names", snapshot=run.snapshot, named_by=fingerprint).rows()
    return [kind for (kind,) in rows]


@task(task_run_name="name the kinds of {run.snapshot}")
def name_kinds(run: Run, shared: Shared, kinds: list[int]) -> None:
    """Have a judge model name kinds; an answer that cannot be used is recorded with the reason."""
    from tasks.atlas.judge_names import KindQuestion, judge_names
    from tasks.atlas.kind_facts import known_facts
    from tasks.judges import opened_judge
    from tasks.judges.llm.judge import LlmJudge

    warehouse, cards = run.warehouse, defaultdict(list)
    with warehouse.open() as db:
        facts = known_facts(db, run.snapshot, set(kinds))
        for kind, text in stream(db, "out/kind_cards", snapshot=run.snapshot, cards=CARDS_SHOWN):
            cards[kind].append(text)
    questions = [KindQuestion(fact, tuple(cards[fact.kind])) for fact in facts]
    if shared.spec is None:
        raise UsageError("naming kinds requires a judge model")
    with opened_judge(shared.spec) as judge:
        if not isinstance(judge, LlmJudge):
            raise UsageError(f"{judge.name} cannot be asked what kinds are called; name a judge model")
        names = judge_names(judge, questions, run.snapshot, utc_now())
        part = f"kind_names/{run.snapshot}-{judge.fingerprint}-{part_name(map(str, kinds))}.parquet"
    warehouse.lake.write(part, KindName, names)
    warehouse.land()


@task(task_run_name="write the page of the map")
def publish_atlas_page(run: Run) -> Path | None:
    """Publish the page of the latest map, if it is not up to date; returns its path, null where there is no map."""
    page, published = run.map, run.warehouse.published
    is_current = page.exists() and page.stat().st_mtime_ns >= published.stat().st_mtime_ns
    written = page if is_current else write_latest_atlas(run.home)
    if written:
        send_published(run.lake, written)
    return written
