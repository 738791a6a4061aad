"""From sections to a card: the layouts that people and tools use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tasks.demo import sections, tool_cards
from tasks.demo.facts import Draft
from tasks.demo.front_matter import front_matter
from tasks.demo.writing import bank, render

Writer = Callable[[Draft], list[str]]

CORE: dict[str, Writer] = {
    "purpose": sections.purpose,
    "start": sections.start,
    "training": sections.training,
    "evaluation": sections.evaluation,
    "limits": sections.limits,
}
BEFORE: dict[str, Writer] = {
    "architecture": sections.architecture,
    "files": sections.files,
    "gallery": sections.gallery,
}
AFTER: dict[str, Writer] = {
    "prompt": sections.prompt,
    "energy": partial(sections.closing, name="energy"),
    "licence": partial(sections.closing, name="licence"),
    "changes": partial(sections.closing, name="changes"),
    "citation": sections.citation,
    "thanks": partial(sections.closing, name="thanks"),
    "contact": partial(sections.closing, name="contact"),
}
# Share of adapters whose authors keep the template of their tool and fill in part of it.
KEEPS_TEMPLATE_SHARE = 0.5
# Their authors write from a template of their own and leave no heading empty.
CARE_TAKEN = frozenset({"foundation", "gguf", "quantised"})
UNFINISHED_SHARE = 0.3
CONTENTS_SHARE = 0.4


def write_card(draft: Draft) -> str | None:
    """Write README.md: None for a model without one, an empty text for an empty one."""
    match draft.model.archetype:
        case "missing":
            return None
        case "empty":
            return ""
        case "trainer":
            body = tool_cards.trainer(draft)
        case "reinforcement":
            body = tool_cards.reinforcement(draft)
        case "template":
            body = tool_cards.untouched_template(draft)
        case "adapter" if draft.rng("layout").random() < KEEPS_TEMPLATE_SHARE:
            body = tool_cards.filled_template(draft)
        case _:
            body = _body(draft)
    return render(front_matter(draft) + "\n\n".join(body) + "\n", draft.facts)


def _body(draft: Draft) -> list[str]:
    written = _written(draft)
    if draft.levels["structure"] == 1 or not written:
        return _unstructured(draft, written)
    blocks = [f"{'#' * draft.model.author.habits.top_level} $title", *_lead(draft, written)]
    if draft.levels["structure"] == 5 and draft.rng("contents").random() < CONTENTS_SHARE:
        blocks.append(_contents(draft, list(written)))
    for place, (name, paragraphs) in enumerate(written.items(), 1):
        blocks += [_heading(draft, name, place), *paragraphs]
    if draft.model.author.habits.signs_off:
        blocks.append(draft.rng("sign").choice(bank("phrases")["extras"]["sign_off"]))
    return blocks


def _written(draft: Draft) -> dict[str, list[str]]:
    """Write the sections in the author's order. Empty ones are left out; careless authors leave them as a to-do."""
    order = draft.model.author.habits.order
    writers = {order[0]: CORE[order[0]]} | BEFORE | {name: CORE[name] for name in order[1:]} | AFTER
    written = {name: writer(draft) for name, writer in writers.items()}
    if draft.levels["originality"] <= 2 and draft.model.archetype not in CARE_TAKEN:
        rng = draft.rng("unfinished")
        todo = rng.choice(bank("phrases")["openings"]["todo"])
        if draft.levels["structure"] >= 2 and rng.random() < UNFINISHED_SHARE:
            written |= {name: [todo] for name in CORE if not written[name]}
    return {name: paragraphs for name, paragraphs in written.items() if paragraphs}


def _unstructured(draft: Draft, written: dict[str, list[str]]) -> list[str]:
    """Write a card without headings: one line, or a wall of text."""
    rng, openings = draft.rng("opening"), bank("phrases")["openings"]
    paragraphs = [paragraph for section in written.values() for paragraph in section]
    if not paragraphs or rng.random() < 0.3:
        paragraphs.insert(0, rng.choice(openings["bare"]))
    if draft.levels["originality"] <= 2 and rng.random() < 0.4:
        paragraphs.append(rng.choice(openings["filler"]))
    return paragraphs


def _lead(draft: Draft, written: dict[str, list[str]]) -> list[str]:
    """Write what comes between the title and the first heading; a purpose used here is removed from `written`."""
    rng = draft.rng("lead")
    lead: list[str] = []
    if draft.documentation >= 3.5 and rng.random() < 0.25:
        lead.append('<p align="center"><img src="assets/banner.png" width="480" alt="$title"></p>')
    if "purpose" in written and draft.levels["purpose"] <= 3 and rng.random() < 0.5:
        lead += written.pop("purpose")
    if draft.levels["originality"] == 1:
        lead.append(rng.choice(bank("phrases")["openings"]["filler"]))
    return lead


def _heading(draft: Draft, name: str, place: int) -> str:
    words = _heading_words(draft, name)
    habits = draft.model.author.habits
    sign = bank("phrases")["emoji"][name]
    level = "#" * (habits.top_level + 1)
    if draft.levels["structure"] == 2 and draft.rng("pseudo").random() < 0.5:
        return f"**{words}**"
    return {
        "plain": f"{level} {words}",
        "emoji": f"{level} {sign} {words}",
        "bold": f"{level} **{words}**",
        "numbered": f"{level} {place}. {words}",
        "upper": f"{level} {words.upper()}",
    }[habits.headings]


def _heading_words(draft: Draft, name: str) -> str:
    local: dict[str, str] = (sections.local_bank(draft) or {}).get("headings", {})
    if name in local:
        return local[name]
    if name == "training" and draft.model.relation == "quantized":
        name = "quantisation"
    return str(draft.rng(f"heading/{name}").choice(bank("phrases")["headings"][name]))


def _contents(draft: Draft, names: list[str]) -> str:
    words = [_heading_words(draft, name) for name in names]
    return "\n".join(f"- [{heading}](#{heading.lower().replace(' ', '-')})" for heading in words)
