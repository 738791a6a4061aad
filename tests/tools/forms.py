"""The forms for cards in the tools' released packages, found in their files and filled in as the tools do.

A form is a Jinja template, a string constant, or the strings that a function puts together. They are read with `ast`
and `jinja2.sandbox`: nothing of a package is run.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2.sandbox
from packaging.utils import parse_wheel_filename
from packaging.version import Version

FRONT_MATTER = "license: apache-2.0\nlanguage:\n- en\nbase_model: northvale/heron-small"
MODEL = "marta-k/heron-notes"


@dataclass(frozen=True)
class Wheel:
    """A package in the folder of downloads."""

    path: Path

    @cached_property
    def name(self) -> str:
        return str(parse_wheel_filename(self.path.name)[0])

    @cached_property
    def version(self) -> Version:
        return parse_wheel_filename(self.path.name)[1]

    def text(self, *candidates: str) -> str:
        """The text of the first of these files that the package has; they have moved between versions."""
        with zipfile.ZipFile(self.path) as archive:
            names = set(archive.namelist())
            for candidate in candidates:
                if candidate in names:
                    return archive.read(candidate).decode("utf-8")
        raise AssertionError(f"{self.path.name} has none of {', '.join(candidates)}: where is its form now?")

    def texts(self, pattern: str) -> list[str]:
        """The texts of the files whose names match."""
        with zipfile.ZipFile(self.path) as archive:
            return [archive.read(n).decode("utf-8") for n in archive.namelist() if re.fullmatch(pattern, n)]


# ---------------------------------------------------------------------------------------------- reading code


def flat(node: ast.expr) -> str:
    """The text of an expression of strings, with a name for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(flat, node.values))
    if isinstance(node, ast.FormattedValue):
        return MODEL if "repo" in ast.unparse(node.value) else "heron"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return flat(node.left) + flat(node.right)
    if isinstance(node, ast.Name):
        return "[More Information Needed]" if node.id == "CONTENT_PLACEHOLDER" else ""
    return ""


def parsed(source: str) -> ast.Module:
    """The module's tree; how others escape their strings is not for our tests to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def literals(source: str) -> Iterator[str]:
    """Every string of the module, f-strings with a name for what is filled in."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Constant | ast.JoinedStr) and (text := flat(node)):
            yield text


def holding(source: str, phrase: str) -> str:
    """The longest string of the module that holds the phrase."""
    found = [text for text in literals(source) if phrase in text]
    assert found, f"no string holds {phrase!r} any more"
    return max(found, key=len)


def assigned(source: str, name: str) -> str:
    """All that is assigned or added to a variable of the name, joined."""
    parts: list[tuple[int, str]] = []
    for node in ast.walk(parsed(source)):
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AugAssign)
            else []
        )
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            assert isinstance(node, ast.Assign | ast.AugAssign)
            parts.append((node.lineno, flat(node.value)))
    text = "".join(part for _, part in sorted(parts))
    assert text, f"nothing is assigned to {name!r} any more"
    return text


def formatted(form: str, **values: str) -> str:
    """`str.format` that knows no attributes, with a word for every other field."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1], "heron")

    return re.sub(r"\{\{|\}\}", lambda m: m[0][0], re.sub(r"(?<!\{)\{(\w+)\}(?!\})", value, form))


# ------------------------------------------------------------------------------------------------ what to fill in

_TABLE = "| Metric | Value |\n|:---|:---|\n| **cosine_accuracy** | **0.8123** |\n| ndcg@10 | 0.7011 |"
_EXAMPLES = (
    "  | anchor | positive |\n  |:---|:---|\n"
    "  | <code>how deep is a pond</code> | <code>Most ponds are two metres deep in summer.</code> |"
)
_STATS = (
    "  | | anchor | positive |\n  |:---|:---|:---|\n  | type | string | string |\n"
    "  | details | <ul><li>min: 7 tokens</li><li>max: 38 tokens</li></ul> | <ul><li>min: 9 tokens</li></ul> |"
)
_LOSS = {
    "fullname": "sentence_transformers.losses.MultipleNegativesRankingLoss",
    "config_code": '  ```json\n  {\n      "scale": 20.0\n  }\n  ```',
}
_DATASETS = [
    {
        "name": "pond-questions",
        "id": "marta-k/pond-questions",
        "revision": "1a2b3c4d5e6f",
        "size": 48210,
        "columns": ["<code>anchor</code>", "<code>positive</code>"],
        "stats_table": _STATS,
        "examples_table": _EXAMPLES,
        "loss": _LOSS,
    },
    {
        "size": 1000,
        "columns": ["<code>anchor</code>"],
        "stats_table": _STATS,
        "examples_table": _EXAMPLES,
        "loss": _LOSS,
    },
]
_VALUES: dict[str, Any] = {
    "card_data": FRONT_MATTER,
    "model_id": MODEL,
    "repo_id": MODEL,
    "hub_model_id": MODEL,
    "model_name": "heron-notes",
    "base_model": "northvale/heron-small",
    "base_model_revision": "1a2b3c4d",
    "dataset_name": "marta-k/pond-questions",
    "dataset_id": "marta-k/pond-questions",
    "encoder_id": "northvale/heron-small",
    "st_id": "northvale/heron-small",
    "head_class": "[LogisticRegression](https://example.org/lr)",
    "model_max_length": 256,
    "query_length": 32,
    "document_length": 180,
    "entity_max_length": 8,
    "output_dimensionality": 384,
    "similarity_fn_name": "Cosine Similarity",
    "similarity_fn_pretty_name": "MaxSim",
    "model_num_labels": 1,
    "num_classes": 3,
    "task_name": "retrieval and clustering",
    "model_string": "SentenceTransformer(\n  (0): Transformer({'max_seq_length': 256})\n)",
    "usage_snippet": "```python\nfrom sentence_transformers import SentenceTransformer\n\n"
    f'm = SentenceTransformer("{MODEL}")\n```',
    "supported_modalities": ["Text", "Image"],
    "language": ["en"],
    "license": "apache-2.0",
    "train_datasets": _DATASETS,
    "eval_datasets": _DATASETS[:1],
    "eval_metrics": [
        {
            "description": "Information Retrieval",
            "dataset_name": "pond-dev",
            "class_name": "sentence_transformers.evaluation.InformationRetrievalEvaluator",
            "config_code": '  ```json\n  {\n      "truncate_dim": 128\n  }\n  ```',
            "table": _TABLE,
            "table_lines": _TABLE,
        }
    ],
    "label_examples": '| Label | Examples |\n|:---|:---|\n| depth | <ul><li>"How deep is the pond?"</li></ul> |',
    "metrics_table": _TABLE,
    "train_set_metrics": "| Training set | Min | Median |\n|:---|:---|:---|\n| Word count | 3 | 9.5 |",
    "hyperparameters": {"batch_size": "(16, 16)", "num_epochs": "(1, 1)", "warmup_proportion": 0.1},
    "non_default_hyperparameters": {"eval_strategy": "steps", "learning_rate": "2e-05", "warmup_ratio": 0.1},
    "all_hyperparameters": {f"option_number_{n}": "False" for n in range(60)}
    | {"push_to_hub_organization": "None", "lr_scheduler_type": "linear", "optim": "adamw_torch"},
    "eval_lines": "| Epoch | Step | Training Loss |\n|:---:|:---:|:---:|\n| 0.1 | 100 | 0.512 |",
    "explain_bold_in_eval": True,
    "co2_eq_emissions": {
        "energy_consumed": 0.1,
        "emissions": 52.0,
        "hours_used": 0.4,
        "on_cloud": False,
        "hardware_used": "1 x GPU",
        "cpu_model": "a CPU of eight cores",
        "ram_total_size": 31.7,
    },
    "version": dict.fromkeys(
        (
            *(
                "python",
                "sentence_transformers",
                "transformers",
                "torch",
                "accelerate",
                "datasets",
                "tokenizers",
            ),
            *("setfit", "span_marker", "pylate", "spacy"),
        ),
        "1.2.3",
    ),
    "citations": {"MultipleNegativesRankingLoss": "@misc{someone2017,\n    title={A title},\n}"},
    "wandb_url": "https://wandb.ai/marta-k/huggingface/runs/a1b2c3d4",
    "trainer_name": "GRPO",
    "trainer_citation": "@article{someone2024,\n    title = {A title},\n}",
    "paper_title": "A paper on reasoning",
    "paper_id": "2402.03300",
    "hf_emoji": "🤗",
    "repo_url": "https://github.com/example/herons",
    "model_description": "",
}


def jinja(form: str, **values: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jinja2.sandbox.SandboxedEnvironment().from_string(form).render(_VALUES | values)


# ------------------------------------------------------------------------------------------------------ the forms


@dataclass(frozen=True)
class Form:
    """A form of a package: the name that its cards are to be recognised by, and how to make one, or several.

    `since` is the first version that has it, and `before` the first that no longer has.
    """

    package: str
    template: str
    make: Callable[[Wheel], str | Iterator[str]]
    since: str = "0"
    before: str = "9999"

    def cards(self, wheel: Wheel) -> list[str]:
        """The cards of this form in the package."""
        made = self.make(wheel)
        return [made] if isinstance(made, str) else list(made)

    def is_in(self, wheel: Wheel) -> bool:
        return wheel.name == self.package and Version(self.since) <= wheel.version < Version(self.before)


def _file(*candidates: str, **values: Any) -> Callable[[Wheel], str]:
    return lambda wheel: jinja(wheel.text(*candidates), **values)


def _sentence(folder: str, **values: Any) -> Callable[[Wheel], str]:
    root = "sentence_transformers"
    first = f"{root}/{folder}/model_card_template.md"
    return _file(
        first, f"{root}/model_card_template.md" if folder == "sentence_transformer" else first, **values
    )


def _before_v3(wheel: Wheel) -> str:
    """The form of `SentenceTransformer.old_fit`: its parts replace each other."""
    root = "sentence_transformers"
    source = wheel.text(
        f"{root}/sentence_transformer/deprecated_model_card_templates.py", f"{root}/model_card_templates.py"
    )
    card = holding(source, "{NUM_DIMENSIONS} dimensional dense vector space")
    training = holding(source, "Parameters of the fit()-Method")
    loader = "**DataLoader**:\n\n`torch.utils.data.dataloader.DataLoader` of length 12 with parameters:\n```\n{}\n```"
    loss = "**Loss**:\n\n`sentence_transformers.losses.CosineSimilarityLoss.CosineSimilarityLoss`"
    parts = {
        "{TRAINING_SECTION}": training.replace("{LOSS_FUNCTIONS}", f"{loader}\n\n{loss}"),
        "{USAGE_TRANSFORMERS_SECTION}": holding(source, "Without [sentence-transformers]"),
        "{NUM_DIMENSIONS}": "384",
        "{MODEL_NAME}": MODEL,
    }
    for field, text in parts.items():
        card = card.replace(field, text)
    return re.sub(r"\{[A-Z_]+\}", "", card)


def _hub_form(wheel: Wheel) -> str:
    return jinja(wheel.text("huggingface_hub/templates/modelcard_template.md"), **_only_front_matter())


def _only_front_matter() -> dict[str, Any]:
    """Nothing known of the model, as a library's default has it."""
    return dict.fromkeys(_VALUES, "") | {"card_data": FRONT_MATTER}


def _own_hub_form() -> str:
    import huggingface_hub

    path = Path(huggingface_hub.__file__).parent / "templates" / "modelcard_template.md"
    return jinja(path.read_text(encoding="utf-8"), **_only_front_matter())


def _peft(wheel: Wheel) -> str:
    assert "### Framework versions" in set(literals(wheel.text("peft/peft_model.py")))
    return f"{_own_hub_form()}\n### Framework versions\n\n- PEFT {wheel.version}"


def _peft_quantised(wheel: Wheel) -> str:
    prefix = holding(wheel.text("peft/peft_model.py"), "quantization config was used during training")
    config = "- quant_method: bitsandbytes\n- load_in_8bit: False\n- bnb_4bit_quant_type: nf4\n"
    head = "---\nlibrary_name: peft\n---\n## Training procedure\n\n\n"
    return f"{head}{prefix}\n{config}\n### Framework versions\n\n\n- PEFT {wheel.version}\n"


def _trainer_text(wheel: Wheel) -> str:
    source = wheel.text("transformers/modelcard.py")
    text = assigned(source, "model_card")
    assert "### Training hyperparameters" in text
    return text


def _trainer(wheel: Wheel) -> str:
    comment = assigned(wheel.text("transformers/modelcard.py"), "AUTOGENERATED_TRAINER_COMMENT")
    return f"---\ntags:\n- generated_from_trainer\n---\n{comment}\n{_trainer_text(wheel)}"


def _keras_callback(wheel: Wheel) -> str:
    comment = assigned(wheel.text("transformers/modelcard.py"), "AUTOGENERATED_KERAS_COMMENT")
    return f"---\ntags:\n- generated_from_keras_callback\n---\n{comment}\n{_trainer_text(wheel)}"


def _transformers_default(wheel: Wheel) -> str:
    sentence = holding(wheel.text("transformers/utils/hub.py"), "that has been pushed on the Hub")
    form = _own_hub_form()
    return form.replace("<!-- Provide a longer summary of what this model is. -->", sentence)


def _diffusers_default(wheel: Wheel) -> str:
    source = wheel.text("diffusers/utils/hub_utils.py")
    form = wheel.text("diffusers/utils/model_card_template.md")
    return jinja(form, model_description=holding(source, "that has been pushed on the Hub"))


def _diffusers_training(wheel: Wheel) -> str:
    description = (
        "# SDXL LoRA DreamBooth - heron-notes\n\n<Gallery />\n\n## Model description\n\nThese are heron-notes LoRA"
        " adaption weights for northvale/heron-xl.\n\nThe weights were trained using"
        " [DreamBooth](https://dreambooth.github.io/).\n\nLoRA for the text encoder was enabled: False.\n\n"
        "## Trigger words\n\nYou should use a photo of a grey heron to trigger the image generation.\n\n"
        "## Download model\n\nWeights for this model are available in Safetensors format.\n\n"
        "[Download](heron-notes/tree/main) them in the Files & versions tab."
    )
    return jinja(wheel.text("diffusers/utils/model_card_template.md"), model_description=description)


def _unsloth(wheel: Wheel) -> str:
    return formatted(holding(wheel.text("unsloth/save.py"), "# Uploaded {method} model"), method="finetuned")


def _unsloth_gguf(wheel: Wheel) -> str:
    return assigned(wheel.text("unsloth/save.py"), "readme_content")


def _axolotl(wheel: Wheel) -> str:
    source = wheel.text("axolotl/train.py")
    badge = holding(source, "Built with Axolotl")
    details = holding(source, "See axolotl config")
    trained = (
        "# heron-notes\n\nThis model is a fine-tuned version of [northvale/heron-small](https://huggingface.co/"
        "northvale/heron-small) on the marta-k/pond-questions dataset.\n\n## Model description\n\nMore information"
        " needed\n\n## Training procedure\n\n### Training hyperparameters\n\nThe following hyperparameters were used"
        " during training:\n- learning_rate: 0.0002\n- seed: 42\n\n### Framework versions\n\n- Transformers 4.57.1\n"
    )
    return f"---\ntags:\n- axolotl\n- generated_from_trainer\n---\n\n{badge}\n{details}\n{trained}"


def _mergekit(wheel: Wheel) -> str:
    form = holding(wheel.text("mergekit/card.py"), "### Models Merged")
    return formatted(
        form,
        model_list="* [northvale/heron-a](https://huggingface.co/northvale/heron-a)\n* northvale/heron-b",
    )


def _mergekit_lora(wheel: Wheel) -> str:
    form = holding(wheel.text("mergekit/card.py"), "## LoRA Details")
    return formatted(form, details="This LoRA adapter was extracted from heron-a and uses heron-b as a base.")


def _bertopic(wheel: Wheel) -> str:
    return formatted(
        holding(wheel.text("bertopic/_save_utils.py"), "## Topic overview"),
        HYPERPARAMS="* language: english\n",
    )


def _mlx(wheel: Wheel) -> str:
    source = wheel.text("mlx_lm/utils.py")
    use = holding(source, "## Use with mlx")
    provenance = max(
        (t for t in literals(source) if "to MLX format from" in t and t != use), key=len, default=""
    )
    return textwrap.dedent(use) + textwrap.dedent(provenance)


def _keras_hub(wheel: Wheel) -> str:
    return assigned(wheel.text("keras_hub/src/utils/preset_utils.py"), "markdown_content")


def _skops(wheel: Wheel) -> str:
    tree = parsed(wheel.text("skops/card/_templates.py"))
    sections = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SKOPS_TEMPLATE"
    )
    assert isinstance(sections, ast.Dict)
    paths = [flat(key) for key in sections.keys if key]
    texts = map(flat, sections.values)
    return "\n\n".join(
        f"{'#' * (path.count('/') + 1)} {path.rsplit('/', 1)[-1]}\n\n{text}"
        for path, text in zip(paths, texts, strict=True)
    )


def _autotrain(wheel: Wheel) -> Iterator[str]:
    """One card for each task."""
    sources = wheel.texts(r"autotrain/trainers/.*\.py")
    forms = [
        text for source in sources for text in literals(source) if "# Model Trained Using AutoTrain" in text
    ]
    assert len(forms) > 4
    return map(formatted, forms)


def _lerobot(wheel: Wheel) -> Iterator[str]:
    """A card for each kind of policy that the form describes, and for one that it does not."""
    form = wheel.text("lerobot/templates/lerobot_modelcard_template.md")
    policies = re.findall(r'model_name == "(\w+)"', form)
    assert len(policies) > 5
    return (jinja(form, model_name=policy, dataset=None) for policy in (*policies, "a_new_one"))


_SCVI = ("scvi/hub/_template.py", "scvi/hub/model_card_template.py")


def _scvi(wheel: Wheel) -> Iterator[str]:
    """A card for each kind of model that the form describes."""
    strings = list(literals(wheel.text(*_SCVI)))
    pretexts = [text for text in strings if "is a variational inference model" in text] or [""]
    form = next(text for text in strings if "{model_init_params}" in text)
    values = {"description": "[More Information Needed]", "references": ""}
    return (formatted(form, pretext=pretext, **values) for pretext in pretexts)


def _string(file: str, phrase: str) -> Callable[[Wheel], str]:
    return lambda wheel: formatted(holding(wheel.text(file), phrase))


def _variable(file: str, name: str) -> Callable[[Wheel], str]:
    return lambda wheel: assigned(wheel.text(file), name)


FORMS = (
    Form("sentence-transformers", "sentence_transformers", _sentence("sentence_transformer")),
    Form("sentence-transformers", "sentence_transformers", _before_v3),
    Form("sentence-transformers", "cross_encoder", _sentence("cross_encoder"), since="4"),
    Form(
        "sentence-transformers",
        "sparse_encoder",
        _sentence("sparse_encoder", model_type="SPLADE Sparse Encoder"),
        since="5",
    ),
    Form("sentence-transformers", "multi_vector_encoder", _sentence("multi_vector_encoder"), since="6"),
    Form("transformers", "trainer", _trainer),
    Form("transformers", "keras", _keras_callback, before="5"),
    Form("transformers", "transformers_default", _transformers_default),
    Form("huggingface-hub", "hub_default", _hub_form),
    Form(
        "huggingface-hub",
        "hub_mixin",
        lambda w: jinja(holding(w.text("huggingface_hub/hub_mixin.py"), "- Docs:")),
    ),
    Form(
        "huggingface-hub", "fastai", _string("huggingface_hub/fastai_utils.py", "hosting your fastai model")
    ),
    Form("peft", "peft", _peft),
    Form("peft", "peft", _peft_quantised),
    Form("trl", "trl", _file("trl/templates/lm_model_card.md")),
    Form("trl", "trl", _file("trl/templates/rm_model_card.md", trainer_name="Reward"), since="0.25"),
    Form("diffusers", "diffusers_default", _diffusers_default),
    Form("diffusers", "diffusers", _diffusers_training),
    Form("setfit", "setfit", _file("setfit/model_card_template.md")),
    Form("setfit", "setfit", _file("setfit/model_card_template.md", is_absa=True, is_aspect=True)),
    Form("span-marker", "span_marker", _file("span_marker/model_card_template.md")),
    Form("bertopic", "bertopic", _bertopic),
    Form(
        "model2vec",
        "model2vec",
        _file("model2vec/modelcards/model_card_template.md", "model2vec/model_card_template.md"),
    ),
    Form("model2vec", "model2vec", _file("model2vec/modelcards/onnx_model_card_template.md"), since="0.9"),
    Form("pylate", "pylate", _file("pylate/hf_hub/model_card_template.md")),
    Form("mergekit", "mergekit", _mergekit),
    Form("mergekit", "mergekit", _mergekit_lora),
    Form("unsloth", "unsloth", _unsloth),
    Form("unsloth", "unsloth_gguf", _unsloth_gguf, since="2026"),
    Form("axolotl", "axolotl", _axolotl),
    Form("autotrain-advanced", "autotrain", _autotrain),
    Form("lerobot", "lerobot", _lerobot),
    Form("scvi-tools", "scvi_tools", _scvi),
    Form("adapters", "adapter_hub", _string("adapters/hub_mixin.py", "## Architecture & Training")),
    Form("mlx-lm", "mlx_conversion", _mlx),
    Form("rl-zoo3", "stable_baselines3", _variable("rl_zoo3/push_to_hub.py", "model_card")),
    Form("keras", "keras", _string("keras/src/saving/saving_lib.py", "uploaded using the Keras library")),
    Form("keras-hub", "keras_hub", _keras_hub),
    Form("flair", "flair", _string("flair/models/sequence_tagger_model.py", "### Demo: How to use in Flair")),
    Form("skops", "skops", _skops),
    Form(
        "segmentation-models-pytorch",
        "segmentation_models",
        lambda w: jinja(
            holding(w.text("segmentation_models_pytorch/base/hub_mixin.py"), "## Load trained model").strip()
        ),
    ),
)
