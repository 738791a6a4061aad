"""Whether the judge at an address orders the canaries; exit code 1 if not.

    python -m benchmarks.judge_canaries URL

As `cardiograph doctor --judge-url URL --canaries` does, without its other checks, which ask for the Hub.
"""

from __future__ import annotations

import sys

from tasks.errors import CardiographError
from tasks.judges import opened_judge
from tasks.judges.canaries.trial import failure_words, try_canaries
from tasks.records import JudgeSpec


def main(url: str) -> int:
    """Try the judge, print what it did."""
    with opened_judge(JudgeSpec("vllm", urls=(url,))) as judge:
        trial = try_canaries(judge)
    if not trial.is_passed:
        print(failure_words(trial))
        return 1
    print(f"{trial.judge} passed the canaries: {trial.concordance:.0%} of the pairs are in the right order")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except CardiographError as error:
        sys.exit(f"judge_canaries.py: {error}")
