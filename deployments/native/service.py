"""A service of the topology, and checks of whether it is ready."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.engine.child import SAFE_PATH

Check = Callable[[], bool]

_CHECK_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """A command to keep running in `folder`, as `user` (by default the current user)."""

    name: str
    command: Sequence[str]
    folder: Path
    is_ready: Check
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    start_within_s: float = 120.0


def listens(port: int) -> Check:
    """A check of whether this port of loopback accepts connections."""

    def check() -> bool:
        with socket.socket() as probe:
            probe.settimeout(_CHECK_WITHIN_S)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check


def succeeds(command: Sequence[str], environment: Mapping[str, str]) -> Check:
    """A check of whether the command exits with 0."""

    def check() -> bool:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **SAFE_PATH, **environment},
                capture_output=True,
                check=False,
                timeout=_CHECK_WITHIN_S * 4,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    return check
