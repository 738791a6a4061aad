"""`python -m tasks.advice.rules`: write docs/rules.md."""

from __future__ import annotations

from pathlib import Path

from tasks.advice.rules import as_markdown

if __name__ == "__main__":
    Path(__file__).parents[3].joinpath("docs/rules.md").write_text(as_markdown(), encoding="utf-8")
