"""What the Hub says of whoever asks, by one API request: whose token, what is left of the quota, what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from tasks.errors import CardUnreadable, HubError, HubUnreachable, TokenRefused
from tasks.hub.client import token_for
from tasks.hub.transport import HubResponse, Wire, rate_limit
from tasks.operations.planning import plan_of
from tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, by the Hub's answer. `user` is null without a token; the rest where the Hub did not tell.

    `api_quota` and `api_left` are requests of the API bucket in the window that ends in `reset_in_s`;
    `clock_ahead_s` is this machine's clock less the Hub's, which gives whole seconds.
    """

    user: str | None
    plan: str | None
    api_quota: int | None
    api_left: int | None
    reset_in_s: int | None
    clock_ahead_s: float | None


def ask_account(endpoint: str, limits: Settings, *, within_s: float = 4.0) -> Account:
    """Ask the Hub who we are; one try. Raises `HubUnreachable`, `TokenRefused` or `HubError`."""
    endpoint = endpoint.rstrip("/")
    token = token_for(endpoint, limits)
    hasty = limits.model_copy(
        update={"hub_tries": 1, "hub_connect_timeout_s": within_s, "hub_read_timeout_s": within_s}
    )
    wire = Wire(endpoint, hasty, token)
    path = "/api/whoami-v2" if token else "/api/models?limit=1"
    try:
        answer = wire.get(endpoint + path, "api", what=endpoint, bytes_max=1_000_000)
    except CardUnreadable as error:
        raise HubUnreachable(f"{endpoint} does not answer ({error.detail})") from error
    finally:
        wire.close()
    return _account(endpoint, answer, has_token=token is not None)


def _account(endpoint: str, answer: HubResponse, *, has_token: bool) -> Account:
    if answer.status in (401, 403) and has_token:
        raise TokenRefused(f"{endpoint} does not accept the token (HTTP {answer.status})")
    if answer.status != 200:
        raise HubError(f"{endpoint} answers with HTTP {answer.status}")
    told = _json(answer.body) if has_token else {}
    info = rate_limit(answer.headers)
    is_api = info is not None and info.resource_type == "api"
    api_quota = info.limit if info and is_api else None
    return Account(
        user=str(told.get("name", "somebody")) if has_token else None,
        plan=(plan_of(api_quota) if api_quota else None) or _plan_by(told, has_token=has_token),
        api_quota=api_quota,
        api_left=info.remaining if info and is_api else None,
        reset_in_s=info.reset_in_seconds if info and is_api else None,
        clock_ahead_s=clock_ahead_s(answer.headers, datetime.now(UTC)),
    )


def _json(body: bytes) -> Mapping[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _plan_by(told: Mapping[str, object], *, has_token: bool) -> str | None:
    """The plan where the quota does not give it away."""
    if not has_token:
        return "anonymous"
    return "pro" if told.get("isPro") is True else "free"


def clock_ahead_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """This machine's clock less the one behind an answer's Date; null for an answer without one."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return (now - theirs.astimezone(UTC)).total_seconds()
