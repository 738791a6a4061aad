"""The chaos harness itself: faults that follow from the seed, a gate that cuts, invariants that notice."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from benchmarks.chaos import invariants
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.gate import Gate, Mode
from benchmarks.chaos.play import Outcome
from benchmarks.chaos.processes import FLOW_RUN, MARK, ours
from benchmarks.chaos.schedule import plans
from benchmarks.chaos.tally import BEGIN, END, joined, markdown, tally, write_into
from benchmarks.chaos.watching import Watcher
from tasks.records import Verdict
from tasks.storage.lake import Lake
from tasks.storage.warehouse import statement

WEEK = date(2026, 11, 16)
BODY = b"x" * 400_000


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gate = Gate(server.server_port, seed=1)
    yield gate
    gate.close()
    server.shutdown()
    server.server_close()


def read(url: str, timeout_s: float = 10) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        body: bytes = answer.read()
        return body


def test_an_open_gate_forwards_everything(gate: Gate) -> None:
    assert read(gate.url) == BODY


def test_a_leaky_gate_cuts_answers_in_the_middle(gate: Gate) -> None:
    gate.set(Mode.LEAKY)
    with pytest.raises((OSError, http.client.IncompleteRead)):
        read(gate.url)
    assert gate.cuts > 0


def test_a_shut_gate_lets_nothing_through_and_opens_again(gate: Gate) -> None:
    gate.set(Mode.SHUT)
    with pytest.raises((ConnectionError, urllib.error.URLError, http.client.RemoteDisconnected)):
        read(gate.url)
    gate.set(Mode.OPEN)
    assert read(gate.url) == BODY


def test_a_stalled_gate_forwards_nothing_until_it_opens(gate: Gate) -> None:
    gate.set(Mode.STALLED)
    with pytest.raises(TimeoutError):
        read(gate.url, timeout_s=0.3)
    gate.set(Mode.OPEN)
    assert read(gate.url) == BODY


def test_rounds_follow_from_the_seed() -> None:
    names = list(FAULTS)
    assert [*islice(plans(4, names), 30)] == [*islice(plans(4, names), 30)]
    assert [*islice(plans(4, names), 30)] != [*islice(plans(5, names), 30)]


def test_fifty_rounds_leave_no_fault_out_and_give_each_what_it_needs() -> None:
    drawn = [*islice(plans(1, list(FAULTS)), 50)]
    hit = [(plan, hit.fault) for plan in drawn for hit in plan.hits]
    assert {name for _, name in hit} == set(FAULTS)
    assert all(plan.lake == "s3" for plan, name in hit if name.startswith("S3"))
    assert all(plan.judge == "vllm" for plan, name in hit if name.startswith("judge"))
    assert {plan.lake for plan in drawn} == {"s3", "folder"}


def warehouse(path: Path, *statuses: str) -> Path:
    """A warehouse whose models have these fates."""
    with duckdb.connect(path) as db:
        db.execute(statement("schema"))
        db.execute(
            "insert into base.snapshots by name select $1 as snapshot, 'h' as hub, 's' as selection, "
            "$2 as listed, now()::timestamp as started_at, now()::timestamp as finished_at, false as is_late",
            [WEEK, len(statuses)],
        )
        for number, status in enumerate(statuses):
            db.execute(
                "insert into base.listing by name select $1 as snapshot, $2 as model_id, 'c' as sha, "
                "[]::varchar[] as tags, [] as base_models, true as has_readme",
                [WEEK, f"ada/{number}"],
            )
            if status != "pending":
                db.execute(
                    "insert into base.reads by name select $1 as snapshot, $2 as model_id, 'c' as sha, "
                    "$3 as status, false as has_text, 'why' as reason, 'why' as detail, true as is_final, "
                    "1 as requests, now()::timestamp as read_at, 'p' as part",
                    [WEEK, f"ada/{number}", status],
                )
    return path


def test_a_model_without_a_fate_is_noticed(tmp_path: Path) -> None:
    well = warehouse(tmp_path / "well.duckdb", "none", "failed", "empty")
    ill = warehouse(tmp_path / "ill.duckdb", "none", "pending")
    assert list(invariants.fates(well, WEEK)) == []
    assert [broken.invariant for broken in invariants.fates(ill, WEEK)] == ["I1"]


def test_rows_that_only_one_of_two_runs_has_are_noticed(tmp_path: Path) -> None:
    one = warehouse(tmp_path / "one.duckdb", "none", "failed")
    other = warehouse(tmp_path / "other.duckdb", "none", "none")
    same = shutil.copyfile(one, tmp_path / "same.duckdb")
    assert list(invariants.differences(one, same)) == []
    seen = {broken.seen.partition(" rows")[0] for broken in invariants.differences(one, other)}
    assert {"panel lacks 1", "panel adds 1", "failures adds 1"} <= seen


def verdict(card_hash: str, score: float) -> Verdict:
    return Verdict(card_hash, "checklist", "f", score, "checks", {}, [], [], [])


def test_work_done_twice_is_counted_and_contradictions_are_noticed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write("verdicts/f/one.parquet", Verdict, [verdict("a", 3), verdict("b", 2)])
    lake.write("verdicts/f/two.parquet", Verdict, [verdict("b", 2), verdict("c", 1)])
    assert invariants.double_work(tmp_path / "lake") == (1, [])
    lake.write("verdicts/f/three.parquet", Verdict, [verdict("a", 4)])
    twice, broken = invariants.double_work(tmp_path / "lake")
    assert (twice, [each.invariant for each in broken]) == (2, ["I2"])


def test_a_secret_is_noticed_even_inside_a_compressed_part(tmp_path: Path) -> None:
    Lake(tmp_path).write("verdicts/f/one.parquet", Verdict, [verdict("hf_planted", 3)])
    texts = [*invariants.texts_in_files([tmp_path]), ("a log", "nothing here")]
    assert [each.invariant for each in invariants.secrets_in(texts, {"HF_TOKEN": "hf_planted"})] == ["I5"]
    assert list(invariants.secrets_in(texts, {"HF_TOKEN": "hf_other"})) == []


def test_a_published_warehouse_that_breaks_or_shrinks_is_noticed(tmp_path: Path) -> None:
    path = warehouse(tmp_path / "warehouse.duckdb", "none")
    empty = tmp_path / "empty.duckdb"
    with duckdb.connect(empty) as db:
        db.execute(statement("schema"))
    watcher = Watcher(lambda: [path])
    watcher.look()
    assert (watcher.reads, watcher.errors) == (1, [])
    empty.replace(path)
    watcher.look()
    path.write_bytes(b"half a week")
    watcher.look()
    path.unlink()
    watcher.look()
    assert ["0 snapshots" in watcher.errors[0], "gone" in watcher.errors[2], len(watcher.errors)] == [
        True,
        True,
        3,
    ]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up under /proc")
@pytest.mark.parametrize(("harness", "is_ours"), [(os.getpid(), True), (1, False)], ids=["ours", "another"])
def test_processes_are_found_by_the_mark_of_this_harness_alone(harness: int, is_ours: bool) -> None:
    command = [sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()"]
    variables = {**os.environ, MARK: str(harness), FLOW_RUN: "run-1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables) as child:
        assert child.stdout is not None
        child.stdout.readline()  # Popen returns during exec, when Linux may not show the environment yet
        found = [ours(FLOW_RUN), ours(FLOW_RUN, "run-1"), ours(FLOW_RUN, "run-2"), ours()]
        child.communicate()
    here = [child.pid] if is_ours else []
    assert found == [here, here, [], here]
    assert ours() == []


def test_the_table_has_each_fault_and_replaces_the_previous_one(tmp_path: Path) -> None:
    plan = next(plans(1, ["worker killed"]))
    outcome = Outcome(plan, disturbed="completed", hits=["worker killed at 0.50 for 1.0 s"], heal_s=2.0)
    outcome.broken.append(invariants.Broken("I6", "a row"))
    page = tmp_path / "chaos.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, markdown(tally([outcome], seed=9, skipped={"clock off": "no libfaketime"})))
    text = page.read_text()
    assert "| worker killed | 1 | 1 completed | 2.0 (2.0) | I6 broken 1x |" in text
    assert "clock off was left out: no libfaketime." in text
    assert ("old" in text, text.startswith("before\n"), text.endswith("\nafter\n")) == (False, True, True)


def test_rounds_played_in_two_calls_add_up_to_those_of_one_call(tmp_path: Path) -> None:
    outcomes = [
        Outcome(
            plan, disturbed=end, hits=[f"{plan.hits[0].fault} at 0.50 for 1.0 s"], heal_s=number, total_s=9.0
        )
        for number, (plan, end) in enumerate(
            zip(islice(plans(1, list(FAULTS)), 4), ["completed", "failed"] * 2, strict=True)
        )
    ]
    outcomes[2].broken.append(invariants.Broken("I6", "a row"))
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, part in zip(files, (outcomes[:2], outcomes[2:]), strict=True):
        file.write_text(json.dumps(tally(part, seed=1, skipped={}) | {"left_over": []}, default=str))
    assert markdown(joined(files)) == markdown(tally(outcomes, seed=1, skipped={}))
