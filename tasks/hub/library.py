"""The Hub's client library where it fetches files by itself: with our bounds on time and reach.

On its own it follows redirects anywhere, and waits for ever: its calls set no time-out.
"""

from __future__ import annotations

from functools import partial

from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils import httpx
from huggingface_hub.utils._http import default_client_factory

from tasks.hub.reach import AddressRefused, Reach
from tasks.hub.transport import BodyBroken, Peers, hosts_of, time_outs
from tasks.settings import Settings

REFUSALS = (AddressRefused, BodyBroken)  # what its calls raise then, besides their own errors


def bound_library(limits: Settings) -> None:
    """Bound every request that the library sends from now on, redirects included."""
    # Its native downloader of large files sends requests that no hook sees; files come over plain HTTP without it.
    constants.HF_HUB_DISABLE_XET = True
    reach = Reach(constants.ENDPOINT, hosts_of(limits.hub_hosts))
    set_client_factory(partial(_client, reach, Peers(reach), limits))


def _client(reach: Reach, peers: Peers, limits: Settings) -> httpx.Client:
    """The library's own client, with one hook more: its hooks are called for redirects, too."""

    def bound(request: httpx.Request) -> None:
        reach.check(str(request.url))
        request.extensions["timeout"] = time_outs(limits, limits.hub_file_deadline_s)
        request.extensions["trace"] = peers.watch(request.url.host)

    client = default_client_factory()
    client.event_hooks = {**client.event_hooks, "request": [*client.event_hooks["request"], bound]}
    return client
