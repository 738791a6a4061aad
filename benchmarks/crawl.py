"""Measure the cost per card in requests and client CPU, compared with `ModelCard.load`, and the use of a quota.

    python benchmarks/crawl.py [--corpus CORPUS.parquet] [--cards 800]

The bars are 1.05 requests and 1 ms of client CPU per card. Both readers run in their own processes, one after the
other, against the same replica: ours with the threads of its settings, `ModelCard.load` of the unmodified client
library in 8 threads on an empty cache. The replica counts requests, the reading process its CPU. The third part
reads under the free plan's quota in a shortened window and counts refusals. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

THREADS = 8

OURS = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from tasks.hub.client import hub_at
from tasks.records import CardRef
from tasks.settings import settings
refs = [CardRef(*ref) for ref in json.load(sys.stdin)]
hub = hub_at(sys.argv[1])
hub.read_card(refs.pop(), date.today())  # one-off costs: connection, pace
cpu, wall = time.process_time(), time.perf_counter()
with ThreadPoolExecutor(settings().hub_threads) as pool:
    cards = list(pool.map(lambda ref: hub.read_card(ref, date.today()), refs))
print(json.dumps({
    "cards": sum(card.status in ("card", "empty") for card in cards),
    "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall,
}))
"""

THEIRS = """
import json, sys, time, warnings
from concurrent.futures import ThreadPoolExecutor
from huggingface_hub import ModelCard
from huggingface_hub.utils import disable_progress_bars
disable_progress_bars()
ids = [model_id for model_id, _ in json.load(sys.stdin)]
def load(model_id):
    try:
        return ModelCard.load(model_id, ignore_metadata_errors=True) is not None
    except Exception:
        return False
load(ids.pop())
cpu, wall = time.process_time(), time.perf_counter()
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    cards = list(pool.map(load, ids))
print(json.dumps({
    "cards": sum(cards), "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall,
}))
"""


def read(script: str, url: str, refs: list[tuple[str, str]]) -> dict[str, Any]:
    """Run one reader over the cards; return its figures and the replica's count of its requests."""
    request(f"{url}/-/replica/reset", method="POST")
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", script, url, str(THREADS)],
            input=json.dumps(refs),
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "HF_ENDPOINT": url, "HF_HOME": cache, "HF_HUB_DISABLE_TELEMETRY": "1"},
        )
    if done.returncode:
        sys.exit(f"a reader failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    counted = request(f"{url}/-/replica/stats")
    return {
        "cards": figures["cards"],
        "requests_per_card": round(counted["requests"] / len(refs), 3),
        "cpu_ms_per_card": round(1000 * figures["cpu_s"] / (len(refs) - 1), 3),
        "cards_per_s": round((len(refs) - 1) / figures["wall_s"], 1),
    }


def request(url: str, method: str = "GET") -> dict[str, Any]:
    """Query or reset the replica's statistics."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        body = answer.read()
    content: dict[str, Any] = json.loads(body) if body else {}
    return content


def refs_of(url: str, limit: int) -> list[tuple[str, str]]:
    """Ids and commits of models that have a README and may be read."""
    from tasks.hub.client import hub_at, walk
    from tasks.hub.listing import read_rows
    from tasks.records import Selection

    models = [
        model
        for page in walk(hub_at(url), Selection())
        for model in read_rows(page.rows, snapshot=date(2026, 11, 16), place="page")[0]
        if model.has_readme and "/" in model.model_id
    ]
    return [(model.model_id, model.sha) for model in models[:limit]]


def quota_use(corpus: Path, refs: list[tuple[str, str]]) -> dict[str, Any]:
    """Read under a quota of a quarter of the cards per window, so that several whole windows pass."""
    from tasks.replica.process import running_replica

    window_s, free_resolvers = 20, 5000
    quota = max(len(refs) // 4, 1)
    with running_replica(corpus, plan="free", window_s=window_s, quota_scale=quota / free_resolvers) as url:
        figures = read(OURS, url, refs)
        counted = request(f"{url}/-/replica/stats")
    windows = [w for w in counted["windows"] if w["bucket"] == "resolvers"]
    whole = windows[:-1]
    return {
        "window_s": window_s,
        "quota": whole[0]["limit"],
        "used_share_of_whole_windows": [round(w["used"] / w["limit"], 3) for w in whole],
        "refused_429": counted["refused_429"],
        "cards": figures["cards"],
    }


def main() -> None:
    """Measure and print."""
    from tasks.demo import write_demo_corpus
    from tasks.replica.process import running_replica

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="default: the demo corpus, made for this run")
    parser.add_argument("--cards", type=int, default=800)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = options.corpus or Path(folder) / "demo.parquet"
        if options.corpus is None:
            write_demo_corpus(corpus, models=1000, weeks=1, seed=7)
        with running_replica(corpus) as url:
            refs = refs_of(url, options.cards)
            ours, theirs = read(OURS, url, refs), read(THEIRS, url, refs)
        figures = {
            "cards_asked_for": len(refs),
            "cardiograph": ours,
            f"ModelCard.load in {THREADS} threads": theirs,
            "cpu_ratio": round(theirs["cpu_ms_per_card"] / ours["cpu_ms_per_card"], 1),
            "quota": quota_use(corpus, refs),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
