"""The compiled patterns of `cues.toml`, and what counts as a number, a result or an output."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

_FILE = tomllib.loads((Path(__file__).parent / "cues.toml").read_text(encoding="utf-8"))
_WORD = re.compile(r"([^\W_]{1,3})[^\W_]*")
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
# The fixed beginning of a pattern, if any: three letters, or a shorter word; several in a group.
_LETTERS = r"(?:[^\W_]{3}(?![?*{])|[^\W_]{1,2}(?=(?:[ $_-]|\[-_\])(?![?*{])))"
_OPTION = rf"(?:{_LETTERS}[^()|]*|[^\W_]{{1,2}})"
_FIRST_GROUP = re.compile(rf"\(\?:((?:{_OPTION}\|)+{_OPTION})\)(?=([ $]?))")


@lru_cache(maxsize=16)
def _first_letters(text: str) -> frozenset[str]:
    """The first three letters of every word of a text; most checks ask about the same few texts."""
    if text.isascii():
        return frozenset({word[:3] for word in set(text.translate(_BLANKS).split())})
    return frozenset(_WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Cue:
    """A set of patterns, of which one match is enough.

    `gated` are tried only where some word of the text begins as they do: one alternation of all of them would be
    tried at every character and took most of the time of a verdict. `free` have no fixed first letters.
    """

    gated: dict[str, tuple[re.Pattern[str], ...]]
    free: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None

    def __call__(self, text: str) -> bool:
        """Whether the casefolded text contains the cue: `any(matches)` without the cost of a generator."""
        if not text:
            return False
        for letters in self.gated.keys() & _first_letters(text):
            for pattern in self.gated[letters]:
                if _begins_any(pattern, text):
                    return True
        if self.free and self.free.search(text):
            return True
        return bool(self.anywhere and not text.isascii() and self.anywhere.search(text))

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in the casefolded text, in no particular order."""
        for letters in self.gated.keys() & _first_letters(text):
            for pattern in self.gated[letters]:
                yield from (match for match in pattern.finditer(text) if _begins_word(text, match.start()))
        if self.free:
            yield from self.free.finditer(text)
        if self.anywhere and not text.isascii():
            yield from self.anywhere.finditer(text)


def _begins_any(pattern: re.Pattern[str], text: str) -> bool:
    match = pattern.search(text)
    while match and not _begins_word(text, match.start()):
        match = pattern.search(text, match.start() + 1)
    return match is not None


def _begins_word(text: str, at: int) -> bool:
    return at == 0 or not text[at - 1].isalnum()  # an underscore ends a word: train_batch_size


def make_cue(entry: Mapping[str, Sequence[str]], behind: str = "") -> Cue:
    """The cue of an entry of the file; `behind` must follow each of its patterns."""
    gated: dict[str, tuple[re.Pattern[str], ...]] = {}
    free: list[str] = []
    for word in (option for each in entry["words"] for option in _spread(each)):
        pattern = re.sub(r"\$$", r"(?![^\\W_])", word) + behind
        letters = _gates(word)
        for gate in letters:
            gated[gate] = (*gated.get(gate, ()), re.compile(pattern))
        if not letters:
            free.append(pattern)
    anywhere = [f"{first}{behind}" for word in entry.get("anywhere", ()) for first in _spread(word)]
    return Cue(gated, _alternation(free, r"(?<![^\W_])"), _alternation(anywhere, ""))


def _spread(word: str) -> list[str]:
    """A pattern for each option of its first group: what begins with a known character is found fast."""
    group = re.match(r"\(\?:([^()\[]*)\)(?![?*{])", word)
    return [option + word[group.end() :] for option in group[1].split("|")] if group else [word]


def _gates(word: str) -> set[str]:
    """The first letters with which a match may begin; empty where they are not fixed."""
    if letters := re.match(_LETTERS, word):
        return {letters[0]}
    group = _FIRST_GROUP.match(word)
    if not group:
        return set()
    gates = {option[:3] for option in group[1].split("|")}
    is_fixed = all(re.fullmatch(r"[^\W_]{3}", gate) or group[2] for gate in gates)
    return gates if is_fixed and all(map(str.isalnum, gates)) else set()


def _alternation(patterns: list[str], start: str) -> re.Pattern[str] | None:
    return re.compile(f"{start}(?:{'|'.join(patterns)})") if patterns else None


CUES = {name: make_cue(entry) for name, entry in _FILE.items() if "words" in entry}


def has(cue: str, text: str) -> bool:
    """Whether the casefolded text contains the cue of that name in the file."""
    return CUES[cue](text)


# A command runs a model only with something behind it: "served by `vllm serve`" is prose.
COMMAND = make_cue(_FILE["runs_command"], r"[^\n]{0,300}?[ \t=](?!-)[^\s&|;]")

# "accuracy of 0.93", "BLEU: 27.1", "94.2 % F1"; a year has four digits and is not a result.
_NUMBER = r"(?<![\w.,])\d{1,3}(?:[.,]\d{1,8})?(?![\w])"
_RESULT = make_cue(_FILE["metric"], rf"[\w@+-]{{0,12}}[^\d\n.]{{0,32}}?{_NUMBER}")
_NUMBER_BEFORE = re.compile(rf"{_NUMBER}\s?%?\s?(?:\w{{1,12}}\s)?$")


def reports_result(text: str) -> bool:
    """Whether a metric is next to a number in the casefolded text."""
    if _RESULT(text):
        return True
    return any(
        _NUMBER_BEFORE.search(text, max(0, m.start() - 30), m.start()) for m in CUES["metric"].matches(text)
    )


_NUMERIC_CELL = re.compile(
    r"[^\w]{0,4}[-+]?\d{1,4}(?:[.,]\d{1,8})?\s?(?:%|[±+(/|-].{0,16}|pp|k|m|b)?[^\w]{0,4}", re.DOTALL
)


def is_number(cell: str) -> bool:
    """Whether a table's cell holds a number, with or without a unit or deviation."""
    return len(cell) < 40 and bool(_NUMERIC_CELL.fullmatch(cell))


_HYPERPARAMETERS = {name: make_cue(entry) for name, entry in _FILE["hyperparameters"].items()}
_VALUE_BEHIND = re.compile(r"[^\d\n]{0,16}\d")
_VALUE_BEFORE = re.compile(r"(?<![\w.])\d[\d.,]{0,8}\s?(?:k|m)?\s?(?:training )?$")


def hyperparameters(texts: Sequence[str]) -> list[str]:
    """Hyperparameters next to a value in any of the casefolded texts, two at most."""
    found = (name for name, cue in _HYPERPARAMETERS.items() if any(_has_value(cue, text) for text in texts))
    return list(islice(found, 2))


def _has_value(cue: Cue, text: str) -> bool:
    return any(
        _VALUE_BEHIND.match(text, m.end()) or _VALUE_BEFORE.search(text, max(0, m.start() - 24), m.start())
        for m in cue.matches(text)
    )


# An output in code: after a marker in a comment, as Python prints it, or after the word itself.
OUTPUT = re.compile(
    r"^\s*(?:#+|//|>>>?)\s*(?:\W{0,4}(?:outputs?|prints|results?|returns|prediction|answer|expected)\b|=>|->|→|\[|\{|['\"(])"
    r"|[\[{]\s*\{?\s*['\"](?:score|label|sequence|generated_text|summary_text|translation_text|entity\w{0,8}|answer|start"
    r"|word|token_str)['\"]\s*:"
    r"|^\s*>>> .+\n\s*[\[{('\"\w]|^\s*(?:tensor|array)\(\["
    r"|^\s*(?:outputs?|result|prediction|response|answer|model output)\s*:",
    re.MULTILINE,
)


BIBTEX = re.compile(
    r"@(?:inproceedings|article|misc|techreport|book|phdthesis|software|online|proceedings|unpublished|conference)\s*\{"
)


LICENSES = frozenset(_FILE["hub"]["licenses"])
TASKS = frozenset(_FILE["hub"]["tasks"])
WORDLESS_TASKS = frozenset(_FILE["hub"]["wordless_tasks"])
LIBRARIES = frozenset(_FILE["hub"]["libraries"])
LICENSE_FAMILIES = {family: re.compile(words) for family, words in _FILE["hub"]["license_families"].items()}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,2}")
