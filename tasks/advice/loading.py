"""How a model is loaded, where its files leave no doubt: library, base model, task, and the code that loads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.advice.rule import Reading
from tasks.advice.values import repository
from tasks.advice.wording import wording
from tasks.cards import vocabulary
from tasks.judges.metadata import has_value

FRONT_MATTER, FILE_LIST = "front matter", "file list"
_CHATS = frozenset(("text-generation", "conversational", "llama.cpp", "llama-cpp"))
_GGUF = re.compile(r"[A-Za-z0-9][\w.-]{0,150}\.gguf", re.ASCII)
_PART = re.compile(r"mmproj|imatrix|-0000[2-9]-of-|-000[1-9]\d-of-", re.IGNORECASE)
_OTHER_SENSES = ("vision", "audio", "image", "img", "speech", "video", "mm_")


@dataclass(frozen=True, slots=True)
class TracedKey:
    """A key of the front matter, its value, and the file that says so."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines of Markdown that install what is needed and load the model, and what they are known from."""

    source: str
    lines: tuple[str, ...]


# ---------------------------------------------------------------------------------------- what the files tell


def keys_of(reading: Reading) -> list[TracedKey]:
    """Keys that the front matter lacks and a file gives. Never a license, never data."""
    found = {"base_model": base_of(reading), "library_name": _filed(reading), "pipeline_tag": _task(reading)}
    return [
        TracedKey(key, *value)
        for key, value in found.items()
        if value is not None and key not in reading.metadata
    ]


def base_of(reading: Reading) -> tuple[str, str] | None:
    """The base model that adapter_config.json names by its id on the Hub, and that file."""
    document = reading.subject.document("adapter_config.json")
    name = repository(document.get("base_model_name_or_path"))
    return (name, "adapter_config.json") if name else None


def library_of(reading: Reading) -> tuple[str, str] | None:
    """The library that loads the model, as the front matter or else the files give it, and what gives it."""
    given = reading.metadata.get("library_name")
    if isinstance(given, str) and given.strip() in vocabulary.libraries():
        return given.strip(), FRONT_MATTER
    return None if has_value(given) else _filed(reading)


def _filed(reading: Reading) -> tuple[str, str] | None:
    """The library by its own files; none where the tags name another, such as that of a conversion."""
    found = _by_files(reading)
    tags = {tag.casefold() for tag in reading.values("tags")}
    others = {name.casefold() for name in vocabulary.libraries()} - {
        found[0] if found else "",
        "transformers",
    }
    return found if found and not tags & others else None


def _by_files(reading: Reading) -> tuple[str, str] | None:
    subject = reading.subject
    files = {*(subject.files or ()), *subject.documents}
    config = subject.document("config.json")
    if "adapter_config.json" in files:
        is_peft = "peft_type" in subject.document("adapter_config.json") or not subject.documents
        return ("peft", "adapter_config.json") if is_peft else None
    if {"modules.json", "config_sentence_transformers.json"} <= files:
        return "sentence-transformers", FILE_LIST
    if "_diffusers_version" in subject.document("model_index.json"):
        return "diffusers", "model_index.json"
    is_whole = isinstance(config.get("model_type"), str) and isinstance(config.get("architectures"), list)
    return ("transformers", "config.json") if is_whole and "transformers_version" in config else None


def _task(reading: Reading) -> tuple[str, str] | None:
    """The task of the one architecture of config.json, where all models of that name have it."""
    config = reading.subject.document("config.json")
    names = config.get("architectures")
    if (
        (library_of(reading) or ("", ""))[0] != "transformers"
        or not isinstance(names, list)
        or len(names) != 1
    ):
        return None
    name = names[0] if isinstance(names[0], str) else ""
    end = next((end for end in wording()["architecture_ends"] if name.endswith(end) and name != end), None)
    task = wording()["architectures"].get(name) or (wording()["architecture_ends"][end] if end else None)
    is_plain = not any(sense in str(key) for key in config for sense in _OTHER_SENSES)
    labels = config.get("id2label")
    if task == "text-generation" and not is_plain:
        return None
    if task == "text-classification" and not (isinstance(labels, dict) and len(labels) > 1):
        return None  # one label: a regression, a reward or a ranking
    return (task, "config.json") if task else None


# ------------------------------------------------------------------------------------------------- snippets


def snippet(reading: Reading) -> Snippet | None:
    """What loads the model, where library and name are known; no example input, which only the author has."""
    name = repository(reading.subject.model_id)
    if name is None:
        return None
    if command := _gguf_command(reading, name):
        return Snippet(FILE_LIST, ("```bash", command, "```"))
    library, source = library_of(reading) or ("", "")
    code = {
        "transformers": _transformers,
        "sentence-transformers": _sentence_transformers,
        "peft": _peft,
        "diffusers": _diffusers,
    }.get(library)
    lines = code(reading, name) if code else None
    if lines is None:
        return None
    return Snippet(source, ("```bash", f"pip install {library}", "```", "", "```python", *lines, "```"))


def _gguf_command(reading: Reading, name: str) -> str | None:
    """For llama.cpp, of the first file, where the front matter says that the model writes text."""
    tags = {*reading.values("tags"), *reading.values("pipeline_tag")}
    files = [file for file in reading.subject.files or () if PurePosixPath(file).suffix == ".gguf"]
    usable = [file for file in files if _GGUF.fullmatch(file) and not _PART.search(file)]
    if not usable or not tags & _CHATS:
        return None
    return f"llama-cli --hf-repo {name} --hf-file {usable[0]}"


def _transformers(reading: Reading, name: str) -> tuple[str, ...] | None:
    task = next(iter(reading.values("pipeline_tag")), None) or (_task(reading) or (None,))[0]
    if task not in vocabulary.libraries()["transformers"].tasks:
        return None
    config = reading.subject.document("config.json")
    remote = ", trust_remote_code=True" if "auto_map" in config else ""
    return ("from transformers import pipeline", "", f'model = pipeline("{task}", model="{name}"{remote})')


def _sentence_transformers(reading: Reading, name: str) -> tuple[str, ...] | None:
    kinds = {*reading.values("tags"), *reading.values("pipeline_tag")}
    if "sparse-encoder" in kinds:
        return None
    made = "CrossEncoder" if kinds & {"cross-encoder", "text-ranking"} else "SentenceTransformer"
    return (f"from sentence_transformers import {made}", "", f'model = {made}("{name}")')


def _peft(reading: Reading, name: str) -> tuple[str, ...] | None:
    kind = reading.subject.document("adapter_config.json").get("task_type")
    made = wording()["adapter_classes"].get(kind) if isinstance(kind, str) else None
    if made is None:
        return None
    return (f"from peft import {made}", "", f'model = {made}.from_pretrained("{name}")')


def _diffusers(reading: Reading, name: str) -> tuple[str, ...]:
    return (
        "from diffusers import DiffusionPipeline",
        "",
        f'pipe = DiffusionPipeline.from_pretrained("{name}")',
    )
