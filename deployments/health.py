"""Health checks for images without curl; exit code 0 is healthy.

python -m deployments.health url URL      it answers with 200
python -m deployments.health services     Prefect's background services report to Redis
"""

from __future__ import annotations

import asyncio
import sys

from tasks.engine.child import answers

_SERVICES_DOCKET = "prefect"  # the queue of `prefect server services start`


def main(what: str, *rest: str) -> int:
    """Run a check; 1 if it fails."""
    is_well = answers(rest[0]) if what == "url" else asyncio.run(services_beat())
    return 0 if is_well else 1


async def services_beat() -> bool:
    """Whether a worker of the services' queue has reported within the last few seconds."""
    from docket import Docket
    from prefect.settings import get_current_settings

    url = get_current_settings().server.docket.url
    async with Docket(name=_SERVICES_DOCKET, url=url) as docket:
        return bool(await docket.workers())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
