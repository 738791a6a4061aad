"""Prefect's API and UI behind closed doors: to the names it is called by, to its own pages, to who has its secret.

As Prefect starts it, a server answers any page of any origin and any name, and whoever can post to it can run commands
where a worker is. Prefect has settings for the secret, the origins and the forged request, all off by default, and
none for the name (`Host`), by which a page whose own name resolves to this machine gets in.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.engine.child import exit_with_parent
from tasks.errors import EngineFailed

LOOPBACK = ("127.0.0.1", "localhost")

# What the server asks for and what a client sends have two names in Prefect.
ASKED, SENT = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"

_USER = "cardiograph"
_FILE = "auth-string"


def new_secret() -> str:
    """A secret that nobody can guess, in the form that Prefect wants: `user:password`."""
    return f"{_USER}:{secrets.token_urlsafe(32)}"


def secret_of(home: Path) -> str:
    """The secret of the server of this home, made on first use; only its owner can read the file."""
    file = secret_file(home)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        draft = file.with_suffix(f".{os.getpid()}.tmp")
        with open(draft, "w", encoding="ascii", opener=_for_the_owner) as new:
            new.write(new_secret())
        with suppress(FileExistsError):
            os.link(draft, file)  # another process may have been first: all take the same
        draft.unlink()
    file.chmod(0o600)
    return file.read_text(encoding="ascii").strip()


def secret_file(home: Path) -> Path:
    """Where the secret of a home's server is."""
    return home.resolve() / "prefect" / _FILE


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def closed(secret: str, origins: Sequence[str] = ()) -> dict[str, str]:
    """The environment of a server that answers only to those who send the secret, and to pages of these origins."""
    return {
        ASKED: secret,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        # Of an empty text Prefect makes one origin without a name, which no page has.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(origins),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }


def serve(host: str, port: int, names: Sequence[str], *, with_services: bool, **options: Any) -> None:
    """Run the server until it is stopped; it answers to these names alone. Raises `EngineFailed` without a secret."""
    if not os.environ.get(ASKED):
        raise EngineFailed(f"{ASKED} is not set: a server without a secret would obey any web page")
    import uvicorn
    from prefect.server.api.server import create_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    # Around Prefect's application, not in it: its services call it by a name of their own.
    application = TrustedHostMiddleware(
        create_app(final=True, webserver_only=not with_services),
        allowed_hosts=[*LOOPBACK, *names],
        www_redirect=False,
    )
    uvicorn.run(application, host=host, port=port, server_header=False, **options)


if __name__ == "__main__":
    exit_with_parent()
    serve("127.0.0.1", int(sys.argv[1]), (), with_services=True, log_level="error", lifespan="on")
