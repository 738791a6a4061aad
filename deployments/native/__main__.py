"""`python -m deployments.native up`: run the topology on this machine, until Ctrl-C.

Its data stay in its folder, and the next `up` there continues with them.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path

from deployments.native.topology import Topology, native_topology, running
from tasks.errors import CardiographError
from tasks.replica.serving import Serving

FOLDER = Path("/var/tmp/cardiograph-topology")  # noqa: S108 - kept over a restart of the machine, and open to postgres


def main() -> int:
    """Start, print how to use it, wait, stop."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hub = Serving(corpus=options.corpus, plan=options.plan) if options.corpus else None
    try:
        topology = native_topology(
            options.folder, workers=options.workers, hub=hub, judges=options.judges, with_s3=not options.no_s3
        )
        return _serve(topology)
    except CardiographError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _serve(topology: Topology) -> int:
    print(f"starting {', '.join(topology.services)} …", file=sys.stderr)
    with suppress(KeyboardInterrupt), running(topology):
        print(_how_to_use(topology), flush=True)
        signal.pause()
    return 0


def _how_to_use(topology: Topology) -> str:
    """Exports for a shell, with everything else as comments."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in topology.environment.items()]
    hub = [f"# the Hub:   {topology.hub_url}"] if "hub" in topology.services else []
    judges = [f"# a judge:   {url}" for url in topology.judge_urls]
    about = [
        f"# Prefect:   {topology.ui_url}",
        *hub,
        *judges,
        f"# logs:      {topology.layout.folder_of('logs')}",
    ]
    return "\n".join([*about, *exports, "# then: cardiograph deploy", "# Ctrl-C here stops it all"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deployments.native", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="up")
    up = commands.add_parser("up", help="start everything and keep it running", description=__doc__)
    up.add_argument("--workers", type=int, default=1, help="workers of the pool `default` (1)")
    up.add_argument("--folder", type=Path, default=FOLDER, help=f"folder of all data and logs ({FOLDER})")
    up.add_argument("--corpus", type=Path, help="also serve this corpus as a Hub")
    up.add_argument("--plan", default="free", help="quotas of that Hub (free)")
    up.add_argument("--judges", type=int, default=0, help="number of scripted judges (0)")
    up.add_argument("--no-s3", action="store_true", help="keep the lake in a folder, not on an S3 endpoint")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
