"""What a reader should know about a snapshot: its origin, and the time and cost of judging it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.sentences.numbers import count, decimal, duration, money, percent, rate, texts

_NAMES_SHOWN, _NAME_CHARACTERS = 10, 100


def late_sentence(days: int) -> str:
    """What to know about a snapshot crawled `days` after its date; empty for one on time."""
    return f"crawled {count(days)} day{'s' * (days != 1)} late: its numbers are of that day" if days else ""


def release_sentence(reason: str | None) -> str:
    """What to know about a snapshot that the gate held back; empty for one that it passed."""
    return f"looked suspicious next to the snapshot before it, and was released: {reason}" if reason else ""


LEARN_FROM = 0.05  # of a snapshot's words in sentences that nobody wrote and no table knows


def boilerplate_words(row: Mapping[str, Any]) -> str:
    """How much of a snapshot's text nobody wrote, from a row of `base.boilerplate_checks`; and what to do about it."""
    words = max(1, row["words"])
    known, new = row["known_words"] / words, row["new_words"] / words
    told = f"{percent(known)} known, {percent(new)} new (table {row['version'][:10]})"
    return f"{told}: `cardiograph boilerplate learn`" if new > LEARN_FROM else told


def cost_per_thousand(row: Mapping[str, Any], price: float | None, gpus: int | None) -> float | None:
    """Cost of judging a thousand cards, from a row of `sql/out/judging.sql` and the `price` per GPU hour.

    Without `gpus`, one GPU per server. Of a provider it is what was spent by the prices of tokens.
    """
    if row["texts"] and row["provider"]:
        return None if row["spent"] is None else float(row["spent"] / row["texts"] * 1000)
    working = gpus or row["replicas"]
    if price is None or not working or not row["texts"] or row["busy_seconds"] is None:
        return None
    return float(price * working * row["busy_seconds"] / 3600 / row["texts"] * 1000)


def cost_basis(row: Mapping[str, Any], price: float | None, gpus: int | None) -> str:
    """What the cost is computed from, or how to get one."""
    if row["provider"]:
        if row["spent"] is None:
            return "set CARDIOGRAPH_JUDGE_PRICE_IN and CARDIOGRAPH_JUDGE_PRICE_OUT to the prices of a million tokens"
        return f"{money(row['spent'])} for {texts(row['texts'])}, by the prices of tokens that are set"
    if price is None:
        return "set CARDIOGRAPH_GPU_HOUR_PRICE to the price of a GPU hour"
    working = gpus or row["replicas"]
    return f"{count(working)} GPU{'s' * (working != 1)} at {decimal(price)} per hour"


def unscored_words(row: Mapping[str, Any]) -> str:
    """How many texts have no score, and why, from a row of `sql/out/judging.sql`; empty where all have one."""
    return counted_words(row["unscored_reasons"])


def counted_words(reasons: Mapping[str, int]) -> str:
    """How many things are missing, and why: `12 (10 gated, 2 not_found)`; empty where none is."""
    if not reasons:
        return ""
    causes = ", ".join(f"{count(n)} {reason}" for reason, n in reasons.items())
    return f"{count(sum(reasons.values()))} ({causes})"


def names_words(names: Sequence[str]) -> str:
    """Some names, and how many more: `ada/one, ada/two and 3 more`; empty where there is none."""
    more = f" and {count(len(names) - _NAMES_SHOWN)} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(name[:_NAME_CHARACTERS] for name in names[:_NAMES_SHOWN]) + more


def judging_words(
    row: Mapping[str, Any], *, price: float | None = None, gpus: int | None = None
) -> list[tuple[str, str]]:
    """Names and values for a closing table, from a row of `sql/out/judging.sql`; none where nothing was judged.

    `price` and `gpus` are those of the settings: see `cost_per_thousand`.
    """
    if not row["texts"]:
        return []
    speed = f"{rate(row['texts_per_second'])} ({texts(row['texts'])} in {duration(row['busy_seconds'])})"
    if not row["replicas"]:
        return [("cards per second", speed)]
    cost, basis = cost_per_thousand(row, price, gpus), cost_basis(row, price, gpus)
    return [
        ("cards per second", speed),
        ("tokens per second", rate(row["tokens_per_second"])),
        (
            "tokens per card, read / written",
            f"{count(row['tokens_in_per_text'])} / {count(row['tokens_out_per_text'])}",
        ),
        ("cost per thousand cards", basis if cost is None else f"{money(cost)} ({basis})"),
    ]
