"""Known vulnerabilities of what a lock installs, by pip-audit: `make audit`.

Ends with 1 where there are any. Where the data about them cannot be had, it says so and ends with 0: a machine without
a network is not a machine with a vulnerability.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deployments.locks import LOCKS

AUDITED = ("run", "dev")
_WITHIN_S = 120.0


def main() -> None:
    """Audit the locks of what runs and of what tests it."""
    findings = []
    for name in AUDITED:
        answer = ask(LOCKS / f"{name}.txt")
        if isinstance(answer, str):
            print(f"Skipped: the data about vulnerabilities cannot be had ({answer})", file=sys.stderr)
            return
        findings += [f"locks/{name}.txt: {line}" for line in vulnerabilities(answer)]
    print("\n".join(findings) or f"No known vulnerability in {len(AUDITED)} locks")
    sys.exit(1 if findings else 0)


def ask(lock: Path, command: str = "pip-audit") -> Mapping[str, Any] | str:
    """What pip-audit says of a lock, or why it cannot say anything."""
    program = Path(sys.executable).with_name(command)
    arguments = [
        "--require-hashes",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
        "--requirement",
    ]
    try:
        done = subprocess.run(
            [program, *arguments, lock], capture_output=True, text=True, check=False, timeout=_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_WITHIN_S:.0f} s"
    if done.stdout.startswith("{"):
        answer: Mapping[str, Any] = json.loads(done.stdout)
        return answer
    return (done.stderr.strip().splitlines() or ["no answer"])[-1]


def vulnerabilities(answer: Mapping[str, Any]) -> Iterator[str]:
    """One line per vulnerability: package, version, its names, and the versions that mend it."""
    for package in answer["dependencies"]:
        for found in package.get("vulns", ()):
            names = ", ".join([found["id"], *found.get("aliases", ())])
            mended = ", ".join(found["fix_versions"]) or "none yet"
            yield f"{package['name']} {package['version']}: {names}; mended in {mended}"


if __name__ == "__main__":
    main()
