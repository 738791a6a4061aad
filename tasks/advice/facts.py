"""What the files beside a card tell of its model, by section, each fact with the file that it is from.

Nothing here is inferred from a name or made up: a fact is a value that stands in a file, in the front matter, in the
list of files, or in the front matter of the base model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tasks.advice import loading
from tasks.advice.loading import FILE_LIST, FRONT_MATTER
from tasks.advice.rule import Reading
from tasks.advice.values import (
    ITEMS_MAX,
    ROWS_MAX,
    chosen,
    plain,
    plain_number,
    plain_text,
    repository,
    table,
)
from tasks.advice.wording import wording

_WEIGHTS = frozenset(
    (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".ckpt", ".tflite")
)
_NO_WEIGHTS = frozenset(("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt"))
_NO_QUALITY = ("_runtime", "_per_second", "_mem_", "train_", "total_flos", "epoch", "step")
_RESULTS = ("eval_results.json", "all_results.json")
_LICENSE_FILES = frozenset(("license", "license.txt", "license.md", "licence", "notice", "use_policy.md"))


@dataclass(frozen=True, slots=True)
class Traced:
    """Lines of Markdown, and the file that all of them are from."""

    source: str
    lines: tuple[str, ...]


def facts_for(section: str, reading: Reading) -> list[Traced]:
    """What is known for a section of the taxonomy; empty where nothing is."""
    look = _FACTS.get(section)
    return [fact for fact in look(reading) if fact.lines] if look else []


def hints_for(section: str, reading: Reading) -> list[str]:
    """Sentences behind a question: what another card, or the name of a file, says that may help to answer it."""
    hints = _HINTS.get(section)
    return list(hints(reading)) if hints else []


def base_models(reading: Reading) -> list[tuple[str, str]]:
    """(id, source) of the models that this one was made from."""
    found = [(name, FRONT_MATTER) for name in reading.values("base_model") if repository(name)]
    if not found and (base := loading.base_of(reading)):
        found = [base]
    return found[:ITEMS_MAX]


def _items(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"- {label}: {value}" for label, value in pairs)


def _link(name: str, folder: str = "") -> str:
    return f"[{name}](https://huggingface.co/{folder}{name})"


# ---------------------------------------------------------------------------------------------- description


def _description(reading: Reading) -> Iterator[Traced]:
    for name, source in base_models(reading):
        yield Traced(source, _items([("Base model", _link(name))]))
    yield Traced("config.json", _items([*_configured(reading), *_quantised(reading), *_labels(reading)]))
    languages = plain(reading.values("language"))
    yield Traced(FRONT_MATTER, _items([("Language", languages)]) if languages else ())
    yield Traced(FILE_LIST, _items(_weights(reading)))


def _configured(reading: Reading) -> Iterator[tuple[str, str]]:
    config = reading.subject.document("config.json")
    for label, keys in wording()["config"].items():
        if found := chosen(config, keys):
            yield label, found[0][1]


def _quantised(reading: Reading) -> Iterator[tuple[str, str]]:
    settings = reading.subject.document("config.json").get("quantization_config")
    if isinstance(settings, dict) and (method := plain(settings.get("quant_method"))):
        bits = plain_number(settings.get("bits"))
        yield "Quantisation", f"{method}, {bits} bits" if bits else method


def _labels(reading: Reading) -> Iterator[tuple[str, str]]:
    """The names of the classes, unless they are those that nobody gave."""
    labels = reading.subject.document("config.json").get("id2label")
    if not isinstance(labels, dict) or not 1 < len(labels) <= ITEMS_MAX:
        return
    names = [plain_text(name) for name in labels.values()]
    if all(name and not name.startswith("LABEL_") for name in names):
        yield "Classes", ", ".join(f"`{name}`" for name in names)


def _weights(reading: Reading) -> Iterator[tuple[str, str]]:
    names = [
        name
        for name in reading.subject.files or ()
        if PurePosixPath(name).suffix.lower() in _WEIGHTS and PurePosixPath(name).name not in _NO_WEIGHTS
    ]
    shown = [f"`{name}`" for name in map(plain_text, names[:200]) if name][:ITEMS_MAX]
    if shown:
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        yield "Weights", f"{', '.join(shown)}{more}"


# ------------------------------------------------------------------------------------------------------ use


def _how_to_use(reading: Reading) -> Iterator[Traced]:
    if snippet := loading.snippet(reading):
        yield Traced(snippet.source, snippet.lines)
    document = reading.subject.document("generation_config.json")
    if rows := [(f"`{key}`", value) for key, value in chosen(document, wording()["generation"]["keys"])]:
        yield Traced("generation_config.json", table(("Default of generation", "Value"), rows))


# ----------------------------------------------------------------------------------------- data and training


def _training_data(reading: Reading) -> Iterator[Traced]:
    names = reading.values("datasets")[:ITEMS_MAX]
    linked = [_link(name, "datasets/") if repository(name) else plain(name) for name in names]
    yield Traced(FRONT_MATTER, tuple(f"- {name}" for name in linked if name))


def _training_procedure(reading: Reading) -> Iterator[Traced]:
    told: set[str] = set()
    for name, keys in wording()["training"].items():
        document = reading.subject.document(name)
        found = [(key, value) for key, value in chosen(document, keys) if key not in told]
        told.update(key for key, _ in found)
        if found and not (
            name == "config.json" and len(told) == len(found)
        ):  # a version alone is no procedure
            yield Traced(name, table(("Setting", "Value"), [(f"`{key}`", value) for key, value in found]))


# ------------------------------------------------------------------------------------------------ evaluation


def _evaluation(reading: Reading) -> Iterator[Traced]:
    if rows := list(_indexed(reading))[:ROWS_MAX]:
        yield Traced(FRONT_MATTER, table(("Data set", "Split", "Metric", "Value"), rows))
    for name in _RESULTS:
        if rows := _numbers(reading.subject.document(name)):
            yield Traced(name, table(("Metric", "Value"), rows))
            break
    else:
        if rows := _numbers(_last_evaluation(reading)):
            yield Traced("trainer_state.json", table(("Metric", "Value"), rows))
    files = [name for name in reading.subject.files or () if name.startswith(".eval_results/")]
    yield Traced(
        FILE_LIST, _items([("Results", f"`{name}`") for name in files[:ITEMS_MAX] if plain_text(name)])
    )


def _numbers(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Numbers that measure the model, by their key; not how long it took, nor what the training gave."""
    found: list[tuple[str, ...]] = []
    for key, value in document.items():
        name, number = plain_text(key, 60), plain_number(value)
        if name and number and not any(part in name for part in _NO_QUALITY):
            found.append((f"`{name}`", number))
    return found[:ROWS_MAX]


def _last_evaluation(reading: Reading) -> Mapping[str, Any]:
    """The last entry of the Trainer's log that holds an evaluation."""
    log = reading.subject.document("trainer_state.json").get("log_history")
    for entry in reversed(log[-1000:] if isinstance(log, list) else []):
        if isinstance(entry, dict) and any(str(key).startswith("eval_") for key in entry):
            return entry
    return {}


def _indexed(reading: Reading) -> Iterator[tuple[str, ...]]:
    """The results of the model-index; those with a value in them that cannot stand in a table are left out."""
    for model in _mappings(reading.metadata.get("model-index")):
        for result in _mappings(model.get("results")):
            data = next(_mappings(result.get("dataset")), {})
            name = plain_text(data.get("name") or data.get("type"))
            split = plain_text(data.get("split")) or ""
            for metric in _mappings(result.get("metrics")):
                measure = plain_text(metric.get("name") or metric.get("type"))
                value = plain_text(
                    metric.get("value"), 30
                )  # front matter keeps every scalar as it was written
                if name and measure and value:
                    yield name, split, measure, value


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    for entry in (value if isinstance(value, list) else [value])[:ROWS_MAX]:
        if isinstance(entry, dict):
            yield entry


# -------------------------------------------------------------------------------------------- license, paper


def _license(reading: Reading) -> Iterator[Traced]:
    keys = (("License", "license"), ("License name", "license_name"), ("License text", "license_link"))
    found = [(label, value) for label, key in keys if (value := plain(reading.values(key)))]
    yield Traced(FRONT_MATTER, _items(found))


def _citation(reading: Reading) -> Iterator[Traced]:
    papers = [tag.removeprefix("arxiv:") for tag in reading.values("tags") if tag.startswith("arxiv:")]
    known = [
        paper for paper in papers[:ITEMS_MAX] if len(paper) <= 12 and paper.replace(".", "", 1).isdecimal()
    ]
    yield Traced(FRONT_MATTER, _items([("Paper", f"https://arxiv.org/abs/{paper}") for paper in known]))


# ------------------------------------------------------------------------------------------------------ hints


def _of_bases(reading: Reading, key: str) -> Iterator[tuple[str, str]]:
    """(base model, values) of a key in the front matter of the base models, as far as it is known."""
    for name, _ in base_models(reading):
        value = reading.base_cards.get(name, {}).get(key)
        values = [
            text for each in (value if isinstance(value, list) else [value]) if (text := plain_text(each))
        ]
        if values:
            yield name, ", ".join(values[:ITEMS_MAX])


def _license_hints(reading: Reading) -> Iterator[str]:
    yield from (f"The base model {name} is under {value}." for name, value in _of_bases(reading, "license"))
    files = [name for name in reading.subject.files or () if name.casefold() in _LICENSE_FILES]
    yield from (f"The repository has a file {name}." for name in files[:ITEMS_MAX])


def _data_hints(reading: Reading) -> Iterator[str]:
    yield from (f"The base model {name} names {value}." for name, value in _of_bases(reading, "datasets"))


def _description_hints(reading: Reading) -> Iterator[str]:
    start = plain_text(reading.subject.document("config.json").get("_name_or_path"))
    if start and not base_models(reading):
        yield f"config.json says {start} under _name_or_path: if that is the base model, name it as base_model."


def _use_hints(reading: Reading) -> Iterator[str]:
    if loading.snippet(reading) is None and (known := loading.library_of(reading)):
        yield f"The model is one of {known[0]}; what loads it under its name on the Hub belongs here."


_FACTS: dict[str, Callable[[Reading], Iterator[Traced]]] = {
    "description": _description,
    "how_to_use": _how_to_use,
    "training_data": _training_data,
    "training_procedure": _training_procedure,
    "evaluation": _evaluation,
    "license": _license,
    "citation": _citation,
}
_HINTS: dict[str, Callable[[Reading], Iterator[str]]] = {
    "description": _description_hints,
    "how_to_use": _use_hints,
    "training_data": _data_hints,
    "license": _license_hints,
}
