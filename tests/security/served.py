"""`cardiograph server`, started for the tests here, and plain HTTP to ask it with."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deployments.native.rest import Rest


@dataclass(frozen=True, slots=True)
class Served:
    """`cardiograph server` with its secret."""

    url: str
    home: Path
    rest: Rest

    def status_of(self, method: str, path: str, body: str | None = None, **headers: str) -> int:
        return self.answer_to(method, path, body, **headers)[0]

    def answer_to(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer to one request with these headers."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"content-type": "application/json", **given})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()
