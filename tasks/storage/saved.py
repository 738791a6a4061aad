"""The saved queries of `sql/saved`: their names, and what each answers."""

from __future__ import annotations

from tasks.settings import SQL_DIR


def saved_queries() -> dict[str, str]:
    """Names of the saved queries, and the comment that each begins with."""
    return {
        path.stem: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ")
        for path in sorted((SQL_DIR / "saved").glob("*.sql"))
    }
