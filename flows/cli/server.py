"""`cardiograph server`: Prefect's server, closed to web pages and to whoever does not have its secret."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from flows.cli.console import echo
from flows.cli.options import Home
from tasks.settings import settings


def server(
    home: Home,
    host: Annotated[
        str, typer.Option(envvar="PREFECT_SERVER_API_HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PREFECT_SERVER_API_PORT", help="The port to listen on.")
    ] = 4200,
    services: Annotated[bool, typer.Option(help="Whether to run the scheduler and the alarms, too.")] = True,
) -> None:
    """Run a Prefect server for schedules and workers, until Ctrl-C.

    \b
    cardiograph server
    export PREFECT_API_URL=http://127.0.0.1:4200/api
    export PREFECT_API_AUTH_STRING=$(cat cardiograph-data/prefect/auth-string)
    cardiograph deploy

    \b
    It answers those who send its secret, which is made on the first start and
    kept in the home for its owner to read. PREFECT_SERVER_API_AUTH_STRING
    sets another one. Prefect's pages ask for it once.
    """
    from tasks.engine.server import ASKED, LOOPBACK, closed, secret_file, secret_of, serve
    from tasks.storage.warehouse import make_home

    given = os.environ.get(ASKED)
    if not given:
        make_home(home)
    origins = [f"http://{name}:{port}" for name in LOOPBACK]
    # What the environment sets stays: behind a proxy, or in a container, the pages have another address.
    stated = {name: value for name, value in os.environ.items() if value}
    os.environ.update(closed(given or secret_of(home), origins) | stated)
    os.environ.update(PREFECT_SERVER_API_HOST=host, PREFECT_SERVER_API_PORT=str(port))
    echo(f"Prefect's server: http://{host}:{port}")
    if not given:
        echo(f"its secret:       {secret_file(home)}")
    names = [name.strip() for name in settings().server_names.split(",") if name.strip()]
    serve(host, port, names, with_services=services, log_level="warning")
