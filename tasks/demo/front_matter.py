"""YAML front matter as authors write it: the better a card is documented, the more keys."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.demo.facts import Draft

# The level of *metadata* from which a card has the key.
KEY_LEVELS = {
    "license": 2, "language": 3, "tags": 3, "base_model": 3, "library_name": 4, "pipeline_tag": 4, "datasets": 5,
    "metrics": 5, "model-index": 5,
}  # fmt: skip
SCHEME_TAGS = {
    "AWQ": ["awq", "4-bit"], "GPTQ-Int4": ["gptq", "4-bit"], "FP8": ["fp8", "compressed-tensors"],
    "MLX-4bit": ["mlx", "4-bit"], "bnb-4bit": ["bitsandbytes", "4-bit"],
}  # fmt: skip
WITHOUT_SAFETENSORS = frozenset({"missing", "empty", "reinforcement"})
CONVERSION_KEYS = frozenset({"base_model", "tags"})

FieldValue = str | Sequence[str]


def front_matter(draft: Draft) -> str:
    """Write the block with its fences and an empty line, or nothing where the author wrote none."""
    values = metadata(draft)
    if not values:
        return ""
    lines = [_entry(key, value, flow=draft.model.author.habits.flow_lists) for key, value in values.items()]
    if "model-index" in values:
        lines[-1] = _model_index(draft)
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def metadata(draft: Draft) -> dict[str, FieldValue]:
    """Map key to value, in the author's order; a tool writes the same at every level.

    `model-index` comes last, as a mark only.
    """
    match draft.model.archetype:
        case "trainer":
            return {
                "library_name": "transformers",
                "license": draft.facts["licence"],
                "base_model": draft.facts["base"],
                "tags": ["generated_from_trainer"],
                "datasets": [draft.facts["dataset"]],
                "metrics": [_metric_key(draft.facts["metric"])],
            }
        case "reinforcement":
            environment = draft.model.name.partition("-")[2]
            tags = [environment, "deep-reinforcement-learning", "reinforcement-learning", "stable-baselines3"]
            return {"library_name": "stable-baselines3", "tags": tags}
        case "template":
            return {"library_name": "transformers", "tags": []}
        case "empty" | "missing":
            return {}
    return _by_hand(draft)


def _by_hand(draft: Draft) -> dict[str, FieldValue]:
    """What a person writes: the higher the level of *metadata*, the more keys."""
    level = draft.levels["metadata"]
    present = [key for key, needed in KEY_LEVELS.items() if level >= needed]
    if level >= 2 and draft.model.format == "gguf":
        present = [key for key in KEY_LEVELS if key in present or key in CONVERSION_KEYS]
    if draft.levels["evaluation"] < 4:
        present = [key for key in present if key != "model-index"]
    model, facts = draft.model, draft.facts
    values: dict[str, FieldValue] = {
        "license": facts["licence"],
        "language": [model.language] if model.language == "en" else [model.language, "en"],
        "tags": card_tags(draft),
        "base_model": facts["base"] if model.base else "",
        "library_name": model.library or "",
        "pipeline_tag": model.pipeline or "",
        "datasets": draft.datasets,
        "metrics": list(dict.fromkeys(_metric_key(result.metric) for result in draft.results)),
        "model-index": "results",
    }
    chosen = {key: values[key] for key in present if values.get(key)}
    keys = [key for key in chosen if key != "model-index"]
    draft.rng("keys").shuffle(keys)
    return {key: chosen[key] for key in keys} | chosen


def card_tags(draft: Draft) -> list[str]:
    """List the tags that an author of this kind of model adds by hand."""
    model = draft.model
    own = {
        "gguf": ["gguf", "llama.cpp", "quantized"],
        "quantised": SCHEME_TAGS.get(model.scheme, []),
        "adapter": ["lora"],
        "weights": [],
    }[model.format]
    extra = [model.family.lower()] if draft.rng("tags").random() < 0.5 else []
    return list(dict.fromkeys([*own, *draft.trade["tags"], *extra]))


def listed_tags(draft: Draft) -> list[str]:
    """List tags as the Hub does: always from the files, and from the front matter where it has the keys."""
    model, known = draft.model, metadata(draft)
    files = {"gguf": ["gguf"], "quantised": card_tags(draft)[:1], "adapter": ["lora"], "weights": []}[
        model.format
    ]
    listed = [model.library] if model.library else []
    listed += files or (["safetensors"] if model.archetype not in WITHOUT_SAFETENSORS else [])
    listed += known.get("tags", [])
    listed += known.get("language", [])
    listed += [f"dataset:{name}" for name in known.get("datasets", [])]
    if model.base and "base_model" in known:
        listed += [f"base_model:{model.base.model_id}", f"base_model:{model.relation}:{model.base.model_id}"]
    listed += [f"license:{known['license']}"] if "license" in known else []
    return [*dict.fromkeys(listed), "region:us"]


def _entry(key: str, value: FieldValue, *, flow: bool) -> str:
    if isinstance(value, str):
        return f"{key}: {value}"
    if flow or not value:
        return f"{key}: [{', '.join(value)}]"
    return f"{key}:\n" + "\n".join(f"- {item}" for item in value)


def _metric_key(metric: str) -> str:
    return metric.lower().replace(" ", "_")


def _model_index(draft: Draft) -> str:
    lines = ["model-index:", f"- name: {draft.model.name}", "  results:"]
    for result in draft.results[:3]:
        lines += [
            "  - task:",
            f"      type: {draft.model.pipeline or 'text-generation'}",
            "    dataset:",
            f"      name: {result.benchmark}",
            f"      type: {result.benchmark.split('/')[0].lower()}",
            "    metrics:",
            f"    - type: {_metric_key(result.metric)}",
            f"      value: {result.value}",
        ]
    return "\n".join(lines)
