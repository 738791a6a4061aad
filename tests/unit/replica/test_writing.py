"""The unmodified client library writes to a replica: pull requests, commits, and what is refused."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HfUriError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from tasks.errors import UsageError
from tasks.replica.corpus import write_corpus
from tasks.replica.process import running_replica
from tasks.replica.writing import BODY_BYTES_MAX, git_diff, parse_accounts, validation

CARD = "---\nlicense: mit\n---\n# Größe\n\nText.\n"
BETTER = CARD.replace("license: mit", "license: apache-2.0")
ADA, BOB, READER = "hf_ada", "hf_bob", "hf_reader"


def model(model_id: str, **columns: object) -> dict[str, object]:
    return {"model_id": model_id, "tags": [], "last_modified": "2026-01-01", "card_text": CARD, **columns}


MODELS = [
    *(model(f"ada/{name}") for name in ("one", "two", "three", "four", "quiet")),
    model("herons/calls"),
    model("solo"),
    model("eve/gated", gated="manual"),
    model("ada/gated", gated="manual"),
    model("eve/off", is_disabled=True),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    write_corpus(corpus, MODELS)
    accounts = (f"{ADA}=ada:herons,marshes", f"{BOB}=bob")
    with running_replica(corpus, accounts=accounts, no_discussions=("ada/quiet",)) as url:
        yield url


@pytest.fixture
def api(hub: str) -> HfApi:
    return HfApi(endpoint=hub, token=False)


def commit(api: HfApi, model_id: str, text: str = BETTER, *, token: str | bool = BOB, **options: Any) -> Any:
    card = CommitOperationAdd("README.md", text.encode())
    options = {"create_pr": True, "commit_message": "Mend the license", **options}
    return api.create_commit(model_id, [card], token=token, **options)


def card_at(hub: str, model_id: str, revision: str = "main") -> str:
    answer = get_session().get(f"{hub}/{model_id}/resolve/{revision.replace('/', '%2F')}/README.md")
    return answer.raise_for_status().text


def test_an_account_is_known_with_its_organisations(api: HfApi) -> None:
    found = api.whoami(token=ADA)
    assert (found["name"], [org["name"] for org in found["orgs"]]) == ("ada", ["herons", "marshes"])
    assert api.whoami(token=READER)["name"] == "replica"


def test_a_pull_request_is_a_branch_a_commit_and_a_discussion(api: HfApi, hub: str, tmp_path: Path) -> None:
    before = api.model_info("ada/one").sha
    made = commit(api, "ada/one", commit_description="Because it is so.", parent_commit=before)
    assert (made.pr_url, made.pr_num) == (f"{hub}/ada/one/discussions/1", 1)
    assert card_at(hub, "ada/one", "refs/pr/1") == BETTER
    assert card_at(hub, "ada/one", made.oid) == BETTER
    path = hf_hub_download(
        "ada/one", "README.md", revision="refs/pr/1", endpoint=hub, cache_dir=tmp_path, token=False
    )
    assert Path(path).read_text(encoding="utf-8") == BETTER
    assert (card_at(hub, "ada/one"), api.model_info("ada/one").sha) == (CARD, before)
    assert api.model_info("ada/one", revision="refs/pr/1").sha == made.oid

    (listed,) = api.get_repo_discussions("ada/one")
    assert (listed.num, listed.title, listed.author, listed.status) == (1, "Mend the license", "bob", "open")
    assert listed.is_pull_request
    found = api.get_discussion_details("ada/one", 1)
    assert found.diff == git_diff(CARD.encode(), BETTER.encode())
    assert "\n-license: mit\n+license: apache-2.0\n" in found.diff
    assert (found.target_branch, found.conflicting_files) == ("refs/heads/main", [])
    comment, change = found.events
    assert (comment.type, getattr(comment, "content", None)) == ("comment", "Because it is so.")
    assert (change.type, getattr(change, "oid", None)) == ("commit", made.oid)


def test_pull_requests_are_listed_by_author_kind_and_state(api: HfApi) -> None:
    for token in (ADA, BOB, BOB):
        commit(api, "ada/two", f"{CARD}{token}\n", token=token)
    numbers = [each.num for each in api.get_repo_discussions("ada/two")]
    assert numbers == [3, 2, 1]
    assert [each.num for each in api.get_repo_discussions("ada/two", author="ada")] == [1]
    assert list(api.get_repo_discussions("ada/two", discussion_type="discussion")) == []
    assert list(api.get_repo_discussions("ada/two", discussion_status="closed")) == []
    with pytest.raises(HfHubHTTPError, match="404"):
        api.get_discussion_details("ada/two", 4)


def test_an_owner_commits_to_main_and_others_do_not(api: HfApi, hub: str) -> None:
    head = api.model_info("herons/calls").sha
    with pytest.raises(HfHubHTTPError, match="pass `create_pr=1`"):
        commit(api, "herons/calls", create_pr=False)
    made = commit(api, "herons/calls", token=ADA, create_pr=False, parent_commit=head)
    assert (made.pr_url, card_at(hub, "herons/calls")) == (None, BETTER)
    assert api.model_info("herons/calls").sha == made.oid
    assert card_at(hub, "herons/calls", str(head)) == CARD
    with pytest.raises(HfHubHTTPError, match="412") as caught:
        commit(api, "herons/calls", CARD, token=ADA, create_pr=False, parent_commit=head)
    assert "A commit has happened since" in str(caught.value)


def test_a_pull_request_starts_from_any_commit_that_exists(api: HfApi) -> None:
    head = api.model_info("ada/three").sha
    commit(api, "ada/three", f"{CARD}More.\n", token=ADA, create_pr=False)
    commit(api, "ada/three", parent_commit=head)
    found = api.get_discussion_details("ada/three", 1)
    assert (found.diff, found.conflicting_files) == (git_diff(CARD.encode(), BETTER.encode()), ["README.md"])
    with pytest.raises(HfHubHTTPError, match="412"):
        commit(api, "ada/three", parent_commit="0" * 40)


def test_a_model_without_an_owner_takes_pull_requests_too(api: HfApi) -> None:
    with pytest.raises(HfUriError):  # the client cannot read the address of its commit; it was made
        commit(api, "solo")
    assert [each.num for each in api.get_repo_discussions("solo")] == [1]


def test_the_same_card_is_no_commit(api: HfApi) -> None:
    assert commit(api, "ada/four", CARD).pr_url is None
    assert list(api.get_repo_discussions("ada/four")) == []


@pytest.mark.parametrize("token", [False, READER])
def test_nobody_writes_without_an_account(api: HfApi, hub: str, token: str | bool) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        commit(api, "ada/four", token=token)
    assert caught.value.response.status_code == 401
    sent = get_session().post(f"{hub}/api/models/ada/four/commit/main?create_pr=1", content=b"{}")
    assert sent.status_code == 401


@pytest.mark.parametrize(
    ("model_id", "error"),
    [
        ("eve/gated", GatedRepoError),
        ("eve/off", DisabledRepoError),
        ("eve/none", RepositoryNotFoundError),
    ],
)
def test_what_cannot_be_reached_cannot_be_written_to(
    api: HfApi, model_id: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        api.auth_check(model_id, token=BOB)
    with pytest.raises(error):
        commit(api, model_id)


def test_owners_reach_their_gated_models(api: HfApi) -> None:
    api.auth_check("ada/gated", token=ADA)
    api.auth_check("ada/one", token=BOB)
    assert commit(api, "ada/gated", token=ADA).pr_num == 1


def test_a_model_may_take_no_discussions(api: HfApi) -> None:
    for ask in (lambda: commit(api, "ada/quiet"), lambda: list(api.get_repo_discussions("ada/quiet"))):
        with pytest.raises(HfHubHTTPError, match="Discussions are disabled"):
            ask()


def test_broken_metadata_stop_a_commit(api: HfApi) -> None:
    with pytest.raises(ValueError, match='"license" must be one of'):
        commit(api, "ada/four", CARD.replace("mit", "Apache License"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        commit(api, "ada/four", "# Bare\n")
    assert "empty or missing yaml metadata" in str(caught[0].message)


@pytest.mark.parametrize(
    ("card", "status", "errors", "warns"),
    [
        (CARD, 200, 0, 0),
        ("# Bare\n", 200, 0, 1),
        ("---\n---\n", 200, 0, 1),
        ("---\na: [\n---\n", 400, 1, 0),
        ("---\nlicense: [mit, mine]\n---\n", 400, 1, 0),
        ("---\nlicense: 5\n---\n\ud800", 200, 0, 0),
    ],
)
def test_metadata_are_checked(card: str, status: int, errors: int, warns: int) -> None:
    answer = validation(card)
    content = orjson.loads(answer.body)
    assert (answer.status, len(content["errors"]), len(content["warnings"])) == (status, errors, warns)


HEADER = {"key": "header", "value": {"summary": "A title", "description": ""}}
README = {"key": "file", "value": {"path": "README.md", "content": "QQ==", "encoding": "base64"}}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEADER],
        [README],
        [HEADER, README, README],
        [HEADER, {"key": "file", "value": {**README["value"], "path": "config.json"}}],  # type: ignore[dict-item]
        [HEADER, {"key": "lfsFile", "value": {"path": "README.md"}}],
        [HEADER, {"key": "deletedFile", "value": {"path": "README.md"}}],
        [HEADER, {"key": "file", "value": {**README["value"], "content": "?"}}],  # type: ignore[dict-item]
        [HEADER, {"key": "file", "value": {**README["value"], "content": 5}}],  # type: ignore[dict-item]
        [HEADER, {"key": "file", "value": 5}],
        [{"key": "header", "value": {"summary": "x" * 201}}, README],
        [{"key": "header", "value": {"summary": "A title", "parentCommit": 5}}, README],
        [5],
    ],
)
def test_a_commit_changes_one_readme_and_nothing_else(hub: str, lines: list[Any]) -> None:
    answer = get_session().post(
        f"{hub}/api/models/ada/four/commit/main?create_pr=1",
        content=b"\n".join(orjson.dumps(line) for line in lines),
        headers={"authorization": f"Bearer {BOB}"},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["models/ada/four/preupload/main", "validate-yaml"])
@pytest.mark.parametrize("body", [b"", b"5", b"{}", b'{"files": 5, "content": 5}', b"\xff"])
def test_what_is_no_request_is_a_bad_one(hub: str, path: str, body: bytes) -> None:
    headers = {"authorization": f"Bearer {ADA}"}
    assert get_session().post(f"{hub}/api/{path}", content=body, headers=headers).status_code == 400


def test_a_body_has_a_limit(hub: str) -> None:
    header = b'{"key":"header","value":{"summary":"A title"}}\n'
    content = b64encode(b"x" * BODY_BYTES_MAX).decode()
    body = header + orjson.dumps({**README, "value": {"path": "README.md", "content": content}})
    answer = get_session().post(
        f"{hub}/api/models/ada/four/commit/main?create_pr=1",
        content=body,
        headers={"authorization": f"Bearer {BOB}"},
    )
    assert answer.status_code == 413
    assert get_session().get(f"{hub}/api/models/ada/four").status_code == 200


def test_only_the_main_branch_can_be_written_to(api: HfApi) -> None:
    with pytest.raises(RevisionNotFoundError):
        commit(api, "ada/four", create_pr=False, token=ADA, revision="other")


def test_the_rest_of_a_replica_stays_read_only(hub: str) -> None:
    headers = {"authorization": f"Bearer {ADA}"}
    for path in ("api/repos/create", "api/models/ada/one", "api/models/ada/one/discussions", "ada/one"):
        assert get_session().post(f"{hub}/{path}", headers=headers).status_code == 405
    assert get_session().delete(f"{hub}/api/models/ada/one/commit/main", headers=headers).status_code == 405


def test_a_diff_is_written_as_git_writes_it() -> None:
    assert git_diff(b"a\n", b"a\n") == ""
    assert git_diff("a\u2028b\nlast".encode(), "a\u2028b\nlast\n".encode()).partition("@@\n")[2] == (
        " a\u2028b\n-last\n\\ No newline at end of file\n+last\n"
    )


def test_accounts_are_read_and_a_bad_one_is_not_repeated() -> None:
    found = parse_accounts(["hf_one=ada:herons,marshes", "hf_two=bob"])
    assert found["hf_one"].organisations == ("herons", "marshes")
    assert [found["hf_one"].owns(each) for each in ("ada/x", "herons/x", "bob/x", "ada")] == [
        True, True, False, False,
    ]  # fmt: skip
    for text in ("secret=ada", "hf_secret", "hf_secret=", "hf_secret=ada:", "hf_secret=a b"):
        with pytest.raises(UsageError) as caught:
            parse_accounts([text])
        assert "secret" not in str(caught.value)
