"""What vLLM counts at /metrics: tokens, cache hits, the size of its cache. Every function accepts any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# A usual request holds rubric and card; of more than fit, and a quarter for the queue, an engine puts some aside.
_REQUEST_TOKENS = 4000
_QUEUE_FACTOR = 1.25
_CONCURRENCY_MAX, _CONCURRENCY_UNKNOWN = 256, 64

_METRIC = re.compile(r"^vllm:(\w+?)(?:_total)?(?:\{[^\n]*\})? ([0-9.eE+-]+)$", re.MULTILINE)
_START = re.compile(r"^process_start_time_seconds ([0-9.eE+-]+)$", re.MULTILINE)
_CACHE = re.compile(r"^vllm:cache_config_info\{([^\n]*)\}", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_COUNT_MAX = 2.0**53  # beyond, a float does not count one by one
_COUNTERS = frozenset(
    {"prompt_tokens", "generation_tokens", "prefix_cache_queries", "prefix_cache_hits", "num_preemptions"}
)


@dataclass
class ReplicaCounters:
    """The counters of one replica over all its processes: they never fall, even when the server is restarted."""

    process_start: float | None = None
    current: dict[str, float] = field(default_factory=dict)  # of the process that was read last
    earlier: dict[str, float] = field(default_factory=dict)  # of the processes before it

    def read(self, metrics: str) -> bool:
        """Take over the counters of /metrics; returns whether the server restarted since last time."""
        match, last_start = _START.search(metrics), self.process_start
        start = _count(match[1]) if match else None  # another process counts from 0 again
        if start != last_start:
            self.earlier = summed([*self.earlier.items(), *self.current.items()])
            self.process_start = start
        self.current = counters(metrics)
        return last_start not in (None, start)

    def total(self) -> dict[str, float]:
        """The counters since the first process was read."""
        return summed([*self.earlier.items(), *self.current.items()])


def summed(counts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The sum of the counts of each name."""
    total: dict[str, float] = {}
    for name, count in counts:
        total[name] = total.get(name, 0.0) + count
    return total


def counters(metrics: str) -> dict[str, float]:
    """The counters that we keep, by our names, summed over a server's engines."""
    found = _METRIC.findall(metrics)
    numbers = ((name.removeprefix("num_"), _count(text)) for name, text in found if name in _COUNTERS)
    return summed((name, count) for name, count in numbers if count is not None)


def _count(text: str) -> float | None:
    """A count as a server writes it; null for what cannot be one, such as infinity, whose differences are no number."""
    try:
        count = float(text)
    except ValueError:
        return None
    return count if 0 <= count < _COUNT_MAX else None


def kv_tokens(metrics: str) -> int | None:
    """Tokens that a server's cache holds, summed over the engines behind its address; null where unknown."""
    return sum(_cache_size(dict(_LABEL.findall(labels))) for labels in _CACHE.findall(metrics)) or None


def _cache_size(labels: Mapping[str, str]) -> int:
    if tokens := _count(labels.get("kv_cache_size_tokens", "")):
        return int(tokens)
    blocks, size = _count(labels.get("num_gpu_blocks", "")), _count(labels.get("block_size", ""))
    return int(blocks * size) if blocks and size else 0


def concurrency_for(cache_tokens: int | None) -> int:
    """The most requests in flight that one server's cache has room for."""
    if not cache_tokens:
        return _CONCURRENCY_UNKNOWN
    requests = round(cache_tokens / _REQUEST_TOKENS * _QUEUE_FACTOR)
    return min(max(requests, 1), _CONCURRENCY_MAX)
