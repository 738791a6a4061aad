"""One small predicate for each check of the rubric: does this evidence pass it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tasks.cards.evidence import Evidence, substance, word_count
from tasks.cards.front_matter import Metadata
from tasks.cards.parse import CardTable, Section
from tasks.judges import cues

Predicate = Callable[[Evidence], bool]
CHECKS: dict[str, Predicate] = {}

_INTRO_WORDS = 8
_DEPTH_WORDS = 40
_WALL_WORDS = 280
_SPECIFIC_WORDS = 30
_OWN_WORDS = 50
_DETAILED_WORDS = 150


def check(predicate: Predicate) -> Predicate:
    """Register under the function's name, which is the id in rubric.toml."""
    CHECKS[predicate.__name__] = predicate
    return predicate


# ----------------------------------------------------------------------------------------------- purpose


@check
def states_what_it_is(e: Evidence) -> bool:
    return e.intro_words >= _INTRO_WORDS


@check
def describes_in_depth(e: Evidence) -> bool:
    return e.intro_words >= _DEPTH_WORDS


@check
def names_origin(e: Evidence) -> bool:
    return (
        _has_value(e.card.metadata.get("base_model"))
        or cues.ARCHITECTURE(e.prose)
        or cues.ARCHITECTURE(e.titles)
    )


@check
def intended_use(e: Evidence) -> bool:
    return substance(e.part("intended_use")) >= 6 or cues.INTENDED(e.prose)


@check
def out_of_scope(e: Evidence) -> bool:
    return substance(e.part("out_of_scope")) >= 4 or cues.OUT_OF_SCOPE(e.prose)


# ------------------------------------------------------------------------------------------- quick start


@check
def has_snippet(e: Evidence) -> bool:
    return bool(_running_code(e)) or cues.DEMO_LINK(_links(e))


@check
def snippet_is_complete(e: Evidence) -> bool:
    code = "\n".join(_running_code(e))
    return cues.IMPORTS(e.code) and cues.NAMES_MODEL(code) and not cues.BLANKS(code)


@check
def shows_example(e: Evidence) -> bool:
    """An output next to the code: in a comment, in a block of its own, or under a heading for outputs."""
    if not _running_code(e):
        return False
    if cues.shows_output(e.code):
        return True
    if cues.OUTPUT_TITLE(e.titles) and any(_is_output(section) for section in e.card.sections):
        return True
    plain = sum(code.language in ("", "text", "json", "console") for code in e.card.codes)
    return plain >= 1 and len(e.card.codes) >= 2 and cues.OUTPUT_WORDS(e.part("how_to_use").casefold())


def _is_output(section: Section) -> bool:
    is_titled = len(section.title) < 60 and cues.OUTPUT_TITLE(section.title.casefold())
    return is_titled and section.level >= 2 and bool(section.codes or section.blocks)


@check
def says_requirements(e: Evidence) -> bool:
    if "installation" in e.parts or cues.INSTALLS(e.code) or cues.INSTALLS(e.prose):
        return True
    return cues.REQUIRES(f"{e.part('how_to_use')}\n{e.intro}".casefold())


@lru_cache(maxsize=1)
def _running_code(e: Evidence) -> list[str]:
    """Code blocks that load or run something, casefolded."""
    if not cues.RUNS(e.code):
        return []
    folded = [code.text.casefold() for code in e.card.codes]
    return [text for text in folded if cues.RUNS(text)]


# ------------------------------------------------------------------------------------- training and data


@check
def data_named(e: Evidence) -> bool:
    return (
        _has_value(e.card.metadata.get("datasets"))
        or substance(e.part("training_data")) >= 3
        or cues.TRAINED_ON(e.prose)
        or cues.TRAINED_ON(e.titles)
    )


@check
def data_described(e: Evidence) -> bool:
    """Enough words under the data's heading, or the data's size where training is mentioned."""
    part = e.part("training_data")
    if substance(part) >= 12:
        return True
    return cues.SIZE(part.casefold() or e.prose) and data_named(e)


@check
def procedure_described(e: Evidence) -> bool:
    part = e.parts.get("training_procedure")
    if part is None:
        return len(_hyperparameters(e)) >= 2 and cues.TRAINED_ON(e.prose)
    return substance(part.text) >= 12 or bool(part.codes)


@check
def hyperparameters_given(e: Evidence) -> bool:
    return len(_hyperparameters(e)) >= 2


@check
def compute_given(e: Evidence) -> bool:
    if cues.COMPUTE(e.prose) or cues.COMPUTE(_all_cells(e)):
        return True
    return cues.VERSIONS(e.part("training_procedure").casefold())


@lru_cache(maxsize=1)
def _hyperparameters(e: Evidence) -> list[str]:
    """Hyperparameters next to a value, in prose, tables or training code."""
    training = e.parts.get("training_procedure")
    code = "\n".join(block.text for block in training.codes).casefold()[:20_000] if training else ""
    return cues.hyperparameters((e.prose, code, _all_cells(e)))


# -------------------------------------------------------------------------------------------- evaluation


@check
def reports_numbers(e: Evidence) -> bool:
    return bool(_indexed(e)) or bool(_result_tables(e)) or cues.reports_result(e.prose)


@check
def names_test_set(e: Evidence) -> bool:
    if any(name.casefold() not in ("none", "unknown", "") for name, _ in _indexed(e)):
        return True
    text = f"{e.part('evaluation')}\n{_cells(_result_tables(e))}".casefold()
    if not text.strip() and reports_numbers(e):
        text = f"{e.titles}\n{e.prose}"
    return cues.DATASETS(text) or (cues.TEST_SET(text) and not _is_trainers_formula(e))


@check
def structured_results(e: Evidence) -> bool:
    return bool(_indexed(e)) or bool(_result_tables(e))


@check
def compares(e: Evidence) -> bool:
    if any(sum(_numbers(row) > 0 for row in table.rows[1:]) >= 2 for table in _result_tables(e)):
        return True
    return reports_numbers(e) and cues.COMPARES(e.prose)


@check
def explains_protocol(e: Evidence) -> bool:
    part = e.parts.get("evaluation")
    if part and (substance(part.text) >= 20 or any(cues.EVAL_CODE(c.text.casefold()) for c in part.codes)):
        return True
    return cues.EVAL_CODE(e.code) and reports_numbers(e)


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
    if cues.TRAINING_LOG(header) or sum(_numbers(row) for row in table.rows) < 1:
        return False
    labels = f"{header} | {' | '.join(row[0] for row in table.rows[1:40])}".casefold()
    return is_expected or cues.METRIC(labels) or cues.DATASETS(labels)


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


@check
def limitations_stated(e: Evidence) -> bool:
    return substance(e.part("limitations")) >= 6 or cues.LIMITS(e.prose)


@check
def bias_stated(e: Evidence) -> bool:
    part = e.part("bias_and_risks")
    return substance(part) >= 6 or cues.RISKS(e.prose)


@check
def limits_specific(e: Evidence) -> bool:
    return substance(_limits(e)) >= _SPECIFIC_WORDS and not (e.template and e.template.kind == "bot")


@check
def mitigation_given(e: Evidence) -> bool:
    return cues.MITIGATION(_limits(e).casefold())


@lru_cache(maxsize=1)
def _limits(e: Evidence) -> str:
    return e.part("limitations", "bias_and_risks", "out_of_scope")


# ---------------------------------------------------------------------------------------------- metadata


@check
def license_given(e: Evidence) -> bool:
    return any(license_ != "unknown" for license_ in _values(e, "license"))


@check
def language_given(e: Evidence) -> bool:
    if any(value != "unk" for key in ("language", "languages") for value in _values(e, key)):
        return True
    return any(task in cues.WORDLESS_TASKS for task in _tasks(e))


@check
def task_given(e: Evidence) -> bool:
    if any(_has_value(e.card.metadata.get(key)) for key in ("pipeline_tag", "library_name")):
        return True
    return any(tag in cues.TASKS or tag in cues.LIBRARIES for tag in _values(e, "tags"))


@check
def lineage_given(e: Evidence) -> bool:
    return any(_has_value(e.card.metadata.get(key)) for key in ("base_model", "datasets"))


@check
def metadata_valid(e: Evidence) -> bool:
    """Readable, with at least two important keys, the Hub's identifiers, and the license that the text names."""
    front_matter = e.card.front_matter
    if front_matter.error or front_matter.duplicate_keys:
        return False
    keys = ("license", "language", "tags", "pipeline_tag", "library_name", "datasets", "base_model")
    if sum(_has_value(e.card.metadata.get(key)) for key in keys) < 2:
        return False
    if not all(license_ in cues.LICENSES for license_ in _values(e, "license")):
        return False
    if not all(
        cues.LANGUAGE_CODE.fullmatch(code) or code == "multilingual" for code in _values(e, "language")
    ):
        return False
    return _license_agrees(e)


def _license_agrees(e: Evidence) -> bool:
    """A license section that names a family of licenses names the one of the metadata."""
    text = e.part("license").casefold()
    named = {family for family, pattern in cues.LICENSE_FAMILIES.items() if pattern.search(text)}
    given = _values(e, "license")
    return (
        not named or not given or any(pattern_family in value for pattern_family in named for value in given)
    )


def _has_value(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and value.strip().casefold() not in (
            "none",
            "null",
            "unknown",
            "todo",
            "-",
        )
    return bool(value) and (not isinstance(value, list) or any(map(_has_value, value)))


def _values(e: Evidence, key: str) -> list[str]:
    """The strings under a key, whether one or a list, casefolded."""
    value = e.card.metadata.get(key)
    entries = value if isinstance(value, list) else [value]
    return [entry.strip().casefold() for entry in entries if isinstance(entry, str) and entry.strip()]


def _tasks(e: Evidence) -> list[str]:
    return [*_values(e, "pipeline_tag"), *_values(e, "tags")]


# --------------------------------------------------------------------------------------------- structure


@check
def has_sections(e: Evidence) -> bool:
    return e.filled_headings >= 3


@check
def covers_sections(e: Evidence) -> bool:
    return len(e.parts) >= 5


@check
def is_readable(e: Evidence) -> bool:
    if e.words < 30 or max(map(word_count, e.card.blocks), default=0) > _WALL_WORDS:
        return False
    markup = e.card.html_characters
    return not (markup > 500 and markup > len(e.card.body) / 2)


@check
def is_formatted(e: Evidence) -> bool:
    has_list = sum(section.list_items for section in e.card.sections) >= 2
    return sum(map(bool, (has_list, e.card.tables, e.card.codes, e.card.images))) >= 2 and e.words >= 20


@check
def references_given(e: Evidence) -> bool:
    if "citation" in e.parts or "contact" in e.parts or cues.has_bibtex(e.code):
        return True
    return cues.REFERENCE_LINK(_links(e))


# ------------------------------------------------------------------------------------------- originality


@check
def no_placeholders(e: Evidence) -> bool:
    return e.placeholders == 0 and e.words >= 20 and not cues.BLANKS(e.code)


@check
def own_words(e: Evidence) -> bool:
    return e.own_words >= _OWN_WORDS and not e.is_generated


@check
def has_specifics(e: Evidence) -> bool:
    """At least five facts: distinct numbers in own words, links, rows of results."""
    if e.is_generated or e.own_words < 15:
        return False
    numbers = {word for word in e.own.split() if not word.isalpha() and any(map(str.isdigit, word))}
    return len(numbers) + len(set(e.card.links)) + sum(len(table.rows) for table in _result_tables(e)) >= 5


@check
def is_detailed(e: Evidence) -> bool:
    return e.own_words >= _DETAILED_WORDS and not e.is_generated
