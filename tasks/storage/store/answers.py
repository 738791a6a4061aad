"""The answers of an object store to requests that failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class StoreResponse:
    """An object store's answer: status 0 where there was none, `code` as S3 names its errors."""

    status: int
    code: str
    detail: str

    @property
    def is_missing(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND and self.code != "NoSuchBucket"

    @property
    def may_pass(self) -> bool:
        if self.status == 0:
            return "HTTP error" in self.detail
        return (
            self.status in _PASSING
            or self.code in _PASSING_CODES
            or (self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.status != HTTPStatus.NOT_IMPLEMENTED)
        )

    def message(self, server: str, patience_s: float | None = None) -> str:
        """One line with the remedy, and with nothing of the request."""
        reason = " ".join(filter(None, [str(self.status or ""), self.code])) or self.detail
        if patience_s is not None:
            gives = f"answers {reason}" if self.status else f"gives no answer ({reason})"
            return f"{server} {gives} for {patience_s:g} s; check that it is up and reachable, then run again"
        for codes, remedy in _REMEDIES.items():
            if self.code in codes or self.status in codes:
                return f"{server} refuses ({reason}); {remedy}"
        return f"{server} refuses ({reason}); check AWS_ENDPOINT_URL and AWS_REGION"


_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_PASSING_CODES = {"RequestTimeout", "SlowDown", "ConditionalRequestConflict", "OperationAborted"}
_REMEDIES: dict[tuple[str | int, ...], str] = {
    ("NoSuchBucket",): "make the bucket, or correct CARDIOGRAPH_LAKE",
    ("RequestTimeTooSkewed",): "set this machine's clock",
    ("ExpiredToken",): "renew AWS_SESSION_TOKEN and the keys that belong to it",
    ("PermanentRedirect", "AuthorizationHeaderMalformed"): "correct AWS_REGION",
    (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN): (
        "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, what they are allowed, and this machine's clock"
    ),
}


def answer_in(error: Exception) -> StoreResponse:
    """Parse the error's text, the only source that the library gives: the lines before its own dump."""
    text = str(error).partition("\n\nDebug source")[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    if isinstance(error, FileNotFoundError) and not status:
        raise error  # a local file, not an object
    detail = text.rpartition(" - ")[2].removeprefix("Generic S3 error: ")
    return StoreResponse(int(status[1]) if status else 0, code[1] if code else "", " ".join(detail.split()))


_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
