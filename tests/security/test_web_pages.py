"""Web pages of another origin, open in a browser on this machine: they reach no Prefect server of ours."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser import CHROMIUM, browser

ROOT = Path(__file__).parents[2]

# A run's own server in a process of its own, as Prefect reads its settings once: prints its address, and once a line
# comes in, what flows it knows of.
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

# What a page can send without being asked first: as JSON, which needs the server's leave, and in two ways that need
# none - Prefect takes a body without a type for JSON.
ATTACK = """
(async () => {
  const made = [];
  const flow = (name) => JSON.stringify({ name });
  const ways = {
    json: { headers: { "content-type": "application/json" }, body: flow("as-json") },
    blind: { mode: "no-cors", body: new Blob([flow("without-a-type")]) },
    text: { mode: "no-cors", body: flow("as-text") },
  };
  for (const [way, options] of Object.entries(ways)) {
    try {
      const answer = await fetch("API/flows/", { method: "POST", ...options });
      made.push([way, answer.type, answer.status]);
    } catch (error) { made.push([way, "refused", String(error)]); }
  }
  try {
    const answer = await fetch("API/flows/filter", {
      method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    made.push(["read", (await answer.json()).length]);
  } catch (error) { made.push(["read", "refused", String(error)]); }
  return made;
})()
"""


@contextmanager
def embedded(home: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The embedded server of a run, and the process that holds it."""
    command = [sys.executable, "-c", EMBEDDED, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdout
        url = holder.stdout.readline().strip()
        assert url, "the server did not start"
        yield url, holder


@contextmanager
def strangers_page() -> Iterator[str]:
    """A page on another port of this machine: another origin."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a page</title>")

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
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


def status_of(url: str, method: str, path: str, body: str | None = None, **headers: str) -> int:
    """The status of one request, its headers given."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, where.path + path, body, given)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.prefect
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH")
def test_a_page_of_another_origin_makes_and_reads_nothing_on_the_server_of_a_run(tmp_path: Path) -> None:
    with embedded(tmp_path / "home") as (url, holder):
        outcome = attack_from_a_page(url, tmp_path / "profile")
        found, _ = holder.communicate("now\n", timeout=60)
    assert json.loads(found) == [], outcome
    assert outcome[-1][:2] == ["read", "refused"]
