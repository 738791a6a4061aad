"""What is published, in an object store: where a lake has no folder, people and the next coordinator find it there."""

from __future__ import annotations

from pathlib import Path

from tasks.storage.lake import Lake


def send_published(lake: Lake, file: Path) -> None:
    """Bring a published file into an object store, unless it is there: a killed run may not have come so far."""
    if not lake.is_remote:
        return
    name, at = _name(file), file.stat()
    mark = f"{at.st_size} {at.st_mtime_ns}".encode()
    if lake.get(f"{name}.mark") != mark:
        lake.send(name, file)
        lake.put(f"{name}.mark", mark)


def fetch_published(lake: Lake, file: Path) -> None:
    """Begin a home that has no such file with the one that was published last, rather than with nothing."""
    if lake.is_remote and not file.exists():
        lake.fetch(_name(file), file)


def _name(file: Path) -> str:
    return f"published/{file.name}"
