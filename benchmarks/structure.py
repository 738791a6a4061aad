"""The rooms of the house and the imports between them, counted: `python benchmarks/structure.py [--arrows]`.

A room is a flow, or a package or module directly in `tasks/` or `flows/`. An arrow leads from a room to a room that it
imports, wherever in a file the import stands. A room's floor is one above the highest room that it imports.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOUSE = ("tasks", "flows")


@cache
def modules() -> dict[str, Path]:
    """Every module of the house by its name; a package by that of its `__init__.py`."""
    files = (path for top in HOUSE for path in sorted((ROOT / top).rglob("*.py")))
    return {_name(path): path for path in files}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(module: str) -> frozenset[str]:
    """Modules of the house that a module imports."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in _imported(node) if name in modules())


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in modules() else node.module


def room_of(module: str) -> str:
    """`tasks.hub.client` is in the room `tasks.hub`, `flows.crawl` is one by itself."""
    return ".".join(module.split(".")[:2])


@cache
def arrows() -> frozenset[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second; `tasks` and `flows` themselves are no rooms."""
    return frozenset(
        (room_of(module), room_of(other))
        for module in modules()
        for other in imports(module)
        if room_of(module) not in (room_of(other), *HOUSE)
    )


def rooms() -> list[str]:
    """All rooms."""
    return sorted({room_of(module) for module in modules()} - set(HOUSE))


def floors() -> dict[str, int]:
    """Each room's floor, the lowest is 1. Raises `ValueError` for an import cycle."""
    below: dict[str, set[str]] = {room: set() for room in rooms()}
    for room, other in arrows():
        below[room].add(other)
    found: dict[str, int] = {}
    while len(found) < len(below):
        ready = {room for room in below.keys() - found.keys() if below[room] <= found.keys()}
        if not ready:
            raise ValueError(f"import cycle among: {', '.join(sorted(below.keys() - found.keys()))}")
        found |= {room: 1 + max((found[other] for other in below[room]), default=0) for room in ready}
    return found


def definitions() -> Counter[str]:
    """How often each name of a class or of a type alias is defined in the house, at the top of a module."""
    return Counter(
        name
        for path in modules().values()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if (name := _defined(node))
    )


def _defined(node: ast.stmt) -> str | None:
    if isinstance(node, ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name):
        bare = target.id.lstrip("_")
        return target.id if bare[:1].isupper() and not bare.isupper() else None
    return None


def lines() -> int:
    """Lines of Python in the house."""
    return sum(path.read_text(encoding="utf-8").count("\n") for path in modules().values())


def main() -> None:
    """Print the count, and the rooms by floor."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arrows", action="store_true", help="also print what each room imports")
    options = parser.parse_args()
    found = floors()
    print(f"{len(found)} rooms, {len(arrows())} arrows, {max(found.values())} floors, {lines():,} lines")
    for floor in sorted(set(found.values()), reverse=True):
        print(f"{floor:>2}  {'  '.join(room for room in rooms() if found[room] == floor)}")
    if options.arrows:
        for room in rooms():
            print(f"{room} -> {', '.join(sorted(other for one, other in arrows() if one == room))}")


if __name__ == "__main__":
    main()
