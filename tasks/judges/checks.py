"""One small predicate for each check of the rubric: does this evidence pass it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tasks.cards.evidence import Evidence, substance, word_count
from tasks.cards.front_matter import Metadata
from tasks.cards.parse import CardTable, Section
from tasks.judges import cues, snippets

Predicate = Callable[[Evidence], bool]

_INTRO_WORDS = 8
_DEPTH_WORDS = 40
_WALL_WORDS = 280
_SPECIFIC_WORDS = 30
_OWN_WORDS = 50
_DETAILED_WORDS = 150


# ------------------------------------------------------------------------------------------- quick start


def shows_example(e: Evidence) -> bool:
    """An output next to the code: in a comment, in a block of its own, or under a heading for outputs."""
    if not snippets.running_code(e):
        return False
    if cues.OUTPUT.search(e.code):
        return True
    if cues.has("output_title", e.titles) and any(_is_output(section) for section in e.card.sections):
        return True
    plain = sum(code.language in ("", "text", "json", "console") for code in e.card.codes)
    return plain >= 1 and len(e.card.codes) >= 2 and cues.has("output_words", e.part("how_to_use").casefold())


def _is_output(section: Section) -> bool:
    is_titled = len(section.title) < 60 and cues.has("output_title", section.title.casefold())
    return is_titled and section.level >= 2 and bool(section.codes or section.blocks)


# ------------------------------------------------------------------------------------- training and data


def data_named(e: Evidence) -> bool:
    return (
        _has_any(e, "datasets")
        or substance(e.part("training_data")) >= 3
        or cues.has("trained_on", e.prose)
        or cues.has("trained_on", e.titles)
    )


def data_described(e: Evidence) -> bool:
    """Enough words under the data's heading, or the data's size where training is mentioned."""
    part = e.part("training_data")
    if substance(part) >= 12:
        return True
    return cues.has("size", part.casefold() or e.prose) and data_named(e)


def procedure_described(e: Evidence) -> bool:
    part = e.parts.get("training_procedure")
    if part is None:
        return len(_hyperparameters(e)) >= 2 and cues.has("trained_on", e.prose)
    return substance(part.text) >= 12 or bool(part.codes)


@lru_cache(maxsize=1)
def _hyperparameters(e: Evidence) -> list[str]:
    """Hyperparameters next to a value, in prose, tables or training code."""
    training = e.parts.get("training_procedure")
    code = "\n".join(block.text for block in training.codes).casefold()[:20_000] if training else ""
    return cues.hyperparameters((e.prose, code, _all_cells(e)))


# -------------------------------------------------------------------------------------------- evaluation


def reports_numbers(e: Evidence) -> bool:
    return bool(_indexed(e)) or bool(_result_tables(e)) or cues.reports_result(e.prose)


def names_test_set(e: Evidence) -> bool:
    if any(name.casefold() not in ("none", "unknown", "") for name, _ in _indexed(e)):
        return True
    text = f"{e.part('evaluation')}\n{_cells(_result_tables(e))}".casefold()
    if not text.strip() and reports_numbers(e):
        text = f"{e.titles}\n{e.prose}"
    return cues.has("datasets", text) or (cues.has("test_set", text) and not _is_trainers_formula(e))


def compares(e: Evidence) -> bool:
    if any(sum(_numbers(row) > 0 for row in table.rows[1:]) >= 2 for table in _result_tables(e)):
        return True
    return reports_numbers(e) and cues.has("compares", e.prose)


def explains_protocol(e: Evidence) -> bool:
    part = e.parts.get("evaluation")
    if part and (
        substance(part.text) >= 20 or any(cues.has("eval_code", c.text.casefold()) for c in part.codes)
    ):
        return True
    return cues.has("eval_code", e.code) and reports_numbers(e)


def _is_trainers_formula(e: Evidence) -> bool:
    """The Trainer writes 'the evaluation set' for every model, whatever the set was."""
    return e.is_generated and e.template is not None and e.template.name in ("trainer", "keras")


@lru_cache(maxsize=1)
def _result_tables(e: Evidence) -> list[CardTable]:
    """Tables of measurements: numbers under a metric or a benchmark, but not a training log."""
    in_evaluation = e.parts["evaluation"].tables if "evaluation" in e.parts else []
    return [table for table in e.card.tables if _is_result(table, is_expected=table in in_evaluation)]


def _is_result(table: CardTable, *, is_expected: bool) -> bool:
    header = " | ".join(table.rows[0]).casefold()
    if cues.has("training_log", header) or sum(_numbers(row) for row in table.rows) < 1:
        return False
    labels = f"{header} | {' | '.join(row[0] for row in table.rows[1:40])}".casefold()
    return is_expected or cues.has("metric", labels) or cues.has("datasets", labels)


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
            found += [(name, str(m["value"])) for m in metrics if _has_value(m.get("value"))]
    return found


def _mappings(value: Any) -> Iterator[Metadata]:
    """The mappings in a list, or the single mapping where a list is expected."""
    for entry in (value if isinstance(value, list) else [value])[:200]:
        if isinstance(entry, dict):
            yield entry


# --------------------------------------------------------------------------------- limitations and risks


@lru_cache(maxsize=1)
def _limits(e: Evidence) -> str:
    return e.part("limitations", "bias_and_risks", "out_of_scope")


# ---------------------------------------------------------------------------------------------- metadata


def metadata_valid(e: Evidence) -> bool:
    """Readable, with at least two important keys, the Hub's identifiers, and the license that the text names."""
    keys = ("license", "language", "tags", "pipeline_tag", "library_name", "datasets", "base_model")
    return (
        not (e.card.front_matter.error or e.card.front_matter.duplicate_keys)
        and sum(_has_value(e.card.metadata.get(key)) for key in keys) >= 2
        and cues.LICENSES.issuperset(_values(e, "license"))
        and all(cues.LANGUAGE_CODE.fullmatch(c) or c == "multilingual" for c in _values(e, "language"))
        and _license_agrees(e)
    )


def _license_agrees(e: Evidence) -> bool:
    """A license section that names a family of licenses names the one of the metadata."""
    text = e.part("license").casefold()
    named = {family for family, pattern in cues.LICENSE_FAMILIES.items() if pattern.search(text)}
    given = _values(e, "license")
    return not named or not given or any(family in value for family in named for value in given)


def _has_value(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() not in ("", "none", "null", "unknown", "todo", "-")
    return bool(value) and (not isinstance(value, list) or any(map(_has_value, value)))


def _has_any(e: Evidence, *keys: str) -> bool:
    return any(_has_value(e.card.metadata.get(key)) for key in keys)


def _values(e: Evidence, *keys: str) -> list[str]:
    """The strings under the keys, whether one or a list, casefolded."""
    values = [e.card.metadata.get(key) for key in keys]
    entries = [entry for value in values for entry in (value if isinstance(value, list) else [value])]
    return [entry.strip().casefold() for entry in entries if isinstance(entry, str) and entry.strip()]


# --------------------------------------------------------------------------------------------- structure


def is_formatted(e: Evidence) -> bool:
    has_list = sum(section.list_items for section in e.card.sections) >= 2
    return sum(map(bool, (has_list, e.card.tables, e.card.codes, e.card.images))) >= 2 and e.words >= 20


# ------------------------------------------------------------------------------------------- originality


def has_specifics(e: Evidence) -> bool:
    """At least five facts: distinct numbers in own words, links, rows of results."""
    if e.is_generated or e.own_words < 15:
        return False
    numbers = {word for word in e.own.split() if not word.isalpha() and any(map(str.isdigit, word))}
    return len(numbers) + len(set(e.card.links)) + sum(len(table.rows) for table in _result_tables(e)) >= 5


# ----------------------------------------------------------------------------------------------- the table

CHECKS: dict[str, Predicate] = {
    # purpose
    "states_what_it_is": lambda e: e.intro_words >= _INTRO_WORDS,
    "describes_in_depth": lambda e: e.intro_words >= _DEPTH_WORDS,
    "names_origin": lambda e: (
        _has_any(e, "base_model") or cues.has("architecture", e.prose) or cues.has("architecture", e.titles)
    ),
    "intended_use": lambda e: substance(e.part("intended_use")) >= 6 or cues.has("intended", e.prose),
    "out_of_scope": lambda e: substance(e.part("out_of_scope")) >= 4 or cues.has("out_of_scope", e.prose),
    # quick start
    "has_snippet": snippets.has_snippet,
    "snippet_is_complete": snippets.snippet_is_complete,
    "shows_example": shows_example,
    "says_requirements": lambda e: (
        "installation" in e.parts
        or cues.has("installs", e.code)
        or cues.has("installs", e.prose)
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
    "limitations_stated": lambda e: substance(e.part("limitations")) >= 6 or cues.has("limits", e.prose),
    "bias_stated": lambda e: substance(e.part("bias_and_risks")) >= 6 or cues.has("risks", e.prose),
    "limits_specific": lambda e: (
        substance(_limits(e)) >= _SPECIFIC_WORDS and not (e.template and e.template.kind == "bot")
    ),
    "mitigation_given": lambda e: cues.has("mitigation", _limits(e).casefold()),
    # metadata
    "license_given": lambda e: any(license_ != "unknown" for license_ in _values(e, "license")),
    "language_given": lambda e: (
        any(value != "unk" for value in _values(e, "language", "languages"))
        or any(task in cues.WORDLESS_TASKS for task in _values(e, "pipeline_tag", "tags"))
    ),
    "task_given": lambda e: (
        _has_any(e, "pipeline_tag", "library_name")
        or any(tag in cues.TASKS or tag in cues.LIBRARIES for tag in _values(e, "tags"))
    ),
    "lineage_given": lambda e: _has_any(e, "base_model", "datasets"),
    "metadata_valid": metadata_valid,
    # structure
    "has_sections": lambda e: e.filled_headings >= 3,
    "covers_sections": lambda e: len(e.parts) >= 5,
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
    ),
    # originality
    "no_placeholders": lambda e: e.placeholders == 0 and e.words >= 20 and not snippets.has_blanks(e),
    "own_words": lambda e: e.own_words >= _OWN_WORDS and not e.is_generated,
    "has_specifics": has_specifics,
    "is_detailed": lambda e: e.own_words >= _DETAILED_WORDS and not e.is_generated,
}
