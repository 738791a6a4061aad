"""From sections to a card: the layouts that people and tools use."""

from __future__ import annotations

from collections.abc import Callable

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
    "energy": sections.energy,
    "licence": sections.licence,
    "changes": sections.changes,
    "citation": sections.citation,
    "thanks": sections.thanks,
    "contact": sections.contact,
}
TOOL_LAYOUTS: dict[str, Callable[[Draft], str]] = {
    "trainer": tool_cards.trainer,
    "reinforcement": tool_cards.reinforcement,
    "template": tool_cards.untouched,
}
# Share of adapters whose authors keep the template that their tool put there, filled in as far as they got.
KEEPS_TEMPLATE_SHARE = 0.5
# Their authors write from a template of their own, and leave no heading open.
CARE_TAKEN = frozenset({"foundation", "gguf", "quantised"})
UNFINISHED_SHARE = 0.3
CONTENTS_SHARE = 0.4


def write_card(draft: Draft) -> str | None:
    """The text of README.md; None for a model without one, an empty text for an empty one."""
    archetype = draft.model.archetype
    if archetype == "missing":
        return None
    if archetype == "empty":
        return ""
    if archetype in TOOL_LAYOUTS:
        return render(TOOL_LAYOUTS[archetype](draft), draft.facts)
    if archetype == "adapter" and draft.rng("layout").random() < KEEPS_TEMPLATE_SHARE:
        return render(tool_cards.filled_template(draft), draft.facts)
    return render(front_matter(draft) + _body(draft), draft.facts)


def _body(draft: Draft) -> str:
    written = _written(draft)
    if draft.levels["structure"] == 1 or not written:
        return _unstructured(draft, written)
    blocks = [_title(draft), *_lead(draft, written)]
    if draft.levels["structure"] == 5 and draft.rng("contents").random() < CONTENTS_SHARE:
        blocks.append(_contents(draft, list(written)))
    for place, (name, paragraphs) in enumerate(written.items(), 1):
        blocks += [_heading(draft, name, place), *paragraphs]
    if draft.model.author.habits.signs_off:
        blocks.append(draft.rng("sign").choice(bank("phrases")["extras"]["sign_off"]))
    return "\n\n".join(blocks) + "\n"


def _written(draft: Draft) -> dict[str, list[str]]:
    """Sections in the author's order, those with nothing to say left out or, by careless authors, left open."""
    order = draft.model.author.habits.order
    writers = {order[0]: CORE[order[0]]} | BEFORE | {name: CORE[name] for name in order[1:]} | AFTER
    written = {name: writer(draft) for name, writer in writers.items()}
    if draft.levels["originality"] <= 2 and draft.model.archetype not in CARE_TAKEN:
        written |= _unfinished(draft, written)
    return {name: paragraphs for name, paragraphs in written.items() if paragraphs}


def _unfinished(draft: Draft, written: dict[str, list[str]]) -> dict[str, list[str]]:
    rng = draft.rng("unfinished")
    todo = rng.choice(bank("phrases")["openings"]["todo"])
    is_left_open = draft.levels["structure"] >= 2 and rng.random() < UNFINISHED_SHARE
    return {name: [todo] for name in CORE if not written[name]} if is_left_open else {}


def _unstructured(draft: Draft, written: dict[str, list[str]]) -> str:
    """A line or a wall: what a card is without headings."""
    rng, openings = draft.rng("opening"), bank("phrases")["openings"]
    paragraphs = [paragraph for section in written.values() for paragraph in section]
    if not paragraphs or rng.random() < 0.3:
        paragraphs.insert(0, rng.choice(openings["bare"]))
    if draft.levels["originality"] <= 2 and rng.random() < 0.4:
        paragraphs.append(rng.choice(openings["filler"]))
    return "\n\n".join(paragraphs) + "\n"


def _lead(draft: Draft, written: dict[str, list[str]]) -> list[str]:
    """What stands between title and first heading; it is taken out of `written`."""
    rng = draft.rng("lead")
    lead: list[str] = []
    if draft.documentation >= 3.5 and rng.random() < 0.25:
        lead.append('<p align="center"><img src="assets/banner.png" width="480" alt="$title"></p>')
    if "purpose" in written and draft.levels["purpose"] <= 3 and rng.random() < 0.5:
        lead += written.pop("purpose")
    if draft.levels["originality"] == 1:
        lead.append(rng.choice(bank("phrases")["openings"]["filler"]))
    return lead


def _title(draft: Draft) -> str:
    mark = "#" * draft.model.author.habits.top_level
    return f"{mark} $title"


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
    if draft.model.archetype == "multilingual":
        local: dict[str, str] = bank("languages")[draft.model.language]["headings"]
        if name in local:
            return local[name]
    if name == "training" and draft.model.relation == "quantized":
        name = "quantisation"
    return str(draft.rng(f"heading/{name}").choice(bank("phrases")["headings"][name]))


def _contents(draft: Draft, names: list[str]) -> str:
    words = [_heading_words(draft, name) for name in names]
    return "\n".join(f"- [{heading}](#{heading.lower().replace(' ', '-')})" for heading in words)
