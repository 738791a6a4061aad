"""Run a command while a server with a judge model is up; the command finds its address in `JUDGE_URL`.

    python -m benchmarks.served MODEL_FOLDER_OR_NAME LOG COMMAND…

Ends with the command's exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tasks.errors import CardiographError
from tasks.judges.vllm.server import running_judge_server
from tasks.settings import settings


def main(model: str, log: Path, command: list[str]) -> int:
    """Start the server, run the command, stop the server."""
    with running_judge_server(model, log, settings()) as url:
        return subprocess.run(command, check=False, env={**os.environ, "JUDGE_URL": url}).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
    except CardiographError as error:
        sys.exit(f"served.py: {error}")
