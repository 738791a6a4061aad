"""The LLM judge compared with the engine alone: cards per second, and the client's share of the work.

    python benchmarks/judge.py [--corpus CORPUS.parquet] [--cards 150] [--rounds 5]
    python benchmarks/judge.py --architecture qwen3-8b --engine '{"load_format": "dummy", "quantization": "fp8"}'

One run; all measures send the same requests, as the judge itself makes them:

- ours: `LlmJudge.score` on one server, as in a snapshot;
- flat out: the same bodies posted to that server as fast as it accepts them, answers not read: the limit of HTTP alone;
- one at a time: the same bodies posted by a client that waits for each answer;
- raw engine: the same requests given to `vllm.LLM` in a process of its own, without server and HTTP, like
  `vllm bench throughput`. The serving benchmark would be easier to beat: it streams, and parses every token.

The measures take turns, round by round, and server and raw engine compute on the same cores. Each round uses new cards
and each measure its own salt, so that no measure finds another's prompts in the cache; the rubric at the beginning is
cached for all. The judge stays open over all rounds, as over the parts of a run, and finds its number of requests in
flight itself. Prints one JSON object; ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import httpx2
import polars as pl

from tasks.errors import CardiographError
from tasks.hub.source import demo_corpus
from tasks.judges import opened_judge
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.vllm.server import (
    engine_version,
    installed_build,
    running_judge_server,
    server_environment,
)
from tasks.records import CardText, JudgeSpec
from tasks.settings import settings

ROOT = Path(__file__).parents[1]
ENGINE = {
    "tiny": {
        "dtype": "float32",
        "max_model_len": 16_384,
        "enforce_eager": True,
        "gpu_memory_utilization": 0.3,
        "kv_cache_memory_bytes": 1 << 30,
        "distributed_executor_backend": "uni",
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    },
    "qwen3-8b": {
        "load_format": "dummy",
        "quantization": "fp8",
        "max_model_len": 16_384,
        "gpu_memory_utilization": 0.45,  # both engines are on the GPU, and take turns
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    },
}
PARAMETERS = {"qwen3-8b": 8.19e9}  # of Qwen3-8B, by its card
WARM_UP_CARDS = 12
ONE_AT_A_TIME_SHARE = 10


def cards_of(corpus: Path, column: str = "card_text") -> list[CardText]:
    """The corpus's distinct texts, long and short ones mixed."""
    texts = pl.read_parquet(corpus, columns=[column])[column].drop_nulls().unique().to_list()
    cards = [CardText(hashlib.sha256(text.encode()).hexdigest(), text) for text in texts if text.strip()]
    return sorted(cards, key=lambda card: card.card_hash)


def make_model(folder: Path, architecture: str, cards: Sequence[CardText]) -> Path:
    """Make a judge model with the judge's Python; its tokenizer is trained on the language of cards."""
    sample = folder.with_suffix(".txt")
    sample.write_text("\n".join(card.card_text for card in cards[::2]), encoding="utf-8")
    fixed = [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("tasks/**/*.py"),
        ROOT / "README.md",
        ROOT / "tasks/rubric.toml",
    ]
    subprocess.run(
        [
            settings().judge_python,
            ROOT / "benchmarks/judge_model.py",
            folder,
            architecture,
            *sorted([sample, *fixed]),
        ],
        check=True,
        capture_output=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    return folder


def as_options(engine: Mapping[str, Any]) -> str:
    """The engine's options on a server's command line."""
    words = []
    for name, value in engine.items():
        text = json.dumps(value) if isinstance(value, dict) else value
        words.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" '{text}'"))
    return " ".join(words)


def ours(judge: LlmJudge, cards: Sequence[CardText]) -> dict[str, Any]:
    """The judge on these cards; the other measures send the bodies that it sent."""
    bodies: list[dict[str, Any]] = []
    post, before = judge.fleet.post, judge.usage()

    async def recording(path: str, payload: Mapping[str, object]) -> dict[str, object]:
        if path == "/v1/chat/completions":
            bodies.append(dict(payload))
        return await post(path, payload)

    judge.fleet.post = recording  # type: ignore[method-assign]  # only records the bodies
    cpu, began = time.process_time(), time.perf_counter()
    verdicts = list(judge.score(cards))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    judge.fleet.post = post  # type: ignore[method-assign]
    usage = judge.usage()
    return {
        "seconds": seconds,
        "cpu_ms_a_card": 1000 * cpu / len(cards),
        "scored": sum(verdict.score is not None for verdict in verdicts),
        "in_flight": judge.fleet.concurrency,
        "tokens_in": usage.tokens_in - before.tokens_in,
        "tokens_out": usage.tokens_out - before.tokens_out,
        "bodies": bodies,
    }


async def posted(url: str, bodies: Sequence[Mapping[str, Any]], in_flight: int) -> float:
    """Seconds until all bodies are answered; the answers are not read."""
    gate = asyncio.Semaphore(in_flight)
    limits = httpx2.Limits(max_connections=in_flight)
    async with httpx2.AsyncClient(base_url=url, timeout=600, limits=limits) as client:

        async def post(body: Mapping[str, Any]) -> None:
            async with gate:
                (await client.post("/v1/chat/completions", json=body)).raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*map(post, bodies))
        return float(time.perf_counter() - began)


def salted(bodies: Sequence[Mapping[str, Any]], salt: str) -> list[dict[str, Any]]:
    """The bodies, with a prefix cache of their own."""
    return [{**body, "cache_salt": salt} for body in bodies]


def flat_out(url: str, bodies: Sequence[Mapping[str, Any]], in_flight: int, salt: str) -> float:
    """Cards per second of posting alone, with the rubric in the cache."""
    first, *rest = salted(bodies, salt)
    asyncio.run(posted(url, [first], 1))
    return len(rest) / asyncio.run(posted(url, rest, in_flight))


@contextmanager
def raw_engine(
    model: Path, engine: Mapping[str, Any], folder: Path, *, roofline: bool
) -> Iterator[Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]]:
    """`vllm.LLM` in a process of its own, on the cores that a server would have; yields what measures it."""
    limits = settings()
    environment = server_environment(installed_build(limits), limits)
    command = [
        *map(str, (limits.judge_python, ROOT / "benchmarks/raw_engine.py", model, json.dumps(engine))),
        *["--roofline"] * roofline,
    ]
    with (
        (folder / "raw.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **environment, "HF_HUB_OFFLINE": "1"},
        ) as child,
    ):
        questions, answers = cast("IO[str]", child.stdin), cast("IO[str]", child.stdout)

        def measure(bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            path = folder / "requests.jsonl"
            path.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")
            questions.write(f"{path}\n")
            questions.flush()
            for line in answers:
                if line.startswith('{"seconds"'):
                    return dict(json.loads(line))
            raise SystemExit(f"the raw engine failed:\n{(folder / 'raw.log').read_text()[-3000:]}")

        yield measure
        questions.close()


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All four measures, round by round."""
    engine_version(settings())  # fails with the remedy where there is no engine
    engine = {**ENGINE[arguments.architecture], **json.loads(arguments.engine)}
    os.environ["CARDIOGRAPH_JUDGE_ENGINE_OPTIONS"] = as_options(engine)
    cards = cards_of(arguments.corpus or demo_corpus(folder))
    model = arguments.model or make_model(folder / "model", arguments.architecture, cards)
    rounds = []
    roofline = arguments.architecture in PARAMETERS
    with (
        running_judge_server(str(model), folder / "judge.log", settings()) as url,
        raw_engine(model, engine, folder, roofline=roofline) as raw,
        opened_judge(JudgeSpec("vllm", urls=(url,))) as judge,
    ):
        warm = ours(cast(LlmJudge, judge), cards[:WARM_UP_CARDS])
        raw(warm["bodies"])
        cards = cards[WARM_UP_CARDS:]
        for number in range(arguments.rounds):
            some = cards[number * arguments.cards : (number + 1) * arguments.cards]
            found = ours(cast(LlmJudge, judge), some)
            bodies = found.pop("bodies")
            found["cards_a_second"] = len(some) / found["seconds"]
            found["raw"] = raw(bodies)
            found["raw_engine"] = found["raw"]["cards"] / found["raw"]["seconds"]
            found["flat_out"] = flat_out(url, bodies, found["in_flight"], f"flat-{number}")
            found["one_at_a_time"] = flat_out(url, bodies[::ONE_AT_A_TIME_SHARE], 1, f"single-{number}")
            rounds.append(found)
            shown = f"{found['cards_a_second']:.2f} cards/s, raw engine {found['raw_engine']:.2f}"
            print(f"round {number + 1}: {shown}, {found['in_flight']} in flight", file=sys.stderr, flush=True)
    return figures_of(arguments, rounds)


def gpu_name() -> str | None:
    """The GPU's name as the driver reports it; null without a GPU."""
    if not (command := shutil.which("nvidia-smi")):
        return None
    query = [command, "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, check=False, capture_output=True, text=True).stdout.strip() or None


def figures_of(arguments: argparse.Namespace, rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures, and the machine and model that they belong to."""

    def median(name: str, over: str | None = None) -> float:
        return float(statistics.median(found[name] / (found[over] if over else 1) for found in rounds))

    cards, raw = arguments.cards, rounds[-1]["raw"]
    figures = {
        "architecture": arguments.architecture,
        "gpu": gpu_name(),
        "cores": os.cpu_count(),
        "cards_a_round": cards,
        "rounds": arguments.rounds,
        "in_flight": [found["in_flight"] for found in rounds],
        "tokens_in_a_card": round(rounds[-1]["tokens_in"] / cards),
        "tokens_out_a_card": round(rounds[-1]["tokens_out"] / cards),
        "cached_share": round(raw["tokens_cached"] / raw["tokens_in"], 3),
        "cards_a_second": {
            "ours": round(median("cards_a_second"), 2),
            "flat_out": round(median("flat_out"), 2),
            "one_at_a_time": round(median("one_at_a_time"), 2),
            "raw_engine": round(median("raw_engine"), 2),
        },
        "client_cpu_ms_a_card": round(median("cpu_ms_a_card"), 2),
        "ours_to_raw_engine": round(median("cards_a_second", "raw_engine"), 3),
        "ours_to_raw_engine_by_round": [
            round(found["cards_a_second"] / found["raw_engine"], 3) for found in rounds
        ],
        "ours_to_flat_out": round(median("cards_a_second", "flat_out"), 3),
        "ours_to_one_at_a_time": round(median("cards_a_second", "one_at_a_time"), 1),
        "raw_engine_to_one_at_a_time": round(median("raw_engine", "one_at_a_time"), 1),
        "scored_share": round(sum(found["scored"] for found in rounds) / (cards * arguments.rounds), 4),
    }
    if raw["flops"]:
        computed = raw["tokens_in"] - raw["tokens_cached"]
        least = 2 * PARAMETERS[arguments.architecture] * computed / raw["cards"] / raw["flops"]
        figures["measured_tflops"] = round(raw["flops"] / 1e12, 1)
        figures["roofline_cards_a_second"] = round(1 / least, 1)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="a corpus file; default: the demo's")
    parser.add_argument("--cards", type=int, default=150, help="cards per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--architecture", choices=sorted(ENGINE), default="tiny")
    parser.add_argument("--model", type=Path, help="a model folder; default: one that is made for the run")
    parser.add_argument("--engine", default="{}", help="engine options as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(arguments, Path(folder)), indent=2))


if __name__ == "__main__":
    try:
        main()
    except CardiographError as error:
        sys.exit(f"judge.py: {error}")
