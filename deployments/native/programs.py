"""Find the programs that replace the compose file's images on this machine."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tasks.errors import UsageError

_DEBIAN_POSTGRES = Path("/usr/lib/postgresql")  # a folder a major version, none of them in PATH


def program(name: str, package: str) -> str:
    """The path of a program next to this interpreter or in PATH. Raises `UsageError` naming the package to install."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise UsageError(f"{name} is not installed; install it: {package}")
    return found


def postgres_program(name: str) -> str:
    """A program of PostgreSQL's server: the newest that Debian installed, or the one in PATH."""
    versions = sorted(_DEBIAN_POSTGRES.glob(f"*/bin/{name}"), key=_version)
    return str(versions[-1]) if versions else program(name, "apt-get install postgresql")


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parts[-3])]
