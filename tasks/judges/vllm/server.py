"""The vLLM server that a run starts when no URL is given, in vLLM's own environment, and stops with the run.

vLLM and Prefect cannot share an environment, so vLLM is never imported here: its own Python answers for it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic

from tasks.engine.child import (
    SAFE_PATH,
    STOP_GRACE_S,
    free_port,
    running_child,
    wait_until,
    without_secrets,
)
from tasks.errors import JudgeNotStarted, UsageError
from tasks.judges.llm.served import readable
from tasks.judges.vllm.model import config_of, context_of, fits_as_float32
from tasks.progress import advance, expect
from tasks.settings import Settings

_LOG_TAIL_BYTES = 200_000
_LINE_CHARACTERS = 200
_VERSIONS_WITHIN_S = 60.0
_GIB = 1 << 30
_HEALTH_TIMEOUT_S = 5.0
_THREADS = "VLLM_CPU_OMP_THREADS_BIND"
_RANKS = (
    *("--tensor-parallel-size", "-tp", "--pipeline-parallel-size", "-pp"),
    *("--data-parallel-size", "-dp"),
)
_CPUS = Path("/sys/devices/system/cpu")

_GET_ENVIRONMENT = "make one with `make judge-env`, or name its Python in CARDIOGRAPH_JUDGE_PYTHON"

# The version installed under either name, without importing vLLM, which takes ten seconds.
_PRINT_VERSIONS = """
import importlib.metadata, json
found = {}
for name in ("vllm", "vllm-cpu"):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Build:
    """The vLLM in the judge's environment. `is_cpu`: built for machines without a GPU."""

    version: str
    is_cpu: bool


# ---------------------------------------------------------------------------------------- model and engine


def engine_version(limits: Settings) -> str:
    """Such as `vllm 0.32.0`, as a running server reports it. JudgeNotStarted where the environment has no vLLM."""
    return f"vllm {installed_build(limits).version}"


def installed_build(limits: Settings) -> Build:
    """The vLLM in the judge's environment. JudgeNotStarted where there is none."""
    return _build_of(limits.judge_python.expanduser())


@lru_cache(maxsize=8)
def _build_of(python: Path) -> Build:
    command = [str(python), "-c", _PRINT_VERSIONS]
    try:
        child = subprocess.run(  # noqa: S603 - the interpreter of the settings
            command,
            env={**without_secrets(os.environ), **SAFE_PATH},
            capture_output=True,
            timeout=_VERSIONS_WITHIN_S,
            check=True,
        )
        versions = json.loads(child.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        problem = f"there is no Python environment for the judge at {python}: {_GET_ENVIRONMENT}"
        raise JudgeNotStarted(problem) from error
    if not versions:
        raise JudgeNotStarted(f"{python} has no vLLM: {_GET_ENVIRONMENT}")
    # The CPU build has a name of its own, or `cpu` after the plus sign of its version.
    name, version = next(iter(versions.items()))
    number, _, local = version.partition("+")
    return Build(number, is_cpu=name == "vllm-cpu" or "cpu" in local)


# ------------------------------------------------------------------------------------------------- running


@contextmanager
def running_judge_server(model: str, log: Path, limits: Settings) -> Iterator[str]:
    """Run a server for `model` until the block ends; yields its URL. Its output goes into `log`.

    It also ends if this process is killed. Raises `JudgeNotStarted` with the remedy.
    """
    build = installed_build(limits)
    port = limits.judge_port or free_port()
    _check_port(port)
    command = [str(limits.judge_python.expanduser()), *server_arguments(model, port, build, limits)]
    expect("start", None)
    with (
        log.open("wb") as sink,
        running_child(
            "tasks.engine.child",
            command,
            environment=server_environment(build, limits),
            log=sink,
            stop_within_s=2 * STOP_GRACE_S,
        ) as child,
    ):
        since = monotonic()
        if not wait_until(lambda: _is_well(port), child, within_s=limits.judge_start_within_s):
            code = child.poll()
            raise JudgeNotStarted(f"{diagnose(code, log_tail(log), model)} (its log: {log})")
        advance("start", max(1, round(monotonic() - since)))
        yield f"http://127.0.0.1:{port}"


def server_arguments(model: str, port: int, build: Build, limits: Settings) -> list[str]:
    """Its command line after the interpreter; the options of the settings come last, so that they win."""
    arguments = [
        *("-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name", model),
        *("--host", "127.0.0.1", "--port", str(port), "--max-model-len", str(context_for(model, limits))),
        # Without xgrammar a schema may fall to a backend that allows blanks without end.
        *("--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}'),
        *("--uvicorn-log-level", "warning"),  # no line per request: there may be millions
    ]
    if limits.judge_revision and not Path(model).expanduser().is_dir():
        arguments += ["--revision", limits.judge_revision, "--tokenizer-revision", limits.judge_revision]
    if build.is_cpu:
        arguments += ["--enforce-eager", "--gpu-memory-utilization", "0.3"]  # on a CPU: of all memory
        # One process for engine and model: an engine with a separate worker spends a core on waiting for it.
        arguments += ["--distributed-executor-backend", "uni"]
        if not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
            arguments += ["--kv-cache-memory-bytes", str(_cpu_cache_bytes())]
    chosen = engine_options(limits)
    return [*arguments, *_precision(model, build, chosen, limits), *chosen]


def engine_options(limits: Settings) -> list[str]:
    """The options of the settings. UsageError where they are not a command line."""
    try:
        return shlex.split(limits.judge_engine_options)
    except ValueError as error:
        raise UsageError(f"CARDIOGRAPH_JUDGE_ENGINE_OPTIONS is not a command line ({error})") from error


def _has(options: Sequence[str], *names: str) -> bool:
    return any(option.split("=")[0] in names for option in options)


def context_for(model: str, limits: Settings) -> int:
    """The context to serve it with: the setting, or the model's own where that is shorter and known."""
    found = config_of(model, limits)
    own = context_of(found[1]) if found else None
    return min(limits.judge_context_tokens, own or limits.judge_context_tokens)


def _precision(model: str, build: Build, chosen: Sequence[str], limits: Settings) -> list[str]:
    """Options for log-probabilities that are exact enough for a mean: in bfloat16 they move in steps of 1/8.

    All in float32 on a CPU, unless the weights are known to be too large; else at least the last layer. What the user
    chose stays, and a quantised model keeps its last layer, which vLLM refuses to change.
    """
    found = config_of(model, limits)
    if build.is_cpu and (found is None or fits_as_float32(*found)):
        return [] if _has(chosen, "--dtype") else ["--dtype", "float32"]
    is_quantised = (found and "quantization_config" in found[1]) or _has(chosen, "--quantization", "-q")
    if is_quantised or _has(chosen, "--hf-overrides", "--dtype"):
        return []
    return ["--hf-overrides", '{"head_dtype": "float32"}']


def _cpu_cache_bytes() -> int:
    """A sixth of the machine's memory, 1 to 8 GiB: it leaves room for the weights and holds a card of a 4B model."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(max(total // 6, _GIB), 8 * _GIB)


def server_environment(build: Build, limits: Settings) -> dict[str, str]:
    """What it gets in addition to this process's environment, of which it gets no secrets.

    The key is here because anyone can read command lines.
    """
    environment = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if limits.judge_api_key:
        environment["VLLM_API_KEY"] = limits.judge_api_key.get_secret_value()
    # Left to itself vLLM computes on all cores but one: of two, on one. Several ranks need a list each: its own choice.
    if build.is_cpu and not os.environ.get(_THREADS) and not _has(engine_options(limits), *_RANKS):
        environment[_THREADS] = ",".join(map(str, cores()))
    return environment


def cores() -> list[int]:
    """The processors that this process may use, one per core: two threads of one core compute no faster."""
    by_core: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        by_core.setdefault(_siblings(cpu), cpu)
    return list(by_core.values())


def _siblings(cpu: int) -> str:
    """The processors of its core; its own number where the system does not tell."""
    try:
        return (_CPUS / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _check_port(port: int) -> None:
    """JudgeNotStarted where the port is taken: now, not after the model was loaded."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise JudgeNotStarted(_port_taken(f"port {port}")) from error


def _is_well(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=_HEALTH_TIMEOUT_S)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def log_tail(log: Path) -> str:
    """The end of its output."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")


# ----------------------------------------------------------------------------------------------- diagnosis


def _port_taken(port: str) -> str:
    return (
        f"{port} is taken; set CARDIOGRAPH_JUDGE_PORT to another, or to 0 for any free one, or use the server "
        "that is there with --judge-url"
    )


_NO_MEMORY = (
    "not enough memory for {model} ({line}). Choose a smaller model with --judge-model, lower "
    "CARDIOGRAPH_JUDGE_CONTEXT_TOKENS, or set --gpu-memory-utilization or --kv-cache-memory-bytes in "
    "CARDIOGRAPH_JUDGE_ENGINE_OPTIONS"
)
# A message and the patterns in a log that mean it, in order of precedence; `line` is what the pattern matched.
_DIAGNOSES = {
    f"the judge's environment has no vLLM: {_GET_ENVIRONMENT}": [r"No module named '?vllm\b"],
    "vLLM does not accept an option: {line}. Check CARDIOGRAPH_JUDGE_ENGINE_OPTIONS": [
        r"error: (?:unrecognized arguments|argument ).*"
    ],
    _port_taken("the port of the judge's server"): [r"Address already in use"],
    "the vLLM in the judge's environment needs a GPU and finds none ({line}). Run where there is one, make the "
    "environment for this machine with `make judge-env`, or use --judge checklist, which needs no GPU": [
        r"Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver|libcuda\.so.*"
    ],
    "{model} is gated. Ask for access on its page on the Hub and fetch it once with `hf download {model}`, or name an "
    "open model with --judge-model": [r"gated repo|GatedRepoError|Access to model .* is restricted"],
    "{model} does not have so long a context ({line}). Lower CARDIOGRAPH_JUDGE_CONTEXT_TOKENS, or choose another "
    "model with --judge-model": [r"User-specified max_model_len .*?\)(?= is|\.|$)"],
    _NO_MEMORY: [
        r"CUDA out of memory|OutOfMemoryError.*|MemoryError",
        r"Available memory on .*|Free memory on device .*|No available memory for the cache blocks",
        r"To serve at least one request .*|DefaultCPUAllocator: .*",
    ],
    "{model} is not on this machine and cannot be fetched ({line}). Unset HF_HUB_OFFLINE and check the network, or "
    "name a folder that holds a model with --judge-model": [
        r"outgoing traffic has been disabled|We couldn't connect to .*|Cannot reach .*|offline mode .*"
    ],
    "{model} cannot be loaded: {line}. Name a folder that holds a model, or its exact name on the Hub, with "
    "--judge-model": [
        r"Invalid repository ID or local directory specified.*|Repo id must be in the form.*",
        r"is not a local folder and is not a valid model identifier.*|RepositoryNotFoundError.*",
        r"RevisionNotFoundError.*|Revision Not Found.*",
    ],
    "this vLLM cannot run {model} ({line}). Choose another with --judge-model, or a newer vLLM in the judge's "
    "environment": [
        r"Transformers does not recognize this architecture|Model architectures .* not supported"
    ],
}


def diagnose(exit_code: int | None, tail: str, model: str = "the judge model") -> str:
    """Why a server did not start, and the remedy, on one line. `exit_code` is null while it is still starting."""
    for message, patterns in _DIAGNOSES.items():
        for pattern in patterns:
            if match := re.search(pattern, tail, re.MULTILINE):
                return message.format(model=model, line=_first_sentences(match[0]))
    if exit_code is None:
        return (
            f"{model} was not ready in time ({_last_line(tail)}); allow more time with "
            "CARDIOGRAPH_JUDGE_START_WITHIN_S"
        )
    if exit_code in (137, -9):
        return _NO_MEMORY.format(model=model, line="it was killed, as a system out of memory does")
    return f"the judge's server ended with code {exit_code}: {_telling_line(tail)}"


def _first_sentences(text: str) -> str:
    """Enough of a long message to recognise it."""
    plain = readable(text).rstrip(".")
    return plain if len(plain) <= _LINE_CHARACTERS else plain[:_LINE_CHARACTERS].rpartition(" ")[0] + " …"


def _telling_line(tail: str) -> str:
    """The last line that names an error, other than vLLM's references to an earlier error."""
    errors = re.findall(r"\b(\w*(?:Error|Exception): .*|Value error, .*)$", tail, re.MULTILINE)
    telling = [
        line for line in errors if "See root cause above" not in line and "initialization failed" not in line
    ]
    return _first_sentences((telling or errors or [_last_line(tail)])[-1])


def _last_line(tail: str) -> str:
    return _first_sentences(tail.strip().rpartition("\n")[2]) or "it printed nothing"
