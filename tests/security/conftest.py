"""What several attacks share: the server that a person starts."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from deployments.native.rest import Rest
from tasks.engine.child import answers, free_port, running_child, wait_until
from tasks.engine.server import secret_of
from tests.security.served import Served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server that a person starts, on a free port."""
    folder = tmp_path_factory.mktemp("served")
    home, port = folder / "home", free_port()
    words = [sys.executable, "-m", "flows.cli", "server", "--home", str(home), "--port", str(port)]
    environment = {
        "PREFECT_HOME": str(folder / "prefect"),
        "CARDIOGRAPH_SERVER_NAMES": "prefect.example, other",
    }
    url = f"http://127.0.0.1:{port}"
    with (
        (folder / "log").open("wb") as log,
        running_child("tasks.engine.child", words, environment=environment, log=log) as child,
    ):
        assert wait_until(lambda: answers(f"{url}/api/health"), child, within_s=120), (
            folder / "log"
        ).read_text()
        yield Served(url, home, Rest(f"{url}/api", secret_of(home)))
