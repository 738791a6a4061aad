"""Files: `/{id}/resolve/…`, where that redirects to, and `/{id}/raw/…`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import orjson

from tasks.replica.answers import (
    Headers,
    Refused,
    ReplicaRequest,
    ReplicaResponse,
    disabled,
    error_answer,
    gated,
    no_such_entry,
    no_such_repository,
    no_such_revision,
    redirect,
)
from tasks.replica.corpus import Corpus
from tasks.replica.protocol import COMMIT, git_blob_sha1
from tasks.replica.rows import CorpusModel, config, files

Door = Literal["resolve", "resolve_cache", "raw"]
_REVISION_DOORS: tuple[Door, ...] = ("resolve", "raw")

_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file as asked for: of which model, at which revision, through which door."""

    model_id: str
    revision: str
    file: str
    door: Door


def file_wanted(segments: tuple[str, ...]) -> WantedFile | None:
    """Which file a path outside `/api/models` asks for; None where it asks for none."""
    if segments[:3] == ("api", "resolve-cache", "models"):
        return _cached(segments[3:])
    for at in (1, 2):
        for door in _REVISION_DOORS:
            if len(segments) > at + 2 and segments[at] == door and segments[0] != "api":
                return WantedFile(
                    "/".join(segments[:at]), segments[at + 1], "/".join(segments[at + 2 :]), door
                )
    return None


def _cached(rest: tuple[str, ...]) -> WantedFile | None:
    """`owner/name/sha/file`. Ids without an owner have no place here: the Hub sends nobody here for them either."""
    if len(rest) > 3 and COMMIT.fullmatch(rest[2]):
        return WantedFile("/".join(rest[:2]), rest[2], "/".join(rest[3:]), "resolve_cache")
    return None


def place_of(corpus: Corpus, model_id: str, moved_to: str) -> int:
    """Where the model stands in the corpus. `moved_to` is the address under a new name, with `{id}` in it.

    Raises `Refused` with the Hub's answer for renamed, missing, deleted and disabled repositories.
    """
    if new := corpus.renamed.get(model_id):
        raise Refused(redirect(moved_to.replace("{id}", quote(new), 1)))
    place = corpus.row_of.get(model_id)
    if place is None or corpus.models["is_deleted"][place]:
        raise Refused(no_such_repository())
    if corpus.models["is_disabled"][place]:
        raise Refused(disabled())
    return place


def commit_of(corpus: Corpus, place: int, revision: str) -> str:
    """The commit that a revision names: `main`, or one that the corpus knows."""
    if revision == "main":
        return str(corpus.models["sha"][place])
    if (corpus.models["model_id"][place], revision) not in corpus.revisions:
        raise Refused(no_such_revision(revision))
    return revision


def file_answer(corpus: Corpus, request: ReplicaRequest, wanted: WantedFile) -> ReplicaResponse:
    """The file, its 304, its redirect, or the Hub's reason against it."""
    tail = f"{quote(wanted.revision, safe='')}/{quote(wanted.file)}"
    roots = {
        "resolve": "/{id}/resolve/",
        "raw": "/{id}/raw/",
        "resolve_cache": "/api/resolve-cache/models/{id}/",
    }
    place = place_of(corpus, wanted.model_id, roots[wanted.door] + tail)
    commit = commit_of(corpus, place, wanted.revision)
    model = corpus.models.row(place, named=True)
    content, etag = _content(corpus, model, commit, wanted.file)
    if model["readme_gated"] if wanted.file == "README.md" else model["gated"]:
        return gated(wanted.model_id, has_token=request.has_valid_token)
    headers: Headers = (
        ("x-repo-commit", commit),
        ("etag", f'"{etag}"'),
        ("content-type", "text/plain; charset=utf-8"),
        ("accept-ranges", "bytes"),
        ("content-disposition", f'inline; filename="{quote(wanted.file.rpartition("/")[2])}";'),
    )
    if etag in request.headers.get("if-none-match", ""):
        return ReplicaResponse(304, b"", headers)
    if wanted.door == "resolve" and "/" in wanted.model_id and not model["gated"]:
        location = f"/api/resolve-cache/models/{quote(wanted.model_id)}/{commit}/{quote(wanted.file)}"
        return redirect(location, ("x-repo-commit", commit), ("x-linked-size", str(len(content))))
    return _part(ReplicaResponse(200, content, headers, is_file=True), request.headers.get("range", ""))


def _content(corpus: Corpus, model: CorpusModel, commit: str, file: str) -> tuple[bytes, str]:
    """The bytes and their git blob sha1. Raises `Refused` where the commit has no such file."""
    if file == "README.md":
        revision = corpus.revisions[model["model_id"], commit]
        card, etag = corpus.card(revision), corpus.etags[revision]
        if card is None or etag is None:
            raise Refused(no_such_entry(commit))
        return card, etag
    if file not in files(model):
        raise Refused(no_such_entry(commit))
    content = orjson.dumps(config(model)) if file == "config.json" else b"in place of weights"
    return content, git_blob_sha1(content)


def _part(answer: ReplicaResponse, wanted: str) -> ReplicaResponse:
    """The range asked for, where one is: the client resumes broken downloads with it."""
    match = _RANGE.fullmatch(wanted)
    if not match:
        return answer
    size = len(answer.body)
    start = int(match[1])
    end = min(int(match[2] or size), size - 1)
    if start >= size or end < start:
        return error_answer(
            416, "Requested range not satisfiable", None, ("content-range", f"bytes */{size}")
        )
    kept = ("content-range", f"bytes {start}-{end}/{size}")
    return ReplicaResponse(206, answer.body[start : end + 1], (*answer.headers, kept), is_file=True)
