"""What assistants may ask about cards: plain functions with bounds, of which `mcp_server` makes tools.

Whoever calls them may have read a card that tells them what to call. So a path leads to a card below one folder and to
nothing else, SQL goes through the locked door of `tasks.storage.asking`, and nothing is ever written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import Field

from tasks.advice import rules
from tasks.advice.advising import advise
from tasks.advice.form import as_json
from tasks.advice.project import Demands, demands_at, named
from tasks.advice.subject import CARD_BYTES_MAX, CARD_NAME, Subject, read_path
from tasks.cards.one_line import one_line
from tasks.errors import UsageError
from tasks.rubric import load_rubric
from tasks.storage.asking import ask, ask_limits

_ROWS_MAX = 200  # more fill an assistant's memory and answer nothing

CardTextGiven = Annotated[
    str | None, Field(description="The text of the card, YAML front matter included. Instead of `path`.")
]
CardPathGiven = Annotated[
    str | None,
    Field(description="A README.md or its folder, relative to the server's --root. Instead of `text`."),
]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where questions are answered. `root`: the only folder whose cards are read, null for none."""

    home: Path
    root: Path | None = None

    def score_card(self, text: CardTextGiven = None, path: CardPathGiven = None) -> dict[str, Any]:
        """Score a model card from 1 to 5, and list what to write, most valuable first.

        Each entry of `checks` has the points that the score would gain. The judge is a checklist: it sees structure
        and not truth.
        """
        whole = as_json(advise(self._subject(text, path)))
        return {key: whole[key] for key in ("card", "judge", "score", "reason", "criteria", "checks")}

    def check_card(
        self,
        text: CardTextGiven = None,
        path: CardPathGiven = None,
        minimum: Annotated[
            float | None, Field(ge=1, le=5, description="The lowest score that is good enough.")
        ] = None,
        ignore: Annotated[list[str] | None, Field(description="Ids of rules that do not count.")] = None,
    ) -> dict[str, Any]:
        """Check a model card against the rules, as `cardiograph check` does in CI: `is_good` says whether it passes.

        Each notice has a line, what to do, and where it is certain an edit in `fix`. For a path, the settings of its
        cardiograph.toml hold.
        """
        subject = self._subject(text, path)
        own = demands_at(subject.path.parent) if subject.path else Demands()
        demands = replace(
            own,
            minimum=own.minimum if minimum is None else minimum,
            ignore=own.ignore | named(ignore or [], "ignore"),
        )
        advice = demands.narrowed(advise(subject, ignored=demands.ignore))
        whole = as_json(advice)
        return {
            "is_good": not demands.are_broken_by(advice),
            **{key: whole[key] for key in ("card", "score", "reason", "notices", "ignored")},
        }

    def explain_rule(
        self, rule: Annotated[str, Field(description="The id of a rule, or of a check of the rubric.")]
    ) -> dict[str, Any]:
        """Explain a rule or a check: why it matters, and a card that breaks it beside one that keeps it."""
        for each in rules.RULES:
            if each.id == rule:
                example = rules.examples()[rule]
                return {
                    "rule": each.id,
                    "severity": each.severity,
                    "title": each.title,
                    "why": each.why,
                    "breaks_it": example["wrong"].strip(),
                    "keeps_it": example["right"].strip(),
                }
        rubric = load_rubric()
        for criterion in rubric.criteria:
            for check in criterion.checks:
                if check.id == rule:
                    return {
                        "check": check.id,
                        "criterion": criterion.title,
                        "question": check.question,
                        "advice": check.advice,
                        "weight": check.weight,
                    }
        known = sorted(rules.NAMES | {check.id for check in rubric.checks})
        close = get_close_matches(rule[:100], known, 3, 0.5)
        raise UsageError(f"no rule is called '{one_line(rule)}'; choose from: {', '.join(close or known)}")

    def query(
        self,
        sql: Annotated[
            str, Field(description="One statement of DuckDB that reads, or the name of a saved query.")
        ],
    ) -> dict[str, Any]:
        """Ask the snapshots of the Hub's model cards in the server's home, read-only, in SQL.

        Views: models, cards, verdicts, scores, leaderboard, panel, out_findings, snapshots and others; `describe
        models` lists a view's columns. At most 200 rows come back: `is_whole` is false where there are more.
        """
        limits = ask_limits()
        answer = ask(self.home, sql, replace(limits, rows=min(limits.rows, _ROWS_MAX)))
        rows: list[dict[str, Any]] = orjson.loads(orjson.dumps(answer.rows.to_dicts(), default=str))
        return {"columns": answer.rows.columns, "rows": rows, "is_whole": answer.is_whole}

    def _subject(self, text: str | None, path: str | None) -> Subject:
        """The card that is meant. Raises `UsageError` where there is none, or where it lies outside of the root."""
        if (text is None) == (path is None):
            raise UsageError("give either the text of a card or its path")
        if text is not None:
            if len(text) > CARD_BYTES_MAX:
                raise UsageError(f"more than {CARD_BYTES_MAX // 1_000_000} MB of text; is this a card?")
            return Subject(name=CARD_NAME, text=text)
        if self.root is None:
            raise UsageError("this server reads no files; pass the text, or start it with --root FOLDER")
        name = one_line(str(path))
        card = self._below_root(Path(str(path)), name)
        if card.is_dir():
            card = self._below_root(card / CARD_NAME, name)
        if card.suffix.lower() != ".md" or not card.is_file():
            raise UsageError(f"{name}: no card; name a README.md below --root, or its folder")
        subject = read_path(str(card))
        folder = card.parent
        kept = {each: found for each, found in subject.documents.items() if self._is_inside(folder / each)}
        return replace(subject, name=name, documents=kept)

    def _below_root(self, path: Path, name: str) -> Path:
        try:
            found = (self._root / path).resolve()
            found.exists()
        except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, a circle of links
            raise UsageError(f"{name}: no path") from error
        if not found.is_relative_to(self._root):
            raise UsageError(f"{name}: not below the folder that this server may read")
        return found

    def _is_inside(self, path: Path) -> bool:
        """Whether a file beside a card is what it seems, and no link to somewhere else."""
        return path.resolve().is_relative_to(self._root)

    @property
    def _root(self) -> Path:
        return (self.root or Path()).resolve()
