"""Quotas, failures on demand, and the child process, seen by a client that hides nothing."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import orjson
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session

from tasks.errors import CorpusInvalid, UsageError
from tasks.replica.corpus import write_corpus
from tasks.replica.faults import FAULT_HELP, parse_faults
from tasks.replica.process import running_replica
from tasks.replica.protocol import PLANS, ServedBucket, git_blob_sha1
from tasks.replica.quotas import Quotas, bucket_of
from tasks.replica.server import serve
from tasks.replica.serving import Serving

CARD = "# Card\n\n" + "Some words. " * 500
NAMES = [f"ada/m{number:03}" for number in range(300)]


def write_models(path: Path, names: list[str]) -> Path:
    row = {"card_text": CARD, "downloads": 1, "likes": 1, "tags": ["en"], "last_modified": "2026-01-01"}
    write_corpus(
        path, [{**row, "model_id": name, "sha": f"{number:040x}"} for number, name in enumerate(names)]
    )
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_models(tmp_path_factory.mktemp("corpus") / "corpus.parquet", NAMES)


@contextmanager
def connected(url: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def outcome(url: str, path: str) -> tuple[str, bytes, dict[str, str]]:
    """The outcome of one request on its own connection: a status or an error's name, the body, the headers."""
    with connected(url) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return str(answer.status), answer.read(), headers
        except http.client.IncompleteRead as error:
            return "IncompleteRead", error.partial, headers
        except (http.client.RemoteDisconnected, ConnectionResetError) as error:
            return type(error).__name__, b"", {}


def card_path(number: int) -> str:
    return f"/api/resolve-cache/models/{NAMES[number]}/{number:040x}/README.md"


def stats(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = get_session().get(f"{url}/-/replica/stats").json()
    return answer


def test_a_used_up_quota_is_refused_until_the_window_ends(corpus: Path) -> None:
    with running_replica(corpus, plan="anonymous", quota_scale=0.01, window_s=3) as url:
        answers = [outcome(url, "/api/models?limit=1") for _ in range(7)]
        assert [status for status, _, _ in answers] == ["200"] * 5 + ["429"] * 2
        _, body, headers = answers[-1]
        assert headers["ratelimit-policy"] == '"fixed window";"api";q=5;w=3'
        assert re.fullmatch(r'"api";r=0;t=[123]', headers["ratelimit"])
        assert "rate limit" in orjson.loads(body)["error"]
        assert outcome(url, card_path(0))[0] == "200", "another bucket"
        assert stats(url)["refused_429"] == 2
        time.sleep(3)
        assert outcome(url, "/api/models?limit=1")[0] == "200"
        windows = stats(url)["windows"]
        used = [(window["used"], window["refused"]) for window in windows if window["bucket"] == "api"]
        assert used == [(5, 2), (1, 0)]


def test_the_client_waits_out_a_refusal_and_continues(corpus: Path) -> None:
    with running_replica(corpus, plan="anonymous", quota_scale=0.004, window_s=1) as url:
        while get_session().get(f"{url}/api/models?limit=1").status_code != 429:
            pass
        assert len(list(HfApi(endpoint=url, token=False).list_models(limit=1))) == 1


def test_a_refusal_that_is_not_retried_reads_as_the_hubs(corpus: Path) -> None:
    with running_replica(corpus, plan="anonymous", quota_scale=0.002) as url:
        api = HfApi(endpoint=url, token=False)
        api.model_info(NAMES[0])
        with pytest.raises(HfHubHTTPError, match=r"your 'api' rate limit.*\n?.*0/1 requests remaining"):
            api.model_info(NAMES[0])


def test_without_a_plan_no_quota_is_reported(corpus: Path) -> None:
    with running_replica(corpus) as url:
        _, _, headers = outcome(url, card_path(0))
        assert not [name for name in headers if name.startswith("ratelimit")]
        assert stats(url)["windows"] == []


def test_plans_have_the_numbers_of_the_hub() -> None:
    assert PLANS["free"] == {"api": 1_000, "resolvers": 5_000, "pages": 200}
    assert all(set(plan) == set(get_args(ServedBucket)) for name, plan in PLANS.items() if name != "none")


def test_windows_are_fixed_and_each_identity_has_its_own() -> None:
    now = 0.0
    quotas = Quotas("anonymous", window_s=10, scale=0.02, clock=lambda: now)
    assert [quotas.take("ip 1", "pages")[1] for _ in range(3)] == [True, True, False]
    assert quotas.take("ip 2", "pages")[1]
    now = 9.99
    window, may_pass = quotas.take("ip 1", "pages")
    assert window is not None
    assert not may_pass
    assert quotas.headers(window)[0] == ("ratelimit", '"pages";r=0;t=1')
    now = 10.0
    assert quotas.take("ip 1", "pages")[1]


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("/api/models", "api"),
        ("/api/models/a/b", "api"),
        ("/api/models/a%2fb", "pages"),
        ("/api/models/a/b/revision/refs%2Fpr%2F1", "api"),
        ("/api/resolve-cache/models/a/b/c/README.md", "resolvers"),
        ("/a/b/resolve/main/README.md", "resolvers"),
        ("/a/b/resolve/refs%2Fpr%2F1/README.md", "resolvers"),
        ("/a%2Fb/resolve/main/README.md", "pages"),
        ("/a/b/raw/main/README.md", "pages"),
        ("/", "pages"),
    ],
)
def test_a_path_belongs_to_a_bucket(path: str, bucket: str) -> None:
    assert bucket_of(path) == bucket


def test_5xx_answers_come_without_the_hubs_error_codes(corpus: Path) -> None:
    with running_replica(corpus, faults="5xx=1", seed=3) as url:
        seen = [outcome(url, card_path(number)) for number in range(20)]
        assert {status for status, _, _ in seen} == {"500", "502", "503", "504"}
        assert not any("x-error-code" in headers for _, _, headers in seen)
        assert stats(url)["by_fault"] == {"5xx": 20}


def test_a_dropped_request_gets_no_answer(corpus: Path) -> None:
    with running_replica(corpus, faults="drop=1") as url:
        assert outcome(url, card_path(0))[0] in ("RemoteDisconnected", "ConnectionResetError")
        assert stats(url)["by_status"] == {"dropped": 1}


def test_a_truncated_body_is_shorter_than_announced(corpus: Path) -> None:
    with running_replica(corpus, faults="truncate=1") as url:
        for path in (card_path(0), "/api/models"):
            kind, partial, headers = outcome(url, path)
            assert kind == "IncompleteRead"
            assert len(partial) < int(headers["content-length"])
        with connected(url) as connection:
            connection.request("HEAD", card_path(0))
            assert connection.getresponse().status == 200, "a HEAD has no body to cut"


def test_only_the_etag_betrays_a_cut_file(corpus: Path) -> None:
    with running_replica(corpus, faults="length=1") as url:
        status, body, headers = outcome(url, card_path(0))
        assert (status, len(body)) == ("200", int(headers["content-length"]))
        assert CARD.encode().startswith(body)
        assert headers["etag"] == f'"{git_blob_sha1(CARD.encode())}"' != f'"{git_blob_sha1(body)}"'
        assert len(orjson.loads(outcome(url, "/api/models")[1])) == len(NAMES), "listings are left alone"


def test_a_slow_body_drips_and_is_whole(corpus: Path) -> None:
    with running_replica(corpus, faults="slow=1:2") as url, connected(url) as connection:
        connection.request("GET", card_path(0))
        answer = connection.getresponse()
        pieces = [answer.read1() for _ in range(3)]
        assert 0 < len(b"".join(pieces)) < len(CARD)
        assert b"".join([*pieces, answer.read()]) == CARD.encode()


def test_rows_are_spoilt_in_every_way_and_stay_so(corpus: Path) -> None:
    url_path = "/api/models?" + "&".join(
        f"expand={name}" for name in ("cardData", "downloads", "likes", "tags")
    )
    with running_replica(corpus, faults="malformed=0.5", seed=5) as url:
        status, body, _ = outcome(url, url_path)
        assert status == "200"
        rows = orjson.loads(body)
        assert orjson.loads(outcome(url, url_path)[1]) == rows
        with pytest.raises((TypeError, ValueError, KeyError, AttributeError)):
            list(HfApi(endpoint=url, token=False).list_models(expand=["cardData"]))
    assert len(rows) == len(NAMES)
    objects = [row for row in rows if isinstance(row, dict)]
    assert {type(row) for row in rows} == {dict, list, type(None)}
    assert any("id" not in row for row in objects)
    assert any(isinstance(row.get("id"), int) for row in objects)
    assert any(row.get("cardData") == {"tags": 5} for row in objects)
    assert any(row.get("downloads") == "many" for row in objects)
    whole = [{"id": name, "downloads": 1, "likes": 1, "tags": ["en"]} for name in NAMES]
    assert 100 < sum(row == expected for row, expected in zip(rows, whole, strict=True)) < 200


def test_a_retry_is_drawn_again_and_a_run_can_be_repeated(corpus: Path) -> None:
    def statuses(seed: int) -> list[list[str]]:
        with running_replica(corpus, faults="5xx=0.5", seed=seed) as url:
            first = [[outcome(url, card_path(number))[0] for _ in range(4)] for number in range(5)]
            get_session().post(f"{url}/-/replica/reset").raise_for_status()
            again = [[outcome(url, card_path(number))[0] for _ in range(4)] for number in reversed(range(5))]
        assert again[::-1] == first
        return first

    drawn = statuses(1)
    assert any("200" in tries and tries[0] != "200" for tries in drawn)
    assert statuses(2) != drawn


def test_rates_are_honoured() -> None:
    faults = parse_faults("5xx=0.2,drop=0.1,slow=0.05:9")
    drawn = [faults.draw("GET", f"/{number}")[0] for number in range(4000)]
    assert faults.slow_s == 9
    assert 0.17 < drawn.count("5xx") / 4000 < 0.23
    assert 0.08 < drawn.count("drop") / 4000 < 0.12
    assert drawn.count("truncate") == 0


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("flood=0.1", "no fault is called 'flood'; choose from: " + ", ".join(FAULT_HELP)),
        ("5xx", "fault '5xx': write a rate"),
        ("5xx=often", "write a rate"),
        ("drop=1.5", "between 0 and 1"),
        ("drop=nan", "write a rate"),
        ("5xx=0.6,drop=0.6", "add up to at most 1"),
        ("drop=0.1:4", "only slow takes seconds"),
    ],
)
def test_an_invalid_fault_is_refused(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_faults(spec)


def test_what_the_child_refuses_the_parent_raises(corpus: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_text("nothing")
    for options, error, words in (
        ({"corpus": broken}, CorpusInvalid, "not a Parquet file"),
        ({"corpus": corpus, "plan": "gold"}, UsageError, "no plan is called 'gold'"),
    ):
        with pytest.raises(error, match=words), running_replica(**options):
            pass


def test_what_cannot_be_served_is_refused_before_it_is(corpus: Path) -> None:
    for serving, error, words in (
        (Serving(corpus, as_of=date(2020, 1, 1)), CorpusInvalid, "nothing as of 2020-01-01"),
        (Serving(corpus, faults="flood=1"), UsageError, "no fault is called 'flood'"),
        (Serving(corpus, window_s=0), UsageError, "must be positive"),
        (Serving(corpus, latency_ms=-1), UsageError, "latency"),
    ):
        with pytest.raises(error, match=words):
            serve(serving, lambda *_: None)


def test_statistics_count_what_happened(corpus: Path) -> None:
    with running_replica(corpus) as url:
        outcome(url, "/api/models?limit=5")
        outcome(url, card_path(1))
        outcome(url, f"/{NAMES[1]}/resolve/main/config.json")
        outcome(url, "/api/models/no/body")
        counted = stats(url)
        assert counted["requests"] == 4
        assert counted["by_route"] == {"listing": 1, "resolve_cache": 1, "resolve": 1, "model": 1}
        assert counted["by_status"] == {"200": 2, "307": 1, "404": 1}
        assert counted["by_bucket"] == {"api": 2, "resolvers": 2}
        assert counted["config_requests"] == 1
        assert get_session().post(f"{url}/-/replica/reset").status_code == 204
        assert stats(url)["requests"] == 0


def test_answers_are_delayed_side_by_side(corpus: Path) -> None:
    with running_replica(corpus, latency_ms=800) as url:
        threads = [threading.Thread(target=outcome, args=(url, card_path(number))) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stats(url)["concurrent_max"] == 8


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_the_child_ends_with_a_killed_parent(corpus: Path) -> None:
    code = (
        "import sys, time, os; from pathlib import Path; from tasks.replica.process import running_replica\n"
        "with running_replica(Path(sys.argv[1])) as url:\n"
        "    children = Path(f'/proc/self/task/{os.getpid()}/children').read_text()\n"
        "    print(url, children, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", code, str(corpus)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        url, child = parent.stdout.readline().split()
        assert outcome(url, card_path(0))[0] == "200"
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while not _ended(int(child)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _ended(int(child))


def test_clients_that_disconnect_cause_no_output(corpus: Path) -> None:
    code = "import sys; from tasks.replica.__main__ import main; sys.exit(main(sys.argv[1]))"
    serving = Serving(corpus, faults="drop=0.3,truncate=0.3,slow=0.4:5").to_json()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", code, serving],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        url = orjson.loads(child.stdout.readline())["url"]
        for number in range(40):
            with connected(url) as connection:
                connection.request("GET", card_path(number))
                connection.sock.settimeout(0.05)
                with suppress(OSError, http.client.HTTPException):
                    connection.getresponse().read(10)
        child.stdin.close()
        assert child.stderr.read() == b""
