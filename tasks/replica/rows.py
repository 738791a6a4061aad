"""One model as the Hub's JSON: which fields there are, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from tasks.replica.card_data import card_data_json
from tasks.replica.corpus import Corpus

# A row of `Corpus.models`, by column.
CorpusModel = Mapping[str, Any]

LISTED_FIELDS: tuple[str, ...] = (
    "likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "modelId",
)  # fmt: skip
FULL_FIELDS: tuple[str, ...] = (
    *LISTED_FIELDS,
    "author",
    "sha",
    "lastModified",
    "gated",
    "disabled",
    "siblings",
)
INFO_FIELDS: tuple[str, ...] = (*FULL_FIELDS, "cardData", "config", "safetensors", "gguf", "spaces")
# Fields that the Hub can expand and a corpus does not contain: accepted, and absent from the answer.
UNKNOWN_FIELDS = frozenset({
    "childrenModelCount", "evalResults", "inference", "inferenceProviderMapping", "mask_token", "model-index",
    "resourceGroup", "transformersInfo", "usedStorage", "widgetData",
})  # fmt: skip


def weights_file(model: CorpusModel) -> str:
    """A name for the weights that agrees with the model's tags."""
    tags = model["tags"]
    if "gguf" in tags:
        return f"{model['model_id'].rpartition('/')[2]}.gguf"
    if "pytorch" in tags and "safetensors" not in tags:
        return "pytorch_model.bin"
    return "model.safetensors"


def files(model: CorpusModel) -> tuple[str, ...]:
    """The files of the repository."""
    readme = ("README.md",) if model["has_readme"] else ()
    return (*readme, "config.json", weights_file(model))


def config(model: CorpusModel) -> dict[str, object]:
    """A config.json that names the model's type, where a tag does."""
    known = [tag for tag in model["tags"] if tag in _MODEL_TYPES]
    return {"model_type": known[0]} if known else {}


_MODEL_TYPES = frozenset(
    {"bert", "gpt2", "llama", "mistral", "qwen2", "roberta", "t5", "vit", "wav2vec2", "whisper"}
)


def _weights(model: CorpusModel, *, of_gguf: bool) -> dict[str, object] | None:
    total, is_gguf = model["parameters"], "gguf" in model["tags"]
    if total is None or is_gguf != of_gguf:
        return None
    if is_gguf:
        return {"total": total, "architecture": config(model).get("model_type", "llama")}
    return {"parameters": {"F32": total}, "total": total}


def _base_models(model: CorpusModel) -> dict[str, object] | None:
    if not model["base_models"]:
        return None
    relations = ("adapter", "merge", "quantized", "finetune")
    tags = model["tags"]
    relation = next((r for r in relations if any(t.startswith(f"base_model:{r}:") for t in tags)), "finetune")
    return {"relation": relation, "models": [{"id": base} for base in model["base_models"]]}


# None leaves a field out, as the Hub does.
_FIELDS: dict[str, Callable[[CorpusModel], object]] = {
    "author": itemgetter("author"),
    "baseModels": _base_models,
    "config": config,
    "createdAt": itemgetter("created_at"),
    "disabled": itemgetter("is_disabled"),
    "downloads": itemgetter("downloads"),
    "downloadsAllTime": itemgetter("downloads_all_time"),
    "gated": lambda model: model["gated"] or False,
    "gguf": lambda model: _weights(model, of_gguf=True),
    "lastModified": itemgetter("last_modified"),
    "library_name": itemgetter("library_name"),
    "likes": itemgetter("likes"),
    "modelId": itemgetter("model_id"),
    "pipeline_tag": itemgetter("pipeline_tag"),
    "private": itemgetter("is_private"),
    "safetensors": lambda model: _weights(model, of_gguf=False),
    "sha": itemgetter("sha"),
    "siblings": lambda model: [{"rfilename": name} for name in files(model)],
    "spaces": lambda model: [],
    "tags": itemgetter("tags"),
    "trendingScore": itemgetter("trending_score"),
}
EXPANDABLE = frozenset({*_FIELDS, "cardData"} - {"modelId"}) | UNKNOWN_FIELDS


@dataclass(slots=True)
class Rows:
    """Makes rows of a corpus. Front matter is parsed on first use and kept as JSON."""

    corpus: Corpus
    _card_data: dict[int, bytes | None] = field(default_factory=dict)

    def of(self, places: Iterable[int], fields: Iterable[str]) -> list[tuple[str, dict[str, object]]]:
        """The model ids and JSON rows of the models at these places in the corpus."""
        places, fields = list(places), list(fields)
        models = self.corpus.models[places].iter_rows(named=True)
        return [
            (model["model_id"], self._row(place, model, fields))
            for place, model in zip(places, models, strict=True)
        ]

    def _row(self, place: int, model: CorpusModel, fields: list[str]) -> dict[str, object]:
        row: dict[str, object] = {"id": model["model_id"]}
        for name in fields:
            make = _FIELDS.get(name)
            value = self._fragment(place) if name == "cardData" else make(model) if make else None
            if value is not None:
                row[name] = value
        return row

    def _fragment(self, place: int) -> orjson.Fragment | None:
        if place not in self._card_data:
            card = self.corpus.listed_card(place)
            self._card_data[place] = card_data_json(card) if card else None
        known = self._card_data[place]
        return orjson.Fragment(known) if known is not None else None
