"""What faults act upon: the services, the gates before two of them, a disk, and the runs of the round."""

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
from benchmarks.chaos.processes import FLOW_RUN, ours, signal_all
from deployments.native import Service, Topology

_LOOK_CLOSELY_S = 0.005


class TooLate(Exception):
    """There is nothing left to hit."""


@dataclass(slots=True)
class Scene:
    """Lives for all rounds; the last four are of the round. Of its runs the one that is disturbed comes first."""

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
        """-9 to a service and all that it runs."""
        with self._locks[name]:
            self._paused.discard(name)
            self.topology.kill(name)

    def revive(self, name: str) -> None:
        """Start a service that is not running, with its clock right, and wait until it is ready."""
        with self._locks[name]:
            if name in self._odd_clocks:
                self.topology.kill(name)
                self._odd_clocks.discard(name)
            if not self.topology.is_up(name):
                self._paused.discard(name)
                self.topology.start(name)

    def pause(self, name: str) -> Callable[[], None]:
        """Stop a service and all that it runs in their tracks; what is returned lets them go on."""
        with self._locks[name]:
            if self.topology.is_up(name):
                self._paused.add(name)
                self.topology.pause(name)
        return partial(self.resume, name)

    def resume(self, name: str) -> None:
        """Let a paused service go on."""
        with self._locks[name]:
            if name in self._paused:
                self._paused.discard(name)
                self.topology.resume(name)

    def shift_clock(self, name: str, days: int) -> Callable[[], None]:
        """Start a worker anew with its clock so many days off; what is returned puts it right again."""
        with self._locks[name]:
            self.kill(name)
            self._odd_clocks.add(name)
            right = self.topology.stages
            self.topology.stages = with_environment(right, name, faketime(days))
            self.topology.start(name)
            self.topology.stages = right
        return partial(self.revive, name)

    def fill_disk(self) -> None:
        """Not a byte is left."""
        if self.disk:
            self.disk.fill()

    def empty_disk(self) -> None:
        """There is room again."""
        if self.disk:
            self.disk.empty()

    def kill_coordinator(self) -> None:
        """-9 to the process of the run that is disturbed."""
        _kill(ours(FLOW_RUN, self.run_ids[0]))

    def kill_at_publication(self) -> None:
        """The same, at the moment when what people read has just been replaced."""
        before = self.published.stat().st_ino
        while self.published.stat().st_ino == before:
            if self.over.wait(_LOOK_CLOSELY_S):
                raise TooLate
        self.kill_coordinator()

    def kill_a_run(self, chance: float) -> None:
        """-9 to the process of one flow run, whichever it is."""
        _kill(random.Random(chance).sample(found, 1) if (found := sorted(ours(FLOW_RUN))) else [])

    def heal(self) -> None:
        """Everything runs, nothing is in the way. Those that others need come first."""
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
    """The services, one of them with more variables."""
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
    """The environment in which a process believes that it is so many days later. Monotonic clocks stay right."""
    return {"LD_PRELOAD": libfaketime(), "FAKETIME": f"{days:+d}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def libfaketime() -> str:
    """Where Debian's package puts it; empty where it is absent."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""
