"""Measure vLLM's engine alone on recorded requests of the judge.

Runs in the judge's environment, in a process of its own, like `vllm bench throughput`: no server, no HTTP, all requests
passed at once.

    python raw_engine.py MODEL '{"engine option": value, …}' [--roofline]

Each line of its input names a file, each of whose lines is the body of a chat completion; it answers with a line of
JSON, the figures of that round. It ends with its input.
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


def measured(engine: Any, path: Path) -> dict[str, float]:
    """The engine on all requests of a file at once."""
    requests = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    began = time.perf_counter()
    outputs = engine.chat(
        [request["messages"] for request in requests],
        [sampling(request) for request in requests],
        use_tqdm=False,
        chat_template_kwargs=requests[0]["chat_template_kwargs"],
    )
    return {
        "seconds": time.perf_counter() - began,
        "cards": len(outputs),
        "tokens_in": sum(len(output.prompt_token_ids) for output in outputs),
        "tokens_cached": sum(output.num_cached_tokens or 0 for output in outputs),
        "tokens_out": sum(len(output.outputs[0].token_ids) for output in outputs),
    }


def main() -> None:
    """Measure what the input names, line by line."""
    from vllm import LLM

    model, options = sys.argv[1], json.loads(sys.argv[2])
    rate = measured_rate(is_fp8=options.get("quantization") == "fp8") if "--roofline" in sys.argv else None
    engine = LLM(model, **options)
    for line in sys.stdin:
        figures = measured(engine, Path(line.strip())) | {"flops": rate}
        sys.stdout.write("\n" + json.dumps(figures) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
