"""Rules beyond the rubric: what is at odds in a card, whatever its score.

A rule is a small function and an entry in the list of its file, with a pair of cards in examples.toml. docs/rules.md is
made from them: `python -m tasks.advice.rules`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from tasks.advice.rule import Notice, Reading, Rule
from tasks.advice.rules import contents, front_matter, lineage

RULES: tuple[Rule, ...] = (*front_matter.RULES, *lineage.RULES, *contents.RULES)
HUB_RULE = "hub-validation"  # what the Hub's own validator says, where it is asked (`--online`)
NAMES: frozenset[str] = frozenset(rule.id for rule in RULES)


def look(reading: Reading, ignored: Collection[str] = ()) -> list[Notice]:
    """What all rules find in a card but those that are ignored, in the order of lines."""
    found = [notice for rule in RULES if rule.id not in ignored for notice in rule.notices(reading)]
    return sorted(found, key=lambda notice: notice.line)


@cache
def examples() -> dict[str, dict[str, Any]]:
    """The pair of cards of each rule."""
    return tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))


_HEAD = """# Rules for a card

What `cardiograph card` and `cardiograph check` find beyond the [rubric](rubric.md): things that are at odds, whatever
the score. Each line of theirs ends with the id of a rule. A comment switches one off in a card,
`<!-- cardiograph: ignore RULE -->`, and `ignore` in cardiograph.toml for all cards.

*error*: the Hub refuses it, or a reader cannot use the model. *warning*: something is missing or contradicts itself.
*note*: worth a look. The licenses that rule `license-at-odds` knows are in `tasks/advice/licenses.toml`, with their
sources; it is a hint to look, and no legal advice.

This page is made from the rules: `python -m tasks.advice.rules`.
"""


def as_markdown() -> str:
    """The text of docs/rules.md."""
    table = ["| rule | severity | finds |", "|---|---|---|"]
    table += [f"| [`{rule.id}`](#{rule.id}) | {rule.severity} | {rule.title} |" for rule in RULES]
    return "\n".join([_HEAD, *table, "", *map(_section, RULES)])


def _section(rule: Rule) -> str:
    example = examples()[rule.id]
    beside = (
        f"Beside it: {', '.join(f'`{name}`' for name in example['files'])}.\n\n" if "files" in example else ""
    )
    beside += f"The model is `{example['model_id']}`.\n\n" if "model_id" in example else ""
    beside += f"The base model is under `{example['base']}`.\n\n" if "base" in example else ""
    wrong, right = (f"````markdown\n{example[key].strip()}\n````" for key in ("wrong", "right"))
    about = f"## {rule.id}\n\n{rule.title} ({rule.severity}). {rule.why}"
    return f"{about}\n\n{beside}Found in\n\n{wrong}\n\nand not in\n\n{right}\n"
