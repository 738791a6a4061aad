"""A Prefect server of the benchmark's own, on loopback and SQLite, that can be killed and restarted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fan_out.processes import kill, running, tree, until
from deployments.native.programs import program
from deployments.native.rest import Rest
from tasks.engine.child import answers, free_port
from tasks.engine.server import SENT, closed, new_secret

# Batched: by default 14-30 task runs per second are recorded, and the benchmark would measure the server.
_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1.0",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1.0",
}


class Server:
    """`cardiograph server`; processes started while it runs find it by PREFECT_API_URL."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.secret = new_secret()
        self._stack = stack
        self.start()

    def start(self) -> None:
        """Start the server, on its previous database if it has one."""
        command = [program("cardiograph", "make setup"), "server", "--port", str(self.port)]
        environment = _ENVIRONMENT | closed(self.secret) | {"PREFECT_API_URL": self.url}
        self._child = self._stack.enter_context(running(command, self.folder / "server.log", environment))
        until(lambda: answers(f"{self.url}/health"), "the Prefect server")

    def kill(self) -> None:
        """Kill the server with -9."""
        kill(tree(self._child.pid))


@contextmanager
def prefect_server(folder: Path) -> Iterator[Server]:
    """A server with its home in the folder; this process and its children find it in their environment."""
    before = dict(os.environ)
    os.environ.update(
        PREFECT_HOME=str(folder / "prefect"),
        PREFECT_LOGGING_LEVEL="WARNING",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
    )
    try:
        with ExitStack() as stack:
            server = Server(folder, stack)
            os.environ.update({"PREFECT_API_URL": server.url, SENT: server.secret})
            yield server
    finally:
        os.environ.clear()
        os.environ.update(before)


def ask(path: str) -> Any:
    """The server's answer to a POST with an empty body."""
    return Rest(os.environ["PREFECT_API_URL"], os.environ[SENT]).ask("POST", path, {}, within_s=10)
