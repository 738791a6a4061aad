"""What a service is to whoever starts it, and how one knows that it is ready."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Check = Callable[[], bool]

_CHECK_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """A command to be kept running. `folder` is where it runs; `user` whom it runs as, by default oneself."""

    name: str
    command: Sequence[str]
    folder: Path
    is_ready: Check
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = 8.0
    start_within_s: float = 120.0


def answers(url: str) -> Check:
    """Whether a GET of the URL is answered 200."""

    def check() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=_CHECK_WITHIN_S) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    return check


def listens(port: int) -> Check:
    """Whether somebody takes connections on this port of loopback."""

    def check() -> bool:
        with socket.socket() as probe:
            probe.settimeout(_CHECK_WITHIN_S)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check


def succeeds(command: Sequence[str], environment: Mapping[str, str]) -> Check:
    """Whether the command leaves with 0."""

    def check() -> bool:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **environment},
                capture_output=True,
                check=False,
                timeout=_CHECK_WITHIN_S * 4,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    return check
