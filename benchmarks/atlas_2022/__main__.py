"""Write the page of the kinds of cards of the Hub of 15 February 2022, with its map, from its snapshot's warehouse.

    cardiograph snapshot --hub hub-2022-02.parquet --all --as-of 2022-02-15 --home HOME
    python -m benchmarks.atlas_2022 --home HOME --write docs/atlas-2022.md

The numbers of kinds differ between machines. So `names.csv` has each name that a person gave by a well-known model, and
it belongs to the kind of that model. The names are given to the kinds of the home as `cardiograph atlas names` does it,
so that its `atlas.html` shows them. Pictures go into `pictures/` beside the page.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.atlas_2022 import page
from flows.cli.atlas import take_names
from tasks.errors import CardiographError
from tasks.storage.warehouse import Warehouse

NAMES = Path(__file__).parent / "names.csv"


def main() -> int:
    """Name, read, write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="atlas_2022", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    options = parser.parse_args()
    try:
        given = options.home / "kinds.csv"
        write_names(given, anchored(options.home, NAMES))
        take_names(options.home, given)
        written = page.write(page.read(options.home), options.write)
    except CardiographError as error:
        print(error, file=sys.stderr)
        return 1
    print(*written, sep="\n")
    return 0


def anchored(home: Path, names: Path) -> list[tuple[int, str, str]]:
    """Kind, name and description; the first counts, of two names for one kind and of two kinds with one name.

    A name may have several models; a model that is of no kind on this map is ignored.
    """
    with Warehouse(home).read() as db:
        kinds = dict(
            db.execute(
                "select model_id, kind from out_atlas where snapshot = (select max(snapshot) from atlases)"
            ).fetchall()
        )
    given: dict[int, tuple[int, str, str]] = {}
    with names.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind = kinds.get(row["anchor"])
            if kind is not None and row["name"] not in {name for _, name, _ in given.values()}:
                given.setdefault(kind, (kind, row["name"], row["description"]))
    return list(given.values())


def write_names(path: Path, given: Iterable[tuple[int, str, str]]) -> None:
    """Write names to a file for `cardiograph atlas names`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("kind", "name", "description"))
        writer.writerows(given)


if __name__ == "__main__":
    sys.exit(main())
