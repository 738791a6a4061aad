"""Web pages in a browser on this machine, and whoever else has not the secret: no Prefect server of ours obeys them."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from deployments.native.rest import Rest
from tasks.engine.server import secret_file, secret_of
from tests.browser import CHROMIUM, browser
from tests.security.served import Served

pytestmark = pytest.mark.prefect

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH"
)

# The server of a run, in a process of its own, because Prefect reads its settings once: prints its address, and once a
# line comes in, the flows that it knows.
EMBEDDED = """
import json, os, sys
from pathlib import Path
from flows.cli.prefect_server import prefect_server

with prefect_server(Path(sys.argv[1])):
    print(os.environ["PREFECT_API_URL"], flush=True)
    sys.stdin.readline()
    from prefect.client.orchestration import get_client
    with get_client(sync_client=True) as client:
        print(json.dumps([flow.name for flow in client.read_flows()]), flush=True)
"""

# What a page can send: JSON, for which the browser asks the server's leave, and two bodies for which it does not ask.
# Prefect takes the one without a type for JSON.
ATTACK = """
(async () => {
  const outcome = [];
  const flow = (name) => JSON.stringify({ name });
  const ways = {
    json: { headers: { "content-type": "application/json" }, body: flow("as-json") },
    blind: { mode: "no-cors", body: new Blob([flow("without-a-type")]) },
    text: { mode: "no-cors", body: flow("as-text") },
  };
  for (const [way, options] of Object.entries(ways)) {
    try {
      const answer = await fetch("API/flows/", { method: "POST", ...options });
      outcome.push([way, answer.type, answer.status]);
    } catch (error) { outcome.push([way, "refused", String(error)]); }
  }
  for (const path of ["csrf-token?client=page", "flows/count", "admin/version"]) {
    try {
      const answer = await fetch(`API/${path}`, path === "flows/count" ? { method: "POST", body: "{}" } : {});
      outcome.push(["read", path, await answer.text()]);
    } catch (error) { outcome.push(["read", "refused", String(error)]); }
  }
  return outcome;
})()
"""


@contextmanager
def strangers_page() -> Iterator[str]:
    """A page on another port of this machine, which is another origin."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a page</title>")

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def attack_from_a_page(url: str, profile: Path) -> list[list[Any]]:
    """What became of each attempt."""
    with strangers_page() as page_url, browser(profile) as new_tab:
        page = new_tab()
        page.ask("Page.navigate", url=page_url)
        page.wait_for("document.title === 'a page'")
        outcome: list[list[Any]] = page.evaluate(ATTACK.replace("API", url))
    return outcome


@pytest.mark.slow
@pytest.mark.browser
@in_a_browser
def test_a_page_of_another_origin_makes_and_reads_nothing_on_the_server_of_a_run(tmp_path: Path) -> None:
    command = [sys.executable, "-c", EMBEDDED, str(tmp_path / "home")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        url = holder.stdout.readline().strip()
        assert url, "the server did not start"
        outcome = attack_from_a_page(url, tmp_path / "profile")
        found, _ = holder.communicate("now\n", timeout=60)
    assert json.loads(found) == [], outcome
    assert [what for way, what, _ in outcome if way == "read"] == ["refused"] * 3


@pytest.mark.browser
@in_a_browser
def test_a_page_of_another_origin_makes_and_reads_nothing_on_a_server_for_workers(
    served: Served, tmp_path: Path
) -> None:
    outcome = attack_from_a_page(f"{served.url}/api", tmp_path)
    flows = {flow["name"] for flow in served.rest.ask("POST", "/flows/filter", {})}
    assert flows & {"as-json", "without-a-type", "as-text"} == set(), outcome
    assert [what for way, what, _ in outcome if way == "read"] == ["refused"] * 3


def test_who_has_the_secret_is_served(served: Served) -> None:
    assert isinstance(served.rest.ask("POST", "/flows/filter", {}), list)
    assert secret_of(served.home) == served.rest.secret
    assert secret_file(served.home).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("secret", [None, "", "cardiograph:", "cardiograph:guess"])
def test_who_has_not_the_secret_is_refused(served: Served, secret: str | None) -> None:
    if secret is None:
        assert served.status_of("GET", "/api/admin/version") == 401
    else:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            Rest(served.rest.url, secret).ask("GET", "/admin/version")


def test_the_secret_alone_changes_nothing_without_a_token_against_forged_requests(served: Served) -> None:
    basic = f"Basic {base64.b64encode(served.rest.secret.encode()).decode()}"
    assert served.status_of("GET", "/api/admin/version", authorization=basic) == 200
    assert served.status_of("POST", "/api/flows/", '{"name": "forged"}', authorization=basic) == 403


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/admin/version", "/ui-settings", "/api/docs"])
@pytest.mark.parametrize(
    "host", ["rebound.example", "127.0.0.1.rebound.example", "rebound.example:4200", "", "[::1"]
)
def test_a_name_that_is_not_the_servers_is_refused_whatever_it_resolves_to(
    served: Served, path: str, host: str
) -> None:
    assert served.status_of("GET", path, host=host) == 400


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:4200", "prefect.example", "other:4200"]
)
def test_the_servers_own_names_are_answered(served: Served, host: str) -> None:
    assert served.status_of("GET", "/api/health", host=host) == 200


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out"])
def test_a_socket_needs_the_name_and_the_secret(served: Served, path: str) -> None:
    port = urlsplit(served.url).port
    address = f"ws://127.0.0.1:{port}/api/{path}"
    prefects: Any = {"subprotocols": ["prefect"], "proxy": None}
    rebound = socket.create_connection(("127.0.0.1", port))
    with pytest.raises(InvalidStatus):
        connect(f"ws://rebound.example:{port}/api/{path}", sock=rebound, **prefects)
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, proxy=None)
    with connect(address, **prefects) as channel:
        channel.send(json.dumps({"type": "auth", "token": "cardiograph:guess"}))
        with pytest.raises(Exception, match=r"1008|policy|Invalid token"):
            channel.recv(timeout=20)


@pytest.mark.parametrize("origin", ["http://rebound.example", "http://127.0.0.1:1", "null"])
def test_a_browser_that_asks_leave_for_another_origin_gets_none(served: Served, origin: str) -> None:
    for method, path in (("OPTIONS", "/api/flows/"), ("GET", "/api/health")):
        _, headers = served.answer_to(method, path, origin=origin, access_control_request_method="POST")
        assert "access-control-allow-origin" not in headers
    port = urlsplit(served.url).port
    _, headers = served.answer_to("GET", "/api/health", origin=f"http://localhost:{port}")
    assert headers["access-control-allow-origin"] == f"http://localhost:{port}"  # Prefect's own pages


def test_without_a_secret_no_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.engine.server import ASKED, serve
    from tasks.errors import EngineFailed

    monkeypatch.delenv(ASKED, raising=False)
    with pytest.raises(EngineFailed, match="any web page"):
        serve("127.0.0.1", 0, (), with_services=False)
