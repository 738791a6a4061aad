"""Download the tools' packages that `wheels.txt` names, without their dependencies: `make tool-wheels`.

python tests/tools/fetch.py [--newest] FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from itertools import groupby, zip_longest
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

LIST = Path(__file__).parent / "wheels.txt"
DOWNLOAD = ("pip", "download", "-qq", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")


def listed() -> list[tuple[str, str]]:
    """Name and version of each package on the list."""
    lines = [line.strip() for line in LIST.read_text(encoding="utf-8").splitlines()]
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return [(str(canonicalize_name(name)), version) for name, version in pairs]


def present(folder: Path) -> set[tuple[str, str]]:
    """Name and version of each package in the folder."""
    parsed = [parse_wheel_filename(path.name) for path in folder.glob("*.whl")]
    return {(str(name), str(version)) for name, version, _, _ in parsed}


def download(requirements: list[str], folder: Path) -> None:
    """Raises `CalledProcessError` where one is not to be had."""
    if requirements:
        # A form is read, not run: whether this Python could run the package is of no account.
        command = [sys.executable, "-m", *DOWNLOAD, "--ignore-requires-python", "--dest", str(folder)]
        subprocess.run([*command, *requirements], check=True)


def fetch(folder: Path) -> None:
    """Download what is missing of the list."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [pair for pair in listed() if pair not in present(folder)]
    by_name = [
        [f"{n}=={v}" for n, v in pairs] for _, pairs in groupby(sorted(missing), key=lambda pair: pair[0])
    ]
    for versions in zip_longest(*by_name):  # one call takes one version of each
        download([version for version in versions if version], folder)


def fetch_newest(folder: Path) -> None:
    """Download the newest release of each package on the list."""
    download(sorted({name for name, _ in listed()}), folder)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    (fetch_newest if "--newest" in arguments else fetch)(Path(arguments[-1]))
