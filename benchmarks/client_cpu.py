"""The client's own share of judging: CPU time per card of `LlmJudge.score` against a server that computes nothing.

    python benchmarks/client_cpu.py [--corpus CORPUS.parquet] [--cards 400] [--rounds 5] [--profile]

`tasks.judges.scripted` answers from a process of its own, with the log-probabilities that vLLM would send, so this
process only prepares cards, sends, receives and reads. Prints one JSON object: milliseconds of CPU time per card, as
the median over the rounds, and how many of them preparing the cards and reading the replies take when run alone.
`--profile` prints where the time goes instead, by function.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.judge import cards_of
from tasks.engine.child import free_port, running_child
from tasks.hub.source import demo_corpus
from tasks.judges import opened_judge
from tasks.judges.llm.judge import _neutral_card
from tasks.records import CardText, JudgeSpec

WARM_UP_CARDS = 20


@contextmanager
def scripted_server() -> Iterator[str]:
    """The address of a scripted judge in a process of its own; `opened_judge` waits until it answers."""
    port = free_port()
    with running_child("tasks.judges.scripted", [str(port)]):
        yield f"http://127.0.0.1:{port}"


def cpu_ms_per_card(work: Callable[[], object], cards: int) -> float:
    """CPU time of all threads of this process."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / cards


def rounds_of(judge: Any, cards: Sequence[CardText], rounds: int) -> dict[str, Any]:
    """The figures."""
    list(judge.score(cards[:WARM_UP_CARDS]))
    before = judge.usage()
    whole = [cpu_ms_per_card(lambda: list(judge.score(cards)), len(cards)) for _ in range(rounds)]
    prepared = [cpu_ms_per_card(lambda: list(map(_neutral_card, cards)), len(cards)) for _ in range(rounds)]
    tokens_out = judge.usage().tokens_out - before.tokens_out
    return {
        "cards": len(cards),
        "rounds": rounds,
        "characters_per_card": round(statistics.mean(len(card.card_text) for card in cards)),
        "tokens_out_per_card": round(tokens_out / len(cards) / rounds),
        "client_cpu_ms_per_card": round(statistics.median(whole), 2),
        "of_which_preparing_the_card": round(statistics.median(prepared), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="a corpus file; default: the demo's")
    parser.add_argument("--cards", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scripted_server() as url:
        cards = cards_of(arguments.corpus or demo_corpus(Path(folder)))[: arguments.cards]
        with opened_judge(JudgeSpec("vllm", urls=(url,))) as judge:
            if arguments.profile:
                list(judge.score(cards[:WARM_UP_CARDS]))
                with cProfile.Profile() as profile:
                    list(judge.score(cards))
                pstats.Stats(profile).sort_stats("tottime").print_stats(45)
                return
            print(json.dumps(rounds_of(judge, cards, arguments.rounds), indent=2))


if __name__ == "__main__":
    main()
