"""Who is at what: small objects in the lake that their holder renews, and that others see being renewed.

A lease that stops changing belongs to somebody who died, or was cut off. How long it has not changed is measured by
whoever looks, on a clock of its own that only runs forward: the wall clocks of machines differ, and an object
store's time is a third one. Two processes may, rarely, both think that they hold a lease: where a stale one is taken
over, and in a store without conditional writes. Nothing but thrift may therefore depend on one: parts are the same
whoever writes them, and the first written stays.
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
from time import monotonic, sleep
from typing import Any

import orjson

from tasks.errors import LakeError
from tasks.storage.lake import Lake

RENEWALS_A_LEASE = 4  # so many chances to be seen alive


def new_holder() -> str:
    """A name for this process that no other ever had; begins with what people know it by."""
    return f"{_here()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _here() -> str:
    """This machine, or this container of it: where a process number means a process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        numbers = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot}/{numbers}"


@dataclass(slots=True)
class Watch:
    """Since when objects have not changed, as seen from here."""

    clock: Callable[[], float] = monotonic
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def look(self, tags: Mapping[str, str]) -> dict[str, float]:
        """Take in what `Lake.entries` tells; seconds that each of them has been the same."""
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
        with suppress(LakeError):  # whoever comes next waits for them to go stale
            for name in list(self._held):
                self.give_back(name)

    def take(self, name: str, *, is_stale: bool = False, settle_s: float = 0.0, **said: Any) -> bool:
        """Take a lease that is free, or one that is stale; false where somebody else was quicker.

        `settle_s` is waited for before looking whose it became: the longer, the surer.
        """
        told = {"holder": self.holder, **said}
        (self._lake.put if is_stale else self._lake.put_first)(name, self._body(told))
        if settle_s:
            sleep(settle_s)
        if holder_of(self._lake, name) != self.holder:
            return False
        with self._lock:
            self._held[name] = told
        return True

    def give_back(self, name: str) -> None:
        """Let go of a lease; one that somebody else has taken over stays theirs."""
        with self._lock:
            was_held = self._held.pop(name, None)
        if was_held and holder_of(self._lake, name) == self.holder:
            self._lake.delete(name)

    def _body(self, told: Mapping[str, Any]) -> bytes:
        self._beats += 1
        return orjson.dumps({**told, "beat": self._beats})

    def _renew_all(self) -> None:
        while not self._closing.wait(self.lease_s / RENEWALS_A_LEASE):
            for name, told in list(self._held.items()):
                if not self._closing.is_set():
                    self._renew(name, told)

    def _renew(self, name: str, told: Mapping[str, Any]) -> None:
        try:
            holder = holder_of(self._lake, name)
            with self._lock:
                if name not in self._held:
                    return
                if holder not in (None, self.holder):
                    del self._held[name]  # somebody has taken it over
                    return
                self._lake.put(name, self._body(told))
        except LakeError:
            # The work itself meets the same trouble and tells it; a lease that could not be renewed goes stale.
            return


def is_gone(holder: str | None) -> bool:
    """Whether the holder was a process of this machine that is no more; of other machines nothing is known."""
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
    """What a lease says of its holder; null where there is none, or nothing legible."""
    body = lake.get(name)
    try:
        found = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def holder_of(lake: Lake, name: str) -> str | None:
    """Who holds a lease, if anybody does."""
    holder = (read_lease(lake, name) or {}).get("holder")
    return holder if isinstance(holder, str) else None
