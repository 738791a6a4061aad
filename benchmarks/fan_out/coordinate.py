"""One process of a trial: `python -m benchmarks.fan_out.coordinate CANDIDATE|crew GROUND`."""

from __future__ import annotations

import importlib
import sys

from benchmarks.fan_out.part import Ground


def main(what: str, ground: Ground) -> None:
    """Hand the parts out and wait for them, or be one of the crew."""
    if what == "crew":
        from benchmarks.fan_out.by_pulling import crew

        crew(ground.text())
    else:
        importlib.import_module(f"benchmarks.fan_out.by_{what}").coordinate(ground)


if __name__ == "__main__":
    main(sys.argv[1], Ground.read(sys.argv[2]))
