"""Health checks that images without curl can run; 0 is healthy.

python -m deployments.health url URL      answered 200
python -m deployments.health services     Prefect's background services beat in Redis
"""

from __future__ import annotations

import asyncio
import sys
import urllib.error
import urllib.request

_WITHIN_S = 5.0
_SERVICES_DOCKET = "prefect"  # the name that `prefect server services start` gives its queue of chores


def main(what: str, *rest: str) -> int:
    """1 where the check says no."""
    is_well = url_answers(rest[0]) if what == "url" else asyncio.run(services_beat())
    return 0 if is_well else 1


def url_answers(url: str) -> bool:
    """Whether a GET of the URL is answered 200."""
    try:
        with urllib.request.urlopen(url, timeout=_WITHIN_S) as answer:  # noqa: S310 - the compose file's own
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


async def services_beat() -> bool:
    """Whether a worker of the services' queue said within a few seconds that it is there."""
    from docket import Docket
    from prefect.settings import get_current_settings

    url = get_current_settings().server.docket.url
    async with Docket(name=_SERVICES_DOCKET, url=url) as docket:
        return bool(await docket.workers())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
