"""The child process behind `running_replica`: one argument, a `Serving` as JSON; one line of JSON out."""

from __future__ import annotations

import sys

import orjson

from tasks.engine.child import exit_with_parent
from tasks.errors import CorpusInvalid, UsageError
from tasks.replica.server import serve
from tasks.replica.serving import Serving


def main(argument: str) -> int:
    """Serve, or print in one line why that is not possible."""
    exit_with_parent()
    try:
        serve(Serving.from_json(argument), lambda url, _: _print({"url": url}))
    except UsageError as error:
        _print({"error": "corpus" if isinstance(error, CorpusInvalid) else "usage", "message": str(error)})
        return error.exit_code
    return 0


def _print(message: dict[str, str]) -> None:
    sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
