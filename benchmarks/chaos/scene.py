"""What the faults act on: the services, the gates before two of them, a disk, and the runs of the round."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks.chaos.disk import Disk
from benchmarks.chaos.gate import Gate, Mode
from benchmarks.chaos.prefect_api import PrefectApi
from benchmarks.chaos.processes import FLOW_RUN, ours
from deployments.native import Service, Topology
from deployments.native.processes import signal_all

_POLL_S = 0.005


class TooLate(Exception):
    """Nothing is left to hit."""


@dataclass(slots=True)
class Scene:
    """Exists for all rounds; the public fields from `disk` on belong to the round. The disturbed run comes first."""

    topology: Topology
    gates: Mapping[str, Gate]
    api: PrefectApi
    disk: Disk | None = None
    start_another: Callable[[bool], None] = field(default=lambda same_home: None)
    run_ids: list[str] = field(default_factory=list)
    published: Path = Path()  # the warehouse in the disturbed run's home
    over: threading.Event = field(default_factory=threading.Event)  # set once that run has ended
    _odd_clocks: set[str] = field(default_factory=set)
    _paused: set[str] = field(default_factory=set)
    _locks: dict[str, threading.RLock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._locks = {name: threading.RLock() for name in self.topology.services}

    def worker(self, number: int) -> str:
        """Name of a worker, counted from 0."""
        workers = self.topology.workers
        return workers[number % len(workers)]

    def kill(self, name: str) -> None:
        """Send SIGKILL to a service and all its processes."""
        with self._locks[name]:
            self._paused.discard(name)
            self.topology.kill(name)

    def revive(self, name: str) -> None:
        """Start a service that is not running, with the right clock, and wait until it is ready."""
        with self._locks[name]:
            if name in self._odd_clocks:
                self.topology.kill(name)
                self._odd_clocks.discard(name)
            if not self.topology.is_up(name):
                self._paused.discard(name)
                self.topology.start(name)

    def pause(self, name: str) -> Callable[[], None]:
        """Pause a service and all its processes; the returned function resumes them."""
        with self._locks[name]:
            if self.topology.is_up(name):
                self._paused.add(name)
                self.topology.pause(name)
        return partial(self.resume, name)

    def resume(self, name: str) -> None:
        """Resume a paused service."""
        with self._locks[name]:
            if name in self._paused:
                self._paused.discard(name)
                self.topology.resume(name)

    def shift_clock(self, name: str, days: int) -> Callable[[], None]:
        """Restart a worker with its clock so many days off; the returned function puts it right."""
        with self._locks[name]:
            self.kill(name)
            self._odd_clocks.add(name)
            right = self.topology.stages
            self.topology.stages = with_environment(right, name, faketime(days))
            self.topology.start(name)
            self.topology.stages = right
        return partial(self.revive, name)

    def fill_disk(self) -> None:
        """Leave no byte free on the disk, if there is one."""
        if self.disk:
            self.disk.fill()

    def empty_disk(self) -> None:
        """Free the space again."""
        if self.disk:
            self.disk.empty()

    def kill_coordinator(self) -> None:
        """Send SIGKILL to the process of the disturbed run."""
        _kill(ours(FLOW_RUN, self.run_ids[0]))

    def kill_at_publication(self) -> None:
        """The same, right after the published warehouse has been replaced."""
        before = self.published.stat().st_ino
        while self.published.stat().st_ino == before:
            if self.over.wait(_POLL_S):
                raise TooLate
        self.kill_coordinator()

    def kill_a_run(self, chance: float) -> None:
        """Send SIGKILL to the process of one flow run, drawn by chance."""
        _kill(random.Random(chance).sample(found, 1) if (found := sorted(ours(FLOW_RUN))) else [])

    def heal(self) -> None:
        """Open the gates, free the disk, and run every service again, those first that others need."""
        for gate in self.gates.values():
            gate.set(Mode.OPEN)
        self.empty_disk()
        for name in self.topology.services:
            self.resume(name)
        for name in self.topology.services:
            self.revive(name)


def _kill(pids: Sequence[int]) -> None:
    if not pids:
        raise TooLate
    signal_all(pids, signal.SIGKILL)


def with_environment(
    stages: Sequence[Sequence[Service]], name: str, environment: Mapping[str, str]
) -> list[list[Service]]:
    """The services, with more variables for one of them."""
    return [
        [
            replace(service, environment={**service.environment, **environment})
            if service.name == name
            else service
            for service in stage
        ]
        for stage in stages
    ]


def faketime(days: int) -> dict[str, str]:
    """The environment of a process whose clock is so many days ahead. Monotonic clocks stay right."""
    return {"LD_PRELOAD": libfaketime(), "FAKETIME": f"{days:+d}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def libfaketime() -> str:
    """The path of the library of Debian's package; empty if it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""
