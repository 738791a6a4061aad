"""The faults: what each does to the scene, and how it is undone.

A fault is a function of the scene and one `Hit`. It returns a function that heals it, called after the duration of
the hit, or at the end of the round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.chaos.gate import Mode
from benchmarks.chaos.scene import Scene

Heal = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault: at `at_share` of the duration of an undisturbed run, for `lasts_s` seconds, on one of the workers.

    `chance` (0-1) decides whatever else the fault leaves open.
    """

    fault: str
    at_share: float
    lasts_s: float
    worker: int
    chance: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. `needs` names what the round must have for it to have an effect: s3, judge."""

    name: str
    description: str
    do: Callable[[Scene, Hit], Heal]
    lasts_s: tuple[float, float] = (1.0, 8.0)
    when: tuple[float, float] = (0.05, 0.95)
    needs: frozenset[str] = frozenset()


def _killed(name: str, scene: Scene, hit: Hit) -> Heal:
    scene.kill(name)
    return partial(scene.revive, name)


def _paused(name: str, scene: Scene, hit: Hit) -> Heal:
    return scene.pause(name)


def _gate(name: str, mode: Mode, scene: Scene, hit: Hit) -> Heal:
    scene.gates[name].set(mode)
    return partial(scene.gates[name].set, Mode.OPEN)


def _worker_killed(scene: Scene, hit: Hit) -> Heal:
    return _killed(scene.worker(hit.worker), scene, hit)


def _worker_paused(scene: Scene, hit: Hit) -> Heal:
    return _paused(scene.worker(hit.worker), scene, hit)


def _run_killed(scene: Scene, hit: Hit) -> Heal:
    scene.kill_a_run(hit.chance)
    return _nothing


def _coordinator_killed(scene: Scene, hit: Hit) -> Heal:
    scene.kill_coordinator()
    return _nothing


def _killed_at_publication(scene: Scene, hit: Hit) -> Heal:
    scene.kill_at_publication()
    return _nothing


def _cut_off(name: str, scene: Scene, hit: Hit) -> Heal:
    """Either no connection passes, or every answer breaks off somewhere."""
    return _gate(name, Mode.LEAKY if hit.chance < 0.6 else Mode.SHUT, scene, hit)


def _disk_full(scene: Scene, hit: Hit) -> Heal:
    scene.fill_disk()
    return scene.empty_disk


def _clock_off(scene: Scene, hit: Hit) -> Heal:
    days = 7 if hit.chance < 0.5 else -7
    return scene.shift_clock(scene.worker(hit.worker), days)


def _two_at_once(scene: Scene, hit: Hit) -> Heal:
    scene.start_another(hit.chance < 0.5)
    return _nothing


def _nothing() -> None:
    """For faults that need no undoing."""


S3, JUDGE = frozenset({"s3"}), frozenset({"judge"})
# A paused worker must come back after others have taken over its part.
LONGER_THAN_A_LEASE_S = (9.0, 14.0)

FAULTS = {
    fault.name: fault
    for fault in (
        Fault("worker killed", "a worker and all its processes, -9", _worker_killed, (4, 20)),
        Fault(
            "worker paused",
            "a worker and all its processes, for longer than a lease",
            _worker_paused,
            LONGER_THAN_A_LEASE_S,
        ),
        Fault("run killed", "the process of one flow run, -9; its worker keeps running", _run_killed),
        Fault(
            "coordinator killed",
            "the process that coordinates the snapshot, -9",
            _coordinator_killed,
            when=(0.2, 0.95),
        ),
        Fault(
            "killed at publication",
            "the coordinator, -9, right after it has replaced the published files in its home",
            _killed_at_publication,
            when=(0.01, 0.02),
        ),
        Fault(
            "API server killed",
            "Prefect's API server, -9, restarted",
            partial(_killed, "prefect-server"),
            (1, 6),
        ),
        Fault(
            "services killed",
            "Prefect's background services, -9, restarted",
            partial(_killed, "prefect-services"),
            (1, 6),
        ),
        Fault(
            "PostgreSQL killed",
            "the postmaster and its backends, -9, restarted",
            partial(_killed, "postgres"),
            (1, 5),
        ),
        Fault("Redis killed", "-9, restarted", partial(_killed, "redis"), (1, 5)),
        Fault("S3 killed", "the S3 endpoint, -9, restarted", partial(_killed, "s3"), (1, 8), needs=S3),
        Fault(
            "S3 paused",
            "the S3 endpoint accepts connections but does not answer",
            partial(_paused, "s3"),
            (2, 12),
            needs=S3,
        ),
        Fault(
            "S3 cut off",
            "connections to S3 are reset, most of them in the middle of an answer",
            partial(_cut_off, "s3"),
            (2, 10),
            needs=S3,
        ),
        Fault("replica killed", "the Hub's replica, -9, restarted", partial(_killed, "hub"), (1, 6)),
        Fault(
            "replica cut off",
            "connections to the Hub are reset, most of them in the middle of an answer",
            partial(_cut_off, "hub"),
            (2, 8),
        ),
        Fault(
            "judge killed",
            "the judge's server, -9, restarted",
            partial(_killed, "judge-1"),
            (1, 6),
            needs=JUDGE,
        ),
        Fault(
            "judge paused",
            "the judge's server accepts connections but does not answer",
            partial(_paused, "judge-1"),
            (2, 10),
            needs=JUDGE,
        ),
        Fault("disk full", "no byte left on the disk of the coordinator's home", _disk_full, (3, 10)),
        Fault(
            "clock off", "one worker's clock a week ahead or behind", _clock_off, (60, 60), when=(0.0, 0.0)
        ),
        Fault(
            "two at once",
            "a second run of the same snapshot, on the same home or on another with the same lake",
            _two_at_once,
            when=(0.0, 0.6),
        ),
    )
}
