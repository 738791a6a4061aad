"""Whether all is there that a snapshot needs: a check for each outside thing, bounded in time, apart from the others.

A check returns findings; what it raises on purpose is a failure with its own message, and what takes too long is one
as well. Nothing here changes anything but for an object that is put into the lake and taken out again. No secret is
ever part of a finding.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from time import monotonic, perf_counter
from typing import Literal
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tasks.engine.state import EngineState, client_version, read_engine
from tasks.errors import CardiographError, HubError, TokenRefused
from tasks.hub.account import Account, ask_account, clock_ahead_s
from tasks.judges.vllm.fleet import Fleet
from tasks.judges.vllm.server import installed_build
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame, statements

Status = Literal["ok", "warn", "fail"]

WITHIN_S = 5.0
# An S3 signature is refused when clocks are a quarter of an hour apart, and windows of quota last five minutes.
CLOCK_WARN_S = 60.0
# The Hub of 2022 took 0.8 GB of memory and 0.2 GB of disk; a warehouse is copied before it is written to.
DISK_FAIL_BYTES, DISK_WARN_BYTES = 1_000_000_000, 5_000_000_000
QUOTA_WARN_SHARE = 0.1
NEEDED_DEPLOYMENTS = ("snapshot/weekly", "crew/default")

_CARDIOGRAPH = "cardiograph"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line: what was looked at, how it is, and what to do about it where it is not well."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


DoctorCheck = Callable[[], Iterable[CheckResult]]


def examine(checks: Sequence[tuple[str, DoctorCheck]], *, within_s: float = WITHIN_S) -> list[CheckResult]:
    """Run all checks at once, each for `within_s` seconds at the most, and tell in their order what they found."""
    started = monotonic()
    running = [(name, _begun(check)) for name, check in checks]
    found: list[CheckResult] = []
    for name, future in running:
        left_s = max(0.0, started + within_s - monotonic())
        found += _outcome(name, future, left_s, within_s)
    return found


def _begun(check: DoctorCheck) -> Future[list[CheckResult]]:
    """The check in a thread of its own, which is left behind where it hangs."""
    future: Future[list[CheckResult]] = Future()

    def run() -> None:
        try:
            future.set_result(list(check()))
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return future


def _outcome(
    name: str, future: Future[list[CheckResult]], left_s: float, within_s: float
) -> list[CheckResult]:
    try:
        error = future.exception(timeout=left_s)
    except FutureTimeout:
        return [CheckResult(name, "fail", f"no answer within {within_s:g} s", "look at it by itself")]
    if error is None:
        return future.result()
    if isinstance(error, CardiographError):
        return [CheckResult(name, "fail", str(error))]
    return [
        CheckResult(name, "fail", f"{type(error).__name__}: {_first_line(error)}", "look at it by itself")
    ]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["no word"])[0][:200]


def checks_for(home: Path, hub: str, judge_urls: Sequence[str]) -> list[tuple[str, DoctorCheck]]:
    """Every check, with the name that its failure bears."""
    return [
        ("Python", check_python),
        ("packages", check_packages),
        ("Hub", partial(check_hub, hub)),
        ("disk", partial(check_disk, home)),
        ("lake", partial(check_lake, home)),
        ("object store's clock", partial(check_store_clock, home)),
        ("warehouse", partial(check_warehouse, home)),
        ("GPU", check_gpu),
        ("judge environment", check_judge_environment),
        *((f"judge {url}", partial(check_judge, url)) for url in judge_urls),
        ("Prefect", check_engine),
    ]


# This machine


def check_python() -> Iterator[CheckResult]:
    """Whether this Python is one that the package says it runs on."""
    here = ".".join(map(str, sys.version_info[:3]))
    try:
        wanted = metadata(_CARDIOGRAPH)["Requires-Python"]
    except PackageNotFoundError:
        yield CheckResult(
            "Python", "warn", f"{here}; Cardiograph is not installed as a package", "`make setup`"
        )
        return
    is_fine = SpecifierSet(wanted).contains(here)
    yield CheckResult(
        "Python",
        "ok" if is_fine else "fail",
        f"{here} ({wanted})",
        "" if is_fine else "`make setup PYTHON=…`",
    )


def check_packages() -> Iterator[CheckResult]:
    """Whether the installed packages are those that Cardiograph says it works with."""
    asked = [Requirement(text) for text in requires(_CARDIOGRAPH) or []]
    needed = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [told for one in needed if (told := _misfit(one))]
    if wrong:
        yield CheckResult(
            "packages", "fail", "; ".join(wrong), "`make setup`, or `pip install -c constraints.txt -e .`"
        )
    else:
        yield CheckResult("packages", "ok", f"{len(needed)} as asked for, Prefect {client_version()}")


def _misfit(wanted: Requirement) -> str | None:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return f"{wanted.name} {found} is not {wanted.specifier}"


def check_disk(home: Path) -> Iterator[CheckResult]:
    """What is free where home lies, or will."""
    folder = _existing(home)
    free = shutil.disk_usage(folder).free
    status: Status = "fail" if free < DISK_FAIL_BYTES else "warn" if free < DISK_WARN_BYTES else "ok"
    remedy = (
        ""
        if status == "ok"
        else "free some space, or choose another --home; `cardiograph plan` tells how much"
    )
    yield CheckResult("disk", status, f"{free / 1e9:,.1f} GB free at {folder}", remedy)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder


def check_gpu() -> Iterator[CheckResult]:
    """Which GPUs there are, and their memory."""
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,memory.used", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=WITHIN_S, check=True)  # noqa: S603
    except FileNotFoundError:
        yield CheckResult("GPU", "ok", "none; only a judge model that is served here would want one")
        return
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr).strip().splitlines() or ["no word"]
        yield CheckResult("GPU", "fail", f"nvidia-smi fails: {said[0]}", "mend the driver")
        return
    for line in told.stdout.splitlines():
        name, total, used = (cell.strip() for cell in line.split(","))
        yield CheckResult("GPU", "ok", f"{name}, {total}, {used} in use")


# The Hub


def check_hub(hub: str) -> Iterator[CheckResult]:
    """Whether the Hub answers, knows the token, and lets us ask; and whether our clock is right."""
    try:
        account = ask_account(hub, settings())
    except TokenRefused as error:
        yield CheckResult("token", "fail", str(error), "check HF_TOKEN, or log in anew with `hf auth login`")
        return
    except HubError as error:
        yield CheckResult("Hub", "fail", str(error), "check the address, the network and the proxy; or --hub")
        return
    yield CheckResult("Hub", "ok", f"{hub} answers")
    yield from (
        _of_token(account),
        _of_quota(account),
        clock_finding("clock", "the Hub", account.clock_ahead_s),
    )


def _of_token(account: Account) -> CheckResult:
    if account.user is None:
        remedy = "set HF_TOKEN or `hf auth login`: a free account reads 1.7 times as fast"
        return CheckResult("token", "warn", "none: the anonymous quota holds", remedy)
    return CheckResult("token", "ok", f"accepted, of {account.user}")


def _of_quota(account: Account) -> CheckResult:
    if not account.api_quota or account.api_left is None:
        return CheckResult("quota", "ok", "the Hub tells no limit")
    told = (
        f"{account.plan or 'unknown plan'}: {account.api_left:,} of {account.api_quota:,} API requests left "
        f"for {account.reset_in_s} s"
    )
    if account.api_left < QUOTA_WARN_SHARE * account.api_quota:
        return CheckResult(
            "quota", "warn", told, "others use this token or address too; a run waits for the next window"
        )
    return CheckResult("quota", "ok", told)


def clock_finding(name: str, whose: str, ahead_s: float | None) -> CheckResult:
    """Whether this machine's clock and another's agree, as far as both give whole seconds."""
    if ahead_s is None:
        return CheckResult(name, "ok", f"{whose} tells no time")
    if abs(ahead_s) > CLOCK_WARN_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        return CheckResult(
            name,
            "warn",
            f"{abs(ahead_s):,.0f} s {side} {whose}",
            "set the clock (NTP): snapshots are dated by it",
        )
    return CheckResult(name, "ok", f"within {CLOCK_WARN_S:g} s of {whose}")


# The home


def check_lake(home: Path) -> Iterator[CheckResult]:
    """Whether the lake takes an object, gives it back and lets it be deleted."""
    lake = Lake(home)
    if not lake.is_remote and not lake.exists():
        yield _of_folder(Path(lake.location))
        return
    name, body = f"doctor-{uuid.uuid4().hex}", b"cardiograph doctor"
    began = perf_counter()
    lake.put(name, body)
    is_same = lake.get(name) == body
    lake.delete(name)
    is_gone = lake.get(name) is None
    took_ms = 1000 * (perf_counter() - began) / 4
    if is_same and is_gone:
        yield CheckResult(
            "lake", "ok", f"{lake.location} can be written, read and deleted in, {took_ms:.0f} ms each"
        )
    else:
        what = "delete what was put" if is_same else "give back what was put"
        yield CheckResult(
            "lake", "fail", f"{lake.location} does not {what}", "check its permissions and its proxy"
        )


def _of_folder(folder: Path) -> CheckResult:
    """A lake that the first snapshot will make."""
    above = _existing(folder)
    if os.access(above, os.W_OK):
        return CheckResult("lake", "ok", f"none yet; the first snapshot makes {folder}")
    return CheckResult(
        "lake", "fail", f"{above} is not writable", "choose another --home, or mend its permissions"
    )


def check_store_clock(home: Path) -> Iterator[CheckResult]:
    """Whether our clock agrees with the object store's, which refuses signatures of another time."""
    if Lake(home).is_remote:
        region = os.environ.get("AWS_REGION", "us-east-1")
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
        yield clock_finding("object store's clock", endpoint, clock_ahead_of(endpoint, WITHIN_S))


def clock_ahead_of(url: str, within_s: float) -> float | None:
    """This machine's clock less that of a server which is asked for nothing; null where it tells no time."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=within_s)
    try:
        connection.request("HEAD", "/")
        answer = connection.getresponse()
        return clock_ahead_s({"date": answer.headers.get("Date", "")}, datetime.now(UTC))
    except OSError as error:
        raise CardiographError(f"{url} does not answer ({error.strerror or error})") from error
    finally:
        connection.close()


def check_warehouse(home: Path) -> Iterator[CheckResult]:
    """Whether the published warehouse opens, is of this version, and breaks no rule."""
    warehouse = Warehouse(home)
    if not warehouse.published.exists():
        yield CheckResult("warehouse", "ok", "none yet")
        return
    if not warehouse.is_current():
        remedy = f"`cardiograph rebuild --home {home}`; the next snapshot does it too"
        yield CheckResult("warehouse", "warn", "made by another version of Cardiograph", remedy)
        return
    with warehouse.read() as db:
        broken = [name for name in statements("checks") if frame(db, name).height]
    if broken:
        told = ", ".join(name.removeprefix("checks/") for name in broken)
        yield CheckResult("warehouse", "fail", f"breaks {told}", f"`cardiograph rebuild --home {home}`")
    else:
        size = warehouse.published.stat().st_size
        yield CheckResult(
            "warehouse", "ok", f"{size / 1e6:,.1f} MB, all {len(statements('checks'))} checks hold"
        )


# Judges


def check_judge_environment() -> Iterator[CheckResult]:
    """Whether a run could start a judge model's server itself."""
    limits = settings()
    if not limits.judge_python.expanduser().exists():
        yield CheckResult(
            "judge environment",
            "ok",
            f"none at {limits.judge_python}; `make judge-env` makes it, for --judge vllm",
        )
        return
    build = installed_build(limits)
    kind = "for CPUs" if build.is_cpu else "for GPUs"
    is_useless = not build.is_cpu and shutil.which("nvidia-smi") is None
    yield CheckResult(
        "judge environment",
        "warn" if is_useless else "ok",
        f"vLLM {build.version}, built {kind}",
        "there is no GPU here: `make judge-env`, or --judge-url" if is_useless else "",
    )


def check_judge(url: str) -> Iterator[CheckResult]:
    """Whether a judge model's server answers, and what it serves."""
    limits = settings().model_copy(update={"judge_patience_s": WITHIN_S - 2, "judge_timeout_s": WITHIN_S})
    with Fleet([url], model=None, limits=limits) as fleet:
        served = fleet.served
    yield CheckResult(f"judge {url}", "ok", f"serves {served.model} ({served.engine})")


# Prefect


def check_engine() -> Iterator[CheckResult]:
    """Whether a Prefect server of one's own is well and knows what to run."""
    if not os.environ.get("PREFECT_API_URL"):
        yield CheckResult(
            "Prefect", "ok", "no server of its own (PREFECT_API_URL): each run starts one for itself"
        )
        return
    yield from engine_findings(read_engine())


def engine_findings(engine: EngineState) -> Iterator[CheckResult]:
    """What there is to say of a Prefect server."""
    ours = client_version()
    is_same = engine.version.split(".")[:2] == ours.split(".")[:2]
    yield CheckResult(
        "Prefect",
        "ok" if is_same else "warn",
        f"server {engine.version}, client {ours}",
        "" if is_same else "run both at one version: upgrade the server first, then the workers",
    )
    missing = [name for name in NEEDED_DEPLOYMENTS if name not in engine.deployments]
    yield CheckResult(
        "deployments",
        "warn" if missing else "ok",
        f"{', '.join(missing)} missing" if missing else f"{len(engine.deployments)} there",
        "`cardiograph deploy`" if missing else "",
    )
    for pool in engine.pools:
        told = "paused" if pool.is_paused else f"{pool.workers} worker{'s' * (pool.workers != 1)} online"
        is_idle = pool.is_paused or not pool.workers
        yield CheckResult(
            f"work pool {pool.name}",
            "warn" if is_idle else "ok",
            told,
            f"`prefect worker start --pool {pool.name}`" if is_idle and not pool.is_paused else "",
        )
    yield CheckResult(
        "Hub's limit",
        "ok" if engine.limit else "warn",
        f"{engine.limit} requests in flight"
        if engine.limit
        else "not set: workers do not share the quota's end",
        "" if engine.limit else "`cardiograph deploy`",
    )
