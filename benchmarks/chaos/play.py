"""One round: a run is disturbed, everything is healed, the snapshot is run again, and the invariants are checked."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.chaos import disk, invariants
from benchmarks.chaos.faults import FAULTS, Hit
from benchmarks.chaos.invariants import Broken
from benchmarks.chaos.prefect_api import TERMINAL
from benchmarks.chaos.processes import FLOW_RUN, command_of, ours
from benchmarks.chaos.scene import TooLate
from benchmarks.chaos.schedule import Plan
from benchmarks.chaos.stand import ANOTHER, LEASE_S, SNAPSHOT, WEEK, Stand, Undisturbed
from benchmarks.chaos.watching import Watcher
from deployments.native.processes import signal_all
from tasks.errors import CardiographError, EngineFailed

WAREHOUSE, REPORT = "warehouse.duckdb", "report.html"
DISK_MEGABYTES = 96
_LOOK_EVERY_S = 0.5
_DISTURBED_WITHIN_S = 100.0
_RERUN_WITHIN_S = 150.0
_ENDS_WITHIN_S = 45.0  # on a healed scene every run must end by itself
_LOST_AFTER_S = 12.0  # without its process, and not in a final state
_NEVER_BEGAN_AFTER_S = 45.0  # taken by a worker that started no process
_SHUT_DOWN_S = 15.0


@dataclass(slots=True)
class Outcome:
    """A round and its observations."""

    plan: Plan
    disturbed: str = ""  # completed, failed, crashed, lost, stuck
    said: str = ""
    hits: list[str] = field(default_factory=list)
    reruns: int = 0
    heal_s: float = 0.0  # from the healed scene to a completed snapshot
    total_s: float = 0.0
    phases_s: dict[str, float] = field(default_factory=dict)
    warehouse_reads: int = 0
    double_work: int = 0
    zombies: int = 0  # runs that Prefect would have reported as running for ever
    broken: list[Broken] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """The home and the lake of a round."""

    home: Path
    lake: str
    lake_on_disk: Path


def try_to_play(stand: Stand, plan: Plan) -> Outcome:
    """Play the round; if it cannot be completed, say because a service does not restart, that is its outcome."""
    try:
        return play(stand, plan)
    except (CardiographError, OSError, RuntimeError, duckdb.Error) as error:
        with suppress(CardiographError, OSError, RuntimeError):
            _clear(stand)
        message = f"not completed: {type(error).__name__}: {str(error)[:500]}"
        return Outcome(plan, disturbed="unknown", broken=[Broken("I4", message)])


def _clear(stand: Stand) -> None:
    """Clean up by force for the next round."""
    stand.scene.heal()
    signal_all(ours(FLOW_RUN), signal.SIGKILL)
    for run_id in stand.scene.api.unfinished():
        stand.scene.api.cancel(run_id)


def undisturbed(stand: Stand, judge: str) -> Undisturbed:
    """A run without faults, on a lake of its own."""
    plan = Plan(0, lake="s3", judge="vllm" if judge == "vllm" else "checklist", hits=())
    with _place(stand, plan) as place:
        began = time.monotonic()
        run_id = _start(stand, plan, place.home, f"undisturbed {judge} {time.time():.0f}")
        state = _wait(stand, run_id, within_s=_RERUN_WITHIN_S)
        lasts_s = time.monotonic() - began
        if state != "completed":
            raise RuntimeError(f"an undisturbed run {state}: {stand.scene.api.message(run_id)}")
        kept = stand.folder / f"expected-{judge}.duckdb"
        shutil.copyfile(place.home / WAREHOUSE, kept)
        _let_runs_end(stand, Outcome(plan))
    return Undisturbed(kept, lasts_s)


def play(stand: Stand, plan: Plan) -> Outcome:
    """Play a round."""
    began, since = time.monotonic(), datetime.now(UTC).isoformat()
    outcome = Outcome(plan)
    with _place(stand, plan) as place:
        places = [folder / WAREHOUSE for folder in (*_published(plan, place), place.home.with_name("other"))]
        watcher = Watcher(lambda: places)
        watcher.start()
        try:
            with _timed(outcome, "disturb"):
                _disturb(stand, plan, place, outcome)
            with _timed(outcome, "heal"):
                stand.scene.heal()
            with _timed(outcome, "let runs end"):
                _let_runs_end(stand, outcome)
            with _timed(outcome, "rerun"):
                _rerun(stand, plan, place, outcome)
                _let_runs_end(stand, outcome)
        finally:
            watcher.stop()
        outcome.warehouse_reads = watcher.reads
        outcome.broken += [Broken("I3", error) for error in dict.fromkeys(watcher.errors)]
        with _timed(outcome, "check"):
            outcome.broken += _check(stand, plan, place, outcome, since)
    outcome.total_s = time.monotonic() - began
    return outcome


@contextmanager
def _timed(outcome: Outcome, phase: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    outcome.phases_s[phase] = round(time.monotonic() - began, 1)


@contextmanager
def _place(stand: Stand, plan: Plan) -> Iterator[Place]:
    """A home and a lake with last week's snapshot; on the small disk if there is one, and the lake is a folder."""
    name = f"round-{plan.number}-{plan.judge}"
    folder = stand.folder / name
    stand.scene.disk = disk.mount(folder, DISK_MEGABYTES)
    home = folder / "home"
    lake_on_disk = stand.lake_on_disk(name) if plan.lake == "s3" else folder / "lake"
    try:
        home.mkdir()
        for name_of_last_week in (WAREHOUSE, REPORT):
            shutil.copyfile(stand.before / name_of_last_week, home / name_of_last_week)
        if plan.lake == "s3":
            stand.upload(stand.before / "lake", name)
        else:
            shutil.copytree(stand.before / "lake", lake_on_disk)
        lake = f"s3://cardiograph/{name}" if plan.lake == "s3" else str(lake_on_disk)
        stand.point_workers_at(lake)
        yield Place(home, lake, lake_on_disk)
    finally:
        disk.unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(stand.lake_on_disk(name), ignore_errors=True)


def _start(stand: Stand, plan: Plan, home: Path, name: str, deployment: str = SNAPSHOT) -> str:
    parameters: dict[str, Any] = {
        "snapshot_date": str(WEEK),
        "home": str(home),
        "hub": stand.hub_url,
        "limit": None,
        "workers": 3,
        "pool": "default",
        "judges": [plan.judge],
    }
    if plan.judge == "vllm":
        parameters["judge_urls"] = stand.scene.topology.judge_urls
    return stand.scene.api.start(deployment, parameters, environment={}, name=name)


def _disturb(stand: Stand, plan: Plan, place: Place, outcome: Outcome) -> None:
    """Start the snapshot and apply the faults until it has ended in any way."""
    scene = stand.scene
    name = f"chaos {time.time():.0f} round {plan.number}"
    # The first hits may come before anything runs: a clock must be wrong before the worker picks the run up.
    early = [hit for hit in plan.hits if hit.at_share == 0]
    heal_early = [_hit(stand, hit, outcome) for hit in early]
    scene.run_ids = [_start(stand, plan, place.home, name)]

    def start_another(same_home: bool) -> None:
        home = place.home if same_home else place.home.with_name("other")
        scene.run_ids.append(_start(stand, plan, home, f"{name}, the other", ANOTHER))

    scene.start_another = start_another
    lasts_s = stand.expected[plan.judge].lasts_s
    over = scene.over = threading.Event()
    scene.published = place.home / WAREHOUSE
    later = [hit for hit in plan.hits if hit.at_share > 0]
    with ThreadPoolExecutor(max_workers=max(1, len(later))) as threads:
        running = [threads.submit(_hit_and_heal, stand, hit, lasts_s, over, outcome) for hit in later]
        outcome.disturbed = _wait(stand, scene.run_ids[0], within_s=_DISTURBED_WITHIN_S)
        over.set()
        for each in running:
            each.result()
    for heal in heal_early:
        heal()
    for other in scene.run_ids[1:]:  # a late one may have found the snapshot free, and be coordinating it
        _wait(stand, other, within_s=_DISTURBED_WITHIN_S)
    outcome.said = scene.api.message(scene.run_ids[0])


def _hit_and_heal(stand: Stand, hit: Hit, lasts_s: float, over: threading.Event, outcome: Outcome) -> None:
    """Wait for the moment, hit, wait, heal; without waiting once the run has ended."""
    if over.wait(hit.at_share * lasts_s):
        outcome.hits.append(f"{hit.fault}: came too late")
        return
    try:
        heal = _hit(stand, hit, outcome)
        over.wait(hit.lasts_s)
        heal()
    except TooLate:
        outcome.hits.append(f"{hit.fault}: came too late")
    except EngineFailed as error:  # retried when everything is healed
        outcome.hits.append(f"{hit.fault}: {str(error).splitlines()[0]}")


def _hit(stand: Stand, hit: Hit, outcome: Outcome) -> Callable[[], object]:
    began = time.monotonic()
    heal = FAULTS[hit.fault].do(stand.scene, hit)
    took_s = time.monotonic() - began
    outcome.hits.append(f"{hit.fault} at {hit.at_share:.2f} for {hit.lasts_s:.1f} s (took {took_s:.1f} s)")
    return heal


def _wait(stand: Stand, run_id: str, *, within_s: float) -> str:
    """How a run ended: completed, failed, crashed, cancelled; lost without a process; stuck when time is up."""
    deadline = time.monotonic() + within_s
    had_process, last_seen = False, time.monotonic()
    while time.monotonic() < deadline:
        state = stand.scene.api.glance(run_id)
        if state in TERMINAL:
            return state.lower()
        if ours(FLOW_RUN, run_id):
            had_process, last_seen = True, time.monotonic()
        elif state == "SCHEDULED" and not had_process:
            last_seen = time.monotonic()
        elif state is not None:
            patience_s = _LOST_AFTER_S if had_process else _NEVER_BEGAN_AFTER_S
            if time.monotonic() - last_seen > patience_s:
                return "lost"
        time.sleep(_LOOK_EVERY_S)
    return "stuck"


def _rerun(stand: Stand, plan: Plan, place: Place, outcome: Outcome) -> None:
    """I4: on a healed scene the same snapshot completes at the first attempt."""
    began = time.monotonic()
    name = f"chaos {time.time():.0f} round {plan.number}, again"
    run_id = _start(stand, plan, place.home, name)
    state = _wait(stand, run_id, within_s=_RERUN_WITHIN_S)
    outcome.heal_s = time.monotonic() - began
    if state != "completed":
        outcome.broken.append(Broken("I4", f"the rerun {state}: {stand.scene.api.message(run_id)}"))


def _let_runs_end(stand: Stand, outcome: Outcome) -> None:
    """Wait until no run is at work (I7), and cancel the runs that Prefect still reports as running."""
    deadline = time.monotonic() + _ENDS_WITHIN_S + LEASE_S
    while (left := ours(FLOW_RUN)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    if left:
        commands = ", ".join(command_of(pid) for pid in left)
        outcome.broken.append(Broken("I7", f"still at work long after: {commands}"))
    zombies = stand.scene.api.unfinished()
    outcome.zombies += len(zombies)
    for run_id in zombies:
        stand.scene.api.cancel(run_id)
    if left:
        time.sleep(2)
        signal_all(ours(FLOW_RUN), signal.SIGKILL)


def _check(stand: Stand, plan: Plan, place: Place, outcome: Outcome, since: str) -> list[Broken]:
    """Check the invariants that can be checked once everything has ended."""
    warehouse = place.home / WAREHOUSE
    outcome.double_work, broken = invariants.double_work(place.lake_on_disk)
    broken += invariants.verdicts_once(warehouse)
    broken += invariants.fates(warehouse, WEEK)
    for folder in _published(plan, place):
        broken += _not_of_this_week(folder, stand.expected[plan.judge].warehouse)
    broken += invariants.secrets_in(_texts(stand, place, since), stand.secrets)
    return broken


def _published(plan: Plan, place: Place) -> list[Path]:
    """The published folders: the home, and that of a remote lake."""
    return [place.home, *([place.lake_on_disk / "published"] if plan.lake == "s3" else [])]


def _not_of_this_week(folder: Path, expected: Path) -> Iterator[Broken]:
    """I6, for the published files."""
    missing = [name for name in (WAREHOUSE, REPORT) if not (folder / name).exists()]
    if missing:
        yield Broken("I6", f"{folder} lacks {', '.join(missing)}")
        return
    yield from invariants.differences(folder / WAREHOUSE, expected)
    if str(WEEK) not in (folder / REPORT).read_text(encoding="utf-8"):
        yield Broken("I6", f"{folder / REPORT} is still that of last week")


def _texts(stand: Stand, place: Place, since: str) -> Iterator[tuple[str, str]]:
    yield from stand.scene.api.visible_texts(since).items()
    yield from stand.scene.topology.logs().items()
    yield from invariants.texts_in_files([place.home, place.lake_on_disk])


def stop_everything(stand: Stand) -> Sequence[Broken]:
    """Stop the topology; I7 at the very end: no process that was started here is left."""
    stand.scene.topology.stop_all()
    deadline = time.monotonic() + _SHUT_DOWN_S
    while (left := ours()) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    commands = ", ".join(command_of(pid) for pid in left)
    return [Broken("I7", f"left over at the end: {commands}")] if left else []
