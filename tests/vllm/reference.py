"""What transformers makes of a model folder, in float32 and with nothing of vLLM: what the engine is compared with.

Runs in the judge's environment, which has torch: `python reference.py FOLDER`, with a request as JSON on its input.

    {"prompt": text, "tokens": n}               the greedy continuation                           -> its text
    {"ids": [ids], "of": [ids], "at": [places]} log-probabilities of these tokens in these places -> a list per place
"""

from __future__ import annotations

import json
import sys
from typing import Any


def loaded(folder: str) -> Any:
    """The model."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def continuation(folder: str, prompt: str, tokens: int) -> str:
    """The most probable next tokens, one after the other."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(prompt, return_tensors="pt")
    made = loaded(folder).generate(**inputs, max_new_tokens=tokens, do_sample=False)
    return str(tokenizer.decode(made[0][inputs["input_ids"].shape[1] :]))


def log_probabilities(folder: str, ids: list[int], of: list[int], at: list[int]) -> list[list[float]]:
    """Of each of the tokens `of`, in place of each of the tokens at `at` of `ids`."""
    import torch

    with torch.no_grad():
        logits = loaded(folder)(torch.tensor([ids])).logits[0]
    return [[float(value) for value in logits[place - 1].log_softmax(-1)[of]] for place in at]


def answer(folder: str, request: dict[str, Any]) -> object:
    """The answer to a request."""
    if "ids" in request:
        return log_probabilities(folder, request["ids"], request["of"], request["at"])
    return continuation(folder, request["prompt"], request["tokens"])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(sys.argv[1], json.load(sys.stdin))))
