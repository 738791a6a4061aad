"""Prefect's server asked from within a run, which goes on when the server is away for a while.

Prefect's client tries again what may pass, but not a first connection that is refused, as during a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError

T = TypeVar("T")

_SERVER_ERRORS = 500
AWAY = (httpx.TransportError, TimeoutError, ConnectionError)


def unless_away(call: Callable[[], T], *, otherwise: T) -> T:
    """What the call gives; `otherwise` where the server is away or breaks down over it."""
    try:
        return call()
    except AWAY as error:
        away: Exception = error
    except PrefectHTTPStatusError as error:
        if error.response.status_code < _SERVER_ERRORS:
            raise
        away = error
    logging.getLogger("prefect.cardiograph").warning("Prefect's server is away (%s); going on", away)
    return otherwise


def asked(question: Callable[[SyncPrefectClient], T], *, otherwise: T) -> T:
    """The server's answer to a client; `otherwise` where there is none."""

    def ask() -> T:
        with get_client(sync_client=True) as client:
            return question(client)

    return unless_away(ask, otherwise=otherwise)
