"""From a raw row of the Hub's listing to a record, or to the reason why it is malformed. Pure.

The client library's own generator stops at one bad row (`tags: 5` is enough); here a bad row is a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeGuard

from tasks.records import Failure, ListedModel
from tasks.replica.protocol import COMMIT

EXPAND = (
    "author",
    "baseModels",
    "createdAt",
    "downloads",
    "downloadsAllTime",
    "gated",
    "gguf",
    "lastModified",
    "library_name",
    "likes",
    "pipeline_tag",
    "private",
    "safetensors",
    "sha",
    "siblings",
    "tags",
    "trendingScore",
)

_MODEL_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_DETAIL_CHARACTERS = 300


class RowMalformed(ValueError):
    """What is wrong with a row, in words."""


def is_private(row: object) -> bool:
    """Whether only some accounts may see the model. What is no flag counts as one: a name, once shown, stays shown."""
    return isinstance(row, Mapping) and row.get("private") not in (None, False)


def read_rows(
    rows: Iterable[object], *, snapshot: date, place: str
) -> tuple[list[ListedModel], list[Failure]]:
    """Split a page's rows into models and failures; `place` names the page for rows without a readable id."""
    models: list[ListedModel] = []
    failures: list[Failure] = []
    for number, row in enumerate(rows, start=1):
        try:
            models.append(read_row(row, snapshot=snapshot))
        except RowMalformed as error:
            subject = _subject(row) or f"{place}, row {number}"
            failures.append(
                Failure(snapshot, subject, "list", "malformed_row", str(error)[:_DETAIL_CHARACTERS])
            )
    return models, failures


def read_row(row: object, *, snapshot: date) -> ListedModel:
    """Read one row. Raises `RowMalformed` without a valid id and commit, or for a field of the wrong type."""
    if not isinstance(row, Mapping):
        raise RowMalformed(f"not an object: {row!r}")
    model_id = row.get("id") or row.get("modelId")
    if not isinstance(model_id, str) or not is_model_id(model_id):
        raise RowMalformed(f"no usable id: {model_id!r}")
    sha = row.get("sha")
    if not isinstance(sha, str) or not COMMIT.fullmatch(sha):
        raise RowMalformed(f"{model_id}: no commit: {sha!r}")
    return ListedModel(
        snapshot=snapshot,
        model_id=model_id,
        author=_text(row, "author") or (model_id.split("/")[0] if "/" in model_id else None),
        sha=sha,
        created_at=_time(row, "createdAt"),
        last_modified=_time(row, "lastModified"),
        downloads=_count(row, "downloads"),
        downloads_all_time=_count(row, "downloadsAllTime"),
        likes=_count(row, "likes"),
        trending_score=_number(row, "trendingScore"),
        tags=_texts(row, "tags"),
        library_name=_text(row, "library_name"),
        pipeline_tag=_text(row, "pipeline_tag"),
        gated=_text(row, "gated"),
        has_readme=_has_readme(row),
        parameters=_parameters(row),
        base_models=_base_models(row),
    )


def is_model_id(text: str) -> bool:
    """Whether it can be a model's id, and so stand in a URL's path; `a/..` cannot."""
    return bool(_MODEL_ID.fullmatch(text)) and not any(set(name) <= {"."} for name in text.split("/"))


def _subject(row: object) -> str | None:
    model_id = row.get("id") if isinstance(row, Mapping) else None
    return model_id[:_DETAIL_CHARACTERS] if isinstance(model_id, str) and model_id else None


def _wrong(row: Mapping[str, Any], key: str) -> RowMalformed:
    return RowMalformed(f"{row.get('id')}: {key} is {row[key]!r}")


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str):
        raise _wrong(row, key)
    return value


def _texts(row: Mapping[str, Any], key: str) -> list[str]:
    value = row.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(row, key)
    return value


def _count(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    if value is not None and not _is_count(value):
        raise _wrong(row, key)
    return value


def _is_count(value: object) -> TypeGuard[int]:
    """Whether a column of 64-bit integers can hold it; `True` does not count as a number."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _number(row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(row: Mapping[str, Any], key: str) -> datetime | None:
    value = _text(row, key)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong(row, key) from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _has_readme(row: Mapping[str, Any]) -> bool:
    """Whether there may be a README: where the listing names no files, only a request can show it."""
    files = row.get("siblings")
    if not isinstance(files, list):
        return True
    return any(isinstance(file, Mapping) and file.get("rfilename") == "README.md" for file in files)


def _parameters(row: Mapping[str, Any]) -> int | None:
    for holder in (row.get("safetensors"), row.get("gguf")):
        total = holder.get("total") if isinstance(holder, Mapping) else None
        if _is_count(total) and total > 0:
            return total
    return None


def _base_models(row: Mapping[str, Any]) -> list[str]:
    """`baseModels` is an object with the models it names, or null."""
    holder = row.get("baseModels")
    models = holder.get("models") if isinstance(holder, Mapping) else None
    if not isinstance(models, list):
        return []
    return [
        model["id"] for model in models if isinstance(model, Mapping) and isinstance(model.get("id"), str)
    ]
