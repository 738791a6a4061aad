"""Pull requests with a changed card: real HTTP, the real client library, a replica in place of the Hub."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
import typer
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.utils import get_session
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from flows.cli.card import card as card_command
from tasks.advice.advising import advise
from tasks.advice.fixing import difference, edited, fixes_of
from tasks.advice.hub_card import HubCard, read_hub_card
from tasks.advice.pulls import (
    Complaint,
    Proposal,
    open_pull,
    propose,
    standing_of,
    validate,
    validation_notices,
)
from tasks.advice.rule import Notice
from tasks.advice.subject import Subject
from tasks.errors import CardiographError, HubError, HubUnreachable, PullRefused, TokenRefused, UsageError
from tasks.replica.corpus import write_corpus
from tasks.replica.process import running_replica
from tasks.settings import OFFICIAL_HUB, Settings, settings

ROOT = Path(__file__).parents[3]
ADA, BOB, READER = "hf_ada_secret", "hf_bob_secret", "hf_reader_secret"
CARD = "---\nlicense: Apache 2.0\nlanguage: en\n---\n# Heron\n\nTells herons apart, for wardens of marshes."
SOUND = "---\nlicense: mit\ntags: birds, sound\n---\n# Heron\n"
DIFF = """--- a/README.md
+++ b/README.md
@@ -1,5 +1,5 @@
 ---
-license: Apache 2.0
+license: apache-2.0
 language: en
 ---
 # Heron
"""
NAMES = ["ada/one", "ada/two", "ada/moved", "ada/twice", "ada/quiet", "ada/typed", "ada/refused"]


def model(model_id: str, **columns: object) -> dict[str, object]:
    return {"model_id": model_id, "tags": [], "last_modified": "2026-01-01", "card_text": CARD, **columns}


MODELS = [
    *map(model, NAMES),
    model("ada/back", card_text=SOUND),
    model("herons/calls", renamed_from=["herons/sounds"]),
    model("solo"),
    model("ada/fine", card_text=CARD.replace("Apache 2.0", "apache-2.0")),
    model("ada/latin", card_text=None, card_bytes=f"{CARD} Größe".encode("latin-1")),
    model("eve/gated", gated="manual"),
    model("eve/closed", gated="manual", readme_gated=True),
    model("eve/off", is_disabled=True),
]


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    write_corpus(corpus, MODELS)
    accounts = (f"{ADA}=Ada:herons", f"{BOB}=bob")
    with running_replica(corpus, accounts=accounts, no_discussions=("ada/quiet",)) as url:
        yield url


@pytest.fixture
def hub(replica: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HF_TOKEN", ADA)
    monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", replica)
    return replica


def proposal_for(hub: str, model_id: str) -> Proposal:
    card = read_hub_card(model_id, hub)
    notices = [notice for notice in advise(card.subject).notices if notice.fix]
    return propose(card, edited(card.subject.text, fixes_of(notices)), notices)


def pulls_of(hub: str, model_id: str) -> list[Any]:
    return list(HfApi(endpoint=hub, token=False).get_repo_discussions(model_id))


def commit_to_main(hub: str, model_id: str, text: str) -> None:
    HfApi(endpoint=hub, token=ADA).create_commit(
        model_id, [CommitOperationAdd("README.md", text.encode())], commit_message="Something else"
    )


def run(hub: str, tmp_path: Path, *arguments: str, model_id: str = "ada/one") -> Result:
    app = typer.Typer()
    app.command()(card_command)
    return CliRunner().invoke(app, [model_id, "--hub", hub, "--home", str(tmp_path), *arguments])


def refusal(result: Result) -> str:
    """The one line with which the command ends."""
    assert isinstance(result.exception, CardiographError), result.exception
    assert "secret" not in f"{result.output}{result.exception}"
    assert "\n" not in str(result.exception)
    return str(result.exception)


# ------------------------------------------------------------------------------------------------ as functions


def test_a_pull_request_changes_what_its_diff_shows_and_nothing_else(hub: str) -> None:
    proposal = proposal_for(hub, "ada/one")
    assert proposal.diff.startswith(DIFF)
    assert standing_of(proposal, settings()).is_own
    assert open_pull(proposal, settings()) == f"{hub}/ada/one/discussions/1"

    api = HfApi(endpoint=hub, token=False)
    found = api.get_discussion_details("ada/one", 1)
    assert found.diff is not None
    assert found.diff.partition("\n--- ")[2] == proposal.diff.removeprefix("--- ")
    assert (found.title, found.author) == ("Mend the model card: license-unknown", "Ada")
    assert found.events[0]._event["data"]["latest"]["raw"] == proposal.description
    assert "[license-unknown]" in proposal.description
    (listed,) = pulls_of(hub, "ada/one")
    assert listed.is_pull_request
    branch = get_session().get(f"{hub}/ada/one/resolve/refs%2Fpr%2F1/README.md").text
    assert branch == CARD.replace("Apache 2.0", "apache-2.0")
    assert get_session().get(f"{hub}/ada/one/resolve/main/README.md").text == CARD


def test_a_card_that_changed_meanwhile_is_a_conflict(hub: str) -> None:
    proposal = proposal_for(hub, "ada/moved")
    commit_to_main(hub, "ada/moved", CARD.replace("Apache 2.0", "mit"))
    with pytest.raises(PullRefused, match="changed on the Hub since it was read; run again"):
        open_pull(proposal, settings())
    assert pulls_of(hub, "ada/moved") == []


def test_a_repository_may_change_where_its_card_does_not(hub: str) -> None:
    proposal = proposal_for(hub, "ada/back")
    for text in (SOUND.replace("mit", "apache-2.0"), SOUND):
        commit_to_main(hub, "ada/back", text)
    open_pull(proposal, settings())
    found = HfApi(endpoint=hub, token=False).get_discussion_details("ada/back", 1)
    assert (found.diff or "").endswith(proposal.diff)
    assert found.conflicting_files == []


def test_the_same_pull_request_is_not_opened_twice(hub: str) -> None:
    first = proposal_for(hub, "ada/twice")
    address = open_pull(first, settings())
    with pytest.raises(PullRefused, match="have this pull request open already") as caught:
        standing_of(proposal_for(hub, "ada/twice"), settings())
    assert str(caught.value).endswith(address)


def test_a_model_of_an_organisation_is_ones_own_under_its_present_name(hub: str) -> None:
    proposal = proposal_for(hub, "herons/sounds")
    standing = standing_of(proposal, settings())
    assert (proposal.card.model_id, standing.user, standing.is_own) == ("herons/calls", "Ada", True)


@pytest.mark.parametrize(
    ("model_id", "reason"),
    [
        ("ada/fine", "nothing that is certain is left to mend"),
        ("ada/latin", "not UTF-8"),
        ("solo", "without an owner"),
    ],
)
def test_what_cannot_be_changed_line_by_line_is_no_proposal(hub: str, model_id: str, reason: str) -> None:
    with pytest.raises(PullRefused, match=reason):
        proposal_for(hub, model_id)


@pytest.mark.parametrize(
    ("model_id", "error", "reason"),
    [
        ("eve/gated", PullRefused, "it is gated, and your account has no access; ask for it at"),
        ("eve/closed", UsageError, "restricted"),
        ("eve/off", UsageError, "disabled"),
        ("eve/none", UsageError, "no such model"),
        ("ada/quiet", PullRefused, "switched off discussions and pull requests"),
    ],
)
def test_a_repository_that_takes_none_is_refused_before_anything_is_sent(
    hub: str, model_id: str, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason) as caught:
        standing_of(proposal_for(hub, model_id), settings())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model_id", ["eve/gated", "ada/quiet"])
def test_a_repository_that_takes_none_is_refused_when_it_is_sent_too(hub: str, model_id: str) -> None:
    with pytest.raises(PullRefused, match=r"gated|switched off"):
        open_pull(proposal_for(hub, model_id), settings())


def test_a_repository_that_is_gone_when_it_is_sent_is_refused(hub: str) -> None:
    card = HubCard(Subject("eve/none", CARD), hub, "eve/none", "0" * 40)
    with pytest.raises(PullRefused, match="no such model"):
        standing_of(propose(card, f"{CARD}!", []), settings())
    with pytest.raises(UsageError, match="no such model"):
        open_pull(propose(card, f"{CARD}!", []), settings())


def test_a_token_is_sent_to_trusted_hubs_alone(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposal_for(hub, "ada/two")
    monkeypatch.delenv("CARDIOGRAPH_TRUSTED_HUBS")
    for act in (standing_of, open_pull):
        with pytest.raises(TokenRefused, match="CARDIOGRAPH_TRUSTED_HUBS names Hubs that may see it"):
            act(proposal, settings())


def test_without_a_token_the_official_hub_is_not_even_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    card = HubCard(Subject("ada/one", CARD), OFFICIAL_HUB, "ada/one", "0" * 40)
    for act in (standing_of, open_pull):
        with pytest.raises(TokenRefused, match="hf auth login"):
            act(propose(card, f"{CARD}!", []), settings())


@pytest.mark.parametrize("token", [READER, "secret_no_token"])
def test_a_token_that_may_not_write_is_refused(hub: str, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    proposal = proposal_for(hub, "ada/two")
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(TokenRefused) as caught:
        standing_of(proposal, settings())
    assert "secret" not in str(caught.value)


def test_words_of_a_card_are_quoted_and_call_nobody() -> None:
    hostile = Notice("some-rule", "warning", 2, "license is `@ada`\n```\n@everybody", "Mend it")
    card = HubCard(Subject("ada/one", CARD), OFFICIAL_HUB, "ada/one", "0" * 40)
    proposal = propose(card, f"{CARD}!", [hostile])
    assert proposal.description.count("```") == 2
    assert "@ada" in proposal.description.partition("```text\n")[2]
    many = [Notice(f"rule-{n}", "warning", 1, "x", "y") for n in range(40)]
    assert propose(card, f"{CARD}!", many).title == "Mend the model card: 40 things"


def test_a_diff_is_exact_without_a_last_line_end() -> None:
    assert difference("a\nb", "a\nc", "README.md").endswith(
        " a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    )


# -------------------------------------------------------------------------------------------- as a command


def test_without_a_terminal_the_command_shows_and_sends_nothing(hub: str, tmp_path: Path) -> None:
    shown = run(hub, tmp_path, "--open-pr", model_id="ada/two")
    assert (shown.exit_code, shown.stdout.startswith(DIFF)) == (0, True)
    assert f"To {hub}: a pull request on ada/two as Ada" in shown.stderr
    assert "Nothing was sent" in shown.stderr
    assert pulls_of(hub, "ada/two") == []
    assert ADA not in shown.output


def test_with_yes_the_command_opens_it_and_names_its_address(hub: str, tmp_path: Path) -> None:
    opened = run(hub, tmp_path, "--open-pr", "--yes", model_id="ada/two")
    assert (opened.exit_code, opened.stdout.splitlines()[-1]) == (0, f"Opened {hub}/ada/two/discussions/1")
    assert [pull.num for pull in pulls_of(hub, "ada/two")] == [1]
    assert ADA not in opened.output


def test_a_strangers_model_takes_a_yes(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", BOB)
    shown = run(hub, tmp_path, "--open-pr", model_id="ada/typed")
    assert "not a model of bob or of an organisation of theirs" in refusal(shown)
    assert (shown.stdout.startswith(DIFF), pulls_of(hub, "ada/typed")) == (True, [])
    opened = run(hub, tmp_path, "--open-pr", "--yes", model_id="ada/typed")
    assert opened.exit_code == 0, opened.output
    assert [pull.author for pull in pulls_of(hub, "ada/typed")] == ["bob"]


def test_without_a_token_the_diff_is_shown_and_one_line_says_why_no_more(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARDIOGRAPH_TRUSTED_HUBS")
    shown = run(hub, tmp_path, "--open-pr", "--yes")
    assert "a pull request needs one" in refusal(shown)
    assert shown.stdout.startswith(DIFF)


def test_metadata_that_the_hub_refuses_are_shown_and_not_sent(hub: str, tmp_path: Path) -> None:
    from flows.cli.pull_requests import offer_pull, read_for_pull

    card = read_for_pull("ada/refused", hub)
    with pytest.raises(PullRefused, match="does not take the new card's metadata"):
        offer_pull(card, CARD.replace("Apache 2.0", "Apache 3.0"), [], yes=True)
    with pytest.raises(PullRefused, match="does not take the new card's metadata"):
        open_pull(propose(card, CARD.replace("Apache 2.0", "Apache 3.0"), []), settings())
    assert pulls_of(hub, "ada/refused") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--yes",),
        ("--open-pr", "--fix"),
        ("--open-pr", "--diff"),
        ("--open-pr", "--json"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    hub: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert "--open-pr" in refusal(run(hub, tmp_path, *arguments))


@pytest.mark.parametrize("target", ["README.md", "./ada/one", "/srv/card", "~/card"])
def test_a_file_is_not_sent_as_a_pull_request(hub: str, tmp_path: Path, target: str) -> None:
    assert "owner/name" in refusal(run(hub, tmp_path, "--open-pr", model_id=target))


@pytest.mark.parametrize(("answer", "opened"), [("n", 0), ("y", 1)])
def test_on_a_terminal_a_person_is_asked(hub: str, tmp_path: Path, answer: str, opened: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "flows.cli", "card", "herons/calls", "--hub", hub, "--open-pr"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CARDIOGRAPH_HOME": str(tmp_path)}
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [*command, "--home", str(tmp_path)],
        stdin=theirs,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    for end in (ours, theirs):
        os.close(end)
    assert done.returncode == 0, done.stderr
    assert "Open this pull request? [y/N]" in done.stderr
    assert len(pulls_of(hub, "herons/calls")) == opened
    assert ADA not in done.stdout + done.stderr


# ------------------------------------------------------------------------------------ the Hub's own validation


def test_the_hubs_validation_is_asked_without_a_token(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARDIOGRAPH_TRUSTED_HUBS")
    assert validate(CARD, hub, settings()) == [
        Complaint("error", '"license" must be one of the licenses in the documentation')
    ]
    assert [each.severity for each in validate("# Bare\n", f"{hub}/", settings())] == ["warning"]
    (notice,) = validation_notices(f"---\nlanguage: en\n{CARD[4:]}", hub, settings())
    assert (notice.rule, notice.severity, notice.line) == ("hub-validation", "error", 3)


def test_online_adds_what_the_hub_says_of_a_file(hub: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(CARD, encoding="utf-8")
    report = run(hub, tmp_path, "--online", "--json", model_id=str(readme))
    found = [each for each in orjson.loads(report.stdout)["notices"] if each["rule"] == "hub-validation"]
    assert [(each["severity"], each["line"]) for each in found] == [("error", 2)]
    assert "hub-validation" not in run(hub, tmp_path, "--json", model_id=str(readme)).stdout
    readme.write_text(f"{CARD}\n<!-- cardiograph: ignore hub-validation -->\n", encoding="utf-8")
    assert "own validation" not in run(hub, tmp_path, "--online", model_id=str(readme)).stdout


def test_a_hub_that_does_not_validate_leaves_the_rest_of_the_advice(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(CARD, encoding="utf-8")
    report = run("http://127.0.0.1:9", tmp_path, "--online", model_id=str(readme))
    assert report.exit_code == 0
    assert "the Hub's own validation: http://127.0.0.1:9 does not answer" in report.stdout


# ------------------------------------------------------------------------------------ Hubs that behave badly


class Odd(ThreadingHTTPServer):
    """A Hub that answers as a test says: by the last segments of a path, status, headers and body."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.release = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                status, headers, body = next(
                    (answer for end, answer in server.answers.items() if path.endswith(end)), (404, {}, b"{}")
                )
                if status == 0:
                    server.release.wait(20)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        commit = "1" * 40
        self.says("/models/ada/one", {"id": "ada/one", "sha": commit})
        self.answers[f"{commit}/README.md"] = (200, {}, CARD.encode())
        self.says("/whoami-v2", {"name": "ada", "orgs": []})
        self.says("/auth-check", {})
        self.says("/discussions", {"discussions": [], "count": 0, "start": 0})
        self.says("/validate-yaml", {"errors": [], "warnings": []})
        files = [{"path": "README.md", "uploadMode": "regular", "shouldIgnore": False}]
        self.says("/preupload/main", {"files": files})

    def handle_error(self, *_: object) -> None:
        """Print nothing about a client that hangs up."""

    def says(self, end: str, content: object, status: int = 200, **headers: str) -> None:
        self.answers[end] = (status, headers, orjson.dumps(content))


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Odd]:
    with Odd() as server:
        monkeypatch.setenv("HF_TOKEN", ADA)
        monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", server.url)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


def hasty() -> Settings:
    return settings().model_copy(update={"hub_read_timeout_s": 1.0, "hub_connect_timeout_s": 1.0})


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_that_the_hub_notices_is_one_too(odd: Odd, status: int) -> None:
    odd.says("/commit/main", {"error": "A commit has happened since. Please refresh and try again."}, status)
    with pytest.raises(PullRefused, match="changed on the Hub since it was read"):
        open_pull(proposal_for(odd.url, "ada/one"), settings())


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
def test_a_hub_that_repeats_the_token_does_not_bring_it_to_the_terminal(odd: Odd, status: int) -> None:
    words = {"x-error-message": f"no: Bearer {ADA}"}
    proposal = proposal_for(odd.url, "ada/one")
    for step, act in (("/commit/main", open_pull), ("/auth-check", standing_of)):
        odd.answers[step] = (status, words, orjson.dumps({"error": ADA}))
        with pytest.raises(CardiographError) as caught:
            act(proposal, settings())
        assert ADA not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_token_that_no_header_can_hold_is_not_shown(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposal_for(odd.url, "ada/one")
    limits = settings().model_copy(update={"hub_token": SecretStr("hf_secret\nx: y")})
    with pytest.raises(CardiographError) as caught:
        standing_of(proposal, limits)
    assert "secret" not in str(caught.value)


def test_a_silent_hub_ends_in_one_line_that_says_where_to_look(odd: Odd) -> None:
    proposal = proposal_for(odd.url, "ada/one")
    odd.answers["/commit/main"] = (0, {}, b"")
    started = monotonic()
    with pytest.raises(HubUnreachable, match=r"/ada/one/discussions whether it was opened"):
        open_pull(proposal, hasty())
    assert monotonic() - started < 15


def test_all_requests_together_have_a_time_too(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposal_for(odd.url, "ada/one")
    odd.answers["/preupload/main"] = (0, {}, b"")  # which the library tries again and again
    monkeypatch.setattr("tasks.advice.pulls._WITHIN_S", 1.5)
    started = monotonic()
    with pytest.raises(HubUnreachable):
        open_pull(proposal, hasty())
    assert monotonic() - started < 15


@pytest.mark.parametrize(
    "step", ["/whoami-v2", "/discussions", "/validate-yaml", "/preupload/main", "/commit/main"]
)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b'{"name": 5, "errors": 5, "discussions": [5], "count": 1}']
)
def test_answers_of_no_hub_are_errors_of_ours(odd: Odd, step: str, body: bytes) -> None:
    proposal = proposal_for(odd.url, "ada/one")
    odd.says(
        "/commit/main", {"commitUrl": f"{odd.url}/ada/one/commit/1", "commitOid": "1", "pullRequestUrl": "x"}
    )
    odd.answers[step] = (200, {}, body)
    act = open_pull if step.endswith("/main") else standing_of
    with pytest.raises(HubError):
        act(proposal, settings())


def test_a_validation_is_bounded_and_printable(odd: Odd) -> None:
    odd.says("/validate-yaml", {"errors": [{"message": f"\x1b[2Jx{'y' * 900}"}] * 900, "warnings": None}, 400)
    found = validate(CARD, odd.url, settings())
    assert (len(found), len(found[0].message)) == (50, 300)
    assert "\x1b" not in found[0].message
    odd.says("/validate-yaml", {"error": "no"}, 400)
    assert validate(CARD, odd.url, settings()) == [Complaint("error", "refused, and no reason is given")]
    odd.says("/validate-yaml", {"warnings": "x" * 3_000_000})
    with pytest.raises(HubError, match="too long"):
        validate(CARD, odd.url, settings())


def test_a_hub_sends_the_token_and_the_card_nowhere_else(odd: Odd) -> None:
    proposal = proposal_for(odd.url, "ada/one")
    with Odd() as other:
        odd.answers["/validate-yaml"] = (307, {"location": f"{other.url}/api/validate-yaml"}, b"")
        with pytest.raises(HubUnreachable, match="AddressRefused"):
            standing_of(proposal, settings())
