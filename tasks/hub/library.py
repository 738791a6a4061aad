"""The Hub's client library where it fetches files or writes by itself: with our bounds on time and reach.

On its own it follows redirects anywhere, and waits for ever: its calls set no time-out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils import _http, httpx

from tasks.hub.reach import AddressRefused, Reach
from tasks.hub.transport import BodyBroken, Peers, TimeLeft, hosts_of, time_outs
from tasks.settings import Settings

REFUSALS = (AddressRefused, BodyBroken)  # what its calls raise then, besides their own errors


def bound_library(limits: Settings) -> None:
    """Bound every request that the library sends from now on, redirects included."""
    _bind(constants.ENDPOINT, limits, None)


@contextmanager
def bounded_dialogue(endpoint: str, limits: Settings, within_s: float) -> Iterator[None]:
    """Bound every request to this Hub inside, and all of them together: the library's own retries included."""
    before = _http._GLOBAL_CLIENT_FACTORY
    _bind(endpoint, limits, TimeLeft(limits.hub_read_timeout_s, within_s))
    try:
        yield
    finally:
        set_client_factory(before)


def _bind(endpoint: str, limits: Settings, clock: TimeLeft | None) -> None:
    # Its native downloader of large files sends requests that no hook sees; files come over plain HTTP without it.
    constants.HF_HUB_DISABLE_XET = True
    reach = Reach(endpoint, hosts_of(limits.hub_hosts))
    set_client_factory(partial(_client, reach, Peers(reach), limits, clock))


def _client(reach: Reach, peers: Peers, limits: Settings, clock: TimeLeft | None) -> httpx.Client:
    """The library's own client, with one hook more: its hooks are called for redirects, too."""

    def bound(request: httpx.Request) -> None:
        reach.check(str(request.url))
        if clock:
            clock.__index__()  # raises once the time for all requests is used up
        request.extensions["timeout"] = time_outs(limits, limits.hub_file_deadline_s, clock=clock)
        request.extensions["trace"] = peers.watch(request.url.host)

    client = _http.default_client_factory()
    client.event_hooks = {**client.event_hooks, "request": [*client.event_hooks["request"], bound]}
    return client
