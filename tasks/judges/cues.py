"""The compiled patterns of `cues.toml`, and what counts as a number, a result or an output."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from pathlib import Path

_FILE = tomllib.loads((Path(__file__).parent / "cues.toml").read_text(encoding="utf-8"))
_WORD = re.compile(r"([^\W_]{1,3})[^\W_]*")
_BLANKS = bytes(code if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
_FIRST_THREE = itemgetter(slice(0, 3))
# The fixed beginning of a pattern, if any: three letters, or a shorter word; several in a group.
_LETTERS = r"(?:[^\W_]{3}(?![?*{])|[^\W_]{1,2}(?=[ $]|[_-](?![?*{])|\[-_\](?![?*{])|\\\.))"
_OPTION = rf"(?:{_LETTERS}[^()|]*|[^\W_]{{1,2}})"
_FIRST_GROUP = re.compile(rf"\(\?:((?:{_OPTION}\|)+{_OPTION})\)(?![?*{{])(?=([ $]?))")


@lru_cache(maxsize=128)
def _first_letters(text: str) -> frozenset[str]:
    """The first three letters of every word of a text; most checks ask about the same few texts."""
    if text.isascii():
        # Bytes are translated faster than characters.
        return frozenset(map(_FIRST_THREE, text.encode().translate(_BLANKS).decode().split()))
    return frozenset(_WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Cue:
    """A set of patterns, of which one match is enough.

    `gated` are tried only where some word of the text begins as they do: one alternation of all of them would be
    tried at every character and took most of the time of a verdict. `free` have no fixed first letters.
    """

    gated: dict[str, re.Pattern[str]]
    gates: frozenset[str]
    digits: re.Pattern[str] | None
    free: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None

    def __call__(self, text: str) -> bool:
        """Whether the casefolded text contains the cue: `any(matches)` without the cost of a generator."""
        if not text:
            return False
        for letters in self.gates & _first_letters(text):
            if _begins_any(self.gated[letters], text):
                return True
        if self.digits and _begins_any(self.digits, text):
            return True
        if self.free and self.free.search(text):
            return True
        return bool(self.anywhere and not text.isascii() and self.anywhere.search(text))

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in the casefolded text, in no particular order."""
        for letters in self.gates & _first_letters(text):
            for match in self.gated[letters].finditer(text):
                if _begins_word(text, match.start()):
                    yield match
        if self.digits:
            for match in self.digits.finditer(text):
                if _begins_word(text, match.start()):
                    yield match
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
    gated: dict[str, list[str]] = {}
    free: list[str] = []
    for word in entry["words"]:
        begun = _begun(word)
        for gate, pattern in begun.items():
            gated.setdefault(gate, []).append(_ended(pattern) + behind)
        if not begun:
            free.append(_ended(word) + behind)
    anywhere = [word + behind for word in entry.get("anywhere", ())]
    gates = {gate: re.compile("|".join(patterns)) for gate, patterns in gated.items()}
    digits = [pattern for pattern in free if pattern.startswith(r"\d")]
    others = [pattern for pattern in free if pattern not in digits]
    return Cue(
        gates,
        frozenset(gates),
        _alternation(digits, ""),
        _alternation(others, r"(?<![^\W_])"),
        _alternation(anywhere, ""),
    )


def _ended(word: str) -> str:
    """The pattern of a word of the file, whose last `$` is the end of a word."""
    return re.sub(r"\$$", r"(?![^\\W_])", word)


def _begun(word: str) -> dict[str, str]:
    """The first letters with which a match may begin, each with what begins so; empty where they are not fixed.

    Of a group in front, each keeps its own options: a pattern with a fixed beginning is searched several times faster.
    """
    if letters := re.match(_LETTERS, word):
        return {letters[0]: word}
    group = _FIRST_GROUP.match(word)
    if not group:
        return {}
    options: dict[str, list[str]] = {}
    for option in group[1].split("|"):
        options.setdefault(option[:3], []).append(option)
    is_fixed = all(re.fullmatch(r"[^\W_]{3}", gate) or group[2] for gate in options)
    if not is_fixed or not all(map(str.isalnum, options)):
        return {}
    rest = word[group.end() :]
    return {gate: f"(?:{'|'.join(kept)}){rest}" for gate, kept in options.items()}


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
_RESULT = make_cue(_FILE["metric"], rf"[\w@+-]{{0,12}}[^\d\n.]{{0,44}}?{_NUMBER}")
_NUMBER_BEFORE = re.compile(rf"{_NUMBER}\s?%?\s?[(\[]?(?:\w{{1,12}}\s)?$")


def reports_result(text: str) -> bool:
    """Whether a metric is next to a number in the casefolded text."""
    if _RESULT(text):
        return True
    return any(
        _NUMBER_BEFORE.search(text, max(0, m.start() - 30), m.start()) for m in CUES["metric"].matches(text)
    )


def result_lines(text: str) -> list[str]:
    """The sentences of a casefolded text that report a result."""
    lines = [line for line in text.split("\n") if any(map(str.isdigit, line)) and reports_result(line)]
    return [each for line in lines for each in _SENTENCE_ENDS.split(line) if reports_result(each)]


_SENTENCE_ENDS = re.compile(r"(?<=[.!?;。！？；])\s+|(?<=[。！？；])")

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


# An output in code: after a marker in a comment, as Python prints it, behind or below a `print`, or after its name.
OUTPUT = re.compile(
    r"^[ \t]*(?:#+|//|>>>?)[ \t]*(?:\W{0,4}(?:outputs?|prints|results?|returns|prediction|answer|expected)\b"
    r"|=>|->|→|\[|\{|['\"(])"
    r"|[\[{]\s{0,12}(?:\{\s{0,12})?['\"](?:score|label|sequence|generated_text|summary_text|translation_text"
    r"|entity\w{0,8}|answer|start|word|token_str)['\"]\s{0,4}:"
    r"|^[ \t]*>>> .+\n[ \t]*[\[{('\"\w]|^[ \t]*(?:tensor|array)\(\["
    r"|^[ \t]*(?:outputs?|result|prediction|response|answer|model output)[ \t]*:"
    r"|^[ \t]*print\([^\n]{0,160}\)[ \t]*(?:#+[ \t]*(?!(?:print|show|display|get|the|this|should)s?\b)\S"
    r"|\n[ \t]*(?:\"\"\"|'''))"
    r"|\)[ \t]{0,8}#{1,3}[ \t]{0,8}(?:=>|->|→|\[|\{|['\"]|tensor\()",
    re.MULTILINE,
)
# The same, where a snippet was written as prose.
PRINTED = re.compile(
    r"[\[{]\s?\{?\s?['\"](?:score|label|sequence|generated_text|summary_text|translation_text|answer|token_str)['\"]\s?:"
)

_PAIR = _FILE["pairs"]
_COLON = re.compile(
    r"[:：]\W{0,6}(?=\w)"
)  # labels are looked for before colons: that is quick, for there are few
_ENDS = r"(?: text| sentence)?\s?\d{0,2}\W{0,3}$"
_LABEL_CHARACTERS = 60
_INPUTS, _OUTPUTS = "|".join(_PAIR["inputs"]), "|".join(_PAIR["outputs"])
_SPOKEN = re.compile(rf"(?<![^\W_])(?:{'|'.join(_PAIR['spoken'])}){_ENDS}")
_INPUT = re.compile(rf"(?<![^\W_])(?:{_INPUTS}){_ENDS}")
_OUTPUT = re.compile(rf"(?<![^\W_])(?:{_OUTPUTS}){_ENDS}")
_INPUT_LINE = re.compile(rf"^[ \t>*_#-]{{0,8}}(?:{_INPUTS}){_ENDS}", re.MULTILINE)
_OUTPUT_LINE = re.compile(rf"^[ \t>*_#-]{{0,8}}(?:{_OUTPUTS}){_ENDS}", re.MULTILINE)
_PAIR_CHARACTERS = 1500
_COLONS_TRIED = 200


def shows_pair(text: str, *, is_code: bool = False, is_example: bool = False) -> bool:
    """Whether the casefolded text has an input and its output behind labels: "Question: ... Answer: ...".

    In code both begin a line. "Input: ..., output: ..." may only tell the formats, and counts in an example alone.
    """
    begin = _INPUT_LINE if is_code else _INPUT if is_example else _SPOKEN
    end = _OUTPUT_LINE if is_code else _OUTPUT
    begun: int | None = None
    for colon in islice(_COLON.finditer(text), _COLONS_TRIED):
        start = max(0, colon.start() - _LABEL_CHARACTERS)
        if (
            begun is not None
            and colon.start() - begun < _PAIR_CHARACTERS
            and end.search(text, start, colon.start())
        ):
            return True
        if begin.search(text, start, colon.start()):
            begun = colon.end()
    return False


# A word with a capital behind a word in lower case, a comma or a bracket.
NAME = re.compile(r"(?<=[a-z,;] )[(\"'`]?([A-Z][\w-]{1,40})")


BIBTEX = re.compile(
    r"@(?:inproceedings|article|misc|techreport|book|phdthesis|software|online|proceedings|unpublished|conference)\s*\{"
)


MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,60}@[\w-]{2,60}\.[a-z]{2,}")
GENERIC_DATA_WORDS = frozenset(_FILE["generic_data"]["all"])
FORMULA_WORDS = frozenset(_FILE["formulas"]["all"].split())
DATA_COLUMNS = frozenset(_FILE["generic_data"]["columns"])
NO_DATA_SETS = frozenset(_FILE["generic_data"]["no_data_sets"])
_DATA_LINK = re.compile(
    r"(?:huggingface\.co|hf\.co)/datasets/[\w.-]+|(?:kaggle\.com|archive\.ics\.uci\.edu)/(?:datasets?|c|competitions)/\w"
)
_RESULTS_LINK = re.compile(r"leaderboard|details[_-]|-?results?\b|eval|imatrix|calibration")


def is_data_link(link: str) -> bool:
    """Whether a link leads to a data set, rather than to one that holds results or calibrates a quantisation."""
    folded = link[:300].casefold()
    return bool(_DATA_LINK.search(folded)) and not _RESULTS_LINK.search(folded)


LICENSE_FAMILIES = {family: re.compile(words) for family, words in _FILE["license_families"].items()}
