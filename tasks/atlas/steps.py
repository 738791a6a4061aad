"""The @tasks of the atlas: the map of a snapshot, the names of its kinds, and the page of the map."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

from prefect import task

from tasks.atlas.page.latest import write_latest_atlas
from tasks.clock import utc_now
from tasks.judges import identify
from tasks.records import JudgeSpec, KindName
from tasks.storage.lake import Lake, part_name
from tasks.storage.publishing import send_published
from tasks.storage.warehouse import Warehouse, frame, stream
from tasks.work.orders import Shared

CARDS_SHOWN = 5  # of each kind, to the judge model that names it


@task(task_run_name="map {snapshot}")
def make_map(home: Path, snapshot: date, embedder: str) -> bool:
    """Make the map of a snapshot, unless the lake has one of the same texts; returns whether it is new."""
    from tasks.atlas.making import ATLAS_VERSION
    from tasks.atlas.rows import write_map

    warehouse = Warehouse(home)
    with warehouse.open() as db:
        texts = {"snapshot": snapshot, "embedder": embedder, "version": ATLAS_VERSION}
        digest = frame(db, "out/atlas_digest", **texts).item()
    name = f"{snapshot}-{(digest or 'empty')[:16]}.parquet"
    is_new = not warehouse.lake.has(f"atlases/{name}")
    if is_new:
        write_map(warehouse, snapshot, embedder, name)
        warehouse.land()
    return is_new


@task(task_run_name="plan the naming of the kinds of {snapshot}")
def plan_naming(home: Path, snapshot: date, judge: JudgeSpec) -> list[int]:
    """List the kinds of the snapshot that this judge model has not been asked to name."""
    fingerprint = identify(judge).card(snapshot, utc_now()).fingerprint
    with Warehouse(home).open() as db:
        rows = frame(db, "pending/kind_names", snapshot=snapshot, named_by=fingerprint).rows()
    return [kind for (kind,) in rows]


@task(task_run_name="name the kinds of {snapshot}")
def name_kinds(home: Path, snapshot: date, shared: Shared, kinds: list[int]) -> None:
    """Have a judge model name kinds; an answer that cannot be used is recorded with the reason."""
    from tasks.atlas.judge_names import KindQuestion, judge_names
    from tasks.atlas.kind_facts import known_facts
    from tasks.judges.vllm.judge import opened_judge

    warehouse, cards = Warehouse(home), defaultdict(list)
    with warehouse.open() as db:
        facts = known_facts(db, snapshot, set(kinds))
        for kind, text in stream(db, "out/kind_cards", snapshot=snapshot, cards=CARDS_SHOWN):
            cards[kind].append(text)
    questions = [KindQuestion(fact, tuple(cards[fact.kind])) for fact in facts]
    with opened_judge(shared.spec or JudgeSpec("vllm")) as judge:
        names = judge_names(judge, questions, snapshot, utc_now())
        part = f"kind_names/{snapshot}-{judge.fingerprint}-{part_name(map(str, kinds))}.parquet"
    warehouse.lake.write(part, KindName, names)
    warehouse.land()


@task(task_run_name="write the page of the map")
def publish_atlas_page(home: Path) -> Path | None:
    """Publish the page of the latest map, rewritten if out of date; returns its path, null where there is no map."""
    page, published = home / "atlas.html", Warehouse(home).published
    is_current = page.exists() and page.stat().st_mtime_ns >= published.stat().st_mtime_ns
    written = page if is_current else write_latest_atlas(home)
    if written:
        send_published(Lake(home), written)
    return written
