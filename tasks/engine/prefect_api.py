"""Requests to Prefect's server from within a run, which continues while the server is away.

Prefect's client retries what may pass by itself, but not a first connection that is refused, as during a restart.
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
    """The result of the call; `otherwise` if the server is away or fails with an error of its own."""
    try:
        return call()
    except (*AWAY, PrefectHTTPStatusError) as error:
        if isinstance(error, PrefectHTTPStatusError) and error.response.status_code < _SERVER_ERRORS:
            raise
        logging.getLogger("prefect.cardiograph").warning("Prefect's server is away (%s); continuing", error)
        return otherwise


def ask_server(question: Callable[[SyncPrefectClient], T], *, otherwise: T) -> T:
    """What `question` returns for a client of the server; `otherwise` if the server is away."""

    def ask() -> T:
        with get_client(sync_client=True) as client:
            return question(client)

    return unless_away(ask, otherwise=otherwise)
