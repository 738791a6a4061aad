"""What a client may write: a card, straight to `main` or as a pull request. In memory, and gone with the replica.

Only accounts that the replica is given may write, and only README.md can be changed; everything else is read-only.
The listing keeps its rows as they are in the corpus: of a changed model, its sha and its README.md are new.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

import orjson

from tasks.cards.vocabulary import licenses
from tasks.clock import utc_now
from tasks.errors import UsageError
from tasks.replica import answers
from tasks.replica.answers import Refused, ReplicaRequest, ReplicaResponse, error_answer, json_answer
from tasks.replica.card_data import card_data_json, has_front_matter
from tasks.replica.corpus import Corpus
from tasks.replica.protocol import git_blob_sha1
from tasks.replica.resolve import commit_of, place_of

BODY_BYTES_MAX = 8_000_000  # a card of 5 MB, in base64 and with what is around it
COMMITS_MAX = 1_000
_WRITTEN_BYTES_MAX = 256_000_000
_PAGE = 50
_TITLE_CHARACTERS = 200
_ACCOUNT = re.compile(r"(hf_\w{1,100})=([\w.-]{1,96})(?::([\w.-]{1,96}(?:,[\w.-]{1,96}){0,99}))?", re.ASCII)
# What follows the id of a model in a path, and how many segments more.
_ROUTES = {"commit": (1,), "preupload": (1,), "discussions": (0, 1), "auth-check": (0,)}

_NO_ACCOUNT = error_answer(401, "Invalid username or password.")
READ_ONLY = error_answer(405, "A replica is read-only", None, ("allow", "GET, HEAD"))
_TOO_LARGE = error_answer(413, f"At most {BODY_BYTES_MAX:,} bytes", None, ("connection", "close"))
_MOVED_ON = error_answer(412, "A commit has happened since. Please refresh and try again.")
_AS_PULL_REQUEST = error_answer(
    403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"
)
_NO_DISCUSSIONS = error_answer(403, "Discussions are disabled for this repo")
_NO_SUCH_DISCUSSION = error_answer(404, "Discussion not found")
_FULL = error_answer(507, "This replica holds no more commits; start it again")
_NO_METADATA = "empty or missing yaml metadata in repo card"


@dataclass(frozen=True, slots=True)
class ReplicaAccount:
    """Somebody who may write: to models of their own name and of their organisations, to others by pull request."""

    name: str
    organisations: tuple[str, ...] = ()

    def owns(self, model_id: str) -> bool:
        """Whether a model is in one of the account's namespaces, in any case: the Hub has no two that differ by it."""
        owner, has_owner, _ = model_id.casefold().partition("/")
        return bool(has_owner) and owner in {name.casefold() for name in (self.name, *self.organisations)}


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request: README.md of `commit`, on top of `base`."""

    number: int
    author: str
    title: str
    description: str
    created_at: str
    base: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit as a client sends it."""

    title: str
    description: str
    parent: str | None
    readme: bytes


def parse_accounts(texts: Iterable[str]) -> dict[str, ReplicaAccount]:
    """Accounts by their token, from texts as `hf_token=ada:org,other-org`. Raises `UsageError`, without the text."""
    accounts: dict[str, ReplicaAccount] = {}
    for number, text in enumerate(texts, 1):
        parts = _ACCOUNT.fullmatch(text)
        if not parts:
            raise UsageError(
                f"account {number} cannot be read; write it as hf_sometoken=name or hf_sometoken=name:org,other-org"
            )
        accounts[parts[1]] = ReplicaAccount(parts[2], tuple(parts[3].split(",")) if parts[3] else ())
    return accounts


@dataclass(slots=True)
class Writing:
    """Answers what writes, and what reads pull requests. `silent`: models whose discussions are disabled."""

    corpus: Corpus
    accounts: Mapping[str, ReplicaAccount] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    _pulls: dict[str, list[PullRequest]] = field(default_factory=dict)
    _commits: int = 0
    _bytes: int = 0

    def account(self, request: ReplicaRequest) -> ReplicaAccount | None:
        """Whose token a request has, among the accounts that may write."""
        return self.accounts.get((request.token or "").removeprefix("Bearer "))

    def route(self, segments: tuple[str, ...]) -> tuple[str, str, str] | None:
        """Model, route and the segment behind it, of a path that this class answers; else None."""
        if segments[:2] != ("api", "models"):
            return None
        rest = segments[2:]
        for end in (1, 2):
            tail = len(rest) - end - 1
            if tail < 0 or tail not in _ROUTES.get(rest[end], ()):
                continue
            if len(rest) == 2 and rest[0] not in self.corpus.row_of:
                continue  # a model of that name, rather than the discussions of one without an owner
            return "/".join(rest[:end]), rest[end], rest[end + 1] if tail else ""
        return None

    def get(self, request: ReplicaRequest, model_id: str, route: str, last: str) -> ReplicaResponse:
        """Pull requests, and whether a token gives access."""
        place = self._place(request, model_id)
        if route == "auth-check":
            self._check_gate(request, place, model_id)
            return json_answer({"success": True})
        if route != "discussions":
            return answers.NO_SUCH_PAGE
        if model_id in self.silent:
            return _NO_DISCUSSIONS
        if not last:
            return self._list(request, model_id)
        pulls = self._pulls.get(model_id, [])
        if not (last.isascii() and last.isdigit() and len(last) < 8 and 0 < int(last) <= len(pulls)):
            return _NO_SUCH_DISCUSSION
        return json_answer(self._details(model_id, place, pulls[int(last) - 1]))

    def post(self, request: ReplicaRequest, body: bytes | None) -> ReplicaResponse:
        """A validation, or one of the two steps of a commit. `body`: None where it is too large."""
        found = self.route(request.segments)
        is_validation = request.segments == ("api", "validate-yaml")
        if not is_validation and (found is None or found[1] not in ("commit", "preupload")):
            return READ_ONLY
        if body is None:
            return _TOO_LARGE
        if found is None:
            content = _object(body).get("content")
            if not isinstance(content, str):
                raise answers.bad_request("content: expected a string")
            return validation(content)
        account = self.account(request)
        if account is None:
            return _NO_ACCOUNT
        model_id, route, revision = found
        place = self._place(request, model_id)
        self._check_gate(request, place, model_id)
        if revision != "main":
            raise Refused(error_answer(404, f"Invalid rev id: {revision[:100]}", "RevisionNotFound"))
        is_pull = request.one("create_pr") in ("1", "true")
        if not is_pull and not account.owns(model_id):
            return _AS_PULL_REQUEST
        if is_pull and model_id in self.silent:
            return _NO_DISCUSSIONS
        if route == "preupload":
            return self._preupload(model_id, place, body)
        return self._commit(request, account, model_id, place, body, is_pull=is_pull)

    def _place(self, request: ReplicaRequest, model_id: str) -> int:
        tail = request.target.partition(model_id)[2]
        moved_to = f"/api/models/{{id}}{tail}"
        return place_of(self.corpus, model_id, moved_to, has_token=request.has_valid_token)

    def _check_gate(self, request: ReplicaRequest, place: int, model_id: str) -> None:
        account = self.account(request)
        if self.corpus.models["gated"][place] and not (account and account.owns(model_id)):
            raise Refused(answers.gated(model_id, has_token=request.has_valid_token))

    def _preupload(self, model_id: str, place: int, body: bytes) -> ReplicaResponse:
        """How each file is to be sent: as it is; and what the repository has now in its place."""
        files = _object(body).get("files")
        if not isinstance(files, list):
            raise answers.bad_request("files: expected a list")
        head = commit_of(self.corpus, place, "main")
        etag = self.corpus.etags[self.corpus.revisions[model_id, head]]
        paths = [file.get("path") for file in files if isinstance(file, dict)]
        return json_answer({
            "files": [
                {"path": path, "uploadMode": "regular", "shouldIgnore": False}
                | ({"oid": etag} if path == "README.md" and etag else {})
                for path in paths
            ],
            "commitOid": head,
        })  # fmt: skip

    def _commit(
        self,
        request: ReplicaRequest,
        account: ReplicaAccount,
        model_id: str,
        place: int,
        body: bytes,
        *,
        is_pull: bool,
    ) -> ReplicaResponse:
        """Add a commit: to `main`, whose head must still be its parent, or as a pull request from any commit."""
        sent = _read_commit(body)
        checked = validation(sent.readme.decode("utf-8", errors="replace"))
        if checked.status != 200:
            return checked
        head = commit_of(self.corpus, place, "main")
        parent = sent.parent or head
        is_known = (model_id, parent) in self.corpus.revisions
        if not (is_known if is_pull else parent == head):
            return _MOVED_ON
        self._commits += 1
        self._bytes += len(sent.readme)
        if self._commits > COMMITS_MAX or self._bytes > _WRITTEN_BYTES_MAX:
            return _FULL
        name = f"{model_id}\0{parent}\0{self._commits}".encode() + sent.readme
        commit = hashlib.sha1(name, usedforsecurity=False).hexdigest()
        self.corpus.add_card(model_id, commit, sent.readme)
        root = f"http://{request.server}/{model_id}"
        done = {"success": True, "commitUrl": f"{root}/commit/{commit}", "commitOid": commit}
        if not is_pull:
            self.corpus.refs[model_id, "main"] = commit
            return json_answer(done)
        pulls = self._pulls.setdefault(model_id, [])
        now = f"{utc_now():%Y-%m-%dT%H:%M:%S.000Z}"
        pull = PullRequest(len(pulls) + 1, account.name, sent.title, sent.description, now, parent, commit)
        pulls.append(pull)
        self.corpus.refs[model_id, f"refs/pr/{pull.number}"] = commit
        return json_answer({**done, "pullRequestUrl": f"{root}/discussions/{pull.number}"})

    def _list(self, request: ReplicaRequest, model_id: str) -> ReplicaResponse:
        """A page of pull requests, the latest first."""
        page = request.one("p") or "0"
        if not (page.isascii() and page.isdigit() and len(page) < 6):
            raise answers.bad_request("p: expected a number")
        author = request.one("author")
        is_shown = request.one("type") != "discussion" and request.one("status") != "closed"
        pulls = self._pulls.get(model_id, []) if is_shown else []
        chosen = [pull for pull in reversed(pulls) if author in (None, pull.author)]
        start = int(page) * _PAGE
        rows = [_row(model_id, pull) for pull in chosen[start : start + _PAGE]]
        return json_answer({"discussions": rows, "count": len(chosen), "start": start})

    def _details(self, model_id: str, place: int, pull: PullRequest) -> dict[str, Any]:
        """A pull request with its events and its diff against the commit that it is based on."""
        before, after, now = (
            self.corpus.card(self.corpus.revisions[model_id, commit]) or b""
            for commit in (pull.base, pull.commit, commit_of(self.corpus, place, "main"))
        )
        common = {"createdAt": pull.created_at, "author": {"name": pull.author}}
        comment = {"raw": pull.description, "html": "", "updatedAt": pull.created_at, **common}
        return {
            **_row(model_id, pull),
            "changes": {"base": "refs/heads/main"},
            "filesWithConflicts": ["README.md"] if now != before else [],
            "diff": git_diff(before, after),
            "events": [
                {
                    "id": f"{pull.number:023x}0",
                    "type": "comment",
                    **common,
                    "data": {"edited": False, "hidden": False, "latest": comment, "history": []},
                },
                {
                    "id": f"{pull.number:023x}1",
                    "type": "commit",
                    **common,
                    "data": {"subject": pull.title, "oid": pull.commit},
                },
            ],
        }


def validation(content: str) -> ReplicaResponse:
    """The Hub's check of a card's metadata, as far as a replica knows it: readable, and a license that exists."""
    card = content.encode("utf-8", errors="replace")
    problems: list[str] = []
    loaded = card_data_json(card)
    if loaded is None and has_front_matter(card):
        problems = ["YAML Metadata Error: it cannot be read as YAML"]
    elif loaded is not None:
        license_ = orjson.loads(loaded).get("license")
        named = license_ if isinstance(license_, list) else [license_]
        if any(isinstance(name, str) and name not in licenses() for name in named):
            problems = ['"license" must be one of the licenses in the documentation']
    is_empty = loaded in (None, b"{}")
    warnings = [{"message": _NO_METADATA, "type": "warning"}] if is_empty and not problems else []
    errors = [{"message": problem, "type": "error"} for problem in problems]
    return json_answer({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def git_diff(before: bytes, after: bytes) -> str:
    """The difference of two READMEs as git writes it; empty where there is none."""
    old, new = (text.decode("utf-8", errors="replace") for text in (before, after))
    lines = list(unified_diff(_lines(old), _lines(new), "a/README.md", "b/README.md"))
    if not lines:
        return ""
    index = f"index {git_blob_sha1(before)[:7]}..{git_blob_sha1(after)[:7]} 100644"
    changed = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return f"diff --git a/README.md b/README.md\n{index}\n{changed}"


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one, as git has it."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _row(model_id: str, pull: PullRequest) -> dict[str, Any]:
    return {
        "num": pull.number,
        "title": pull.title,
        "status": "open",
        "isPullRequest": True,
        "author": {"name": pull.author},
        "createdAt": pull.created_at,
        "repo": {"name": model_id, "type": "model"},
    }


def _read_commit(body: bytes) -> _Commit:
    """Parse the lines of a commit. Raises `Refused` for all but one README.md with a summary."""
    header: dict[str, Any] = {}
    readme: bytes | None = None
    for line in body.splitlines():
        entry = _object(line)
        value = entry.get("value")
        if not isinstance(value, dict):
            raise answers.bad_request("value: expected an object")
        if entry.get("key") == "header":
            header = value
        elif entry.get("key") == "file" and value.get("path") == "README.md" and readme is None:
            readme = _decoded(value)
        else:
            raise answers.bad_request("A replica takes commits that change README.md and nothing else")
    title, description, parent = (header.get(key) for key in ("summary", "description", "parentCommit"))
    if readme is None or not isinstance(title, str) or not 3 <= len(title.strip()) <= _TITLE_CHARACTERS:
        raise answers.bad_request(
            f"A commit needs a README.md, and a summary of 3 to {_TITLE_CHARACTERS} characters"
        )
    if not isinstance(parent, str | None) or not isinstance(description, str | None):
        raise answers.bad_request("header: expected strings")
    return _Commit(title.strip(), description or "", parent, readme)


def _decoded(value: Mapping[str, Any]) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise answers.bad_request("content: expected a string")
    if value.get("encoding") != "base64":
        return content.encode("utf-8", errors="replace")
    try:
        return b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise answers.bad_request("content: not base64") from error


def _object(text: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise answers.bad_request("Invalid JSON") from error
    if not isinstance(content, dict):
        raise answers.bad_request("Expected a JSON object")
    return content
