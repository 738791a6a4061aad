"""A home with a good week and a suspicious one, without a flow."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from tasks.operations.steps import gate
from tasks.records import CardRead, Finding, GateMeasure, JudgedPart, JudgeRecord, ListedModel, Verdict
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse
from tasks.work.run import Run

NOW = datetime(2026, 1, 12, 9)
GOOD, ODD = date(2026, 1, 5), date(2026, 1, 12)


def _write_week(lake: Lake, week: date, models: int, *, failed: int = 0, changed: int | None = None) -> None:
    """A snapshot in the lake: `models` of which `failed` could not be read, and `changed` since the good week."""
    changed = models if changed is None else changed
    listed = [
        ListedModel(
            week,
            f"ada/{n}",
            "ada",
            f"{week if n < changed else GOOD}-{n}",
            NOW,
            NOW,
            n,
            n,
            n,
            None,
            [],
            None,
            None,
            None,
            True,
            None,
            [],
        )
        for n in range(models)
    ]
    cards = [
        CardRead(
            week, m.model_id, m.sha, "failed", reason="http_500", detail="…", is_final=False, read_at=NOW
        )
        if n < failed
        else CardRead(week, m.model_id, m.sha, "card", "e", f"h{n % 7}", f"text {n % 7}", read_at=NOW)
        for n, m in enumerate(listed[:changed])
    ]
    verdicts = [Verdict(f"h{n}", "checklist", "f", 1 + n / 2, "checks", {}, [], [], []) for n in range(7)]
    took = JudgedPart(week, "f", "a", 700, 0, 0, 0, 0, 0, 2.0, NOW, NOW.replace(second=2))
    finding = Finding(week, "checklist", "f", "q", "likes", "score", "all", "s", 9, 1, 0, 0.2, 0.1, 0.3, 0.04)
    lake.write(f"listing/{week}/p.parquet", ListedModel, listed)
    record = SnapshotRecord(week, "x", "all models", models, NOW, NOW)
    lake.write(f"snapshots/{week}.parquet", SnapshotRecord, [record])
    lake.write(f"cards/{week}/a.parquet", CardRead, cards)
    judge = JudgeRecord(week, "f", "checklist", "r", None, None, "{}", NOW)
    lake.write(f"judges/{week}-f.parquet", JudgeRecord, [judge])
    lake.write("verdicts/f/a.parquet", Verdict, verdicts)
    lake.write("judged_parts/f/a.parquet", JudgedPart, [took])
    lake.write(f"findings/{week}-f-1.parquet", Finding, [dataclasses.replace(finding, computed_at=NOW)])


def _gated(home: Path, week: date) -> list[GateMeasure]:
    """Land, gate and publish, as a run does."""
    warehouse = Warehouse(home)
    with warehouse.writer():
        warehouse.begin()
        found = gate.fn(Run(home, week), "f")
        warehouse.publish()
    return found


@pytest.fixture
def write_week() -> Callable[..., None]:
    """`write_week(lake, week, models, failed=…, changed=…)`: a snapshot in the lake, judged and analysed."""
    return _write_week


@pytest.fixture
def gated() -> Callable[[Path, date], list[GateMeasure]]:
    """`gated(home, week)` publishes what the lake holds, having measured the week."""
    return _gated


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `home` is a copy of."""
    home = tmp_path_factory.mktemp("home")
    for week, failed in ((GOOD, 0), (ODD, 200)):
        _write_week(Lake(home), week, 400, failed=failed)
        _gated(home, week)
    return home


@pytest.fixture
def home(finished_home: Path, tmp_path: Path) -> Path:
    """A home with a good week, and one in which half of the cards could not be read."""
    return shutil.copytree(finished_home, tmp_path / "home")
