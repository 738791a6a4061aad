"""One small predicate for each check of the rubric: does this evidence pass it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from tasks.cards.evidence import Evidence, substance, word_count
from tasks.cards.front_matter import Metadata
from tasks.cards.parse import CardTable, Section
from tasks.judges import cues, metadata, named, snippets
from tasks.judges.metadata import has_any, has_value

Predicate = Callable[[Evidence], bool]

_TRAINERS = ("trainer", "keras", "axolotl", "llama_factory")  # tools that write of "the evaluation set"
_DATA_LANGUAGES = ("", "yaml", "yml", "json", "text", "txt", "console", "plaintext", "csv")
_INTRO_WORDS, _INTRO_WORDS_MIN = 8, 7
_DEPTH_WORDS = 36
_WALL_WORDS = 280
_SPECIFIC_WORDS = 12
_TELLING_WORDS = 4
_OWN_WORDS = 50
_FACTUAL_WORDS = 12
_DETAILED_WORDS = 95
_PROTOCOL_WORDS, _PROTOCOL_CUES = 18, 2


# ----------------------------------------------------------------------------------------------- purpose


# What stands under a heading of its own choice may be about anything: it describes the model where it speaks of the
# model and not of one of these.
_ABOUT_OTHERS = (
    "limits",
    "out_of_scope",
    "compute",
    "installs",
    "compares",
    "withheld",
    "hyperparameter_words",
)
_SENTENCES = re.compile(r"(?<=[.!?;。！？；])\s+|(?<=[。！？；])")


@lru_cache(maxsize=1)
def _told(e: Evidence) -> str:
    """The statements on what the model is."""
    asides = (
        each for block in e.asides if cues.has("model_words", block) for each in _SENTENCES.split(block)
    )
    return "\n".join((*e.statements, *(each for each in asides if not _is_about_others(each))))


def _is_about_others(sentence: str) -> bool:
    """Whether a casefolded sentence tells something else of a model than what it is."""
    return any(cues.has(cue, sentence) for cue in _ABOUT_OTHERS)


def _states_what_it_is(e: Evidence) -> bool:
    """Enough words in the opening; fewer where a sentence says that it is a model of some kind."""
    return substance(_told(e)) >= _INTRO_WORDS or any(map(_calls_it_a_model, e.statements))


def _calls_it_a_model(statement: str) -> bool:
    said = _IS_A.search(statement)
    return bool(said) and substance(statement) >= _INTRO_WORDS_MIN and cues.has("model_words", statement)


_IS_A = re.compile(r"\bis (?:an?|the) ")


def _is_bots(e: Evidence) -> bool:
    """Whether a bot wrote the card, whose description fits all its models."""
    return e.template is not None and e.template.kind == "bot"


def _intended(e: Evidence) -> str:
    """The text on uses, without the sentences that state a limit: one heading often announces both."""
    part = e.parts.get("intended_use")
    if part is None or "limitations" not in e.parts:
        return part.text if part else ""
    text = part.text.casefold()
    for sentence in (*_sentences_with("limits", text), *_sentences_with("out_of_scope", text)):
        text = text.replace(sentence, " ")
    return text


# ------------------------------------------------------------------------------------------- quick start


def shows_example(e: Evidence) -> bool:
    """An output next to its input: in or after code, in pairs of labels or of columns, or in the Hub's widget."""
    if cues.OUTPUT.search(e.code) or cues.PRINTED.search(e.prose) or _has_widget_output(e):
        return True
    if cues.has("told_output", e.prose):
        return True
    if cues.has("output_title", e.titles) and any(_is_output(section) for section in e.card.sections):
        return True
    if any(_pairs(table.rows[0]) for table in e.card.tables[:50] if len(table.rows) > 1):
        return True
    return _has_pair(e) or _has_plain_output(e)


def _has_pair(e: Evidence) -> bool:
    """Whether something like "Question: ..., Answer: ..." stands in code or prose."""
    return (
        cues.shows_pair(e.code, is_code=True)
        or cues.shows_pair(e.prose)
        or cues.shows_pair(e.part("how_to_use").casefold(), is_example=True)
    )


def _has_plain_output(e: Evidence) -> bool:
    """A block that holds no program after one that runs, where the text speaks of an output."""
    codes = e.card.codes
    is_plain = any(
        code.language in ("", "text", "txt", "json", "console", "output", "plaintext") for code in codes[1:]
    )
    return (
        is_plain
        and bool(snippets.running_code(e))
        and cues.has("output_words", e.part("how_to_use").casefold())
    )


def _has_widget_output(e: Evidence) -> bool:
    """Whether the metadata's widget shows what comes out, as galleries of pictures do."""
    return any("output" in example for example in _mappings(e.card.metadata.get("widget")))


def _pairs(header: tuple[str, ...]) -> bool:
    """Whether a table has a column of inputs and one of outputs."""
    names = [cell.casefold() for cell in header[:12] if len(cell) < 40]
    return any(cues.has("input_column", n) for n in names) and any(
        cues.has("output_column", n) for n in names
    )


def _is_output(section: Section) -> bool:
    is_titled = len(section.title) < 60 and cues.has("output_title", section.title.casefold())
    return is_titled and section.level >= 2 and bool(section.codes or section.blocks)


# ------------------------------------------------------------------------------------- training and data


def data_named(e: Evidence) -> bool:
    """A data set in the metadata or linked; or a section, label or sentence that says what the data are."""
    return (
        any(map(_is_data_set, _data_sets(e)))
        or _says_data(e)
        or any(cues.is_data_link(link) for link in _training_links(e))
        or _is_trained_on(e)
    )


def _data_sets(e: Evidence) -> list[str]:
    """What the metadata give as data sets; an entry may be a mapping with a name."""
    entries = e.card.metadata.get("datasets")
    rows = entries if isinstance(entries, list) else [entries]
    return [
        str(row.get("name") or row.get("path") or "") if isinstance(row, dict) else str(row)
        for row in rows[:50]
    ]


def _is_data_set(name: str) -> bool:
    """Whether a value in the metadata names a data set: `csv` and `imagefolder` are ways to load one."""
    return name.strip().casefold() not in cues.NO_DATA_SETS


def _says_data(e: Evidence) -> bool:
    """Whether the section on data says what they are, or the one on training uses a data set by its name."""
    part = e.parts.get("training_data")
    if part is not None:
        text = part.text.casefold()
        words = substance(text)
        if words >= (1 if part.has_label else 3) and (words >= 12 or not cues.has("withheld", text)):
            return True
        if part.tables and cues.has("data_set_names", _cells(part.tables).casefold()):
            return True
    return cues.has("data_set_names", e.part("training_procedure").casefold())


def _training_links(e: Evidence) -> Iterator[str]:
    """Links that stand where nothing is measured or quantised."""
    measured = {id(link) for name in ("evaluation",) if name in e.parts for link in e.parts[name].links}
    for section in e.card.sections:
        if section.links and not cues.has(
            "quantising", f"{section.title} {' '.join(section.blocks)[:600]}".casefold()
        ):
            yield from (link for link in section.links if id(link) not in measured)


@lru_cache(maxsize=1)
def _is_trained_on(e: Evidence) -> bool:
    """Whether a sentence or a title says on what the model was trained."""
    return (
        named.names_training_data(e.prose, e.card.body)
        or named.names_training_data(e.titles, e.card.body)
        or cues.has("trained_on", e.prose)
    )


def data_described(e: Evidence) -> bool:
    """Enough words under the data's heading, or the data's size where training is mentioned."""
    part = e.part("training_data")
    if substance(part) >= 12:
        return True
    said = [line for line in (part.casefold() or e.prose).split("\n") if _is_size(line)]
    if said and (data_named(e) or any(cues.has("collected", line) for line in said)):
        return True
    return any(map(_counts_data, (part.casefold() or e.prose).split("\n")))


# A number of three digits or more, but a year, with a word behind it: "9,300 recipes".
_COUNT = re.compile(
    r"(?<![\w.,])(?!(?:19|20)\d\d\b)\d{1,3}(?:[.,\u00a0\u202f ]?\d{3})+(?![\d.,]\d)\s(?=[^\W\d_]{3})"
)


def _counts_data(text: str) -> bool:
    """Whether some sentence of a casefolded paragraph counts what the data hold and tells how they came about."""
    return bool(_COUNT.search(text)) and any(
        _COUNT.search(each) and cues.has("training_data_words", each) and cues.has("collected", text)
        for each in _SENTENCES.split(text)
    )


_BYTES_OR_HOURS = re.compile(r"(?:[gmt]i?b|hours?|hrs?)$")


def _is_size(text: str) -> bool:
    """Whether a casefolded paragraph holds the size of data, and not only of a batch, a memory or a run."""
    return any(_is_size_of_data(text, match) for match in islice(cues.CUES["size"].matches(text), 50))


def _is_size_of_data(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 22) : match.end() + 24]
    if cues.has("other_sizes", around):
        return False
    return not (_BYTES_OR_HOURS.search(match[0]) and cues.has("compute", around))


def procedure_described(e: Evidence) -> bool:
    """A filled section on training, or sentences elsewhere that say how it was done."""
    part = e.parts.get("training_procedure")
    if part is not None and (substance(part.text) >= 12 or part.codes):
        return True
    return cues.has("procedure", e.prose) or (len(_hyperparameters(e)) >= 2 and _is_trained_on(e))


@lru_cache(maxsize=1)
def _hyperparameters(e: Evidence) -> list[str]:
    """Hyperparameters next to a value, in prose, tables or training code."""
    training = e.parts.get("training_procedure")
    code = "\n".join(block.text for block in training.codes).casefold()[:20_000] if training else ""
    return cues.hyperparameters((e.prose, code, _all_cells(e)))


# -------------------------------------------------------------------------------------------- evaluation


def reports_numbers(e: Evidence) -> bool:
    return (
        bool(_indexed(e))
        or bool(_result_tables(e))
        or cues.reports_result(e.prose)
        or _has_printed_results(e)
    )


def _has_printed_results(e: Evidence) -> bool:
    """Results in a block of the evaluation that is no program, as YAML or as a report prints them."""
    codes = e.parts["evaluation"].codes if "evaluation" in e.parts else ()
    return any(
        cues.reports_result(text)
        for code in codes
        if code.language in _DATA_LANGUAGES and not cues.has("imports", text := code.text[:8000].casefold())
    )


def names_test_set(e: Evidence) -> bool:
    """A data set beside a result: in the model-index, in the evaluation or its tables, or in a sentence on results."""
    if any(map(_is_data_set, (name for name, _ in _indexed(e)))):
        return True
    if not (reports_numbers(e) or "evaluation" in e.parts):
        return False
    if any(_has_data_column(table.rows[0]) for table in _result_tables(e)):
        return True
    text = f"{e.part('evaluation')}\n{_cells(_result_tables(e))}".casefold()
    if (
        cues.has("data_set_names", text)
        or cues.has("test_set", text)
        or named.names_test_data(text, e.card.body)
    ):
        return True
    return reports_numbers(e) and (
        named.names_test_data(f"{e.titles}\n{e.prose}", e.card.body)
        or _is_trainers_set(e)
        or any(map(_is_result_on_data, cues.result_lines(e.prose)))
    )


def _is_result_on_data(sentence: str) -> bool:
    """Whether a casefolded sentence that reports a result names what it was measured on, before or behind it."""
    return cues.has("data_set_names", sentence) or cues.has("test_set", sentence)


def compares(e: Evidence) -> bool:
    if any(sum(_numbers(row) > 0 for row in table.rows[1:]) >= 2 for table in _result_tables(e)):
        return True
    if any(_has_test_sets(table.rows[0]) for table in _result_tables(e)):
        return True
    return reports_numbers(e) and cues.has("compares", e.prose)


def _has_data_column(header: tuple[str, ...]) -> bool:
    """Whether a table has a column for the data sets."""
    return any(cell.strip().casefold() in cues.DATA_COLUMNS for cell in header[:30])


def _has_test_sets(header: tuple[str, ...]) -> bool:
    """Whether two columns at least are named for data sets."""
    return sum(cues.has("data_set_names", cell.casefold()) for cell in header[:30]) >= 2


def explains_protocol(e: Evidence) -> bool:
    part = e.parts.get("evaluation")
    if part and (
        substance(part.text) >= 20 or any(cues.has("eval_code", c.text.casefold()) for c in part.codes)
    ):
        return True
    if cues.has("eval_code", e.code) and (reports_numbers(e) or cues.has("protocol", e.prose)):
        return True
    return any(map(_is_protocol, e.prose.split("\n")))


def _is_protocol(paragraph: str) -> bool:
    """Whether a casefolded paragraph tells in several of its words how something was measured."""
    if not cues.has("protocol", paragraph) or substance(paragraph) < _PROTOCOL_WORDS:
        return False
    found = {match[0] for match in islice(cues.CUES["protocol"].matches(paragraph), 20)}
    return len(found) >= _PROTOCOL_CUES


def _is_trainers_set(e: Evidence) -> bool:
    """The Trainer writes 'the evaluation set' for every model: it is known where the data set is."""
    return e.template is not None and e.template.name in _TRAINERS and data_named(e)


@lru_cache(maxsize=1)
def _result_tables(e: Evidence) -> list[CardTable]:
    """Tables of measurements: numbers under a metric or a benchmark, but not a training log."""
    in_evaluation = e.parts["evaluation"].tables if "evaluation" in e.parts else []
    return [table for table in e.card.tables if _is_result(table, is_expected=table in in_evaluation)]


def _is_result(table: CardTable, *, is_expected: bool) -> bool:
    header = " | ".join(table.rows[0]).casefold()
    if cues.has("training_log", header) or cues.has("settings", header):
        return False
    if sum(_numbers(row) for row in table.rows) < 1:
        return False
    labels = f"{header} | {' | '.join(row[0] for row in table.rows[1:40])}".casefold()
    if is_expected or cues.has("metric", labels):
        return True
    return cues.has("data_set_names", labels) and not cues.has("log_settings", labels)


def _numbers(row: tuple[str, ...]) -> int:
    return sum(map(cues.is_number, row[:40]))


@lru_cache(maxsize=1)
def _all_cells(e: Evidence) -> str:
    return _cells(e.card.tables).casefold()


@lru_cache(maxsize=1)
def _links(e: Evidence) -> str:
    """The targets of the links, one per line."""
    return "\n".join(link[:300] for link in e.card.links).casefold()


def _cells(tables: list[CardTable]) -> str:
    return "\n".join(" ".join(row) for table in tables[:20] for row in table.rows[:100])[:50_000]


@lru_cache(maxsize=1)
def _indexed(e: Evidence) -> list[tuple[str, str]]:
    """(data set, value) of every result in the model-index."""
    index = e.card.metadata.get("model-index")
    found: list[tuple[str, str]] = []
    for model in _mappings(index):
        for result in _mappings(model.get("results")):
            dataset = next(_mappings(result.get("dataset")), {})
            name = str(dataset.get("name") or dataset.get("type") or "")
            metrics = _mappings(result.get("metrics"))
            found += [(name, str(m["value"])) for m in metrics if has_value(m.get("value"))]
    return found


def _mappings(value: Any) -> Iterator[Metadata]:
    """The mappings in a list, or the single mapping where a list is expected."""
    for entry in (value if isinstance(value, list) else [value])[:200]:
        if isinstance(entry, dict):
            yield entry


# --------------------------------------------------------------------------------- limitations and risks


@lru_cache(maxsize=1)
def _limits(e: Evidence) -> str:
    """What is said on limits, under headings for them and in sentences elsewhere; casefolded."""
    said = f"{_limitations(e)}\n{e.part('bias_and_risks', 'out_of_scope')}".casefold()
    elsewhere = {**_sentences(e, "limits"), **_sentences(e, "out_of_scope")}
    return "\n".join((said, *(sentence for sentence in elsewhere if sentence not in said)))


@lru_cache(maxsize=4)
def _sentences(e: Evidence, cue: str) -> dict[str, None]:
    return _sentences_with(cue, e.prose)


@lru_cache(maxsize=1)
def _limitations(e: Evidence) -> str:
    """The text on limitations, casefolded; of what "Intended uses & limitations" heads, what states one."""
    part, uses = e.parts.get("limitations"), e.parts.get("intended_use")
    if part is None or uses is None or not (shared := {text for text in part.texts if text in uses.texts}):
        return part.text.casefold() if part else ""
    own = [text.casefold() for text in part.texts if text not in shared]
    mixed = "\n".join(shared).casefold()
    return "\n".join((*own, *_sentences_with("limits", mixed), *_sentences_with("out_of_scope", mixed)))


def _sentences_with(cue: str, text: str) -> dict[str, None]:
    """The sentences of a casefolded text that hold the cue, in no particular order."""
    return {_sentence_around(text, match.start()): None for match in islice(cues.CUES[cue].matches(text), 60)}


def _sentence_around(text: str, at: int) -> str:
    begin, end = max(0, at - 600), min(len(text), at + 600)
    begin = max(begin, text.rfind("\n", begin, at) + 1, text.rfind(". ", begin, at) + 1)
    ends = [found for mark in ("\n", ". ") if (found := text.find(mark, at, end)) >= 0]
    return text[begin : min(ends, default=end)].strip()


def _behind_limits(e: Evidence) -> str:
    """The sentences behind those that state a limit, in the same paragraph: what to do about it often stands there."""
    stated = (*_sentences(e, "limits"), *_sentences(e, "risks"))
    return "\n".join(filter(None, (_sentence_behind(e.prose, sentence) for sentence in stated)))


def _sentence_behind(text: str, sentence: str) -> str:
    end = text.find(sentence) + len(sentence)
    line = text[end : end + 600].partition("\n")[0].lstrip(" .!?")
    return line.partition(". ")[0]


def limits_specific(e: Evidence) -> bool:
    """Words that no formula for any model has, or an example in code or a table; a bot writes the same for all."""
    if _is_bots(e):
        return False
    parts = [e.parts[name] for name in ("limitations", "bias_and_risks") if name in e.parts]
    if any(part.codes or part.tables for part in parts):
        return True
    text = _limits(e)
    if not text.isascii():
        return substance(text) >= _SPECIFIC_WORDS
    return len(set(re.findall(r"[a-z][a-z'-]+", text)) - cues.FORMULA_WORDS) >= _TELLING_WORDS


def bias_stated(e: Evidence) -> bool:
    """A word for a risk, or a section on bias; one that it shares with limitations may be about those only."""
    part = e.part("bias_and_risks")
    return cues.has("risks", e.prose) or (substance(part) >= 6 and part != e.part("limitations"))


# --------------------------------------------------------------------------------------------- structure


# Sections that the question counts as one, and one that it does not name.
_ALIASES = {"out_of_scope": "intended_use", "installation": "how_to_use", "environmental_impact": ""}


def _sections(e: Evidence) -> int:
    """Filled sections of those that the question names; "Limitations and bias" is two only where it speaks of both."""
    filled = {_ALIASES.get(name, name) for name in e.parts} - {""}
    if {"bias_and_risks", "limitations"} <= filled and not bias_stated(e):
        filled.remove("bias_and_risks")
    return len(filled)


def is_formatted(e: Evidence) -> bool:
    has_list = sum(section.list_items for section in e.card.sections) >= 2
    return sum(map(bool, (has_list, e.card.tables, e.card.codes, e.card.images))) >= 2 and e.words >= 20


# ------------------------------------------------------------------------------------------- originality


def has_specifics(e: Evidence) -> bool:
    """At least five facts: distinct numbers and names in own words, links, rows of results."""
    if e.is_generated or e.own_words < _FACTUAL_WORDS:
        return False
    numbers = {word for word in e.own.split() if not word.isalpha() and any(map(str.isdigit, word))}
    facts = len(numbers) + len(set(e.card.links)) + sum(len(table.rows) for table in _result_tables(e))
    return facts >= 5 or facts + _names(e) >= 5


def _names(e: Evidence) -> int:
    """Distinct words in own prose that have a capital within a sentence, as names have."""
    found = {name.casefold() for block in e.card.blocks[:200] for name in cues.NAME.findall(block[:5000])}
    return sum(name in e.own for name in found)


# ----------------------------------------------------------------------------------------------- the table

CHECKS: dict[str, Predicate] = {
    # purpose
    "states_what_it_is": _states_what_it_is,
    "describes_in_depth": lambda e: (
        substance("\n".join((*e.statements, *e.asides))) >= _DEPTH_WORDS and not _is_bots(e)
    ),
    "names_origin": lambda e: (
        has_any(e, "base_model") or cues.has("architecture", e.prose) or cues.has("architecture", e.titles)
    ),
    "intended_use": lambda e: substance(_intended(e)) >= 6 or cues.has("intended", e.prose),
    "out_of_scope": lambda e: substance(e.part("out_of_scope")) >= 4 or bool(_sentences(e, "out_of_scope")),
    # quick start
    "has_snippet": snippets.has_snippet,
    "snippet_is_complete": snippets.snippet_is_complete,
    "shows_example": shows_example,
    "says_requirements": lambda e: (
        "installation" in e.parts
        or cues.has("installs", e.code)
        or cues.has("installs", e.prose)
        or cues.has("needs", e.prose)
        or cues.has("requires", f"{e.part('how_to_use')}\n{e.intro}".casefold())
    ),
    # training and data
    "data_named": data_named,
    "data_described": data_described,
    "procedure_described": procedure_described,
    "hyperparameters_given": lambda e: len(_hyperparameters(e)) >= 2,
    "compute_given": lambda e: (
        cues.has("compute", e.prose)
        or cues.has("compute", _all_cells(e))
        or cues.has("versions", e.part("training_procedure").casefold())
    ),
    # evaluation
    "reports_numbers": reports_numbers,
    "names_test_set": names_test_set,
    "structured_results": lambda e: bool(_indexed(e)) or bool(_result_tables(e)),
    "compares": compares,
    "explains_protocol": explains_protocol,
    # limitations and risks
    "limitations_stated": lambda e: substance(_limitations(e)) >= 6 or bool(_sentences(e, "limits")),
    "bias_stated": bias_stated,
    "limits_specific": limits_specific,
    "mitigation_given": lambda e: cues.has("mitigation", f"{_limits(e)}\n{_behind_limits(e)}"),
    # metadata
    "license_given": metadata.license_given,
    "language_given": metadata.language_given,
    "task_given": metadata.task_given,
    "lineage_given": metadata.lineage_given,
    "metadata_valid": metadata.metadata_valid,
    # structure
    "has_sections": lambda e: e.filled_headings >= 3,
    "covers_sections": lambda e: _sections(e) >= 5,
    "is_readable": lambda e: (
        e.words >= 30
        and max(map(word_count, e.card.blocks), default=0) <= _WALL_WORDS
        and not e.card.is_mostly_html
    ),
    "is_formatted": is_formatted,
    "references_given": lambda e: (
        "citation" in e.parts
        or "contact" in e.parts
        or bool(cues.BIBTEX.search(e.code))
        or cues.has("reference_link", _links(e))
        or bool(cues.MAIL.search(e.prose))
    ),
    # originality
    "no_placeholders": lambda e: e.placeholders == 0 and e.words >= 20 and not snippets.has_blanks(e),
    "own_words": lambda e: e.own_words >= _OWN_WORDS and not e.is_generated,
    "has_specifics": has_specifics,
    "is_detailed": lambda e: e.own_words >= _DETAILED_WORDS and not e.is_generated,
}
