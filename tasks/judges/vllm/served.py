"""What judge servers say of themselves: who they are, what they hold, what they counted. Pure functions, total."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import urlsplit

import orjson

from tasks.errors import JudgeRefused, UsageError

API_KEY = "CARDIOGRAPH_JUDGE_API_KEY"

# How many requests a server's cache holds: rubric and card of a usual request, and a queue that never runs dry.
_REQUEST_TOKENS = 4000
_QUEUE_FACTOR = 1.25
_CONCURRENCY_MIN, _CONCURRENCY_MAX, _CONCURRENCY_UNKNOWN = 8, 256, 64

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_METRIC = re.compile(r"^vllm:(\w+?)(?:_total)?(?:\{[^\n]*\})? ([0-9.eE+-]+)$", re.MULTILINE)
_START = re.compile(r"^process_start_time_seconds ([0-9.eE+-]+)$", re.MULTILINE)
_CACHE = re.compile(r"^vllm:cache_config_info\{([^\n]*)\}", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_METRIC_NAMES = {
    "prompt_tokens": "prompt_tokens",
    "generation_tokens": "generation_tokens",
    "prefix_cache_queries": "prefix_cache_queries",
    "prefix_cache_hits": "prefix_cache_hits",
    "num_preemptions": "preemptions",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves, in its own words. `kv_tokens`: what its cache holds; null where it does not say."""

    model: str
    root: str
    engine: str
    context_tokens: int
    kv_tokens: int | None


def base_url(url: str) -> str:
    """The address without `/v1` and slashes at its end. UsageError where it is not an http(s) address."""
    plain = url.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    problem = _problem_of(plain)
    if problem:
        raise bad_url(url, problem)
    return plain


def bad_url(url: str, problem: str) -> UsageError:
    """The error that says so, without what may be a password."""
    shown = readable("…@" + url.rpartition("@")[2] if "@" in url else url)[:200]
    return UsageError(f"--judge-url {shown}: {problem}; write one like http://127.0.0.1:8000")


def is_local(url: str) -> bool:
    """Whether it is on this machine's loopback, where no proxy leads."""
    return urlsplit(url).hostname in _LOOPBACK


def _problem_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        return f"no address ({readable(str(error))})"
    if parts.scheme not in ("http", "https") or not is_complete:
        return "no http or https address"
    if "@" in parts.netloc:
        return f"no user or password in it, please: a key goes into {API_KEY}"
    if parts.query or parts.fragment or re.search(r"\s", url):
        return "something stands behind the address"
    return None


def concurrency_for(cache_tokens: int | None) -> int:
    """Requests in flight that one server's cache keeps busy."""
    if not cache_tokens:
        return _CONCURRENCY_UNKNOWN
    held = round(cache_tokens / _REQUEST_TOKENS * _QUEUE_FACTOR)
    return min(max(held, _CONCURRENCY_MIN), _CONCURRENCY_MAX)


def kv_tokens(metrics: str) -> int | None:
    """What a server's cache holds, by its /metrics; of several engines behind one address, their sum."""
    sizes = [_cache_size(dict(_LABEL.findall(labels))) for labels in _CACHE.findall(metrics)]
    known = [size for size in sizes if size]
    return sum(known) or None


def _cache_size(labels: Mapping[str, str]) -> int | None:
    told = labels.get("kv_cache_size_tokens", "")
    if told.isdecimal():
        return int(told)
    blocks, size = labels.get("num_gpu_blocks", ""), labels.get("block_size", "")
    return int(blocks) * int(size) if blocks.isdecimal() and size.isdecimal() else None


def counters(metrics: str) -> dict[str, float]:
    """The counters that are kept, by our names, summed over a server's engines."""
    total: dict[str, float] = {}
    for name, count in _METRIC.findall(metrics):
        if known := _METRIC_NAMES.get(name):
            total[known] = total.get(known, 0.0) + _number(count)
    return total


def process_start(metrics: str) -> float | None:
    """When the process began that counts, in seconds of Unix time: with another one, counting starts anew."""
    found = _START.search(metrics)
    return _number(found[1]) if found else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def retry_after(told: str | None, otherwise: float) -> float:
    """Seconds that a Retry-After header asks for: a number, or a date. `otherwise` where it says neither."""
    if told is None:
        return otherwise
    if re.fullmatch(r"\s*\d{1,9}(\.\d*)?\s*", told):
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time())
    except (ValueError, OverflowError):
        return otherwise


def readable(text: str) -> str:
    """On one line and without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


class ServesAnother(JudgeRefused):
    """A server that does not have the model asked for; in a panel it may be another judge's."""


def chosen(models: Sequence[Mapping[str, object]], asked_for: str | None, url: str) -> Mapping[str, object]:
    """The model asked for among those served: by its id, its root, or the last part of either's path."""
    if asked_for is None and models:
        return models[0]
    last = _last(str(asked_for))
    for names in (_id, _root, lambda card: _last(_id(card)), lambda card: _last(_root(card))):
        for card in models:
            if names(card) in (asked_for, last):
                return card
    served = ", ".join(_id(card) for card in models[:5]) or "nothing"
    raise ServesAnother(
        f"{url} serves {readable(served)[:300]}, not {asked_for or 'any model'}; "
        "name what it serves with --judge-model, or start it with --served-model-name"
    )


def _id(card: Mapping[str, object]) -> str:
    return str(card.get("id"))


def _root(card: Mapping[str, object]) -> str:
    return str(card.get("root"))


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def introduced(
    url: str, listing: Mapping[str, object], version: object, metrics: str, asked_for: str | None
) -> Served:
    """Who a server is, by its /v1/models, /version and /metrics. JudgeRefused where it does not serve `asked_for`."""
    cards = listing.get("data")
    cards = cards if isinstance(cards, list) else []
    known = [card for card in cards if isinstance(card, dict) and isinstance(card.get("id"), str)]
    card = chosen(known, asked_for, url)
    context = card.get("max_model_len")
    return Served(
        model=_id(card),
        root=str(card.get("root") or card["id"]),
        engine=_engine(card, version),
        context_tokens=context if isinstance(context, int) else 0,
        kv_tokens=kv_tokens(metrics),
    )


def _engine(card: Mapping[str, object], version: object) -> str:
    """Such as `vllm 0.32.0`; a build's local suffix is left out, as `engine_version` does."""
    name = readable(str(card.get("owned_by") or "unknown engine"))
    number = version.get("version") if isinstance(version, dict) else None
    return f"{name} {readable(str(number)).partition('+')[0]}" if number else name


def json_object(body: bytes | None) -> dict[str, object]:
    """The JSON object that a body is. ValueError, saying why, where it is none."""
    if body is None:
        raise ValueError("it is too large")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(str(error)) from error
    if not isinstance(value, dict):
        raise ValueError(f"it is JSON but no object: {type(value).__name__}")  # noqa: TRY004 - of a value, not a call
    return value
