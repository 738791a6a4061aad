"""The crawl: list the Hub, then read every card that changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.crawl import fetch_cards, land, list_models, plan_reading
from tasks.records import Selection
from tasks.source import Source


@flow(
    flow_run_name="crawl {snapshot}",
    task_runner=ThreadPoolTaskRunner(max_workers=2),  # type: ignore[arg-type]  # invariant in its future
)
def crawl(home: Path, source: Source, snapshot: date, selection: Selection) -> int:
    """Bring a snapshot's listing, and the READMEs that are new to us, into the lake; returns READMEs asked for."""
    list_models(home, source, snapshot, selection)
    land(home)
    parts = plan_reading(home, snapshot)
    reading = [fetch_cards.submit(home, source, snapshot, part) for part in parts]
    asked: int = sum(part.result() for part in reading)
    land(home)
    return asked
