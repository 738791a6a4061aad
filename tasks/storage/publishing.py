"""Published files in an object store: where a lake is not a folder, people and the next coordinator find them there."""

from __future__ import annotations

from pathlib import Path

from tasks.storage.lake import Lake


def send_published(lake: Lake, file: Path) -> None:
    """Copy a published file into the object store unless it is there: a killed run may not have got so far."""
    if not lake.is_remote:
        return
    name, stat = _name(file), file.stat()
    mark = f"{stat.st_size} {stat.st_mtime_ns}".encode()
    if lake.get(f"{name}.mark") != mark:
        lake.send(name, file)
        lake.put(f"{name}.mark", mark)


def fetch_published(lake: Lake, file: Path) -> None:
    """Copy the file that was published last into a home that does not have it."""
    if lake.is_remote and not file.exists():
        lake.fetch(_name(file), file)


def _name(file: Path) -> str:
    return f"published/{file.name}"
