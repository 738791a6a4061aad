"""The card that advice is about, and what is beside it: from a file, a folder, or a model of the Hub.

Only names of files and small text files are read; of a model on the Hub no file at all but its README.md, because a
request of config.json and the like counts as a download.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.cards.decoding import decode
from tasks.cards.one_line import one_line
from tasks.errors import UsageError
from tasks.records import CardText

CARD_NAME = "README.md"
CARD_BYTES_MAX = 5_000_000
_FILES_MAX = 20_000
_DOCUMENT_BYTES_MAX = 2_000_000
# What other files say of the model, where a folder has them.
_DOCUMENTS = (
    "config.json", "adapter_config.json", "model_index.json", "generation_config.json", "tokenizer_config.json",
    "trainer_state.json", "all_results.json", "eval_results.json", "train_results.json", "training_args.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """A card text and what is known of its repository.

    `name`: as the person called it. `path`: the README on this machine, null for a card of the Hub. `files`: paths
    within the repository, null where they are not known. `documents`: small JSON files by their name, parsed.
    `is_utf8`: false where the file's bytes are of another encoding, or broken.
    """

    name: str
    text: str
    model_id: str | None = None
    path: Path | None = None
    files: tuple[str, ...] | None = None
    documents: Mapping[str, Any] = field(default_factory=dict)
    is_utf8: bool = True

    @property
    def card(self) -> CardText:
        """The record that judges take."""
        return CardText(hashlib.sha256(self.text.encode(errors="surrogatepass")).hexdigest(), self.text)

    def document(self, name: str) -> Mapping[str, Any]:
        """A document that is a JSON object; empty where it is missing or anything else."""
        found = self.documents.get(name)
        return found if isinstance(found, dict) else {}


def is_path(target: str) -> bool:
    """Whether a person means a file or folder: it is there, or it is written as one."""
    return Path(target).exists() or target.lower().endswith(".md") or target.startswith((".", "/", "~"))


def read_path(target: str) -> Subject:
    """The card of a file or a folder. Raises `UsageError` where there is none, or where it cannot be read."""
    path = Path(target).expanduser()
    if path.is_dir():
        folder, path = path, path / CARD_NAME
        if not path.is_file():
            raise UsageError(f"{one_line(target)}: no {CARD_NAME} in this folder; name the card's file")
    else:
        folder = path.parent
    raw = _bytes_of(path, target)
    is_repository = path.name == CARD_NAME
    files = _files_in(folder) if is_repository else None
    return Subject(
        name=target,
        text=decode(raw),
        path=path,
        files=files,
        documents=_documents_in(folder) if is_repository else {},
        is_utf8=_is_utf8(raw),
    )


def _bytes_of(path: Path, target: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(CARD_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(
            f"{one_line(target)}: {error.strerror}; name a README.md, a folder or a model"
        ) from error
    if len(raw) > CARD_BYTES_MAX:
        raise UsageError(
            f"{one_line(target)}: more than {CARD_BYTES_MAX // 1_000_000} MB; is this a card? Shorten it"
        )
    return raw


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _files_in(folder: Path) -> tuple[str, ...]:
    """Paths of files below a folder, without hidden ones but `.eval_results`; links are not followed."""
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name == ".eval_results")
        at = Path(root).relative_to(folder)
        found += [(at / name).as_posix() for name in sorted(names) if not name.startswith(".")]
        if len(found) > _FILES_MAX:
            break
    return tuple(found[:_FILES_MAX])


def _documents_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _DOCUMENTS:
        path = folder / name
        try:
            if path.is_file() and path.stat().st_size <= _DOCUMENT_BYTES_MAX:
                found[name] = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue  # a broken file beside the card says nothing about it
    return found
