"""The patterns of `cues.toml`, compiled; and what counts as a number, a result, an output."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "cues.toml"
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Cue:
    """`words` are looked for at the start of words, `anywhere` only where a text is not plain ASCII."""

    words: re.Pattern[str]
    anywhere: re.Pattern[str]

    def __call__(self, text: str) -> bool:
        """Whether the casefolded text gives the cue."""
        return bool(self.words.search(text)) or (not text.isascii() and bool(self.anywhere.search(text)))


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _words(name: str) -> str:
    return "|".join(re.sub(r"\$$", r"(?![^\\W_])", word) for word in _file()[name]["words"])


def _anywhere(name: str) -> str:
    return "|".join(_file()[name].get("anywhere", ())) or "(?!)"


# A word begins where no letter or digit stands before it; an underscore does not count as one.
_START = r"(?<![^\W_])"


def _cue(name: str) -> Cue:
    return Cue(re.compile(f"{_START}(?:{_words(name)})"), re.compile(_anywhere(name)))


ARCHITECTURE = _cue("architecture")
INTENDED = _cue("intended")
OUT_OF_SCOPE = _cue("out_of_scope")
RUNS = _cue("runs")
IMPORTS = _cue("imports")
NAMES_MODEL = _cue("names_model")
BLANKS = _cue("blanks")
DEMO_LINK = _cue("demo_link")
OUTPUT_WORDS = _cue("output_words")
INSTALLS = _cue("installs")
REQUIRES = _cue("requires")
TRAINED_ON = _cue("trained_on")
SIZE = _cue("size")
COMPUTE = _cue("compute")
COMPARES = _cue("compares")
TEST_SET = _cue("test_set")
DATASETS = _cue("datasets")
EVAL_CODE = _cue("eval_code")
LIMITS = _cue("limits")
RISKS = _cue("risks")
MITIGATION = _cue("mitigation")
TRAINING_LOG = _cue("training_log")
REFERENCE_LINK = _cue("reference_link")
METRIC = _cue("metric")

# "accuracy of 0.93", "BLEU: 27.1", "94.2 % F1"; a year has four digits and is no result.
_NUMBER = r"(?<![\w.,])\d{1,3}(?:[.,]\d{1,8})?(?![\w])"
_BEHIND = rf"[\w@+-]{{0,12}}[^\d\n.]{{0,32}}?{_NUMBER}"
_RESULT = Cue(
    re.compile(rf"{_START}(?:{_words('metric')}){_BEHIND}"),
    re.compile(rf"(?:{_anywhere('metric')}){_BEHIND}"),
)
_RESULT_BEFORE = re.compile(rf"{_NUMBER}\s?%?\s?(?:\w{{1,12}}\s)?{_START}(?:{_words('metric')})")


def reports_result(text: str) -> bool:
    """Whether a metric stands beside a number in the casefolded text."""
    return METRIC(text) and (_RESULT(text) or bool(_RESULT_BEFORE.search(text)))


_NUMERIC_CELL = re.compile(
    r"[^\w]{0,4}[-+]?\d{1,4}(?:[.,]\d{1,8})?\s?(?:%|[±+(/|-].{0,16}|pp|k|m|b)?[^\w]{0,4}", re.DOTALL
)


def is_number(cell: str) -> bool:
    """Whether a table's cell holds a number, with or without a unit or deviation."""
    return len(cell) < 40 and bool(_NUMERIC_CELL.fullmatch(cell))


_NAMED = "|".join(f"(?P<{name}>{words})" for name, words in _file()["hyperparameters"].items())
_NAME_AND_VALUE = re.compile(rf"(?<![a-z])(?:{_NAMED})[^\d\n]{{0,16}}\d")
_VALUE_AND_NAME = re.compile(rf"(?<![\w.])\d[\d.,]{{0,8}}\s?(?:k|m)?\s?(?:training )?(?:{_NAMED})")


def hyperparameters(texts: Iterable[str]) -> set[str]:
    """Which hyperparameters stand beside a value in any of the casefolded texts; two are enough."""
    found: set[str] = set()
    for text in texts:
        for pattern in (_NAME_AND_VALUE, _VALUE_AND_NAME):
            for match in pattern.finditer(text):
                found.add(match.lastgroup or "")
                if len(found) >= 2:
                    return found
    return found


# An output in code: after a marker in a comment, as Python prints it, or behind the word itself.
_OUTPUT = re.compile(
    r"^\s*(?:#+|//|>>>?)\s*(?:\W{0,4}(?:outputs?|prints|results?|returns|prediction|answer|expected)\b|=>|->|→|\[|\{|['\"(])"
    r"|[\[{]\s*\{?\s*['\"](?:score|label|sequence|generated_text|summary_text|translation_text|entity\w{0,8}|answer|start"
    r"|word|token_str)['\"]\s*:"
    r"|^\s*>>> .+\n\s*[\[{('\"\w]|^\s*(?:tensor|array)\(\["
    r"|^\s*(?:outputs?|result|prediction|response|answer|model output)\s*:",
    re.MULTILINE,
)


def shows_output(code: str) -> bool:
    """Whether casefolded code carries the output that running it gives."""
    return bool(_OUTPUT.search(code))


_BIBTEX = re.compile(
    r"@(?:inproceedings|article|misc|techreport|book|phdthesis|software|online|proceedings|unpublished|conference)\s*\{"
)


def has_bibtex(text: str) -> bool:
    return bool(_BIBTEX.search(text))


LICENSES = frozenset(_file()["hub"]["licenses"])
TASKS = frozenset(_file()["hub"]["tasks"])
WORDLESS_TASKS = frozenset(_file()["hub"]["wordless_tasks"])
LIBRARIES = frozenset(_file()["hub"]["libraries"])
LICENSE_FAMILIES = {family: re.compile(words) for family, words in _file()["hub"]["license_families"].items()}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,2}")
