"""What the front matter gives, and whether its values are the Hub's: the checks of the criterion metadata.

`refused_keys` follows the Hub's validator, of which no source is public. It answers with messages such as
`"language[0]" with value "dutch" is not valid`, `"license" must be one of [...]`, `"datasets[0]" with value "legal
dataset" is not valid` and `"tags" must be an array`; what it demands beyond them is in the Hub's docs on model cards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tasks.cards import vocabulary
from tasks.cards.evidence import Evidence
from tasks.cards.front_matter import Metadata
from tasks.judges import cues

_IMPORTANT = ("license", "language", "tags", "pipeline_tag", "library_name", "datasets", "base_model")
_IMPORTANT_MIN = 2
_VALUES_MAX = 5_000  # of one key; beyond, front matter is noise
_NOTHING = frozenset(
    ("", "none", "null", "unknown", "todo", "tbd", "n/a", "nan", "-", "?", "???", "undefined")
)

# ----------------------------------------------------------------------------------------------- reading values


def has_value(value: Any) -> bool:
    """Whether there is anything under a key but words for nothing."""
    if isinstance(value, str):
        return value.strip().casefold() not in _NOTHING
    if isinstance(value, list):
        return any(map(has_value, value))
    return bool(value)


def has_any(e: Evidence, *keys: str) -> bool:
    """Whether any of the keys has a value."""
    return any(has_value(e.card.metadata.get(key)) for key in keys)


def _values(metadata: Metadata, *keys: str) -> list[str]:
    """The strings under the keys, whether one or a list, casefolded."""
    entries = [entry for key in keys for entry in _listed(metadata.get(key))]
    return [entry.strip().casefold() for entry in entries if isinstance(entry, str) and entry.strip()]


def _listed(value: Any) -> list[Any]:
    return value[:_VALUES_MAX] if isinstance(value, list) else [value]


# -------------------------------------------------------------------------------------- values the Hub refuses

# As huggingface_hub names repositories: `name` or `namespace/name`.
_REPO_ID = re.compile(r"(?:[\w-][\w.-]{0,95}/)?[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?", re.ASCII)
_VARIANT = re.compile(r"([a-z]{2,3})(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?(?:-[a-z0-9]{4,8}){0,3}")
_FILE_OR_ADDRESS = re.compile(r"(?:https?://)?[^\s<>\[\]{}]{1,400}")


def _is_repo_id(value: Any) -> bool:
    return (
        isinstance(value, str)
        and has_value(value)
        and bool(_REPO_ID.fullmatch(value.strip()))
        and "--" not in value
        and ".." not in value
    )


def _is_new_version(value: Any) -> bool:
    return _is_repo_id(value) and "/" in value


def _all(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """One value, or a list of at least one, each of which is accepted."""
    return lambda value: all(map(accepts, _listed(value))) and value != []


def _one_of(words: Callable[[], frozenset[str]]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value.strip() in words()


def _are_languages(value: Any) -> bool:
    """Codes; `pt-BR` belongs in `language_bcp47`, and is overlooked only among at least two codes and no fewer.

    The Hub refuses it there as well. But such a list still files the model under languages that the Hub knows.
    """
    entries = [entry.strip() if isinstance(entry, str) else entry for entry in _listed(value)]
    others = [entry for entry in entries if not _is_code(entry)]
    codes = len(entries) - len(others)
    return bool(codes) and (not others or (codes >= max(2, len(others)) and all(map(is_variant, others))))


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and value in vocabulary.languages()


def is_variant(value: Any) -> bool:
    """A language with a script or region, written as BCP 47 does: `zh-Hans`, `pt-BR`, `es-419`."""
    found = _VARIANT.fullmatch(value.strip()) if isinstance(value, str) else None
    return found is not None and found[1] in vocabulary.languages()


def _is_library(value: Any) -> bool:
    return isinstance(value, str) and value.strip().casefold() in vocabulary.library_names()


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value[:_VALUES_MAX])


def _is_license_name(value: Any) -> bool:
    return isinstance(value, str) and has_value(value) and len(value) <= 200


def _is_license_link(value: Any) -> bool:
    return isinstance(value, str) and has_value(value) and bool(_FILE_OR_ADDRESS.fullmatch(value.strip()))


def _is_model_index(value: Any) -> bool:
    """A list of models, each with a name and its results: spaCy's name no data set, the Trainer's list may be empty."""
    return isinstance(value, list) and all(
        isinstance(model, dict)
        and has_value(model.get("name"))
        and isinstance(model.get("results"), list)
        and all(map(_is_result, model["results"][:_VALUES_MAX]))
        for model in value[:_VALUES_MAX]
    )


def _is_result(result: Any) -> bool:
    if not isinstance(result, dict) or not isinstance(result.get("task"), dict):
        return False
    metrics = result.get("metrics", [])
    return isinstance(metrics, list) and all(isinstance(metric, dict) for metric in metrics[:_VALUES_MAX])


_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "license": _all(_one_of(vocabulary.licenses)),
    "license_name": _is_license_name,
    "license_link": _is_license_link,
    "language": _are_languages,
    "language_bcp47": _all(is_variant),
    "tags": _are_tags,
    "pipeline_tag": _one_of(vocabulary.task_names),
    "library_name": _is_library,
    "datasets": _all(_is_repo_id),
    "base_model": _all(_is_repo_id),
    "base_model_relation": _one_of(vocabulary.relations),
    "new_version": _is_new_version,
    "model-index": _is_model_index,
}


def refused_keys(metadata: Metadata) -> Iterator[str]:
    """Keys whose value the Hub does not know or take; `license` too where `other` comes without name and link."""
    for key, accepts in _ACCEPTS.items():
        if key in metadata and not accepts(metadata[key]):
            yield key
    if "other" in _listed(metadata.get("license")) and not (
        has_value(metadata.get("license_name")) or has_value(metadata.get("license_link"))
    ):
        yield "license"


# --------------------------------------------------------------------------------------------------- the checks


def license_given(e: Evidence) -> bool:
    return any(license_ not in _NOTHING for license_ in _values(e.card.metadata, "license"))


def language_given(e: Evidence) -> bool:
    metadata = e.card.metadata
    return any(
        value not in ("unk", *_NOTHING) for value in _values(metadata, "language", "languages")
    ) or any(
        _as_tag(task) in vocabulary.wordless_tasks() for task in _values(metadata, "pipeline_tag", "tags")
    )


def task_given(e: Evidence) -> bool:
    return has_any(e, "pipeline_tag", "library_name") or any(
        tag in vocabulary.tag_libraries() or _as_tag(tag) in vocabulary.tag_tasks()
        for tag in _values(e.card.metadata, "tags")
    )


def _as_tag(words: str) -> str:
    """`Text Classification` is the tag `text-classification`."""
    return words.replace(" ", "-").replace("_", "-")


def lineage_given(e: Evidence) -> bool:
    return has_any(e, "base_model", "datasets")


def metadata_valid(e: Evidence) -> bool:
    """Readable, with at least two important keys, nothing that the Hub refuses, and the license that the text names."""
    front, metadata = e.card.front_matter, e.card.metadata
    return (
        not (front.error or front.duplicate_keys)
        and sum(has_value(metadata.get(key)) for key in _IMPORTANT) >= _IMPORTANT_MIN
        and not any(refused_keys(metadata))
        and _license_agrees(e)
    )


def _license_agrees(e: Evidence) -> bool:
    """A license section that names a family of licenses names the one of the metadata."""
    text = e.part("license").casefold()
    named = {family for family, pattern in cues.LICENSE_FAMILIES.items() if pattern.search(text)}
    given = _values(e.card.metadata, "license")
    return not named or not given or any(family in value for family in named for value in given)
