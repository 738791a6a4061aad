"""One trial: a candidate does all parts, perhaps while the benchmark kills something."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen
from time import monotonic, sleep
from typing import Literal

from benchmarks.fan_out.part import Attempt, Ground, attempts, done
from benchmarks.fan_out.processes import POLL_S, kill, running, tree
from benchmarks.fan_out.server import Server, prefect_server

Harm = Literal["none", "worker killed", "server killed"]
HARMS: tuple[Harm, ...] = ("none", "worker killed", "server killed")

SERVER_DOWN_S = 5.0  # plus the time that it takes to start
_GIVE_UP_S = 30.0  # for a coordinator to end once its parts are done


@dataclass(frozen=True, slots=True)
class Outcome:
    """The observations of one trial. Times are seconds, null where the event did not happen."""

    candidate: str
    harm: Harm
    workers_up_s: float  # until the standing workers were ready
    first_part_s: float | None = None  # from the coordinator's start until a part began
    wall_s: float | None = None  # from the first part's beginning to the last one's end
    overhead_ms_a_part: float | None = None  # of a worker's time, beyond the part itself
    parts_done: int = 0
    parts_begun_twice: int = 0
    lost_part_done_after_s: float | None = None  # after the kill of its worker
    coordinator: str = ""  # how it ended
    load: float = 0.0  # of the machine, over the last minute


def missing(candidate: str) -> str | None:
    """Why the candidate is skipped; null if it can be tried."""
    needed = {"dask": "prefect_dask", "ray": "prefect_ray"}.get(candidate)
    if needed is None or importlib.util.find_spec(needed):
        return None
    return f"skipped: {needed.replace('_', '-')} is not installed"


def play(candidate: str, ground: Ground, harm: Harm, patience_s: float) -> Outcome:
    """Run a trial in a folder and with a server of its own."""
    # Ray keeps sockets below this folder, and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="f") as folder:
        ground = replace(ground, folder=Path(folder))
        with prefect_server(ground.folder) as server:
            module = importlib.import_module(f"benchmarks.fan_out.by_{candidate}")
            began = monotonic()
            with module.standing(ground):
                outcome = Outcome(candidate, harm, workers_up_s=round(monotonic() - began, 1))
                return _watched(outcome, ground, server, patience_s)


def _watched(outcome: Outcome, ground: Ground, server: Server, patience_s: float) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.fan_out.coordinate", outcome.candidate, ground.text()]
    started = monotonic()
    with running(command, ground.folder / "coordinator.log") as coordinator:
        _wait(ground, coordinator, patience_s, enough=ground.parts // 4)
        victim = _harm(outcome.harm, ground, server, coordinator)
        killed = monotonic()
        _wait(ground, coordinator, patience_s, enough=ground.parts)
        ended = _ended(coordinator, all_done=len(done(ground.folder)) == ground.parts)
    return _with_figures(replace(outcome, coordinator=ended), ground, started, victim, killed)


def _wait(ground: Ground, coordinator: Popen[bytes], patience_s: float, *, enough: int) -> None:
    """Wait until so many parts are done, or none has been done for `patience_s` seconds."""
    count, since = 0, monotonic()
    while count < enough and monotonic() - since < patience_s:
        sleep(POLL_S)
        if (now_done := len(done(ground.folder))) > count:
            count, since = now_done, monotonic()


def _harm(harm: Harm, ground: Ground, server: Server, coordinator: Popen[bytes]) -> Attempt | None:
    """Apply the fault; returns the attempt that was lost, if one was."""
    if harm == "server killed":
        server.kill()
        sleep(SERVER_DOWN_S)
        server.start()
    if harm == "worker killed":
        return _kill_one(ground, coordinator)
    return None


def _kill_one(ground: Ground, coordinator: Popen[bytes]) -> Attempt | None:
    """Kill a worker in mid-part with its whole process tree, as if its machine had died."""
    spared = set(tree(coordinator.pid))
    machines = [(pid, set(tree(pid))) for pid in tree(os.getpid())[1:] if _is_ours(pid)]
    for _ in range(200):
        midway = [
            attempt
            for attempt in attempts(ground.folder)
            if 0.2 < (monotonic() - attempt.began) / ground.seconds < 0.6 and attempt.pid not in spared
        ]
        random.shuffle(midway)
        for attempt in midway:
            for root, processes in machines:
                if attempt.pid in processes or attempt.pid in tree(root):
                    kill(tree(root))
                    return attempt
        sleep(POLL_S)
    return None


def _is_ours(pid: int) -> bool:
    """Whether it is a child of this process."""
    parent = subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return parent.stdout.strip() == str(os.getpid())


def _ended(coordinator: Popen[bytes], *, all_done: bool) -> str:
    deadline = monotonic() + (_GIVE_UP_S if all_done else 0.0)
    while coordinator.poll() is None and monotonic() < deadline:
        sleep(POLL_S)
    code = coordinator.poll()
    return "waits for ever" if code is None else "ended well" if code == 0 else f"failed ({code})"


def _with_figures(
    outcome: Outcome, ground: Ground, started: float, victim: Attempt | None, killed: float
) -> Outcome:
    begun, finished = attempts(ground.folder), done(ground.folder)
    if begun:
        outcome = replace(outcome, first_part_s=round(begun[0].began - started, 1))
    if len(finished) == ground.parts:
        wall_s = max(finished.values()) - begun[0].began
        overhead_s = (wall_s - ground.ideal_s) * ground.workers / ground.parts
        outcome = replace(outcome, wall_s=round(wall_s, 1), overhead_ms_a_part=round(1000 * overhead_s))
    if victim and victim.number in finished:
        outcome = replace(outcome, lost_part_done_after_s=round(finished[victim.number] - killed, 1))
    twice = Counter(attempt.number for attempt in begun)
    return replace(
        outcome,
        parts_done=len(finished),
        parts_begun_twice=sum(times > 1 for times in twice.values()),
        load=round(os.getloadavg()[0], 1),
    )
