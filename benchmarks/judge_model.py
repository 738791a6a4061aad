"""Make a judge model for tests and benchmarks: a real architecture and tokenizer without any training.

Runs in the judge's environment (it needs torch and transformers):

    python judge_model.py FOLDER ARCHITECTURE TEXT_FILE…

`tiny` is a two-layer Qwen2 with seeded random weights. `qwen3-8b` is the architecture of Qwen3-8B without weights, to
be served with `--load-format dummy`: its answers are meaningless, its speed is that of the real model. The tokenizer is
trained on the given files, with one token per digit like Qwen's.
"""

from __future__ import annotations

import sys
from pathlib import Path

CONTEXT_TOKENS = 16_384
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% if not (loop.last and continue_final_message) %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VOCABULARY = {"tiny": 16_384, "qwen3-8b": 32_768}


def make_tokenizer(folder: Path, vocabulary: int, texts: list[str]) -> int:
    """Train a byte-level BPE on the files and save it; returns the size of its vocabulary."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d| ?[^\W\d]+| ?[^\s\w]+|\s+"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL[2], pad_token=SPECIAL[0])
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def make_tiny(folder: Path, vocabulary: int) -> None:
    """Save a two-layer Qwen2 with seeded random weights."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(20_220_215)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=64,  # 2 heads of 32: vLLM's attention on a CPU accepts no smaller ones
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=SPECIAL.index("<|im_end|>"),
    )
    Qwen2ForCausalLM(config).to(torch.float32).save_pretrained(folder)


def make_qwen3_8b(folder: Path, vocabulary: int) -> None:
    """Save the configuration of Qwen3-8B, with its full vocabulary size whatever the tokenizer uses."""
    from transformers import Qwen3Config

    config = Qwen3Config(
        architectures=["Qwen3ForCausalLM"],
        vocab_size=max(151_936, vocabulary),
        hidden_size=4096,
        intermediate_size=12_288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        tie_word_embeddings=False,
        dtype="bfloat16",
        bos_token_id=None,
        eos_token_id=SPECIAL.index("<|im_end|>"),
    )
    config.save_pretrained(folder)


def main() -> None:
    """Make the model."""
    folder, architecture, texts = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = make_tokenizer(folder, VOCABULARY[architecture], texts)
    {"tiny": make_tiny, "qwen3-8b": make_qwen3_8b}[architecture](folder, vocabulary)


if __name__ == "__main__":
    main()
