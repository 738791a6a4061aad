"""The Hub's own words: libraries, tasks, languages, licenses, apps, each from a dated file beside this one.

`make vocabulary` writes the JSON from the Hub's packages; `additions.toml` holds by hand what those do not list.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
FILES = ("apps", "languages", "libraries", "licenses", "pipeline_tags")
_WORDLESS_MODALITIES = ("audio", "cv", "other", "rl", "tabular")

FileQuery = Mapping[str, str]  # field to value, all of them: path, path_filename, path_extension, path_prefix


@dataclass(frozen=True, slots=True)
class HubLibrary:
    """A library that the Hub knows. `counts`: the files whose request is a download; `modules`: what is imported."""

    name: str
    repo_url: str
    docs_url: str | None
    tasks: tuple[str, ...]
    counts: tuple[FileQuery, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubTask:
    """A `pipeline_tag`. `subtasks`: id to name."""

    name: str
    modality: str
    subtasks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LocalApp:
    """A program on a reader's machine that runs models. `commands`: the words its commands begin with."""

    name: str
    docs_url: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file's words are from, and the day they were read."""

    source: str
    date: date


@cache
def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


@cache
def _additions() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((_FOLDER / "additions.toml").read_text(encoding="utf-8"))


def origin(name: str) -> Origin:
    """Source and date of one of `FILES`."""
    content = _read(name)
    return Origin(content["source"], date.fromisoformat(content["date"]))


# -------------------------------------------------------------------------------------------- what the Hub knows


@cache
def libraries() -> Mapping[str, HubLibrary]:
    """The libraries by their key, which is what `library_name` says."""
    return {key: _library(entry) for key, entry in _read("libraries")["libraries"].items()}


def _library(entry: Mapping[str, Any]) -> HubLibrary:
    counts = entry["counts"] or [{"path": path} for path in _additions()["downloads"]["default"]]
    return HubLibrary(
        name=entry["name"],
        repo_url=entry["repo_url"],
        docs_url=entry["docs_url"],
        tasks=tuple(entry["tasks"]),
        counts=tuple(counts),
        modules=tuple(entry["modules"]),
    )


@cache
def pipeline_tags() -> Mapping[str, HubTask]:
    """The Hub's tasks by their `pipeline_tag`, in its order."""
    tags = _read("pipeline_tags")["pipeline_tags"]
    return {key: HubTask(entry["name"], entry["modality"], entry["subtasks"]) for key, entry in tags.items()}


@cache
def apps() -> Mapping[str, LocalApp]:
    """The local apps that the Hub offers on a model's page."""
    return {
        key: LocalApp(entry["name"], entry["docs_url"], tuple(entry["commands"]))
        for key, entry in _read("apps")["apps"].items()
    }


@cache
def languages() -> frozenset[str]:
    """Codes of ISO 639-1, 639-2 and 639-3, in small letters, and the special values that the Hub takes beside them."""
    codes = _read("languages")
    special = _additions()["languages"]["special"]
    return frozenset({*codes["iso_639_1"], *codes["iso_639_2"], *codes["iso_639_3"], *special})


@cache
def licenses() -> frozenset[str]:
    """Identifiers of licenses, spelled as the Hub demands."""
    return frozenset(_read("licenses")["licenses"])


@cache
def relations() -> frozenset[str]:
    """The values of `base_model_relation`."""
    return frozenset(_additions()["relations"]["names"])


# ---------------------------------------------------------------------------------------------- what cards name


@cache
def formats() -> frozenset[str]:
    """File formats: no libraries on the Hub, though cards name them as one."""
    return frozenset(_additions()["libraries"]["formats"])


@cache
def tag_libraries() -> frozenset[str]:
    """Libraries, formats, frameworks and engines, casefolded: tags that say how to load a model."""
    added = _additions()["libraries"]
    return frozenset(
        name.casefold()
        for name in (*libraries(), *formats(), *added["frameworks"], *added["engines"], *added["retired"])
    )


@cache
def library_names() -> frozenset[str]:
    """What `library_name` may say, casefolded: the local apps too."""
    return tag_libraries() | {name.casefold() for name in apps()}


@cache
def task_names() -> frozenset[str]:
    """What `pipeline_tag` may say, those included that the Hub has retired."""
    return frozenset({*pipeline_tags(), *_additions()["tasks"]["retired"]})


@cache
def tag_tasks() -> frozenset[str]:
    """Tags that name a task: `pipeline_tag`s, subtasks, and other usual words for one."""
    subtasks = {subtask for tag in pipeline_tags().values() for subtask in tag.subtasks}
    return frozenset({*task_names(), *subtasks, *_additions()["tasks"]["words"]} - {"other"})


@cache
def wordless_tasks() -> frozenset[str]:
    """Tasks for which language plays no part."""
    added = _additions()["tasks"]
    of_the_hub = {
        key
        for key, tag in pipeline_tags().items()
        if tag.modality in _WORDLESS_MODALITIES and not any(word in key for word in added["worded"])
    }
    return frozenset({*of_the_hub, *added["wordless"]} - {"other"})


# ---------------------------------------------------------------------------------------------- what counts


def counts_as_download(path: str, library: str) -> bool:
    """Whether the Hub counts a request of that file as a download of a model of that library."""
    return any(_fits(query, path) for query in libraries()[library].counts)


def _fits(query: FileQuery, path: str) -> bool:
    prefix, _, file = path.rpartition("/")
    name, _, extension = file.rpartition(".")
    fields = {
        "path": path,
        "path_prefix": f"{prefix}/" if prefix else "",
        "path_filename": name or file,
        "path_extension": extension,
    }
    return all(
        bool(fields[value]) if field == "_exists_" else fields[field] == value
        for field, value in query.items()
    )
