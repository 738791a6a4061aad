"""Files: `/{id}/resolve/…`, the route that it redirects to, and `/{id}/raw/…`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Literal
from urllib.parse import quote

import orjson

from tasks.replica import answers
from tasks.replica.answers import Headers, Refused, ReplicaRequest, ReplicaResponse, error_answer
from tasks.replica.corpus import Corpus
from tasks.replica.protocol import COMMIT, git_blob_sha1
from tasks.replica.rows import CorpusModel, config, files

FileRoute = Literal["resolve", "resolve_cache", "raw"]
_REVISION_ROUTES: tuple[FileRoute, ...] = ("resolve", "raw")

_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file as requested: of which model, at which revision, by which route."""

    model_id: str
    revision: str
    file: str
    route: FileRoute


def file_request(segments: tuple[str, ...]) -> FileRequest | None:
    """The file that a path outside `/api/models` requests; None where it requests none."""
    if segments[:3] == ("api", "resolve-cache", "models"):
        # `owner/name/sha/file`. The Hub has no such route for ids without an owner, and redirects none to it.
        rest = segments[3:]
        if len(rest) > 3 and COMMIT.fullmatch(rest[2]):
            return FileRequest("/".join(rest[:2]), rest[2], "/".join(rest[3:]), "resolve_cache")
        return None
    for end, route in product((1, 2), _REVISION_ROUTES):
        if len(segments) > end + 2 and segments[end] == route and segments[0] != "api":
            model_id, file = "/".join(segments[:end]), "/".join(segments[end + 2 :])
            return FileRequest(model_id, segments[end + 1], file, route)
    return None


def place_of(corpus: Corpus, model_id: str, moved_to: str, *, has_token: bool) -> int:
    """The row of the model in the corpus. `moved_to` is the address under a new name, with `{id}` in it.

    Raises `Refused` with the Hub's answer for renamed, missing, deleted and disabled repositories; without a token, a
    private one is missing, whether by its old name or by its new one.
    """
    new = corpus.renamed.get(model_id)
    place = corpus.row_of.get(new or model_id)
    if place is not None and corpus.models["is_private"][place] and not has_token:
        raise Refused(answers.NO_SUCH_REPOSITORY)
    if new:
        raise Refused(answers.redirect(moved_to.replace("{id}", quote(new), 1)))
    if place is None or corpus.models["is_deleted"][place]:
        raise Refused(answers.NO_SUCH_REPOSITORY)
    if corpus.models["is_disabled"][place]:
        raise Refused(answers.DISABLED)
    return place


def commit_of(corpus: Corpus, place: int, revision: str) -> str:
    """The commit that a revision names: that of `main` or of a pull request, or one that is in the corpus."""
    model_id = corpus.models["model_id"][place]
    if written := corpus.refs.get((model_id, revision)):
        return written
    if revision == "main":
        return str(corpus.models["sha"][place])
    if (model_id, revision) not in corpus.revisions:
        raise Refused(error_answer(404, f"Invalid rev id: {revision[:100]}", "RevisionNotFound"))
    return revision


def file_answer(corpus: Corpus, request: ReplicaRequest, target: FileRequest) -> ReplicaResponse:
    """The file, its 304, its redirect, or the Hub's refusal."""
    tail = f"{quote(target.revision, safe='')}/{quote(target.file)}"
    roots = {
        "resolve": "/{id}/resolve/",
        "raw": "/{id}/raw/",
        "resolve_cache": "/api/resolve-cache/models/{id}/",
    }
    place = place_of(corpus, target.model_id, roots[target.route] + tail, has_token=request.has_valid_token)
    commit = commit_of(corpus, place, target.revision)
    model = corpus.models.row(place, named=True)
    content, etag = _content(corpus, model, commit, target.file)
    if model["readme_gated"] if target.file == "README.md" else model["gated"]:
        return answers.gated(target.model_id, has_token=request.has_valid_token)
    headers: Headers = (
        ("x-repo-commit", commit),
        ("etag", f'"{etag}"'),
        ("content-type", "text/plain; charset=utf-8"),
        ("accept-ranges", "bytes"),
        ("content-disposition", f'inline; filename="{quote(target.file.rpartition("/")[2])}";'),
    )
    if etag in request.headers.get("if-none-match", ""):
        return ReplicaResponse(304, b"", headers)
    if target.route == "resolve" and "/" in target.model_id and not model["gated"]:
        location = f"/api/resolve-cache/models/{quote(target.model_id)}/{commit}/{quote(target.file)}"
        return answers.redirect(location, ("x-repo-commit", commit), ("x-linked-size", str(len(content))))
    return _part(ReplicaResponse(200, content, headers, is_file=True), request.headers.get("range", ""))


def _content(corpus: Corpus, model: CorpusModel, commit: str, file: str) -> tuple[bytes, str]:
    """The bytes and their git blob sha1. Raises `Refused` where the commit has no such file."""
    if file == "README.md":
        revision = corpus.revisions[model["model_id"], commit]
        card, etag = corpus.card(revision), corpus.etags[revision]
        if card is None or etag is None:
            raise answers.no_such_entry(commit)
        return card, etag
    if file not in files(model):
        raise answers.no_such_entry(commit)
    content = orjson.dumps(config(model)) if file == "config.json" else b"in place of weights"
    return content, git_blob_sha1(content)


def _part(answer: ReplicaResponse, requested: str) -> ReplicaResponse:
    """The range requested, if any: the client resumes broken downloads with it."""
    match = _RANGE.fullmatch(requested)
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
