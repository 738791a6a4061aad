"""Requests parsed, answers built, and the Hub's errors."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

import orjson

if TYPE_CHECKING:
    from starlette.types import Scope

Headers = tuple[tuple[str, str], ...]

_NOT_FOR_HEADERS = re.compile(r"[^\x20-\x7e]")
_QUERY_FIELDS_MAX = 200


@dataclass(frozen=True)
class ReplicaRequest:
    """One HTTP request. `raw_path` is as sent, `segments` are decoded; the query keeps repeated names."""

    method: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    client: str
    server: str

    @classmethod
    def of(cls, scope: Scope) -> ReplicaRequest:
        """Read an ASGI scope; of a repeated header the last value counts."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, port = scope.get("server") or ("127.0.0.1", None)
        return cls(
            method=scope["method"],
            raw_path=scope["raw_path"].decode("latin-1"),
            raw_query=scope["query_string"].decode("latin-1"),
            headers=headers,
            client=(scope.get("client") or ("unknown",))[0],
            server=headers.get("host") or f"{host}:{port}",
        )

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(unquote(segment) for segment in self.raw_path.strip("/").split("/"))

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Values by name. The Hub accepts `expand=a`, `expand[]=a` and both repeated."""
        try:
            pairs = parse_qs(self.raw_query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
        except ValueError as error:
            raise bad_request(f"At most {_QUERY_FIELDS_MAX} query parameters") from error
        merged: dict[str, list[str]] = {}
        for name, values in pairs.items():
            merged.setdefault(name.removesuffix("[]"), []).extend(values)
        return merged

    def one(self, name: str) -> str | None:
        """The last value of a query parameter; None where it is absent or empty."""
        return self.query.get(name, [""])[-1] or None

    @property
    def target(self) -> str:
        """Path and query, as sent."""
        return f"{self.raw_path}?{self.raw_query}" if self.raw_query else self.raw_path

    @property
    def token(self) -> str | None:
        """The credentials as sent; None without any."""
        return self.headers.get("authorization")

    @property
    def has_valid_token(self) -> bool:
        return (self.token or "").startswith("Bearer hf_")

    @cached_property
    def identity(self) -> str:
        """Whose quota this uses. A token is named by its digest, because the statistics show it."""
        if self.token and self.has_valid_token:
            return f"token {hashlib.sha256(self.token.encode('latin-1')).hexdigest()[:8]}"
        return f"ip {self.client}"


@dataclass(frozen=True, slots=True)
class ReplicaResponse:
    """One HTTP answer. A HEAD request gets the same one; the server leaves the body out."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    is_file: bool = False

    def plus(self, *headers: tuple[str, str]) -> ReplicaResponse:
        return replace(self, headers=self.headers + headers)

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers for ASGI. Values may contain text from outside, so line ends are made harmless."""
        length = () if self.status == 304 else (("content-length", str(len(self.body))),)
        return [
            (name.lower().encode(), _NOT_FOR_HEADERS.sub("?", value).encode())
            for name, value in (*self.headers, *length)
        ]


class Refused(Exception):
    """Raised anywhere below the router: the client gets `answer`."""

    def __init__(self, answer: ReplicaResponse) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(content: object, status: int = 200, *headers: tuple[str, str]) -> ReplicaResponse:
    body = orjson.dumps(content)
    return ReplicaResponse(status, body, (("content-type", "application/json; charset=utf-8"), *headers))


def error_answer(
    status: int, message: str, code: str | None = None, *headers: tuple[str, str]
) -> ReplicaResponse:
    """An error as the Hub reports it: in the body, in `X-Error-Message` and, for some, in `X-Error-Code`."""
    codes = (("x-error-code", code),) if code else ()
    return json_answer({"error": message}, status, *codes, ("x-error-message", message), *headers)


def redirect(location: str, *headers: tuple[str, str]) -> ReplicaResponse:
    body = f"Temporary Redirect. Redirecting to {location}".encode()
    return ReplicaResponse(
        307, body, (("content-type", "text/plain; charset=utf-8"), ("location", location), *headers)
    )


def bad_request(message: str) -> Refused:
    return Refused(error_answer(400, message))


def no_such_entry(commit: str) -> Refused:
    return Refused(error_answer(404, "Entry not found", "EntryNotFound", ("x-repo-commit", commit)))


def gated(model_id: str, *, has_token: bool) -> ReplicaResponse:
    restriction = f"Access to model {model_id} is restricted"
    if has_token:
        return error_answer(403, f"{restriction} and you are not in the authorized list.", "GatedRepo")
    return error_answer(401, f"{restriction}. You must have access to it and be authenticated.", "GatedRepo")


NO_SUCH_PAGE = error_answer(404, "Sorry, we can't find the page you are looking for.")
NO_SUCH_REPOSITORY = error_answer(404, "Repository not found", "RepoNotFound")
DISABLED = error_answer(403, "Access to this resource is disabled.")  # clients recognise it by the message
BAD_TOKEN = error_answer(401, "Invalid credentials in Authorization header")
