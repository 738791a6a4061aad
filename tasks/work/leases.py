"""Leases: small objects in the lake that record which process works on what, renewed while it is alive.

A lease that stops changing belongs to a process that died or was cut off. Each observer measures how long it has not
changed by its own monotonic clock: the wall clocks of machines differ, and an object store's time is a third one.
Rarely two processes both believe that they hold a lease: when a stale one is taken over, and in a store without
conditional writes. Only efficiency may therefore depend on leases: a part is the same whichever process writes it,
and the first one written stays.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from tasks.errors import LakeError
from tasks.stopping import pause
from tasks.storage.lake import Lake

WRITER = "writer"  # the lease of the process that coordinates
RENEWALS_PER_LEASE = 4  # chances to be seen alive before the lease is stale


def new_holder() -> str:
    """A name for this process that no other process ever had: machine, process number, random digits."""
    return f"{_here()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _here() -> str:
    """This machine, or this container of it: where a process number identifies a process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        numbers = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot}/{numbers}"


@dataclass(slots=True)
class Watch:
    """How long objects have not changed, as seen by this process."""

    clock: Callable[[], float] = monotonic
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def look(self, tags: Mapping[str, str]) -> dict[str, float]:
        """Take in what `Lake.entries` returns; for each name, the seconds since its tag last changed."""
        now = self.clock()
        self._seen = {
            name: old if (old := self._seen.get(name)) and old[0] == tag else (tag, now)
            for name, tag in tags.items()
        }
        return {name: now - since for name, (_, since) in self._seen.items()}


class Leases:
    """What this process holds in a lake, renewed by a thread of its own until given back."""

    def __init__(self, lake: Lake, holder: str, lease_s: float) -> None:
        self.holder = holder
        self.lease_s = lease_s
        self._lake = lake
        self._held: dict[str, dict[str, Any]] = {}
        self._beats = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._renew_all, name="leases", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give everything back."""
        self._closing.set()
        self._thread.join(self.lease_s)
        with suppress(LakeError):  # the next process waits for them to go stale
            for name in list(self._held):
                self.give_back(name)

    def take(self, name: str, *, is_stale: bool = False, settle_s: float = 0.0, **details: Any) -> bool:
        """Take a lease that is free, or one that is stale; false where another process was quicker.

        Waits `settle_s` before checking who got it: longer is safer.
        """
        content = {"holder": self.holder, **details}
        (self._lake.put if is_stale else self._lake.put_first)(name, self._body(content))
        if settle_s:
            pause(settle_s)
        if holder_of(self._lake, name) != self.holder:
            return False
        with self._lock:
            self._held[name] = content
        return True

    def give_back(self, name: str) -> None:
        """Release a lease; one that another process has taken over stays theirs."""
        with self._lock:
            was_held = self._held.pop(name, None)
        if was_held and holder_of(self._lake, name) == self.holder:
            self._lake.delete(name)

    def _body(self, content: Mapping[str, Any]) -> bytes:
        self._beats += 1
        return orjson.dumps({**content, "beat": self._beats})

    def _renew_all(self) -> None:
        while not self._closing.wait(self.lease_s / RENEWALS_PER_LEASE):
            for name, content in list(self._held.items()):
                if not self._closing.is_set():
                    self._renew(name, content)

    def _renew(self, name: str, content: Mapping[str, Any]) -> None:
        try:
            holder = holder_of(self._lake, name)
            with self._lock:
                if name not in self._held:
                    return
                if holder not in (None, self.holder):
                    del self._held[name]  # another process has taken it over
                    return
                self._lake.put(name, self._body(content))
        except LakeError:
            # The work itself meets the same error and reports it; a lease that could not be renewed goes stale.
            return


def is_gone(holder: str | None) -> bool:
    """Whether the holder was a process of this machine that has ended; of other machines nothing is known."""
    host, _, rest = (holder or "").partition(":")
    pid = rest.partition(":")[0]
    if host != _here() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def read_lease(lake: Lake, name: str) -> dict[str, Any] | None:
    """The content of a lease; null where there is none, or none that can be read."""
    body = lake.get(name)
    try:
        found = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def holder_of(lake: Lake, name: str) -> str | None:
    """Who holds a lease; null where nobody does."""
    holder = (read_lease(lake, name) or {}).get("holder")
    return holder if isinstance(holder, str) else None
