"""Share the Hub's quota among all workers of one token, by Prefect's global concurrency limit for requests in flight.

Each process paces itself by the quota that the Hub reports as left, which others' requests reduce, so that several
processes together spread the quota as one would. The Hub cannot report requests in flight: the limit bounds them,
and each process leaves room for them at the end of a window. No request is refused, however many workers join.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock

from prefect.client.orchestration import SyncPrefectClient
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from tasks.engine.prefect_api import AWAY, ask_server
from tasks.hub.client import Hub
from tasks.settings import settings

READS_AT_ONCE = 2  # parts that one process reads at a time, sharing its connections

_LEASE_S = 120.0  # after so long the slots of a worker that died are free again
_known: dict[str, int | None] = {}  # slots of a limit as the server last reported them
_known_lock = Lock()


@contextmanager
def share_of_quota(hub: Hub) -> Iterator[int]:
    """Yield how many requests may be in flight inside: slots of the limit, where the Prefect server has one.

    While the server is away parts are read without slots: the quota that the Hub reports still holds, and room is
    left for the other processes.
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
            with suppress(*AWAY, PrefectHTTPStatusError):  # then the end of their lease frees the slots
                held.close()


def limit_slots() -> int | None:
    """Requests that all workers together may have in flight; null where no limit was set up."""
    name = settings().hub_limit
    with _known_lock:
        _known[name] = ask_server(lambda client: _slots(client, name), otherwise=_known.get(name))
        return _known[name]


def _slots(client: SyncPrefectClient, name: str) -> int | None:
    try:
        limit = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        return None
    return limit.limit if limit.active else None


def ensure_limit(processes: int) -> None:
    """Make the limit for the processes of one machine, unless a limit has been set up."""
    if processes > 1 and limit_slots() is None:
        ask_server(lambda client: set_limit(client, processes * settings().hub_threads), otherwise=None)


def set_limit(client: SyncPrefectClient, slots: int) -> None:
    """Make the limit, or change it."""
    client.upsert_global_concurrency_limit_by_name(settings().hub_limit, slots)
