"""The Hub's quota shared by every worker of one token: Prefect's global concurrency limit for requests in flight.

Each process paces itself by what the Hub says is left, which others' requests make less, so that several together
spread the quota as one would. What the Hub cannot tell is what is under way: the limit bounds it, and each process
leaves room for it at the end of a window. Nobody is refused, whoever joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from prefect.client.orchestration import SyncPrefectClient
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from tasks.engine.prefect_api import AWAY, asked
from tasks.hub.client import Hub
from tasks.settings import settings

READS_AT_ONCE = 2  # parts that one process reads at a time, sharing its connections

_LEASE_S = 120.0  # slots of a worker that died are free again after so long
_known: dict[str, int | None] = {}  # what the server last said of a limit
_knowing = Lock()


@contextmanager
def share_of_quota(hub: Hub) -> Iterator[int]:
    """Read a part inside, with so many requests in flight: slots of the limit, where the Prefect server has one.

    While the server is away parts are read without: what the Hub says is left still holds, and room is left for
    the others.
    """
    slots, threads = limit_slots(), settings().hub_threads
    if slots is None:
        yield threads
        return
    share = min(max(threads // READS_AT_ONCE, 1), max(slots, 1))
    hub.share_with(max(slots - READS_AT_ONCE * share, 0))
    with ExitStack() as held:
        try:
            held.enter_context(
                concurrency(
                    settings().hub_limit,
                    occupy=share,
                    lease_duration=_LEASE_S,
                    raise_on_lease_renewal_failure=False,
                )
            )
        except (*AWAY, ConcurrencySlotAcquisitionError):
            held.pop_all()
        try:
            yield share
        finally:
            _let_go(held)


def _let_go(held: ExitStack) -> None:
    """Give the slots back; where the server is away, their lease does."""
    try:
        held.close()
    except (*AWAY, PrefectHTTPStatusError):
        return


def limit_slots() -> int | None:
    """Requests in flight that all workers together may have; null where no limit was set up."""
    name = settings().hub_limit
    with _knowing:
        _known[name] = asked(lambda client: _slots(client, name), otherwise=_known.get(name))
        return _known[name]


def _slots(client: SyncPrefectClient, name: str) -> int | None:
    try:
        limit = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        return None
    return limit.limit if limit.active else None


def ensure_limit(processes: int) -> None:
    """Make the limit for processes of one machine, unless somebody has set one up."""
    if processes > 1 and limit_slots() is None:
        asked(lambda client: set_limit(client, processes * settings().hub_threads), otherwise=None)


def set_limit(client: SyncPrefectClient, slots: int) -> None:
    """Make the limit, or change it."""
    client.upsert_global_concurrency_limit_by_name(settings().hub_limit, slots)
