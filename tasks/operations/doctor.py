"""Checks of everything that a snapshot needs, one for each outside thing: bounded in time, independent of the others.

A check yields results. An error that it raises on purpose becomes a failure with the error's message, and so does a
check that takes too long. Nothing here changes anything, except for an object that is put into the lake and deleted
again. No secret is ever part of a result.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from time import monotonic, perf_counter
from types import MappingProxyType
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tasks.engine.prefect_api import is_open
from tasks.engine.state import EngineState, client_version, read_engine
from tasks.errors import CardiographError, HubError, JudgeError, TokenRefused, UsageError
from tasks.hub.account import Account, ask_account, clock_ahead_s
from tasks.hub.transport import headers_of
from tasks.judges import Judge, kind_of, opened_judge
from tasks.judges.canaries.loading import load_canaries
from tasks.judges.canaries.trial import canary_verdicts, failure_words, trial_of
from tasks.judges.llm.fleet import Fleet
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.openai.judge import served_by
from tasks.judges.vllm.server import installed_build
from tasks.records import CanaryTrial, JudgeSpec, Verdict
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame, statements

Status = Literal["ok", "warn", "fail"]

WITHIN_S = 5.0
CANARIES_WITHIN_S = 600.0  # with --canaries: a large model on a CPU takes minutes
_CLOSING_S = 1.0  # of these, for the goodbye to a judge that is not done
# S3 refuses a signature when the clocks are 15 minutes apart, and a window of the Hub's quota lasts five minutes.
CLOCK_WARN_S = 60.0
# The Hub of 2022 took 0.8 GB of memory and 0.2 GB of disk; a warehouse is copied before it is written to.
DISK_FAIL_BYTES, DISK_WARN_BYTES = 1_000_000_000, 5_000_000_000
QUOTA_WARN_SHARE = 0.1
NEEDED_DEPLOYMENTS = ("snapshot/weekly", "crew/default")

_CARDIOGRAPH = "cardiograph"
_BY_HAND = "try it by hand"
_WAIT_FOR_ALL = "`cardiograph doctor --canaries` waits for all of them"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line: what was checked, its status, the detail, and a remedy where something is wrong."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


DoctorCheck = Callable[[], Iterable[CheckResult]]


def _result(
    name: str, is_fine: object, detail: str, remedy: str, *, otherwise: Status = "warn"
) -> CheckResult:
    """`ok` where fine; else `otherwise`, with the remedy."""
    return CheckResult(name, "ok", detail) if is_fine else CheckResult(name, otherwise, detail, remedy)


def examine(
    checks: Sequence[tuple[str, DoctorCheck]],
    *,
    within_s: float = WITHIN_S,
    late: Mapping[str, CheckResult] = MappingProxyType({}),
) -> list[CheckResult]:
    """Run all checks at once, each for `within_s` seconds at most; results in the order of the checks.

    `late` has what a check of a name results in that takes too long; by default a failure.
    """
    deadline = monotonic() + within_s
    running = [(name, _start(check)) for name, check in checks]
    return [
        result
        for name, future in running
        for result in _results(name, future, max(0.0, deadline - monotonic()), within_s, late.get(name))
    ]


def _start(check: DoctorCheck) -> Future[list[CheckResult]]:
    """Run the check in a daemon thread of its own, which is abandoned if it hangs."""
    future: Future[list[CheckResult]] = Future()

    def run() -> None:
        try:
            future.set_result(list(check()))
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return future


def _results(
    name: str,
    future: Future[list[CheckResult]],
    left_s: float,
    within_s: float,
    late: CheckResult | None,
) -> list[CheckResult]:
    try:
        error = future.exception(timeout=left_s)
    except TimeoutError:
        return [late or CheckResult(name, "fail", f"no answer within {within_s:g} s", _BY_HAND)]
    if error is None:
        return future.result()
    if isinstance(error, CardiographError):
        return [CheckResult(name, "fail", str(error))]
    message = (str(error).splitlines() or ["no message"])[0][:200]
    return [CheckResult(name, "fail", f"{type(error).__name__}: {message}", _BY_HAND)]


def checks_for(home: Path, hub: str, judges: Sequence[JudgeSpec] = ()) -> list[tuple[str, DoctorCheck]]:
    """Every check but those by canaries, and the name under which its failure is reported."""
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
        *((f"judge {_where(spec)}", partial(check_judge, spec)) for spec in judges),
        ("Prefect", check_engine),
    ]


def judges_at(spec: JudgeSpec) -> list[JudgeSpec]:
    """The same judge once per server, so that each is checked by itself."""
    return [replace(spec, urls=(url,)) for url in spec.urls]


def _where(spec: JudgeSpec) -> str:
    return ", ".join(spec.urls)


def canary_checks(judges: Sequence[JudgeSpec], within_s: float = WITHIN_S) -> list[tuple[str, DoctorCheck]]:
    """The checks that have the judges score the canaries, in the time given."""
    return [(f"canaries {_where(spec)}", partial(check_canaries, spec, within_s)) for spec in judges]


def late_canaries(judges: Sequence[JudgeSpec], within_s: float = WITHIN_S) -> dict[str, CheckResult]:
    """What is known of judges that have not even begun in time: a hosted model is slow, and that is no fault."""
    detail = f"none came in {within_s:g} s"
    return {
        name: CheckResult(name, "warn", detail, _WAIT_FOR_ALL) for name, _ in canary_checks(judges, within_s)
    }


# This machine


def check_python() -> Iterator[CheckResult]:
    """Check that the package supports this version of Python."""
    here = ".".join(map(str, sys.version_info[:3]))
    try:
        supported = metadata(_CARDIOGRAPH)["Requires-Python"]
    except PackageNotFoundError:
        detail = f"{here}; Cardiograph is not installed as a package"
        yield CheckResult("Python", "warn", detail, "`make setup`")
        return
    is_fine = SpecifierSet(supported).contains(here)
    yield _result("Python", is_fine, f"{here} ({supported})", "`make setup PYTHON=…`", otherwise="fail")


def check_packages() -> Iterator[CheckResult]:
    """Check that the installed packages satisfy the requirements of Cardiograph."""
    required = [Requirement(text) for text in requires(_CARDIOGRAPH) or []]
    needed = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = "; ".join(filter(None, map(_misfit, needed)))
    detail = wrong or f"{len(needed)} as required, Prefect {client_version()}"
    remedy = "`make setup`, or `pip install -c constraints.txt -e '.[atlas]'`"
    yield _result("packages", not wrong, detail, remedy, otherwise="fail")


def _misfit(needed: Requirement) -> str | None:
    try:
        installed = version(needed.name)
    except PackageNotFoundError:
        return f"{needed.name} is missing"
    if needed.specifier.contains(installed, prereleases=True):
        return None
    return f"{needed.name} {installed} is not {needed.specifier}"


def check_disk(home: Path) -> Iterator[CheckResult]:
    """Check the free space of the disk that holds the home, or will hold it."""
    folder = _existing(home)
    free = shutil.disk_usage(folder).free
    remedy = "free some space, or choose another --home; `cardiograph plan` estimates how much is needed"
    severity: Status = "fail" if free < DISK_FAIL_BYTES else "warn"
    detail = f"{free / 1e9:,.1f} GB free at {folder}"
    yield _result("disk", free >= DISK_WARN_BYTES, detail, remedy, otherwise=severity)


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    folder = folder.resolve()
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_gpu() -> Iterator[CheckResult]:
    """List the GPUs and their memory."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.used", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=WITHIN_S, check=True)  # noqa: S603
    except FileNotFoundError:
        yield CheckResult("GPU", "ok", "none; only a judge model that is served here would need one")
        return
    except subprocess.CalledProcessError as error:
        output = (error.stdout + error.stderr).strip().splitlines() or ["no output"]
        yield CheckResult("GPU", "fail", f"nvidia-smi fails: {output[0]}", "repair the driver")
        return
    for line in done.stdout.splitlines():
        name, total, used = (cell.strip() for cell in line.split(","))
        yield CheckResult("GPU", "ok", f"{name}, {total}, {used} in use")


# The Hub


def check_hub(hub: str) -> Iterator[CheckResult]:
    """Check that the Hub answers, accepts the token and has quota left, and that the clocks agree."""
    try:
        account = ask_account(hub, settings())
    except TokenRefused as error:
        yield CheckResult("token", "fail", str(error), "check HF_TOKEN, or log in again with `hf auth login`")
        return
    except HubError as error:
        yield CheckResult("Hub", "fail", str(error), "check the address, the network and the proxy; or --hub")
        return
    yield CheckResult("Hub", "ok", f"{hub} answers")
    yield _result(
        "token",
        account.user is not None,
        f"accepted, of {account.user}" if account.user is not None else "none: the anonymous quota applies",
        "set HF_TOKEN or `hf auth login`: a free account reads 1.7 times as fast",
    )
    yield _quota_result(account)
    yield clock_result("clock", "the Hub", account.clock_ahead_s)


def _quota_result(account: Account) -> CheckResult:
    if not account.api_quota or account.api_left is None:
        return CheckResult("quota", "ok", "the Hub reports no limit")
    return _result(
        "quota",
        account.api_left >= QUOTA_WARN_SHARE * account.api_quota,
        f"{account.plan or 'unknown plan'}: {account.api_left:,} of {account.api_quota:,} API requests left "
        f"for {account.reset_in_s} s",
        "somebody else uses this token or address; a run waits for the next window",
    )


def clock_result(name: str, whose: str, ahead_s: float | None) -> CheckResult:
    """Whether this machine's clock and another agree; both are known to the second only."""
    if ahead_s is None:
        return CheckResult(name, "ok", f"{whose} did not report its clock")
    if abs(ahead_s) <= CLOCK_WARN_S:
        return CheckResult(name, "ok", f"within {CLOCK_WARN_S:g} s of {whose}")
    detail = f"{abs(ahead_s):,.0f} s {'ahead of' if ahead_s > 0 else 'behind'} {whose}"
    return CheckResult(name, "warn", detail, "set the clock (NTP): it dates the snapshots")


# The home


def check_lake(home: Path) -> Iterator[CheckResult]:
    """Check that the lake accepts an object, returns it and deletes it."""
    lake = Lake(home)
    if not lake.is_remote and not lake.exists():
        above = _existing(Path(lake.location))
        is_writable = os.access(above, os.W_OK)
        yield _result(
            "lake",
            is_writable,
            f"none yet; the first snapshot makes {lake.location}"
            if is_writable
            else f"{above} is not writable",
            "choose another --home, or change its permissions",
            otherwise="fail",
        )
        return
    name, body = f"doctor-{uuid.uuid4().hex}", b"cardiograph doctor"
    began = perf_counter()
    lake.put(name, body)
    is_same = lake.get(name) == body
    lake.delete(name)
    is_fine = is_same and lake.get(name) is None
    took_ms = 1000 * (perf_counter() - began) / 4
    if is_fine:
        detail = f"{lake.location} accepts, returns and deletes objects, {took_ms:.0f} ms per request"
    else:
        detail = f"{lake.location} does not {'delete' if is_same else 'return'} what was put"
    yield _result("lake", is_fine, detail, "check its permissions and its proxy", otherwise="fail")


def check_store_clock(home: Path) -> Iterator[CheckResult]:
    """Check that our clock agrees with the object store's, which refuses signatures of another time."""
    if Lake(home).is_remote:
        region = os.environ.get("AWS_REGION", "us-east-1")
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
        yield clock_result("object store's clock", endpoint, clock_ahead_of(endpoint, WITHIN_S))


def clock_ahead_of(url: str, within_s: float) -> float | None:
    """This machine's clock minus a server's, in seconds, from one HEAD request; null without a Date header."""
    try:
        return clock_ahead_s(headers_of(url, within_s), datetime.now(UTC))
    except OSError as error:
        raise CardiographError(f"{url} does not answer ({error.strerror or error})") from error


def check_warehouse(home: Path) -> Iterator[CheckResult]:
    """Check that the published warehouse opens, is of this version, and violates no rule of `sql/checks`."""
    warehouse = Warehouse(home)
    if not warehouse.published.exists():
        yield CheckResult("warehouse", "ok", "none yet")
        return
    remedy = f"`cardiograph rebuild --home {home}`"
    try:
        warehouse.check_current()
    except UsageError:
        detail = f"{warehouse.published} was made by another version of Cardiograph"
        yield CheckResult("warehouse", "warn", detail, f"{remedy}; the next snapshot does it too")
        return
    checks = statements("checks")
    with warehouse.read() as db:
        violated = ", ".join(name.removeprefix("checks/") for name in checks if frame(db, name).height)
    size = warehouse.published.stat().st_size
    detail = f"violates {violated}" if violated else f"{size / 1e6:,.1f} MB, all {len(checks)} checks hold"
    yield _result("warehouse", not violated, detail, remedy, otherwise="fail")


# Judges


def check_judge_environment() -> Iterator[CheckResult]:
    """Check whether a run could start a judge model's server itself."""
    limits = settings()
    if not limits.judge_python.expanduser().exists():
        detail = f"none at {limits.judge_python}; `make judge-env` makes it, for --judge vllm"
        yield CheckResult("judge environment", "ok", detail)
        return
    build = installed_build(limits)
    yield _result(
        "judge environment",
        build.is_cpu or shutil.which("nvidia-smi") is not None,
        f"vLLM {build.version}, built {'for CPUs' if build.is_cpu else 'for GPUs'}",
        "there is no GPU here: `make judge-env`, or --judge-url",
    )


def check_judge(spec: JudgeSpec) -> Iterator[CheckResult]:
    """Check that a judge model's server answers, and report what it serves. Nothing is paid for."""
    limits = settings().model_copy(update={"judge_patience_s": WITHIN_S - 2, "judge_timeout_s": WITHIN_S})
    if kind_of(spec.kind).has_budget:
        served = served_by(spec, limits)
    else:
        with Fleet(spec.urls, model=spec.model, limits=limits) as fleet:
            served = fleet.served
    yield CheckResult(f"judge {_where(spec)}", "ok", f"serves {served.model} ({served.engine})")


def check_canaries(spec: JudgeSpec, within_s: float) -> Iterator[CheckResult]:
    """Check that the judge model orders cards of known quality, by as many of them as it scores in time."""
    began = monotonic()
    with opened_judge(spec) as judge:
        verdicts = _verdicts_until(judge, began + within_s - _CLOSING_S)
    trial = trial_of(judge.name, judge.fingerprint, verdicts)
    yield canaries_result(f"canaries {_where(spec)}", trial, monotonic() - began)


def _verdicts_until(judge: Judge, deadline: float) -> list[Verdict]:
    """The verdicts on the canaries that come before the deadline; what is still in flight then is given up."""
    found: list[Verdict] = []
    give_up = judge.fleet.close if isinstance(judge, LlmJudge) else lambda: None
    alarm = threading.Timer(max(0.0, deadline - monotonic()), give_up)
    alarm.start()
    try:
        for verdict in canary_verdicts(judge):
            found.append(verdict)  # noqa: PERF402 - those that came are kept when the rest does not
    except JudgeError:
        if monotonic() < deadline:
            raise
    finally:
        alarm.cancel()
    return found


def canaries_result(name: str, trial: CanaryTrial, took_s: float) -> CheckResult:
    """What the canaries show of a judge, also where not all have come."""
    total = len(load_canaries())
    order = (
        ""
        if trial.concordance is None
        else f"; {100 * trial.concordance:.0f} % of the pairs are in the right order"
    )
    if trial.cards < total:
        detail = f"{trial.cards} of {total} came in {took_s:.0f} s{order}"
        return CheckResult(name, "warn", detail, _WAIT_FOR_ALL)
    detail = f"{total} in {took_s:.0f} s{order}" if trial.is_passed else failure_words(trial)
    remedy = 'name another judge model; docs/judge.md, "Known to judge"'
    return _result(name, trial.is_passed, detail, remedy, otherwise="fail")


# Prefect


def check_engine() -> Iterator[CheckResult]:
    """Check the Prefect server of `PREFECT_API_URL`, where that is set."""
    if os.environ.get("PREFECT_API_URL"):
        yield from engine_results(read_engine())
        yield secret_result(is_open=is_open())
    else:
        yield CheckResult("Prefect", "ok", "PREFECT_API_URL is not set: each run starts a server of its own")


def secret_result(*, is_open: bool) -> CheckResult:
    """Whether the server asks for a secret."""
    detail = "it obeys whoever reaches it, web pages included" if is_open else "the server asks for it"
    return _result(
        "secret", not is_open, detail, "run `cardiograph server`, or set PREFECT_SERVER_API_AUTH_STRING"
    )


def engine_results(engine: EngineState) -> Iterator[CheckResult]:
    """The checks of a Prefect server: version, deployments, work pools, the Hub's limit."""
    ours = client_version()
    yield _result(
        "Prefect",
        engine.version.split(".")[:2] == ours.split(".")[:2],
        f"server {engine.version}, client {ours}",
        "run both at one version: upgrade the server first, then the workers",
    )
    missing = ", ".join(name for name in NEEDED_DEPLOYMENTS if name not in engine.deployments)
    found = f"{missing} missing" if missing else f"{len(engine.deployments)} found"
    yield _result("deployments", not missing, found, "`cardiograph deploy`")
    for pool in engine.pools:
        online = f"{pool.workers} worker{'s' * (pool.workers != 1)} online"
        yield _result(
            f"work pool {pool.name}",
            pool.workers and not pool.is_paused,
            "paused" if pool.is_paused else online,
            "" if pool.is_paused else f"`prefect worker start --pool {pool.name}`",
        )
    limit = (
        f"{engine.limit} requests in flight"
        if engine.limit
        else "not set: the workers do not share one limit"
    )
    yield _result("Hub's limit", engine.limit, limit, "`cardiograph deploy`")
