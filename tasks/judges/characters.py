"""What a scripted judge may be like: one that reads its cards, and broken ones that were met with real weights.

A character is a function from a request to the text of the answer, to be given to `ScriptedJudge`. Each answers any
schema that it is asked for: the keys that it knows nothing of get the noise of `answer_for`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from tasks.judges.checklist import ChecklistJudge
from tasks.judges.llm.fence import marks
from tasks.judges.scripted import Payload, answer_for, schema_of, texts_of
from tasks.records import CardText, Verdict
from tasks.rubric import load_rubric

NOISE = 0.05  # share of a competent judge's checks that it answers otherwise than the checklist
_A_FEW = 0.03  # share of the checks that "all failed" leaves
_BEGINS, _ENDS = (re.escape(mark).replace("ID", r"\w*") for mark in marks("ID"))
_CARD = re.compile(f"{_BEGINS}\n(.*)\n{_ENDS}", re.DOTALL)


def competent(payload: Payload) -> str:
    """Answers as the checklist does about the card between the marks, but for some noise, with a score that follows."""
    return competent_with(NOISE, payload)


def competent_with(noise: float, payload: Payload) -> str:
    """The same with that share of the checks turned round, by a digest of the card: always the same ones."""
    read = _read(_card_of(payload))
    rubric = load_rubric()
    passed = [
        check.id for check in rubric.checks if (check.id in read.passed) != _is_noise(read, check.id, noise)
    ]
    levels = rubric.levels(passed)
    score = rubric.score(levels) + _lowered_by(read)
    known = {check.id: int(check.id in passed) for check in rubric.checks}
    known |= {f"{criterion}_level": round(level) for criterion, level in levels.items()}
    return _answer(payload, known | {"score": min(5, max(1, round(score)))})


def copies_a_pattern(payload: Payload) -> str:
    """Passed, failed, passed in each criterion and a 3, whatever the card: the example of an earlier prompt."""
    return _answer(payload, {**_digits("101"), "score": 3})


def fails_everything(payload: Payload) -> str:
    """Nearly all failed and the lowest score, whatever the card: as where the answers had to be letters."""
    card = _read(_card_of(payload))
    few = {check.id: int(_is_noise(card, check.id, _A_FEW)) for check in load_rubric().checks}
    return _answer(payload, {**few, "score": 1})


def _digits(pattern: str) -> dict[str, int]:
    return {
        check.id: int(pattern[place % len(pattern)])
        for criterion in load_rubric().criteria
        for place, check in enumerate(criterion.checks)
    }


def _answer(payload: Payload, known: Mapping[str, int]) -> str:
    """The answer to the request's schema, with the values that the character has for its keys."""
    rules = schema_of(payload).get("properties") or {}
    answer: dict[str, object] = orjson.loads(answer_for(payload))
    fitting = {key: known[key] for key in answer.keys() & known.keys() if _fits(known[key], rules[key])}
    return orjson.dumps(answer | fitting).decode()


def _fits(value: int, rule: Mapping[str, Any]) -> bool:
    low, high = rule.get("minimum", value), rule.get("maximum", value)
    return bool(low <= value <= high) and value in rule.get("enum", [value])


def _card_of(payload: Payload) -> str:
    """The card between the marks of the last message; the message itself where there are none."""
    text = texts_of(payload)[-1]
    found = _CARD.search(text)
    return found[1] if found else text


@lru_cache(maxsize=4096)
def _read(card: str) -> Verdict:
    """The checklist's verdict on the card."""
    digest = hashlib.sha256(card.encode(errors="replace")).hexdigest()
    (verdict,) = ChecklistJudge().score([CardText(digest, card)])
    return verdict


def _lowered_by(read: Verdict) -> float:
    """What the checklist takes off the score that follows from the checks, of a form that nobody filled in."""
    return 0.0 if read.score is None else read.score - load_rubric().score(read.levels)


def _is_noise(read: Verdict, check: str, share: float) -> bool:
    digest = hashlib.sha256(f"{read.card_hash} {check}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32
