"""Whether the metadata name what the model was made from, as the text, the files and the tags say it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tasks.advice.licenses import at_odds
from tasks.advice.rule import LineEdit, Reading, Rule, RuleHit, plain_value
from tasks.judges.metadata import has_value

# Old models have names of one segment, as many of the Hub's own pages do.
_HUB_LINK = re.compile(
    r"https?://(?:huggingface\.co|hf\.co)/(?P<datasets>datasets/)?(?P<id>\w[\w.-]{0,95}(?:/\w[\w.-]{0,95})?)"
    r"(?=[)\s\"'<>?#\]]|/?$|/(?:tree|blob)/)"
)
_RESERVED = frozenset(
    (
        *(
            "blog",
            "chat",
            "collections",
            "course",
            "datasets",
            "docs",
            "enterprise",
            "hub",
            "join",
            "learn",
            "login",
        ),
        *(
            "models",
            "new",
            "organizations",
            "papers",
            "posts",
            "pricing",
            "settings",
            "spaces",
            "support",
            "tasks",
        ),
        *("transformers", "welcome", "whoami"),
    )
)
_MADE_FROM = re.compile(
    r"(?:fine[- ]?tun\w+|finetun\w+|adapter|lora|quanti[sz]\w+|distill?\w+|conver\w+|merge\w*"
    r"|continued|initiali[sz]ed|built|based|derived)"
    r"\W+(?:\w+\W+){0,8}?(?:of|from|on|for|with)\W",
    re.IGNORECASE,
)
_TRAINED_ON = re.compile(
    r"(?:train|fine[- ]?tun)\w*\W+(?:\w+\W+){0,6}?(?:on|with|using|from)\W|^\W*data ?sets?\W"
    r"|\)\s+on (?:the |an? )?\W{0,4}[\w .-]{0,40}\]\($",
    re.IGNORECASE,
)

# Files of a conversion by the end of their name, and what it is.
_CONVERTED = {".gguf": "GGUF files", ".exl2": "EXL2 files"}
_CONVERSION_TAGS = frozenset(("gguf", "awq", "gptq", "exl2", "exl3", "mlx", "quantized", "4-bit", "8-bit"))
_QUANTISED_TAGS = frozenset(("gguf", "awq", "gptq", "exl2", "exl3", "quantized", "4-bit", "8-bit", "nvfp4"))


def _linked(reading: Reading, *, datasets: bool, context: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(line, id) of repositories that the prose links in a sentence that says what they are to the model, each once."""
    seen: set[str] = set()
    for n, line in reading.prose_lines:
        if len(line) > 20_000 or ("hf.co/" not in line and "huggingface.co/" not in line):
            continue
        for found in _HUB_LINK.finditer(line):
            name = found["id"].removesuffix(".git").rstrip(".")
            before = line[max(0, found.start() - 160) : found.start()]
            if (
                bool(found["datasets"]) != datasets
                or name.split("/")[0] in _RESERVED
                or name.casefold() in seen
            ):
                continue
            if context.search(before):
                seen.add(name.casefold())
                yield n, name


def _is_self(reading: Reading, name: str) -> bool:
    return reading.subject.model_id is not None and name.casefold() == reading.subject.model_id.casefold()


def _base_unnamed(reading: Reading) -> Iterator[RuleHit]:
    if has_value(reading.metadata.get("base_model")) or not reading.evidence.card.front_matter.is_closed:
        return
    for line, name in _linked(reading, datasets=False, context=_MADE_FROM):
        if not _is_self(reading, name):
            message = f"the text names `{name}` as what the model was made from, the metadata do not"
            yield line, message, f"Add `base_model: {name}`, if that is so."
            return


def _data_unnamed(reading: Reading) -> Iterator[RuleHit]:
    if not reading.evidence.card.front_matter.is_closed:
        return
    named = {value.casefold() for value in reading.values("datasets")}
    for line, name in _linked(reading, datasets=True, context=_TRAINED_ON):
        if name.casefold() not in named and name.split("/")[-1].casefold() not in named:
            yield (
                line,
                f"the text names the data set `{name}`, the metadata do not",
                f"Add `{name}` under `datasets:`.",
            )


def _added(reading: Reading, lines: tuple[str, ...]) -> tuple[LineEdit, ...]:
    """Lines at the end of the front matter."""
    front = reading.places.front
    return (LineEdit(front[1], front[1] - 1, lines),) if front else ()


def _tags(reading: Reading) -> set[str]:
    return {tag.casefold() for tag in reading.values("tags")}


def _is_adapter(reading: Reading) -> bool:
    files = reading.subject.files or ()
    return (
        "adapter_config.json" in files
        or "adapter_model.safetensors" in files
        or reading.metadata.get("library_name") == "peft"
    )


def _converted(reading: Reading) -> str | None:
    """What shows that the repository holds a conversion of another model; null where nothing does."""
    files = [PurePosixPath(name) for name in reading.subject.files or ()]
    suffixes = {file.suffix.casefold() for file in files}
    for suffix, words in _CONVERTED.items():
        if suffix in suffixes and not suffixes & {".safetensors", ".bin", ".pt"}:
            return words
    quantisation: Any = reading.subject.document("config.json").get("quantization_config")
    if isinstance(quantisation, dict):
        method = quantisation.get("quant_method")
        return f"`quantization_config` ({plain_value(method)})" if method else "`quantization_config`"
    named = sorted(_tags(reading) & _CONVERSION_TAGS)
    return f"the tag `{named[0]}`" if named else None


def _adapter_without_base(reading: Reading) -> Iterator[RuleHit]:
    if has_value(reading.metadata.get("base_model")) or not _is_adapter(reading):
        return
    name = reading.subject.document("adapter_config.json").get("base_model_name_or_path")
    at = reading.places.line_of_key("base_model")
    if isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        fix = _added(reading, (f"base_model: {name}",)) if "base_model" not in reading.metadata else ()
        yield (
            at,
            "an adapter without its base model",
            f"Add `base_model: {name}`, as adapter_config.json says.",
            fix,
        )
    else:
        yield (
            at,
            "an adapter without its base model",
            "Add `base_model:`; an adapter does nothing without it.",
        )


def _conversion_without_base(reading: Reading) -> Iterator[RuleHit]:
    if has_value(reading.metadata.get("base_model")) or _is_adapter(reading):
        return
    if sign := _converted(reading):
        message = f"{sign} show a conversion, and no base model is named"
        yield (
            reading.places.line_of_key("base_model"),
            message,
            "Add `base_model:`, the model that was converted.",
        )


def _wrong_relation(reading: Reading) -> Iterator[RuleHit]:
    relation = reading.metadata.get("base_model_relation")
    if not isinstance(relation, str):
        return
    at = reading.places.line_of_key("base_model_relation")
    files, bases = reading.subject.files, reading.values("base_model")
    if relation != "adapter" and files is not None and "adapter_config.json" in files:
        yield (
            at,
            f"`base_model_relation: {plain_value(relation)}`, but the files are those of an adapter",
            "Write `adapter`.",
        )
    elif relation == "adapter" and files is not None and not _is_adapter(reading) and _has_weights(files):
        yield (
            at,
            "`base_model_relation: adapter`, but the files are those of a whole model",
            "Write `finetune`, or what it is.",
        )
    elif relation == "finetune" and (found := sorted(_tags(reading) & _QUANTISED_TAGS)):
        yield (
            at,
            f"`base_model_relation: finetune` beside the tag `{found[0]}`",
            "Write `quantized`, if that is all that was done.",
        )
    elif relation == "merge" and len(bases) == 1:
        yield (
            at,
            "`base_model_relation: merge` of one model",
            "Name all models that were merged under `base_model:`.",
        )
    if not bases:
        yield (
            at,
            "`base_model_relation` without a `base_model`",
            "Name the base model, or take the relation out.",
        )


def _has_weights(files: tuple[str, ...]) -> bool:
    return any(name.endswith((".safetensors", ".bin", ".gguf", ".pt", ".onnx")) for name in files)


def _license_at_odds(reading: Reading) -> Iterator[RuleHit]:
    own = reading.values("license")
    for base in reading.values("base_model"):
        metadata = reading.base_cards.get(base, {})
        of_base = metadata.get("license")
        if len(own) == 1 and isinstance(of_base, str) and (demand := at_odds(own[0], of_base)):
            message = f"`{own[0]}`, while `{base}` is under `{of_base}`, which {demand}"
            yield (
                reading.places.line_of_key("license"),
                message,
                ("Look at both licenses; this is a hint of a table, and no legal advice."),
            )


def _superseded(reading: Reading) -> Iterator[RuleHit]:
    newer = reading.metadata.get("new_version")
    if (
        isinstance(newer, str)
        and has_value(newer)
        and newer.split("/")[-1].casefold() not in reading.evidence.prose
    ):
        yield (
            reading.places.line_of_key("new_version"),
            f"`{plain_value(newer)}` supersedes this model, and the text does not say so",
            ("Say in the first lines which model to use now, and what is better about it."),
        )


RULES = (
    Rule(
        "base-model-unnamed",
        "warning",
        "A base model in the text alone",
        "The Hub draws the family tree of models from `base_model` in the metadata, and people filter by it.",
        _base_unnamed,
    ),
    Rule(
        "dataset-unnamed",
        "warning",
        "A data set in the text alone",
        "The page of a data set lists the models trained on it by `datasets` in their metadata.",
        _data_unnamed,
    ),
    Rule(
        "adapter-without-base",
        "error",
        "An adapter without its base model",
        "An adapter cannot be loaded without the model that it adapts.",
        _adapter_without_base,
    ),
    Rule(
        "conversion-without-base",
        "warning",
        "A conversion without its original",
        "Readers of a conversion look up training data, limits and license at the original.",
        _conversion_without_base,
    ),
    Rule(
        "relation-wrong",
        "warning",
        "A relation that the files contradict",
        "The Hub counts adapters, fine-tunes, merges and quantisations of a model by this key.",
        _wrong_relation,
    ),
    Rule(
        "license-at-odds",
        "warning",
        "A license that drops what the base model's demands",
        "Terms of the base model hold for what is built on it, whatever the card says.",
        _license_at_odds,
    ),
    Rule(
        "superseded",
        "note",
        "A successor that the text does not name",
        "Readers who come by a link or a search should not start with an old version.",
        _superseded,
    ),
)
