"""What one API request reveals of our standing with the Hub: the token's user, the quota left, the Hub's clock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from tasks.errors import CardUnreadable, HubError, HubUnreachable, TokenRefused
from tasks.hub.client import token_for
from tasks.hub.transport import HubResponse, PacedClient, rate_limit
from tasks.replica.protocol import plan_of
from tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """Our standing with the Hub. `user` is null without a token; the rest where the Hub did not report it.

    `api_quota` and `api_left` are requests of the API bucket in the window that ends in `reset_in_s`;
    `clock_ahead_s` is this machine's clock minus the Hub's, which is in whole seconds.
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
    once = limits.model_copy(
        update={
            "hub_tries": 1,
            "hub_connect_timeout_s": within_s,
            "hub_read_timeout_s": within_s,
            "hub_card_deadline_s": within_s,
        }
    )
    path = "/api/whoami-v2" if token else "/api/models?limit=1"
    with closing(PacedClient(endpoint, once, token)) as client:
        try:
            answer = client.get(endpoint + path, "api", what=endpoint, bytes_max=1_000_000)
        except CardUnreadable as error:
            raise HubUnreachable(f"{endpoint} does not answer ({error.detail})") from error
    if answer.status in (401, 403) and token:
        raise TokenRefused(f"{endpoint} does not accept the token (HTTP {answer.status})")
    if answer.status != 200:
        raise HubError(f"{endpoint} answers with HTTP {answer.status}")
    return _account(answer, has_token=token is not None)


def _account(answer: HubResponse, *, has_token: bool) -> Account:
    profile = _json(answer.body) if has_token else {}
    quota = rate_limit(answer.headers)
    if quota and quota.resource_type != "api":
        quota = None
    likely_plan = "anonymous" if not has_token else "pro" if profile.get("isPro") is True else "free"
    return Account(
        user=str(profile.get("name", "somebody")) if has_token else None,
        plan=(plan_of(quota.limit) if quota and quota.limit else None) or likely_plan,
        api_quota=quota.limit if quota else None,
        api_left=quota.remaining if quota else None,
        reset_in_s=quota.reset_in_seconds if quota else None,
        clock_ahead_s=clock_ahead_s(answer.headers, datetime.now(UTC)),
    )


def _json(body: bytes) -> Mapping[str, object]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def clock_ahead_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """This machine's clock minus the one behind an answer's Date; null for an answer without one."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return (now - theirs.astimezone(UTC)).total_seconds()
