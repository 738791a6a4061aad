"""Prefect's REST API as a client without Prefect sees it: with its secret, and a token against forged requests."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

_FORBIDDEN = 403


@dataclass(slots=True)
class Rest:
    """The API at `url` (which ends in /api), asked by one client. `secret` is `user:password`."""

    url: str
    secret: str
    _client: str = field(default_factory=lambda: str(uuid.uuid4()))
    _token: str | None = None

    def ask(self, method: str, path: str, body: object = None, *, within_s: float = 30.0) -> Any:
        """One request; its answer. Raises `OSError`, of which `HTTPError` is one."""
        is_change = method != "GET"
        if is_change and self._token is None:
            self._renew(within_s)
        try:
            return self._send(method, path, body, within_s)
        except urllib.error.HTTPError as error:
            if not is_change or error.code != _FORBIDDEN:
                raise
            self._renew(within_s)  # it is valid for an hour
            return self._send(method, path, body, within_s)

    def _renew(self, within_s: float) -> None:
        self._token = self._send("GET", f"/csrf-token?client={self._client}", None, within_s)["token"]

    def _send(self, method: str, path: str, body: object, within_s: float) -> Any:
        headers = {
            "content-type": "application/json",
            "authorization": f"Basic {base64.b64encode(self.secret.encode()).decode()}",
            "prefect-csrf-client": self._client,
        }
        if self._token:
            headers["prefect-csrf-token"] = self._token
        data = None if body is None else json.dumps(body).encode()
        url = self.url + path
        request = urllib.request.Request(url, method=method, data=data, headers=headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=within_s) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None
