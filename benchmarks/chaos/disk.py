"""A small disk that can be filled to the last byte: a tmpfs, where mounting one is permitted."""

from __future__ import annotations

import errno
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BALLAST = ".ballast"
_ZEROS = bytes(1 << 16)


@dataclass(frozen=True, slots=True)
class Disk:
    """The mounted folder."""

    path: Path

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.path / _BALLAST).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_ZEROS)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def empty(self) -> None:
        """Free what `fill` took."""
        (self.path / _BALLAST).unlink(missing_ok=True)


def mount(path: Path, megabytes: int) -> Disk | None:
    """Mount a disk of that size at `path`; null if this account may not mount one."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "cardiograph-chaos", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return Disk(path) if done.returncode == 0 else None


def unmount(path: Path) -> None:
    """Unmount the disk, even if files are open."""
    subprocess.run(["umount", "--lazy", str(path)], capture_output=True, check=False)
