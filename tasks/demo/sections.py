"""One writer per section. Each takes a draft and returns paragraphs, none where the level is too low."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.demo.facts import Draft, quant_files
from tasks.demo.writing import bank, bullets, code_block, markdown_table, some, tiers

Paragraphs = list[str]

QUANT_SETTINGS = bullets(
    ["calibration sequences: $samples_b of 2,048 tokens", "tool: llama.cpp b$build", "seed: $seed_value"]
)

# The phrases on purpose of archetypes that have none by their own name.
PURPOSE_FLAVOURS = {"vision_language": "vision", "trainer": "classifier"}
# The phrases on training and evaluation; those on tuning for archetypes not listed.
FLAVOURS = {"foundation": "foundation", "gguf": "quant", "quantised": "quant"}
QUANT_NOTES = {
    "Q2_K": "smallest, visibly worse", "Q3_K_M": "when memory is very short", "Q4_0": "old format, for ARM",
    "Q4_K_S": "small, good", "Q4_K_M": "**recommended**", "Q5_K_S": "larger, good", "Q5_K_M": "close to the original",
    "Q6_K": "hardly any loss", "Q8_0": "no measurable loss", "F16": "the original precision",
}  # fmt: skip


def local_bank(draft: Draft) -> Mapping[str, Any] | None:
    """The phrases of the card's own language; None for a card in English."""
    return bank("languages")[draft.model.language] if draft.model.archetype == "multilingual" else None


def _tiers(draft: Draft, section: str, flavour: str) -> Paragraphs:
    """The paragraphs of a section at its level, in the card's own language where that language has them."""
    banks = bank("phrases")[section]
    phrases = (local_bank(draft) or {}).get(section) or banks.get(flavour, banks.get("text"))
    return tiers(draft.rng(section), phrases, draft.levels[section])


def purpose(draft: Draft) -> Paragraphs:
    """What it is, who it is for, and what it is not for."""
    archetype = draft.model.archetype
    return _tiers(draft, "purpose", PURPOSE_FLAVOURS.get(archetype, archetype))


def start(draft: Draft) -> Paragraphs:
    """From a remark to code that runs, what to install and what it needs."""
    level, rng = draft.levels["start"], draft.rng("start")
    archetype = draft.model.archetype
    has_own = archetype in ("gguf", "quantised", "adapter")
    snippet = bank("snippets")[archetype if has_own else draft.trade["snippet"]]
    language = snippet.get("language", "python")
    if level <= 1:
        return []
    if level == 2:
        return [rng.choice((local_bank(draft) or bank("phrases"))["start"]["t2"])]
    if level == 3:
        return [code_block(snippet["short"], language if rng.random() < 0.7 else "")]
    parts = [code_block(snippet["install"], "bash"), code_block(snippet["full"], language)]
    if level == 5:
        parts.append(snippet["note"])
        parts += [rng.choice(bank("phrases")["start"]["ask"])] if rng.random() < 0.4 else []
    return parts


def training(draft: Draft) -> Paragraphs:
    """The data, the settings, and what it takes to repeat the run."""
    flavour = FLAVOURS.get(draft.model.archetype, "tuned")
    parts = _tiers(draft, "training", flavour)
    if draft.levels["training"] >= 4:
        parts.insert(1, QUANT_SETTINGS if flavour == "quant" else hyperparameters(draft))
    return parts


def hyperparameters(draft: Draft) -> str:
    """Hyperparameters as a list or a table, by the author's taste."""
    is_large = draft.model.archetype == "foundation"
    optimizers = ("AdamW (0.9, 0.95)", "AdamW 8-bit", "Adafactor", "Lion")
    rows = [
        ("peak learning rate" if is_large else "learning rate", "$lr"),
        ("batch size", "4M tokens" if is_large else "$batch"),
        ("tokens", "$tokens") if is_large else ("epochs", "$epochs"),
        ("optimizer", draft.rng("optimizer").choice(optimizers)),
        ("schedule", "cosine, warm-up $warmup"),
        ("precision", "bfloat16"),
        ("seed", "$seed_value"),
    ]
    if draft.rng("hyper").random() < 0.5:
        return markdown_table(("Hyperparameter", "Value"), rows)
    return bullets([f"{name}: {value}" for name, value in rows])


def evaluation(draft: Draft) -> Paragraphs:
    """From a claim to a table with dataset, metric and a baseline, and how it was measured."""
    parts = _tiers(draft, "evaluation", FLAVOURS.get(draft.model.archetype, "tuned"))
    if draft.levels["evaluation"] >= 4:
        parts.insert(1, perplexities(draft) if draft.model.archetype == "gguf" else results_table(draft))
    return parts


def results_table(draft: Draft) -> str:
    """Benchmark, metric, this model, and at level 5 also the model that it started from."""
    has_baseline = draft.levels["evaluation"] == 5 and draft.model.base is not None
    header = ["Dataset", "Metric", "$name", *(["$base_title"] if has_baseline else [])]
    rows = [
        [r.benchmark, r.metric, f"{r.value}", *([f"{r.baseline}"] if has_baseline else [])]
        for r in draft.results
    ]
    return markdown_table(header, rows)


def perplexities(draft: Draft) -> str:
    """Perplexity on wikitext by quantisation: the fewer bits, the worse."""
    rng = draft.rng("perplexity")
    original = rng.uniform(5.5, 9.5)
    rows = [
        [kind, f"{original * (1 + 0.9 / (size / draft.model.billions * 8) ** 2.4):.3f}"]
        for _, kind, size in quant_files(draft)
    ]
    return markdown_table(("Type", "Perplexity (wikitext, test)"), [*rows, ["bf16", f"{original:.3f}"]])


def limits(draft: Draft) -> Paragraphs:
    """What goes wrong, for whom, and what to do about it."""
    level, rng = draft.levels["limits"], draft.rng("limits")
    local = local_bank(draft)
    phrases = (local or bank("phrases"))["limits"]
    parts = tiers(rng, phrases, min(level, 3))
    if level >= 4:
        parts.append(bullets(local["limits"]["t4"] if local else draft.limits[1:]))
    if level == 5:
        parts.append(rng.choice(phrases["t5"]))
    return parts


def files(draft: Draft) -> Paragraphs:
    """The table of a GGUF repository."""
    if draft.model.archetype != "gguf" or draft.documentation < 1.4:
        return []
    is_rich = draft.documentation >= 2.2
    header = ["File", "Type", "Size", *(["Note"] if is_rich else [])]
    rows = [
        [f"[{name}](https://huggingface.co/$model_id/blob/main/{name})", kind, f"{size:.2f} GB"]
        + ([QUANT_NOTES[kind]] if is_rich else [])
        for name, kind, size in quant_files(draft)
    ]
    return [markdown_table(header, rows)]


def architecture(draft: Draft) -> Paragraphs:
    """Layers and widths, as laboratories give them."""
    if draft.model.archetype != "foundation" or draft.documentation < 3.4:
        return []
    layers = max(12, round(16 * draft.model.billions**0.4))
    width = max(768, 64 * round(24 * draft.model.billions**0.33 * 1.4))
    rows = [
        ("Parameters", "$params"), ("Layers", f"{layers}"), ("Hidden size", f"{width}"),
        ("Attention heads", f"{width // 64}"), ("Context", "$context tokens"), ("Vocabulary", "64,000"),
    ]  # fmt: skip
    return [markdown_table(("", "$name"), rows)]


def gallery(draft: Draft) -> Paragraphs:
    """Pictures of an image model, with their prompts once the card is good enough to say them."""
    if draft.model.archetype != "diffusion" or draft.documentation < 1.6:
        return []
    prompts = some(draft.rng("gallery"), bank("phrases")["prompts"]["picture"], 3)
    if draft.documentation < 3:
        return ["\n".join(f"![](images/{place}.png)" for place in range(len(prompts)))]
    rows = [
        [f"![{prompt}](images/{place}.png)", f"{prompt}, $trigger"] for place, prompt in enumerate(prompts)
    ]
    return [markdown_table(("Picture", "Prompt"), rows)]


def prompt(draft: Draft) -> Paragraphs:
    """The layout of a conversation, for text models whose author thought of it."""
    if draft.trade["snippet"] != "text" or draft.levels["start"] < 4 or draft.rng("prompt").random() < 0.5:
        return []
    return [code_block("### System:\n{system}\n\n### User:\n{question}\n\n### Assistant:", "")]


def citation(draft: Draft) -> Paragraphs:
    """BibTeX."""
    if draft.documentation < 3.7:
        return []
    key = "".join(filter(str.isalnum, draft.model.author.name))
    fields = "  title  = {$title},\n  author = {{$author}},\n  year   = {$year},\n  url    = {https://huggingface.co/$model_id}"
    return [code_block(f"@misc{{{key}$year,\n{fields}\n}}", "bibtex")]


# When a card has each of the short closing sections.
_HAS_CLOSING: dict[str, Callable[[Draft], bool]] = {
    "licence": lambda draft: draft.levels["metadata"] >= 3 and draft.levels["structure"] >= 3,
    "contact": lambda draft: draft.levels["structure"] >= 4,
    "changes": lambda draft: draft.levels["structure"] == 5 and draft.rng("changes?").random() < 0.5,
    "energy": lambda draft: (
        draft.levels["training"] == 5
        and draft.model.archetype not in ("gguf", "quantised")
        and draft.rng("energy?").random() < 0.6
    ),
    "thanks": lambda draft: draft.documentation >= 3 and draft.rng("thanks?").random() < 0.3,
}


def closing(draft: Draft, name: str) -> Paragraphs:
    """A closing section of one sentence: terms, contact, versions, energy or credits."""
    return [draft.rng(name).choice(bank("phrases")["extras"][name])] if _HAS_CLOSING[name](draft) else []
