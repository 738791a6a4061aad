"""What to know of a snapshot: where it comes from, and what judging it took and cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.sentences.numbers import count, decimal, duration, money, rate, texts


def late_sentence(days: int) -> str:
    """What to know of a snapshot read `days` after its date; nothing for one in time."""
    return (
        f"crawled {count(days)} day{'s' * (days != 1)} late: stats are of the day it was read" if days else ""
    )


def release_sentence(reason: str | None) -> str:
    """What to know of a snapshot that the gate held back; nothing for one that it never did."""
    return f"looked suspicious beside the snapshot before it, and was let pass: {reason}" if reason else ""


def cost_per_thousand(row: Mapping[str, Any], price: float | None, gpus: int | None) -> float | None:
    """Price of judging a thousand cards: `row` as of `sql/out/judging.sql`, `price` a GPU hour, a GPU a server."""
    working = gpus or row["replicas"]
    if price is None or not working or not row["texts"] or row["busy_seconds"] is None:
        return None
    return float(price * working * row["busy_seconds"] / 3600 / row["texts"] * 1000)


def cost_basis(row: Mapping[str, Any], price: float | None, gpus: int | None) -> str:
    """What the cost is reckoned from, or how to learn it."""
    if price is None:
        return "set CARDIOGRAPH_GPU_HOUR_PRICE to the price of a GPU hour"
    working = gpus or row["replicas"]
    return f"{count(working)} GPU{'s' * (working != 1)} at {decimal(price)} an hour"


def judging_words(
    row: Mapping[str, Any], *, price: float | None = None, gpus: int | None = None
) -> list[tuple[str, str]]:
    """Names and values for a closing table, from a row of `sql/out/judging.sql`; none where nothing was judged.

    `price` and `gpus` are those of the settings; where `gpus` is not told, a GPU a server is assumed.
    """
    if not row["texts"]:
        return []
    speed = f"{rate(row['texts_per_second'])} ({texts(row['texts'])} in {duration(row['busy_seconds'])})"
    if not row["replicas"]:
        return [("cards a second", speed)]
    cost, basis = cost_per_thousand(row, price, gpus), cost_basis(row, price, gpus)
    return [
        ("cards a second", speed),
        ("tokens a second", rate(row["tokens_per_second"])),
        (
            "tokens a card, read / written",
            f"{count(row['tokens_in_per_text'])} / {count(row['tokens_out_per_text'])}",
        ),
        ("cost per thousand cards", basis if cost is None else f"{money(cost)} ({basis})"),
    ]
