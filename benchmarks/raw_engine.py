"""Measure vLLM's engine alone on recorded requests of the judge.

Runs in the judge's environment, in a process of its own, like `vllm bench throughput`: no server, no HTTP, all requests
passed at once.

    python raw_engine.py MODEL REQUESTS.jsonl '{"engine option": value, …}' [--roofline]

Each line of the file is the body of a chat completion. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def sampling(request: dict[str, Any]) -> Any:
    """The request's sampling as parameters of the engine, with the requested ids as the server applies them."""
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    ids = request.get("logprob_token_ids")
    is_known = hasattr(SamplingParams(), "logprob_token_ids")
    asked = {"logprob_token_ids": ids} if ids and is_known else {"logprobs": request.get("top_logprobs")}
    return SamplingParams(
        temperature=request["temperature"],
        max_tokens=request["max_tokens"],
        structured_outputs=StructuredOutputsParams(**request["structured_outputs"]),
        **(asked if request.get("logprobs") else {}),
    )


def measured_rate(*, is_fp8: bool) -> float:
    """Floating-point operations per second of a large matrix product on the GPU, the best of twenty."""
    import torch

    n = 8192
    a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    a8, b8 = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn).t()
    one = torch.ones((), device="cuda")
    best = float("inf")
    for _ in range(20):
        torch.cuda.synchronize()
        began = time.perf_counter()
        if is_fp8:
            torch._scaled_mm(a8, b8, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        else:
            torch.mm(a, b)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return float(2 * n**3 / best)


def main() -> None:
    """Run the requests twice, first to warm up, and print the figures of the second run."""
    from vllm import LLM

    model, path, options = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    rate = measured_rate(is_fp8=options.get("quantization") == "fp8") if "--roofline" in sys.argv else None
    requests = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    engine = LLM(model, **options)
    seconds, outputs = 0.0, []
    for some in (requests[: max(8, len(requests) // 10)], requests):
        began = time.perf_counter()
        outputs = engine.chat(
            [request["messages"] for request in some],
            [sampling(request) for request in some],
            use_tqdm=False,
            chat_template_kwargs=requests[0]["chat_template_kwargs"],
        )
        seconds = time.perf_counter() - began
    figures = {
        "seconds": seconds,
        "cards": len(outputs),
        "tokens_in": sum(len(output.prompt_token_ids) for output in outputs),
        "tokens_cached": sum(output.num_cached_tokens or 0 for output in outputs),
        "tokens_out": sum(len(output.outputs[0].token_ids) for output in outputs),
        "flops": rate,
    }
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
