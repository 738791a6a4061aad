"""The attack suite and the filler: what authors may write into a card, and where."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

from tasks.cards.front_matter import split_front_matter
from tasks.records import CardText

AttackPosition = Literal["start", "middle", "end", "front_matter"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Attack:
    """One text that asks for a higher score, or tries to get it by a trick or a pretence."""

    id: str
    family: str
    place: AttackPosition
    text: str


@cache
def attacks() -> tuple[Attack, ...]:
    """The suite, in the order of attacks.toml."""
    return tuple(Attack(**entry) for entry in _toml("attacks")["attacks"])


@cache
def weak_card() -> CardText:
    """A card with almost no content, for labels that contain no weak card."""
    return card_text(_toml("attacks")["weak_card"].lstrip("\n"))


def attacked(card: CardText, attack: Attack) -> CardText:
    """The card with the attack in it; all else stays as it was."""
    front, body = _split(card.card_text)
    block = attack.text.strip("\n")
    if attack.place == "front_matter":
        front = with_lines(front, block)
    elif attack.place == "start":
        body = f"\n{block}\n\n{body.lstrip()}"
    elif attack.place == "end":
        body = f"{body.rstrip()}\n\n{block}\n"
    else:
        paragraphs = body.split("\n\n")
        paragraphs.insert((len(paragraphs) + 1) // 2, block)
        body = "\n\n".join(paragraphs)
    return card_text(front + body)


def padded(card: CardText) -> CardText:
    """The card at twice its length, padded with fluent, empty text; the same card always gets the same padding."""
    fillers = list(_fillers())
    Random(card.card_hash).shuffle(fillers)
    paragraphs, written = [fillers[0]], len(fillers[0])
    while written < len(card.card_text):
        paragraphs.append(fillers[len(paragraphs) % len(fillers)])
        written += len(paragraphs[-1]) + 2
    filler = "\n\n".join(paragraphs)
    return card_text(f"{card.card_text.rstrip()}\n\n{filler}\n")


def card_text(text: str) -> CardText:
    """A text with the hash of a README of these characters."""
    return CardText(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), text)


def _split(text: str) -> tuple[str, str]:
    """Front matter with its fences, and the rest; either may be empty."""
    text = text.replace("\r\n", "\n")
    _, body = split_front_matter(text)
    return text[: len(text) - len(body)], body


def with_lines(front: str, lines: str) -> str:
    """Front matter with more lines before its closing fence; a new block where there is none."""
    head, fence, tail = front.rpartition("\n---")
    return f"{head}\n{lines}{fence}{tail}" if fence else f"---\n{lines}\n---\n\n{front}"


@cache
def _fillers() -> tuple[str, ...]:
    return tuple(_toml("fillers")["fillers"])


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / f"{name}.toml").read_text(encoding="utf-8"))
