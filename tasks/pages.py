"""Pages in HTML: their templates, the scripts that their content policy lets run, and how a page is replaced."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from tasks.errors import NotWritten


@dataclass(frozen=True, slots=True)
class PageScript:
    """A script of ours, and the hash by which the content policy of a page allows it and no other."""

    text: Markup
    hash: str


@cache
def environment(templates: Path) -> jinja2.Environment:
    """Templates of a folder: every value is escaped, and one that is missing is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # `tojson` escapes <, >, &, ' and everything beyond ASCII; NaN is not JSON and must not get that far.
    found.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return found


def page_script(text: str) -> PageScript:
    """A script of ours as it stands in a page, and its hash; never give it text of strangers."""
    # An HTML parser reads \r\n as \n, which would change the hash.
    text = text.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return PageScript(Markup(text), f"sha256-{digest}")  # noqa: S704  # our own script


def page_style(path: Path) -> Markup:
    """A stylesheet of ours, to stand in a page as it is."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704  # our own


def write_page(text: str, path: Path) -> None:
    """Replace the file at `path` in one step: a reader has the old page or the new one. `NotWritten` on failure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotWritten(f"cannot write {path}: {error.strerror}; fix that and run again") from error
