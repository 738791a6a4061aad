"""Whether what the text shows holds together: snippets, claims, what was left to fill in, what nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tasks.advice.rule import Reading, Rule, RuleHit, plain_value
from tasks.cards import vocabulary
from tasks.cards.evidence import addresses_a_judge, holds_any, word_count
from tasks.cards.facts import BIDI, ZERO_WIDTH, is_telling_comment
from tasks.cards.taxonomy import sections_named
from tasks.cards.templates import placeholders
from tasks.cards.unfilled import unfilled

_LOADED = re.compile(
    r"(?:from_pretrained|pipeline|snapshot_download|hf_hub_download|SentenceTransformer|CrossEncoder|PeftModel\.from_pretrained)"
    r"\([^)\n]{0,200}?[\"']([A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96})[\"']"
)
_NAMED_VARIABLE = re.compile(
    r"^\s*(?:model|repo|checkpoint)(?:_?(?:id|name|path|name_or_path))?\s*=\s*[\"']([A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96})[\"']",
    re.MULTILINE | re.IGNORECASE,
)
_IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)
_MEASURE = re.compile(
    r"\b(?P<metric>accuracy|f1(?:[- ]score)?|bleu|rouge(?:-?[12l])?|wer|cer|perplexity|map|miou|exact match|mse|rmse"
    r"|auc|mmlu|gsm8k|humaneval)"
    r"\b[^.\n|]{0,40}?(?<![\w.])(?P<value>\d{1,3}(?:\.\d{1,4})?)\s?(?P<unit>%?)(?![\w.]*\d)",
    re.IGNORECASE,
)


def _names_of(reading: Reading) -> set[str]:
    """The model's own name and those that it rightly loads, casefolded: base models too."""
    own = [reading.subject.model_id] if reading.subject.model_id else []
    return {name.casefold() for name in (*own, *reading.values("base_model"), *reading.values("new_version"))}


def _other_model(reading: Reading) -> Iterator[RuleHit]:
    """Snippets that load another model and never this one; known only where this one's name is."""
    own = reading.subject.model_id
    if own is None:
        return
    found = [
        (code.line + 1 + code.text.count("\n", 0, match.start(1)), match[1])
        for code in reading.places.codes
        for pattern in (_LOADED, _NAMED_VARIABLE)
        for match in pattern.finditer(code.text[:100_000])
    ]
    names = {name.casefold() for _, name in found}
    if not names or own.casefold() in names:
        return
    known = _names_of(reading)
    for line, name in found:
        if name.casefold() not in known:
            yield line, f"the snippets load `{name}`, and none loads `{own}`", f"Write `{own}` here."
            return


@cache
def _modules() -> dict[str, frozenset[str]]:
    """The libraries by a module that their snippets import."""
    found: dict[str, set[str]] = {}
    for key, library in vocabulary.libraries().items():
        for module in library.modules:
            found.setdefault(module, set()).add(key)
    return {module: frozenset(keys) for module, keys in found.items()}


def _other_library(reading: Reading) -> Iterator[RuleHit]:
    """Snippets whose imports are all of other libraries than the metadata name."""
    value = reading.metadata.get("library_name")
    library = vocabulary.libraries().get(value.strip()) if isinstance(value, str) else None
    if library is None or not library.modules:
        return
    imported = [
        (code.line + 1 + code.text.count("\n", 0, match.start(1)), match[1])
        for code in reading.places.codes
        for match in _IMPORT.finditer(code.text[:100_000])
    ]
    known = [(line, module) for line, module in imported if module in _modules()]
    if known and not any(module in library.modules for _, module in known):
        line, module = known[0]
        others = sorted(_modules()[module])
        yield (
            line,
            f"the snippets import `{module}`, while `library_name` is `{value}`",
            (f"Show how to load the model with {library.name}, or write `library_name: {others[0]}`."),
        )


def _unstructured_claim(reading: Reading) -> Iterator[RuleHit]:
    """Results in the prose of a card that has neither a table of them, nor a model-index, nor `.eval_results`."""
    files = reading.subject.files or ()
    if _has_index(reading) or any(name.startswith(".eval_results/") for name in files):
        return
    cells = " ".join(cell for table in reading.evidence.card.tables for row in table.rows for cell in row)
    about_limits = _lines_about_limits(reading)
    for n, line in reading.prose_lines:
        if "|" in line or len(line) > 5_000 or n in about_limits:
            continue
        for match in _MEASURE.finditer(line):
            if "." in match["value"] or match["unit"]:
                if match["value"] in cells:
                    continue
                claim = plain_value(match[0])
                yield (
                    n,
                    f"`{claim}` stands in the text alone",
                    (
                        "Put it in a table with its data set and split, and in `model-index:` so that the Hub shows it."
                    ),
                )
                return


def _lines_about_limits(reading: Reading) -> set[int]:
    """The lines below headings for limits and risks: where a model fails is no claim."""
    headings = reading.places.headings
    found: set[int] = set()
    for at, heading in enumerate(headings):
        if sections_named(heading.title) & {"limitations", "bias_and_risks"}:
            ends = (other.line for other in headings[at + 1 :] if other.level <= heading.level)
            found.update(range(heading.line, next(ends, len(reading.places.lines) + 1)))
    return found


def _has_index(reading: Reading) -> bool:
    """Whether the model-index holds any result; tools write an empty one."""
    index = reading.metadata.get("model-index")
    return isinstance(index, list) and any(
        isinstance(model, dict) and model.get("results") for model in index
    )


def _left_open(reading: Reading) -> Iterator[RuleHit]:
    """CardPlaces that a template left to be filled in."""
    whole = reading.subject.text.casefold()
    known = tuple([phrase for phrase in placeholders() if phrase in whole])
    for n, line in reading.prose_lines:
        text = line.strip().strip("-*_# >")
        if not text or text.startswith("<!--"):
            continue
        if (known and holds_any(text.casefold(), known)) or unfilled(text) == "left_open":
            yield (
                n,
                f"a template's blank: `{plain_value(text)}`",
                "Fill it in, or take the line and its heading out.",
            )


def _hidden(reading: Reading) -> Iterator[RuleHit]:
    """Text that no reader of the page sees, but a machine does."""
    card = reading.evidence.card
    for comment in card.comments:
        # A form's comments tell its author what to write: they are blanks, not secrets.
        if (
            is_telling_comment(comment)
            and "cardiograph:" not in comment
            and not comment.casefold().lstrip("- ").startswith("describe ")
        ):
            line = _line_of(reading, comment)
            yield (
                line,
                f"a comment that readers do not see: `{plain_value(comment)}`",
                "Show it, or take it out.",
            )
    if word_count(card.hidden) >= 5:
        yield (
            _line_of(reading, card.hidden),
            f"hidden text: `{plain_value(card.hidden)}`",
            "Show it, or take it out.",
        )
    text = reading.subject.text
    for mark in (*ZERO_WIDTH, *BIDI):
        if mark in text[1:]:
            at = text.count("\n", 0, text.index(mark, 1)) + 1
            yield (
                at,
                f"an invisible character, U+{ord(mark):04X}",
                "Take it out: it changes what programs read.",
            )
            break


def _line_of(reading: Reading, words: str) -> int:
    first = next((line.strip() for line in words.splitlines() if line.strip()), words)
    return reading.places.line_with(first[:40]) or 1


def _talks_to_judges(reading: Reading) -> Iterator[RuleHit]:
    if not reading.evidence.judge_talk:
        return
    for n, line in enumerate(reading.places.lines, 1):
        if addresses_a_judge(line[:20_000]):
            yield (
                n,
                "text that speaks to whoever scores the card",
                "Take it out; such text does not count, and is flagged.",
            )
            return
    yield (
        1,
        "text that speaks to whoever scores the card",
        "Take it out; such text does not count, and is flagged.",
    )


RULES = (
    Rule(
        "snippet-other-model",
        "warning",
        "A snippet that loads another model",
        "Readers copy the first snippet; one that was copied from another card gives them the other model.",
        _other_model,
    ),
    Rule(
        "snippet-other-library",
        "warning",
        "A snippet for another library",
        "The Hub offers its own snippet for the library of the metadata, which then contradicts the card's.",
        _other_library,
    ),
    Rule(
        "claim-unstructured",
        "note",
        "A result in the text alone",
        "Leaderboards and the model's page read results from `model-index` or `.eval_results`, readers from a table.",
        _unstructured_claim,
    ),
    Rule(
        "placeholder",
        "warning",
        "A blank that a template left",
        "A heading over nothing tells readers that nobody looked at the card.",
        _left_open,
    ),
    Rule(
        "hidden-text",
        "note",
        "Text that readers do not see",
        "What only machines read looks like an attempt to steer them.",
        _hidden,
    ),
    Rule(
        "talks-to-judges",
        "warning",
        "Text that speaks to judges",
        "It is taken out before a card is scored, and the card is flagged.",
        _talks_to_judges,
    ),
)
