"""Constants of the Hub's protocol, for the replica and for the client."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

ServedBucket = Literal["api", "resolvers", "pages"]

# Requests per window of five minutes, as the Hub's documentation has them (August 2026).
PLANS: dict[str, dict[ServedBucket, int]] = {
    "anonymous": {"api": 500, "resolvers": 3_000, "pages": 100},
    "free": {"api": 1_000, "resolvers": 5_000, "pages": 200},
    "pro": {"api": 2_500, "resolvers": 12_000, "pages": 400},
    "team": {"api": 3_000, "resolvers": 20_000, "pages": 400},
    "enterprise": {"api": 6_000, "resolvers": 50_000, "pages": 600},
    "enterprise-plus": {"api": 10_000, "resolvers": 100_000, "pages": 1_000},
    "none": {},
}

COMMIT = re.compile(r"[0-9a-f]{40}")


def plan_of(api_quota: int) -> str | None:
    """The Hub plan that allows so many API requests per window; null where no known plan does."""
    return next((name for name, buckets in PLANS.items() if buckets.get("api") == api_quota), None)


def git_blob_sha1(content: bytes | bytearray) -> str:
    """The name that git, and therefore the Hub's ETag, gives to a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
