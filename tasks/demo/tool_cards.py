"""Cards that a tool wrote: trainers, templates that nobody filled in, and reinforcement learning agents."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tasks.demo import sections
from tasks.demo.facts import Draft
from tasks.demo.writing import bullets, code_block, markdown_table

PLACEHOLDER = "[More Information Needed]"
# Share of untouched templates that contain nothing of the model: all of them are the same bytes.
IDENTICAL_SHARE = 0.75
# From this level on, the author of a filled-in template deletes the headings that stayed empty.
TIDIED_FROM = 2.9


def trainer(draft: Draft) -> list[str]:
    """The card that a training script writes: facts of the run, and headings that nobody filled in."""
    curve = _loss_curve(draft.rng("curve"), int(draft.facts["epochs"]), draft.results[0].value)
    optimizer = draft.rng("optimizer").choice(("adamw_torch", "adamw_torch_fused", "adafactor"))
    settings = [
        "learning_rate: $lr",
        "train_batch_size: $batch",
        "eval_batch_size: $batch",
        "seed: $seed_value",
        f"optimizer: {optimizer} with betas=(0.9,0.999)",
        "lr_scheduler_type: linear",
        "num_epochs: $epochs",
    ]
    # A conscientious author fills in some of the three headings of the script.
    headings = {
        "Model description": ("purpose", sections.purpose),
        "Intended uses & limitations": ("limits", sections.limits),
        "Training and evaluation data": ("training", sections.training),
    }
    prose: list[str] = []
    for heading, (criterion, write) in headings.items():
        paragraphs = write(draft)[:1] if draft.levels[criterion] >= 3 else []
        prose += [f"## {heading}", *(paragraphs or ["More information needed"])]
    return [
        "<!-- Written by the training script from what it knew. Please complete it, then delete this line. -->",
        "# $name",
        "This model is a fine-tuned version of $base_link on the `$dataset` dataset. Evaluation:",
        bullets([f"Loss: {curve[-1][2]}", "$metric: $value"]),
        *prose,
        "## Training procedure",
        "### Training hyperparameters",
        bullets(settings),
        "### Training results",
        markdown_table(("Training loss", "Epoch", "Validation loss", "$metric"), curve),
        "### Framework versions",
        bullets(["Transformers $framework", "Pytorch 2.7.1", "Datasets 3.6.0", "Tokenizers 0.21.1"]),
    ]


def _loss_curve(rng: Random, epochs: int, value: float) -> list[tuple[str, str, str, str]]:
    loss, rows = rng.uniform(0.5, 1.4), []
    for epoch in range(1, epochs + 1):
        loss *= rng.uniform(0.62, 0.9)
        valid = loss * rng.uniform(0.95, 1.25)
        reached = value * (1 - 0.06 * (epochs - epoch) / epochs)
        rows.append((f"{loss:.4f}", f"{epoch}.0", f"{valid:.4f}", f"{reached:.1f}"))
    return rows


def reinforcement(draft: Draft) -> list[str]:
    """An agent's card: a score, its spread, and a snippet that was never finished."""
    rng = draft.rng("agent")
    algorithm, _, environment = draft.model.name.partition("-")
    algorithm = algorithm.upper()
    mean, spread = rng.uniform(-180, 280), rng.uniform(4, 60)
    return [
        f"# **{algorithm}** agent for **{environment}**",
        f"A trained **{algorithm}** agent that plays **{environment}**, saved with Stable-Baselines3.",
        f"Mean reward over 10 episodes: {mean:.2f} +/- {spread:.2f}",
        "## Usage (with Stable-Baselines3)",
        "TODO: add your code" if rng.random() < 0.6 else "Load it as below.",
        code_block(
            "from huggingface_sb3 import load_from_hub\n"
            f"from stable_baselines3 import {algorithm}\n\n"
            f'model = {algorithm}.load(load_from_hub("$model_id", "{environment.lower()}.zip"))'
        ),
    ]


def untouched_template(draft: Draft) -> list[str]:
    """The template as the tool wrote it."""
    is_identical = draft.rng("template").random() < IDENTICAL_SHARE
    return _template("Model ID" if is_identical else "$name", {}, {}, keeps_empty=True)


def filled_template(draft: Draft) -> list[str]:
    """The same template with as much in it as the author filled in; good authors delete what stayed empty."""
    return _template("$name", _filled(draft), _known(draft), keeps_empty=draft.documentation < TIDIED_FROM)


def _template(
    name: str, filled: Mapping[str, list[str]], known: Mapping[str, str], *, keeps_empty: bool
) -> list[str]:
    """The headings with what stands below them; `known` is the list of identities."""
    blocks = [f"# Model Card for {name}"]
    for heading in TEMPLATE:
        paragraphs = filled.get(heading) or ([] if heading in OPEN_HEADINGS else [PLACEHOLDER])
        if keeps_empty or heading in OPEN_HEADINGS or filled.get(heading):
            blocks += [heading, *paragraphs]
        if heading == "### Model Description":
            blocks.append(bullets([f"**{label}:** {known.get(label, PLACEHOLDER)}" for label in IDENTITIES]))
    return blocks


def _filled(draft: Draft) -> dict[str, list[str]]:
    what, training = sections.purpose(draft), sections.training(draft)
    return {
        "### Model Description": what[:1],
        "### Direct Use": what[1:2],
        "### Out-of-Scope Use": what[2:3],
        "### Known Limits": sections.limits(draft),
        "## How to Get Started with the Model": sections.start(draft),
        "### Training Data": training[:1],
        "### Training Procedure": training[1:],
        "### Results": sections.evaluation(draft),
        "## Citation": sections.citation(draft),
        "### Model Card Contact": sections.closing(draft, "contact"),
    }


def _known(draft: Draft) -> dict[str, str]:
    """What the author wrote into the list of identities: more from level 2 on, all of it from level 3 on."""
    if draft.documentation < 2:
        return {"Finetuned from": "$base_link"}
    known = {"Developed by": "$author", "Finetuned from": "$base_link", "Language(s)": "$language"}
    if draft.documentation >= 3:
        known |= {"License": "$licence", "Model type": "LoRA adapter, rank $rank"}
    return known


TEMPLATE = (
    "## Model Details",
    "### Model Description",
    "### Model Sources",
    "## Uses",
    "### Direct Use",
    "### Downstream Use",
    "### Out-of-Scope Use",
    "## Bias, Risks, and Limitations",
    "### Known Limits",
    "### Recommendations",
    "## How to Get Started with the Model",
    "## Training Details",
    "### Training Data",
    "### Training Procedure",
    "## Evaluation",
    "### Testing Data",
    "### Results",
    "## Environmental Impact",
    "### Compute Infrastructure",
    "## Citation",
    "## More Information",
    "### Model Card Contact",
)
IDENTITIES = ("Developed by", "Model type", "Language(s)", "License", "Finetuned from")
# Headings that only open a group.
OPEN_HEADINGS = frozenset(
    {"## Model Details", "## Uses", "## Bias, Risks, and Limitations", "## Training Details", "## Evaluation"}
)
