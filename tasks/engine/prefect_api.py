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
from prefect.settings import get_current_settings

T = TypeVar("T")

_SERVER_ERRORS = 500
_GLANCE_S = 5.0
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


def refusal(error: PrefectHTTPStatusError) -> str:
    """Why the server refuses, in one line, with the remedy where it is the secret that is missing."""
    if error.response.status_code == httpx.codes.UNAUTHORIZED:
        return "it asks for a secret; set PREFECT_API_AUTH_STRING to it"
    return str(error).splitlines()[0]


def is_open() -> bool:
    """Whether the server obeys without a secret; false where it does not answer."""
    try:
        answer = httpx.post(f"{get_current_settings().api.url}/flows/count", json={}, timeout=_GLANCE_S)
    except httpx.TransportError:
        return False
    return answer.is_success


def ask_server(question: Callable[[SyncPrefectClient], T], *, otherwise: T) -> T:
    """What `question` returns for a client of the server; `otherwise` if the server is away."""

    def ask() -> T:
        with get_client(sync_client=True) as client:
            return question(client)

    return unless_away(ask, otherwise=otherwise)
