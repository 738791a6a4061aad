"""The kinds of model that the demo is made of, how many of each, and how well each kind is documented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoArchetype:
    """`share` of all models; documentation level ~ normal(`mean`, `sd`) cut to [`low`, `high`].

    `kinds` are weights for lab, converter and indie authors. Only an `is_editable` card may get a
    documentation edit: the others are written by a tool, empty, missing or hostile.
    """

    name: str
    share: float
    mean: float
    sd: float
    low: float
    high: float
    kinds: tuple[float, float, float]
    trades: tuple[str, ...]
    is_editable: bool = True


# Models are made in this order: conversions need something to convert.
ARCHETYPES = (
    DemoArchetype("foundation", 0.035, 4.3, 0.45, 3.0, 5.0, (1, 0, 0), ("text",)),
    DemoArchetype("fine_tune", 0.16, 2.7, 1.0, 1.0, 5.0, (0, 0, 1), ("text",)),
    DemoArchetype("multilingual", 0.06, 2.9, 1.0, 1.0, 5.0, (0.2, 0, 0.8), ("text-other-language",)),
    DemoArchetype("gguf", 0.15, 1.9, 0.55, 1.0, 3.5, (0, 0.8, 0.2), ("text",)),
    DemoArchetype("quantised", 0.05, 2.0, 0.6, 1.0, 3.8, (0.15, 0.55, 0.3), ("text",)),
    DemoArchetype("adapter", 0.09, 2.2, 0.8, 1.0, 4.6, (0, 0, 1), ("text",)),
    DemoArchetype("diffusion", 0.06, 2.6, 0.9, 1.0, 5.0, (0.1, 0, 0.9), ("diffusion", "image-adapter")),
    DemoArchetype("vision_language", 0.025, 3.4, 0.9, 1.2, 5.0, (0.5, 0, 0.5), ("vision-language",)),
    DemoArchetype("speech", 0.035, 3.1, 0.9, 1.0, 5.0, (0.25, 0, 0.75), ("asr", "tts")),
    DemoArchetype("embedding", 0.035, 3.3, 0.9, 1.0, 5.0, (0.3, 0, 0.7), ("embedding",)),
    DemoArchetype(
        "classifier", 0.06, 2.9, 1.0, 1.0, 5.0, (0.1, 0, 0.9), ("toxicity", "sentiment", "entities", "images")
    ),
    DemoArchetype(
        "trainer", 0.08, 2.3, 0.35, 1.6, 3.2, (0, 0, 1), ("toxicity", "sentiment", "entities"), False
    ),
    DemoArchetype("reinforcement", 0.03, 1.8, 0.2, 1.4, 2.2, (0, 0, 1), ("text",), False),
    DemoArchetype("template", 0.035, 1.0, 0.0, 1.0, 1.0, (0, 0, 1), ("text",), False),
    DemoArchetype("empty", 0.015, 1.0, 0.0, 1.0, 1.0, (0, 0, 1), ("text",), False),
    DemoArchetype("missing", 0.05, 1.0, 0.0, 1.0, 1.0, (0, 0.1, 0.9), ("text", "sentiment"), False),
    DemoArchetype("hostile", 0.03, 2.5, 0.9, 1.0, 4.5, (0, 0, 1), ("text",), False),
)
BY_NAME = {archetype.name: archetype for archetype in ARCHETYPES}
WITHOUT_CARD = frozenset({"empty", "missing"})

# From this many models on, every hostile form and every kind of failure occurs at least once.
COMPLETE_FROM = 300


def counts(models: int, hostile_forms: int) -> dict[str, int]:
    """Count the models of each archetype: largest remainders of the shares, then a hostile model for every form."""
    total = sum(archetype.share for archetype in ARCHETYPES)
    exact = {archetype.name: archetype.share * models / total for archetype in ARCHETYPES}
    whole = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (whole[name] - exact[name], name))
    for name in by_remainder[: models - sum(whole.values())]:
        whole[name] += 1
    if models >= COMPLETE_FROM:
        lacking = max(0, hostile_forms - whole["hostile"])
        whole["hostile"] += lacking
        whole["fine_tune"] -= lacking
    return whole
