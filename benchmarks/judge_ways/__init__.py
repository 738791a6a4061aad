"""Ways of asking a judge model about a card, compared: `python -m benchmarks.judge_ways`."""
