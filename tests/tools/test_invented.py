"""Invented cards in the structure that tools without a package write: the tool's phrase, and names that nobody has.

The other half of the bargain stands below: people name tools, quote their badges and describe the same things.
"""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.cards.templates import recognise

GALLERY = """
<Gallery />

## Trigger words

You should use `a grey heron` to trigger the image generation.

## Download model and use it with ComfyUI, AUTOMATIC1111, SD.Next, Invoke AI, etc.

Weights for this model are available in Safetensors format.

[Download](/marta-k/heron-lora/tree/main) them in the Files & versions tab.
"""
MERGE = """## 🧩 Configuration

```yaml
models:
  - model: northvale/heron-a
merge_method: slerp
```

## 💻 Usage

```python
import transformers
```
"""
TRAINED = """
## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 5e-05
- seed: 42

### Framework versions

- Transformers 4.57.1
"""
CONVERTED = "marta-k/heron-7b](https://example.org/marta-k/heron-7b)"

TOOLS = {
    "gguf_my_repo": f"""# marta-k/heron-7b-Q4_K_M-GGUF
This model was converted to GGUF format from [`{CONVERTED} using llama.cpp via the ggml.ai's \
[GGUF-my-repo](https://example.org/spaces/gguf-my-repo) space.
Refer to the [original model card](https://example.org/marta-k/heron-7b) for more details on the model.

## Use with llama.cpp
Install llama.cpp through brew (works on Mac and Linux)

```bash
brew install llama.cpp
```
Invoke the llama.cpp server or the CLI.

### CLI:
```bash
llama-cli --hf-repo marta-k/heron-7b-Q4_K_M-GGUF --hf-file heron.gguf -p "The heron"
```

Note: You can also use this checkpoint directly through the usage steps listed in the llama.cpp repository.
""",
    "gguf_conversion": """## About

<!-- ### quantize_version: 2 -->
weighted/imatrix quants of https://example.org/marta-k/heron-7b

<!-- provided-files -->
static quants are available at https://example.org/quillpress/heron-7b-GGUF
## Usage

If you are unsure how to use GGUF files, ask.

## Provided Quants

| Link | Type | Size/GB | Notes |
|:-----|:-----|--------:|:------|
| [GGUF](https://example.org/a.gguf) | i1-Q2_K | 2.8 | fast |
""",
    "exl2_conversion": """## Exllama v2 Quantizations of heron-7b

Using <a href="https://example.org/exllamav2">ExLlamaV2 v0.2.7</a> for quantization.

<b>The "main" branch only contains the measurement.json, download one of the other branches for the model</b>
""",
    "quantised_conversion": """# Heron 7B - AWQ
- Model creator: [marta-k](https://example.org/marta-k)

<!-- description start -->
## Description

This repo contains AWQ model files for [marta-k's Heron 7B](https://example.org/marta-k/heron-7b).

### About AWQ

It is a quantization method that keeps weights which matter.
""",
    "mlx_conversion": f"""# pond-community/heron-7b-4bit

The Model [pond-community/heron-7b-4bit](https://example.org/pond-community/heron-7b-4bit) was converted to MLX format \
from [{CONVERTED} using mlx-lm version **0.19.0**.

## Use with mlx

```bash
pip install mlx-lm
```
""",
    "onnx_conversion": """https://example.org/ada/heron with ONNX weights to be compatible with Transformers.js.

## Usage (Transformers.js)

If you haven't already, you can install the [Transformers.js](https://example.org) JavaScript library from NPM using:
```bash
npm i @huggingface/transformers
```

Note: Having a separate repo for ONNX weights is intended to be a temporary solution until WebML gains more traction.
""",
    "openvino_conversion": f"""This model was converted to OpenVINO from [`{CONVERTED} using \
[optimum-intel](https://example.org/optimum-intel) via the export space.

First make sure you have optimum-intel installed:
```bash
pip install optimum[openvino]
```

To load your model you can do as follows:
```python
from optimum.intel import OVModelForCausalLM
```
""",
    "ctranslate2_conversion": """# # Fast-Inference with Ctranslate2
Speedup inference while reducing memory by 2x-4x using int8 inference in C++ on CPU or GPU.

Quantized version of [marta-k/heron-7b](https://example.org/marta-k/heron-7b)
""",
    "lazy_mergekit": f"""# heron-slerp

heron-slerp is a merge of the following models using [LazyMergekit](https://example.org/drive/1?usp=sharing):
* [northvale/heron-a](https://example.org/northvale/heron-a)
* [northvale/heron-b](https://example.org/northvale/heron-b)

{MERGE}""",
    "ai_toolkit": f"# heron\n\nModel trained with [AI Toolkit by Ostris](https://example.org/ai-toolkit)\n{GALLERY}",
    "fluxgym": f"# heron\n\nA Flux LoRA trained on a local computer with [Fluxgym](https://example.org/fluxgym)\n{GALLERY}",
    "replicate_lora": """# Heron

<Gallery />

Trained on Replicate using:

https://replicate.com/example/lora-trainer/train

## Trigger words

You should use `HERON` to trigger the image generation.
""",
    "lora_gallery": f"# Grey herons\n{GALLERY}",
    "diffusers": """# Textual inversion text2image fine-tuning - marta-k/heron
These are textual inversion adaption weights for northvale/pond-diffusion. You can find some example \
images in the following.
""",
    "dreambooth_notebook": """### heron on Stable Diffusion via Dreambooth
#### model by marta-k
This your the Stable Diffusion model fine-tuned the heron concept taught to Stable Diffusion with Dreambooth.
It can be used by modifying the `instance_prompt`: **a photo of sks heron**

You can also train your own concepts and upload them to the library by using the notebook.
""",
    "llama_factory": f"""---
tags:
- llama-factory
- lora
- generated_from_trainer
---
# sft

This model is a fine-tuned version of [northvale/heron-7b](https://example.org/northvale/heron-7b) on the ponds dataset.
{TRAINED}""",
    "h2o_llm_studio": """# Model Card
## Summary

This model was trained using [H2O LLM Studio](https://example.org/h2o-llmstudio).
- Base model: [northvale/heron-7b](https://example.org/northvale/heron-7b)
""",
    "ml_agents": """# **ppo** Agent playing **Heronry**
This is a trained model of a **ppo** agent playing **Heronry**
using the [Unity ML-Agents Library](https://example.org/ml-agents).

## Usage (with ML-Agents)
The Documentation: https://example.org/docs

We wrote a complete tutorial to learn to train your first agent using ML-Agents and publish it to the Hub:
- A *longer tutorial* to understand how works ML-Agents: https://example.org/unit5

### Watch your Agent play
You can watch your agent **playing directly in your browser**

1. If the environment is part of ML-Agents official environments, go to https://example.org/unity
2. Step 1: Find your model_id: marta-k/ppo-Heronry
3. Step 2: Select your *.nn /*.onnx file
4. Click on Watch the agent play 👀
""",
    "cleanrl": """# (CleanRL) **DQN** Agent Playing **Heronry-v1**

This is a trained model of a DQN agent playing Heronry-v1.
The model was trained by using [CleanRL](https://example.org/cleanrl) and the most up-to-date training code can be
found [here](https://example.org/dqn.py).

## Command to reproduce the training

```bash
poetry install
```
""",
    "sample_factory": """A(n) **APPO** model trained on the **heronry** environment.

This model was trained using Sample-Factory 2.0: https://example.org/sample-factory.
Documentation for how to use Sample-Factory can be found at https://www.samplefactory.dev/
""",
    "deep_rl_course": """# **Reinforce** Agent playing **Heronry-v1**
This is a trained model of a **Reinforce** agent playing **Heronry-v1** .
To learn to use this model and train yours check Unit 4 of the Deep Reinforcement Learning Course
""",
    "stable_baselines3": """# **PPO** Agent playing **Heronry-v2**
This is a trained model of a **PPO** agent playing **Heronry-v2**
using the [stable-baselines3 library](https://example.org/stable-baselines3).

## Usage (with Stable-baselines3)
TODO: Add your code
""",
    "timm": """---
tags:
- image-classification
- timm
---
# Model card for heronet_small.pond

A small image classification model.

## Model Details
- **Model Type:** Image classification / feature backbone
- **Model Stats:**
  - Params (M): 5.5
- **Dataset:** Ponds-1k

## Model Usage
### Image Classification
```python
import timm
model = timm.create_model('heronet_small.pond', pretrained=True)
```
""",
    "kernels": """---
library_name: kernels
---
This is the repository card of marta-k/heron-norm that has been pushed on the Hub. It was built to be used with the \
[`kernels` library](https://example.org/kernels). This card was automatically generated.

## How to use

```python
from kernels import get_kernel
```

## Available functions
- `norm`
""",
    "nemo": """# heron_asr

**Put a short model description here.**

See the [model architecture](#model-architecture) section and [NeMo documentation](https://example.org) for complete \
architecture details.
""",
    "spacy": "| Feature | Description |\n| --- | --- |\n| **Name** | `nl_herons` |\n| **Default Pipeline** | `ner` |\n",
    "stanza": "# Stanza model for Pondish\n\nThis card and repo were automatically prepared with `hugging_stanza.py`\n",
    "textual_inversion": """### heron on Stable Diffusion
This is the `<heron>` concept taught to Stable Diffusion via Textual Inversion. You can load this concept into \
a notebook.
""",
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_card_has_its_own_name_and_no_words_of_a_person(name: str) -> None:
    found = evidence_of(TOOLS[name])
    assert found.template
    assert found.template.name == name
    if found.template.kind != "form":
        assert found.own_words < 15, found.own
        assert found.is_generated


WRITTEN = (
    "Our club has counted herons at eleven ponds since 1998, and this model reads the handwriting in the old notebooks."
    " Three of us checked two hundred pages against it: names of birds come out right nine times in ten, numbers less"
    " often, and the pencil of the wet spring of 2004 defeats it. Use it to search, and look at the page before citing."
)

PEOPLE = [
    f"# Notebooks\n\n{WRITTEN}\n\nFine-tuned with Unsloth, which was twice as fast as before; merged with mergekit.",
    f"# Notebooks\n\n{WRITTEN}\n\nIn the video you see our agent playing tag with a heron.",
    f"# Notebooks\n\n{WRITTEN}\n\nStatic quants of this model, and imatrix ones, are made by quillpress: thank you!",
    f"# Notebooks\n\n{WRITTEN}\n\nIt was converted to GGUF by a friend, and to MLX format by another.",
    f"# Notebooks\n\n{WRITTEN}\n\n[<img src='https://example.org/unsloth.png' width='200'/>](https://github.com/unslothai)",
    f"# Notebooks\n\n{WRITTEN}\n\nMade with [TRL](https://github.com/huggingface/trl) and 🤗 PEFT 0.17.",
    f"# Notebooks\n\n{WRITTEN}\n\nA LoRA for pictures is at [AI Toolkit by Ostris](x).\n\n<Gallery />",
    f"# Notebooks\n\n{WRITTEN}\n\nWe trained a policy with [LeRobot](https://example.org) to turn the pages.",
    f"# Notebooks\n\n{WRITTEN}\n\nEmbeddings come from a [sentence-transformers](https://www.sbert.net) model.",
    f"# Notebooks\n\n{WRITTEN}\n\nBuilt with [SetFit](https://example.org) then with our own head: [BERTopic](x).",
    f"# Notebooks\n\n{WRITTEN}\n\nThis model was merged using the SLERP method; the following models were tried first.",
    f"# Notebooks\n\n{WRITTEN}\n\nTranslations of the notes are by OPUS-MT models, attacks by using TextAttack.",
    f"---\ntags:\n- unsloth\n- trl\n- mergekit\n- setfit\n- llama-factory\n- timm\n---\n# Notebooks\n\n{WRITTEN}",
    f"# Model card for heron notebooks\n\n{WRITTEN}\n\n## Model usage\n\nSee above.",
    f"# Notebooks\n\n{WRITTEN}\n\nA CTranslate2 conversion runs on our phone; int8 inference halves the memory.",
]


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_who_names_tools_is_taken_for_none(text: str) -> None:
    found = evidence_of(text)
    assert found.template is None
    assert not found.is_generated
    assert found.own_words >= 45


@pytest.mark.parametrize("name", ["cross_encoder", "unsloth", "lerobot", "trl", "ml_agents", "lazy_mergekit"])
def test_what_a_person_adds_to_a_tools_card_is_that_persons(name: str) -> None:
    forms = {
        "cross_encoder": "This is a [Cross Encoder](https://example.org) model finetuned from [a](b) using the "
        "[sentence-transformers](https://example.org) library. It computes scores for pairs of texts.",
        "unsloth": "# Uploaded model\n\n- **Developed by:** ada\n- **Finetuned from model :** a/b\n\n"
        "This heron model was trained 2x faster with [Unsloth](https://example.org)",
        "lerobot": "This policy has been trained and pushed to the Hub using [LeRobot](https://example.org).",
        "trl": "It has been trained using [TRL](https://example.org).",
    }
    found = evidence_of(f"{forms.get(name) or TOOLS[name]}\n\n## How we use it\n\n{WRITTEN}\n")
    assert found.template
    assert found.template.name == name
    assert not found.is_generated
    assert 45 <= found.own_words < 65, found.own


def test_a_mark_may_run_over_lines_and_what_is_converted_stands_at_the_top() -> None:
    mark = "this repo contains\n   gptq model\nfiles for herons"
    assert getattr(recognise(mark, (), ()), "name", None) == "quantised_conversion"
    assert recognise("a word of ours " * 300 + mark, (), ()) is None


def test_tags_of_a_mark_and_its_beginning_have_to_be_there() -> None:
    text = "# model card for x\n\n## model details\n- **model type:** image classification"
    assert getattr(recognise(text, {"timm"}, ()), "name", None) == "timm"
    assert recognise(text, {"vision"}, ()) is None
    assert recognise(f"first, {text}", {"timm"}, ()) is None
