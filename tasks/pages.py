"""Pages in HTML: their templates, the scripts that their content policy lets run, and how a page is replaced."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tasks.cards.one_line import visible
from tasks.errors import NotWritten


@dataclass(frozen=True, slots=True)
class PageScript:
    """A script of ours, and the hash by which the content policy of a page allows it and no other."""

    text: Markup
    hash: str


@cache
def environment(templates: Path) -> jinja2.Environment:
    """Templates of a folder: every value is cleaned and escaped, and one that is missing is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # `tojson` escapes <, >, &, ' and everything beyond ASCII; NaN is not JSON and must not get that far.
    found.policies["json.dumps_function"] = _cleaned_json
    found.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return found


def _cleaned(value: object) -> object:
    """A value of a template: what is ours, as `Markup`, stays as it is."""
    return visible(value) if type(value) is str else value


def _cleaned_json(value: object, **options: Any) -> str:
    return json.dumps(_cleaned_deeply(value), **options)


def _cleaned_deeply(value: object) -> object:
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned_deeply(entry) for key, entry in value.items()}
    return [*map(_cleaned_deeply, value)] if isinstance(value, list | tuple) else _cleaned(value)


def page_script(text: str) -> PageScript:
    """A script of ours as it stands in a page, and its hash. Never call it with text from strangers."""
    # An HTML parser reads \r\n as \n, which would change the hash.
    text = text.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return PageScript(Markup(text), f"sha256-{digest}")  # noqa: S704  # our own script


def page_style(path: Path) -> Markup:
    """A stylesheet of ours, to stand in a page as it is."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704  # our own


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft that replaces the file at `path` in one step: a reader has the old file or the new one.

    Raises `NotWritten` where that fails; the old file then stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            draft = Path(folder) / path.name
            yield draft
            draft.replace(path)
    except OSError as error:
        raise NotWritten(
            f"{path}: cannot be written ({error.strerror or error}); fix that and run again"
        ) from error


def write_page(text: str, path: Path) -> None:
    """Replace the file at `path` by a text in one step; `NotWritten` where that fails."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
