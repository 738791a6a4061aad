"""Findings on edits from anybody's panel of models: a file, or dated folders of files such as the Hub's weekly tables.

What a panel needs: `model_id` (or `id`), a date, `downloads`, `likes`, and which cards were edited when: marks or a
score. A commit is no edit of a card, so `sha` and `lastModified` are never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from glob import has_magic
from pathlib import Path

import numpy as np
import polars as pl

from tasks.errors import TableInvalid
from tasks.findings.edit_effects import WEEKS_TO_ESTIMATE, edit_effects
from tasks.findings.sample import Stamp
from tasks.findings.tables import FORMATS, scan_table
from tasks.findings.weekly import WEEK_DAYS
from tasks.records import Finding

NO_JUDGE = "panel"
MODELS_MAX = 50_000  # edited, and as many others, drawn, as in sql/out/edit_panel.sql
LEVEL_OF_SCORE = 1.0
HUB_FILE = "models.parquet"  # of several tables in one dated folder
# Our name of a column, and the Hub's where it differs.
_OTHER_NAMES = {
    "model_id": "id",
    "date": "snapshot",
    "downloads_all_time": "downloadsAllTime",
    "created_at": "createdAt",
}
_NEEDED = ("model_id", "downloads", "likes")
_OPTIONAL = (
    "date",
    "author",
    "downloads_all_time",
    "created_at",
    "age_days",
    "edited",
    "documented",
    "score",
)
_NUMBERS = ("downloads", "likes", "downloads_all_time", "age_days", "score")
_MARKS = ("edited", "documented")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")


def analyse_panel(source: str | Path) -> list[Finding]:
    """Every finding on edits of a panel: a file, a folder with a folder per date, or a pattern of such files.

    `judge` is "panel" and `fingerprint` the source's name. Raises `TableInvalid`, naming file and column, where the
    panel cannot be read, does not tell when cards were edited, or covers fewer than six weeks.
    """
    rows = read_panel(source)
    last: date = rows["snapshot"].max()  # type: ignore[assignment]
    return edit_effects(rows, Stamp(last, NO_JUDGE, Path(source).name))


def read_panel(source: str | Path) -> pl.DataFrame:
    """The rows that `edit_effects` takes: one per model and week, the week's last, with whether the card was edited."""
    lazy = pl.concat([_named(path) for path in panel_files(source)], how="diagonal_relaxed")
    columns = lazy.collect_schema().names()
    if "documented" not in columns and "score" not in columns:
        raise TableInvalid(_no_edits(source, columns))
    try:
        first, last = lazy.select(pl.col("date").min(), pl.col("date").max().alias("last")).collect().row(0)
        if first is None:
            raise TableInvalid(f"{source} has no rows")
        kept = _drawn(lazy, columns)
        rows = lazy.join(kept.lazy(), on="model_id", how="semi").collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise TableInvalid(f"{source} cannot be read: {_first_line(error)}") from error
    weeks = _weekly(rows, first)
    if (known := weeks["week"].n_unique()) < WEEKS_TO_ESTIMATE:
        raise TableInvalid(
            f"{source} has snapshots of {known} {'week' if known == 1 else 'weeks'}, {first} to {last}; an event study "
            f"needs {WEEKS_TO_ESTIMATE}"
        )
    return _marked(weeks)


def panel_files(source: str | Path) -> list[Path]:
    """The tables of a panel, sorted: a file itself, the files of a pattern, or one table of each dated folder."""
    path = Path(source)
    if path.is_file():
        return [path]
    if has_magic(str(source)):
        files = sorted(file for file in _matching(path) if file.is_file())
        if not files:
            raise TableInvalid(f"{source}: no file matches this pattern")
        return files
    if not path.is_dir():
        raise TableInvalid(f"{source} does not exist; name a file, a folder or a pattern in quotes")
    tables = sorted(file for file in path.rglob("*") if file.suffix.lower() in FORMATS and file.is_file())
    if not tables:
        raise TableInvalid(f"{source} holds no .parquet, .csv or .tsv file")
    found: list[Path] = []
    for folder in dict.fromkeys(file.parent for file in tables):
        within = [file for file in tables if file.parent == folder]
        found += [_one_of(folder, within)] if _DATED.search(folder.name) else within
    return found


def _matching(pattern: Path) -> Iterator[Path]:
    """What a pattern matches, from its last folder without a wildcard."""
    plain = next(folder for folder in pattern.parents if not has_magic(str(folder)))
    return plain.glob(str(pattern.relative_to(plain)))


def _one_of(folder: Path, tables: Sequence[Path]) -> Path:
    """The table of a dated folder."""
    named = [file for file in tables if file.name == HUB_FILE]
    if len(tables) > 1 and not named:
        names = ", ".join(file.name for file in tables[:3])
        raise TableInvalid(
            f"{folder} holds several tables ({names}); choose by a pattern such as '{folder.parent}/*/{tables[0].name}'"
        )
    return (named or list(tables))[0]


def _named(path: Path) -> pl.LazyFrame:
    """The columns of one file that a panel has, by our names and types, unread."""
    lazy = scan_table(path)
    known = lazy.collect_schema()
    columns = {
        name: name if name in known else other
        for name in (*_NEEDED, *_OPTIONAL)
        if name in known or (other := _OTHER_NAMES.get(name, "")) in known
    }
    for name in _NEEDED:
        if name not in columns:
            raise TableInvalid(f"{path} has no column {name}; {_has(known.names())}")
    lazy = lazy.select(pl.col(column).alias(name) for name, column in columns.items())
    for name, column in columns.items():
        _check_type(path, name, column, known[column])
    types = [pl.col(name).cast(pl.Float64) for name in _NUMBERS if name in columns]
    types += [pl.col(name).cast(pl.Boolean) for name in _MARKS if name in columns]
    lazy = lazy.with_columns(
        *types,
        _date_of(path, lazy, columns, known).alias("date"),
        _author(columns),
        *([_as_date("created_at")] if "created_at" in columns else []),
    )
    return lazy.drop_nulls(["model_id", "date"])


def _check_type(path: Path, name: str, column: str, dtype: pl.DataType) -> None:
    is_number = dtype.is_numeric() or dtype == pl.Null
    if name in _NUMBERS and not is_number:
        raise TableInvalid(f"{path}: the column {column} holds {_kind(dtype)}, not numbers")
    if name in _MARKS and not (is_number or dtype == pl.Boolean):
        raise TableInvalid(
            f"{path}: the column {column} holds {_kind(dtype)}; write true or false, or 1 or 0"
        )


def _date_of(path: Path, lazy: pl.LazyFrame, columns: dict[str, str], known: pl.Schema) -> pl.Expr:
    """The column date, or the date in the name of the file's folder or of the file."""
    if "date" not in columns:
        found = _DATED.search(path.parent.name) or _DATED.search(path.name)
        if found is None:
            raise TableInvalid(
                f"{path} has no column date, and neither its folder nor its name has one such as 2026-01-05"
            )
        try:
            return pl.lit(date.fromisoformat(found.group()))
        except ValueError:
            raise TableInvalid(f"{path}: {found.group()} is no date") from None
    column, dtype = columns["date"], known[columns["date"]]
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return pl.col("date").cast(pl.Date)
    if dtype != pl.String:
        raise TableInvalid(f"{path}: the column {column} holds {_kind(dtype)}, not dates such as 2026-01-05")
    wrong = lazy.select(
        pl.col("date").filter(_as_date("date").is_null() & pl.col("date").is_not_null()).first()
    )
    if (value := wrong.collect().item()) is not None:
        raise TableInvalid(f"{path}: the column {column} holds {value!r:.60}; write dates such as 2026-01-05")
    return _as_date("date")


def _as_date(column: str) -> pl.Expr:
    """A date out of a date, a time, or a text that begins with an ISO date; else null."""
    return pl.col(column).cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def _author(columns: dict[str, str]) -> pl.Expr:
    """The author, by default the name before the slash."""
    name = pl.col("model_id").cast(pl.String)
    before = name.str.split("/").list.first()
    given = [pl.col("author").cast(pl.String)] if "author" in columns else []
    return pl.coalesce(*given, before).alias("author")


def _drawn(lazy: pl.LazyFrame, columns: Sequence[str]) -> pl.DataFrame:
    """model_id of at most 50,000 models whose card was edited, and 50,000 others, drawn."""
    marks = [pl.col(name).any() for name in _MARKS if name in columns]
    scores = [] if marks else [pl.col("score").drop_nulls().n_unique() > 1]
    models = (
        lazy.group_by("model_id")
        .agg(pl.any_horizontal(*marks, *scores).fill_null(value=False).alias("is_edited"))
        .collect(engine="streaming")
        .sort("model_id")
    )
    rng = np.random.default_rng(20)
    models = models.with_columns(place=pl.Series(rng.permutation(models.height)))
    return models.filter(pl.col("place").rank().over("is_edited") <= MODELS_MAX).select("model_id")


def _weekly(rows: pl.DataFrame, first: date) -> pl.DataFrame:
    """A row per model and week, the last of the week; marked where any of its days is."""
    week = ((pl.col("date") - first).dt.total_days() / WEEK_DAYS).round().cast(pl.Int64)
    marks = [name for name in _MARKS if name in rows.columns]
    others = [name for name in rows.columns if name not in ("model_id", "date", *marks)]
    ordered = rows.with_columns(week.alias("week")).sort("model_id", "date", *others)
    return ordered.group_by("model_id", "week", maintain_order=True).agg(
        pl.last("date").alias("snapshot"),
        *(pl.last(name) for name in others),
        *(pl.col(name).any() for name in marks),
    )


def _marked(weeks: pl.DataFrame) -> pl.DataFrame:
    """With `is_edited` and `is_documented`, from marks or else from changes of the score."""
    if "documented" in weeks.columns:
        documented = pl.col("documented").fill_null(value=False)
        edited = pl.col("edited").fill_null(value=False) if "edited" in weeks.columns else documented
    else:
        rise = pl.col("score") - pl.col("score").forward_fill().shift().over("model_id")
        documented = (rise >= LEVEL_OF_SCORE).fill_null(value=False)
        edited = (rise != 0).fill_null(value=False)
    names = weeks.columns
    lived = pl.col("snapshot") - pl.col("created_at") if "created_at" in names else None
    age = pl.lit(None, pl.Float64) if lived is None else lived.dt.total_days().cast(pl.Float64)
    total = pl.col("downloads_all_time") if "downloads_all_time" in names else pl.lit(None, pl.Float64)
    return weeks.select(
        "snapshot",
        "model_id",
        "author",
        (pl.col("age_days") if "age_days" in names else age).alias("age_days"),
        "downloads",
        total.alias("downloads_all_time"),
        "likes",
        (edited | documented).alias("is_edited"),
        documented.alias("is_documented"),
    ).sort("model_id", "snapshot")


def _no_edits(source: str | Path, columns: Sequence[str]) -> str:
    """Why nothing can be estimated, and the remedy."""
    lacks = (
        "a column documented beside edited"
        if "edited" in columns
        else "columns edited and documented, or score"
    )
    return (
        f"{source} does not tell when a card was edited, so what follows an edit cannot be estimated; add {lacks} "
        "(a change of sha or lastModified is a commit, which may leave the card as it is)"
    )


def _has(known: Sequence[str]) -> str:
    return f"it has {', '.join(known[:12])}{', …' * (len(known) > 12)}"


def _kind(dtype: pl.DataType) -> str:
    return "text" if dtype == pl.String else str(dtype).lower()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
