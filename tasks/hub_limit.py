"""The Hub's quota shared by every worker of one token: Prefect's global concurrency limit for requests in flight.

Each process paces itself by what the Hub says is left, which others' requests make less, so that several together
spread the quota as one would. What the Hub cannot tell is what is under way: the limit bounds it, and each process
leaves room for it at the end of a window. Nobody is refused, whoever joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound

from tasks.hub import Hub
from tasks.settings import settings

READS_AT_ONCE = 2  # parts that one process reads at a time, sharing its connections

_LEASE_S = 120.0  # slots of a worker that died are free again after so long


@contextmanager
def share_of_quota(hub: Hub) -> Iterator[None]:
    """Read a part inside: with slots of the limit, where the Prefect server has one."""
    slots = limit_slots()
    if not slots:
        yield
        return
    threads = settings().hub_threads
    hub.share_with(max(slots - threads, 0))
    # A server that is away for a while does not stop what is being read.
    with concurrency(
        settings().hub_limit,
        occupy=min(max(threads // READS_AT_ONCE, 1), slots),
        lease_duration=_LEASE_S,
        raise_on_lease_renewal_failure=False,
    ):
        yield


def limit_slots() -> int | None:
    """Requests in flight that all workers together may have; null where no limit was set up."""
    with get_client(sync_client=True) as client:
        try:
            limit = client.read_global_concurrency_limit_by_name(settings().hub_limit)
        except ObjectNotFound:
            return None
    return limit.limit if limit.active else None


def ensure_limit(processes: int) -> None:
    """Make the limit for processes of one machine, unless somebody has set one up."""
    if processes > 1 and limit_slots() is None:
        set_limit(processes * settings().hub_threads)


def set_limit(slots: int) -> None:
    """Make the limit, or change it."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(settings().hub_limit, slots)
