"""Draw a stratified random sample from a listing that is read once and does not fit in memory. Pure.

Strata are orders of magnitude of downloads: a simple random sample of a few thousand would often contain none of the
few hundred most downloaded models. Allocation is proportional (Cochran 1977, "Sampling Techniques", chapter 5): every
model is drawn with nearly the same probability, so the sample is self-weighting and estimates need no weights. Only a
stratum whose share is less than one model gets one all the same, because a model that cannot be drawn is represented by
none.

Which models a stratum gives is decided by a permanent random number of each model (Ohlsson 1995, "Coordination of
samples using permanent random numbers", in "Business Survey Methods"): a hash of the seed and the model's id. The
models with the lowest numbers are drawn, which is a simple random sample of the stratum. So the draw depends on
neither the order of the listing nor its pages, every process draws the same, and a week later most models are the
same: a model leaves only where it is gone, or where new ones with lower numbers displace it. As all strata are drawn
at the same rate, a model that moves to another stratum mostly stays too.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tasks.records import Failure

STRATA = 9  # 0 or unknown, 1 to 9, 10 to 99, …, ten million and more
_NUMBERS = 2**64


def stratum_of(downloads: int | None) -> int:
    """The number of digits, at most 8; 0 for no downloads, or where the Hub gives none."""
    return min(len(str(downloads)), STRATA - 1) if downloads else 0


def number_of(subject: str, seed: int) -> int:
    """The permanent random number of a model: uniform over 64 bits."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {subject}".encode(), digest_size=8).digest(), "big")


class Reservoir:
    """The ids that may still be drawn, as the listing passes by: of each stratum the `n` with the lowest numbers.

    Any stratum may turn out to give all `n`, so it holds at most `STRATA` * n ids, however long the listing is.
    """

    def __init__(self, n: int, seed: int) -> None:
        self._n, self._seed = n, seed
        self._kept: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)  # heaps of (-number, id)
        self._ids: set[str] = set()
        self.sizes: Counter[int] = Counter()

    def offer(self, model_id: str, downloads: int | None) -> bool:
        """Count a model in its stratum; returns whether it may still be drawn. One that is held already counts once."""
        if model_id in self._ids:
            return False
        stratum = stratum_of(downloads)
        self.sizes[stratum] += 1
        return self._keep(stratum, model_id)

    def restore(self, kept: Iterable[tuple[str, int | None]]) -> None:
        """Hold the models of an earlier walk again, by their ids and downloads; `sizes` is left to the caller."""
        for model_id, downloads in kept:
            self._keep(stratum_of(downloads), model_id)

    def holds(self, model_id: str) -> bool:
        """Whether it may still be drawn."""
        return model_id in self._ids

    def draw(self) -> dict[str, float]:
        """The ids drawn, each with its weight: how many models of its stratum it stands for."""
        drawn: dict[str, float] = {}
        for stratum, n in allocate(self.sizes, self._n).items():
            for _, model_id in heapq.nlargest(n, self._kept[stratum]):
                drawn[model_id] = self.sizes[stratum] / n
        return drawn

    def _keep(self, stratum: int, model_id: str) -> bool:
        if model_id in self._ids:
            return False
        kept, entry = self._kept[stratum], (-number_of(model_id, self._seed), model_id)
        if len(kept) < self._n:
            heapq.heappush(kept, entry)
        else:
            _, left_out = heapq.heappushpop(kept, entry)
            if left_out == model_id:
                return False
            self._ids.remove(left_out)
        self._ids.add(model_id)
        return True


def allocate(sizes: Mapping[int, int], n: int) -> dict[int, int]:
    """How many models each stratum gives, in proportion to its size: all together n, or all where there are fewer.

    Fractions are rounded by largest remainder. A stratum whose share is below one model gives one; where n is less than
    the number of strata, the largest strata give one each.
    """
    left = {stratum: size for stratum, size in sizes.items() if size}
    n = min(n, sum(left.values()))
    if n < len(left):
        return dict.fromkeys(sorted(left, key=lambda s: (-left[s], s))[:n], 1)
    given: dict[int, int] = {}
    while small := [s for s, size in left.items() if (n - len(given)) * size < sum(left.values())]:
        given |= dict.fromkeys(small, 1)
        left = {s: size for s, size in left.items() if s not in given}
    models, total = n - len(given), sum(left.values())
    shares = {s: divmod(models * size, total) for s, size in left.items()}
    rest = models - sum(whole for whole, _ in shares.values())
    rounded_up = sorted(shares, key=lambda s: (-shares[s][1], -s))[:rest]
    return given | {s: whole + (s in rounded_up) for s, (whole, _) in shares.items()}


def drawn_failures(failures: Iterable[Failure], n: int, rows: int, seed: int) -> list[Failure]:
    """The unreadable rows that a sample of n out of so many rows contains: each with probability n / rows.

    Without downloads they have no stratum; drawn at the same rate, they are the same share of the sample as of the Hub.
    """
    return [failure for failure in failures if number_of(failure.subject, seed) * rows < n * _NUMBERS]


def kept_rows(n: int, rows: int) -> int:
    """At most about how many rows of a listing enter the reservoir, for a plan: n (1 + ln(size / n)) per stratum."""
    per_stratum = max(rows / STRATA, n)
    return min(rows, round(STRATA * n * (1 + math.log(per_stratum / n))))
