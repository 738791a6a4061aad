"""Write the findings on the Hub of 15 February 2022, with their charts, from the warehouse of its snapshot.

    cardiograph snapshot --hub hub-2022-02.parquet --all --as-of 2022-02-15 --home HOME
    python -m benchmarks.findings_2022 --home HOME --write docs/findings-2022.md

Charts go into `pictures/` next to the page. Where the warehouse no longer supports the prose, it names the claims and
writes nothing: then fix `article.md`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.findings_2022 import article, pictures
from benchmarks.findings_2022.evidence import read_evidence
from tasks.errors import CardiographError


def main() -> int:
    """Read, check, write; the exit status says whether there is a page."""
    parser = argparse.ArgumentParser(prog="findings_2022", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    options = parser.parse_args()
    try:
        evidence = read_evidence(options.home)
        article.write(evidence, options.write)
    except CardiographError as error:
        print(error, file=sys.stderr)
        return 1
    drawn = pictures.pictures(evidence).values()
    for path in [options.write, *pictures.write(drawn, options.write.parent / "pictures")]:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
