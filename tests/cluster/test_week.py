"""A week on the real topology: begun by the schedule, done by three workers, published on S3, no secret told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

if TYPE_CHECKING:
    from tests.cluster.conftest import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WORKERS = 3


@pytest.fixture(scope="module")
def week(cluster: Cluster) -> dict[str, Any]:
    """The flow run of the week, ended; `due` is when the schedule wanted it."""
    due = cluster.let_the_schedule_fire(
        "snapshot/weekly",
        {
            "hub": cluster.topology.hub_url,
            "limit": None,
            "judges": ["vllm"],
            "judge_urls": cluster.topology.judge_urls,
            "explain": 2,
            "workers": WORKERS,
            "pool": "default",
        },
    )
    return cluster.ended("snapshot/weekly", within_s=600) | {"due": due}


def test_the_schedule_began_it_and_it_completed(cluster: Cluster, week: dict[str, Any]) -> None:
    assert week["state_type"] == "COMPLETED", f"{week['state']['message']}\n{cluster.said(week['id'])}"
    assert week["auto_scheduled"]
    assert datetime.fromisoformat(week["expected_start_time"]) == week["due"]
    begun = datetime.fromisoformat(week["start_time"])
    assert timedelta(seconds=-1) < begun - week["due"] < timedelta(minutes=1)


def test_every_model_of_the_listing_has_one_fate(cluster: Cluster, week: dict[str, Any]) -> None:
    corpus = pl.read_parquet(cluster.corpus, columns=["model_id", "snapshot_date"])
    listed = corpus.filter(pl.col("snapshot_date") == corpus["snapshot_date"].max())["model_id"].to_list()
    fates = cluster.rows(
        """
        select subject from failures where stage in ('list', 'read')
        union all select model_id from models where card_status in ('card', 'empty', 'none')
        """
    )
    assert sorted(name for (name,) in fates) == sorted(listed)


def test_no_verdict_is_there_twice(cluster: Cluster, week: dict[str, Any]) -> None:
    ((verdicts, different),) = cluster.rows(
        "select count(*), count(distinct (card_hash, fingerprint)) from verdicts"
    )
    assert verdicts == different > 0


def test_the_report_is_published_beside_the_warehouse(cluster: Cluster, week: dict[str, Any]) -> None:
    assert "</html>" in cluster.published("report.html").read_text(encoding="utf-8")


def test_all_workers_did_parts(cluster: Cluster, week: dict[str, Any]) -> None:
    runs = [week, *cluster.runs("crew/default")]
    assert len(runs) == WORKERS
    assert {run["state_type"] for run in runs} == {"COMPLETED"}
    by_worker = {
        cluster.worker_of(run["id"]): [
            name for name in cluster.task_runs(run["id"]) if name.startswith(("read ", "judge "))
        ]
        for run in runs
    }
    assert sorted(by_worker) == [
        name for name in sorted(cluster.topology.workers) if name.startswith("worker-")
    ]
    assert all(by_worker.values()), by_worker
    parts = [name for names in by_worker.values() for name in names]
    # Two that reach for the same part at once may both get it: the same verdicts twice, of which one set is kept.
    assert len(parts) - len(set(parts)) <= len(set(parts)) / 10


def test_the_pool_for_gpus_does_the_parts_of_a_judge_model_and_nobody_else(
    cluster: Cluster, week: dict[str, Any]
) -> None:
    ((day,),) = cluster.rows("select max(snapshot) from snapshots")
    asked = {"snapshot_date": str(day), "judge": "vllm", "judge_urls": cluster.topology.judge_urls}
    cluster.started("judge/judge", {**asked, "explain": 20, "judge_pool": "gpu"})
    run = cluster.ended("judge/judge", within_s=240)
    assert run["state_type"] == "COMPLETED", f"{run['state']['message']}\n{cluster.said(run['id'])}"
    crew = cluster.ended("crew/gpu", within_s=60)
    assert cluster.worker_of(crew["id"]) == "gpu-worker-1"
    # Task runs reach the server's books a little after the run that they belong to has ended.
    by_crew = cluster.task_runs_once(
        crew["id"], lambda names: any(name.startswith("explain ") for name in names)
    )
    assert "identify the judge" in by_crew
    assert not any(name.startswith(("explain ", "judge ")) for name in cluster.task_runs(run["id"]))


def test_the_quota_was_used_and_never_exceeded(cluster: Cluster, week: dict[str, Any]) -> None:
    stats = cluster.hub_stats()
    assert stats["refused_429"] == 0
    assert stats["config_requests"] == 0


def test_no_secret_is_in_any_log(cluster: Cluster, week: dict[str, Any]) -> None:
    told = cluster.topology.logs() | dict(prefects_record(cluster))
    assert told["worker-1"]
    leaks = [
        (where, said[max(0, said.index(secret) - 80) : said.index(secret)])
        for where, said in told.items()
        for secret in cluster.topology.secrets
        if secret in said
    ]
    assert leaks == []


def prefects_record(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """What Prefect keeps of runs: states, parameters, logs, artifacts."""
    for what in ("flow_runs", "task_runs", "logs", "artifacts", "deployments", "block_documents"):
        offset, page = 0, [None]
        while page:
            page = cluster.ask("POST", f"/{what}/filter", {"limit": 200, "offset": offset})
            yield f"{what} from {offset}", str(page)
            offset += len(page)


def test_nothing_but_parts_and_what_was_published_is_left_in_the_store(
    cluster: Cluster, week: dict[str, Any]
) -> None:
    lake: Path = cluster.published("").parent
    left = {path.relative_to(lake).parts[0] for path in lake.rglob("*") if path.is_file()}
    assert left.isdisjoint({"orders", "claims", "writer"})
    assert {"published", "verdicts"} <= left


def test_asked_again_the_week_is_done_at_once(cluster: Cluster, week: dict[str, Any]) -> None:
    before = cluster.rows("select count(*) from verdicts"), cluster.hub_stats()["by_bucket"]["resolvers"]
    done = cluster.topology.run(
        *("cardiograph", "snapshot", "--hub", cluster.topology.hub_url, "--all", "--judge", "vllm"),
        *("--judge-url", cluster.topology.judge_urls[0], "--json"),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = cluster.rows("select count(*) from verdicts"), cluster.hub_stats()["by_bucket"]["resolvers"]
    assert after == before
