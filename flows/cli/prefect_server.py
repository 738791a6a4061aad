"""An embedded Prefect server: started for a run, private to its home, stopped with it.

Prefect's own ephemeral server drops most task-run rows when it ends, prints tracebacks meanwhile, and outlives a
killed run. This one is the same application in a child process that ends with its parent, writes its rows in batches,
and gets time to write the last of them. It answers this run alone, by a secret that is nowhere but in the memory of
the run's processes. Where `PREFECT_API_URL` is set, that server is used instead.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from tasks.engine.child import answers, free_port, running_child, wait_until
from tasks.engine.server import SENT, closed, new_secret
from tasks.errors import CardiographError, EngineFailed
from tasks.stopping import pause
from tasks.storage.warehouse import check_room

START_WITHIN_S = 120.0
DRAIN_WITHIN_S = 10.0

_UNUSED_SERVICES = (
    "SCHEDULER", "LATE_RUNS", "FOREMAN", "PAUSE_EXPIRATIONS", "CANCELLATION_CLEANUP", "TRIGGERS", "REPOSSESSOR",
)  # fmt: skip
# Quiet and batched: the defaults record 14-30 task runs per second, these 50-200.
_SERVER_ENVIRONMENT = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    # Whole seconds: Prefect truncates a fraction, and at 0 the recorder keeps a core busy.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.5",
    # A server that lives as long as one run has nothing to schedule, pause or retry across processes.
    **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in _UNUSED_SERVICES},
}


@contextmanager
def prefect_server(home: Path, *, meanwhile: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Provide a Prefect API to the flows that run inside; enter it before `prefect` is first imported.

    The server starts while Prefect is imported and `meanwhile` is called; it answers once the block begins.
    """
    if os.environ.get("PREFECT_API_URL"):
        yield
        return
    prefect_home = home.resolve() / "prefect"
    prefect_home.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        PREFECT_HOME=str(prefect_home),
        # Runs log to the server; the terminal is for progress, and for one line per error.
        PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL",
    )
    logging.raiseExceptions = False  # a log line that the server rejects is not for the terminal
    port, secret = free_port(), new_secret()
    environment = _SERVER_ENVIRONMENT | closed(secret)
    with (
        (prefect_home / "server.log").open("wb") as log,
        running_child("tasks.engine.server", [str(port)], environment=environment, log=log) as child,
    ):
        # Before the import: Prefect reads its settings once, and without this it would start a server too.
        os.environ.update({"PREFECT_API_URL": f"http://127.0.0.1:{port}/api", SENT: secret})
        import prefect.main  # noqa: F401 - while the server starts
        from prefect.exceptions import PrefectHTTPStatusError
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        meanwhile()
        health = f"{os.environ['PREFECT_API_URL']}/health"
        if not wait_until(lambda: answers(health), child, within_s=START_WITHIN_S):
            check_room(home)  # a server that cannot write a line into its log tells nothing
            raise EngineFailed(
                f"Prefect's embedded server did not start; its log is {log.name}. "
                "Set PREFECT_API_URL to use a server of your own."
            )
        started = datetime.now(UTC)
        try:
            # The server ends with its runs, so nothing looks for dead ones; and each flow would wait a second for the
            # end of its heartbeat.
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
                yield
            _drain(started)
        except CardiographError:
            with suppress(PrefectHTTPStatusError):
                _drain(started)
            raise
        except PrefectHTTPStatusError as error:
            check_room(home)
            raise EngineFailed(
                f"Prefect's embedded server failed, most likely on a full disk; its log is {log.name}. "
                "Free some space and run again"
            ) from error
        finally:
            del os.environ["PREFECT_API_URL"], os.environ[SENT]


def _drain(since: datetime) -> None:
    """Wait until the server has written every task run of this process: the last events arrive after the run."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import TaskRunFilter
    from prefect.client.schemas.objects import TERMINAL_STATES, StateType
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    EventsWorker.instance().drain()
    APILogHandler().flush()
    unfinished = TaskRunFilter.model_validate(
        {
            "state": {"type": {"any_": sorted(set(StateType) - TERMINAL_STATES)}},
            "start_time": {"after_": since},  # task runs of a killed run stay unfinished for ever
        }
    )
    deadline = monotonic() + DRAIN_WITHIN_S
    with get_client(sync_client=True) as client:
        while monotonic() < deadline and client.read_task_runs(task_run_filter=unfinished, limit=1):
            pause(0.1)
