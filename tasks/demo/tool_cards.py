"""Cards that a tool wrote: trainers, templates nobody filled in, and agents of reinforcement learning."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tasks.demo import sections
from tasks.demo.facts import Draft
from tasks.demo.front_matter import front_matter
from tasks.demo.writing import bullets, code_block, markdown_table

PLACEHOLDER = "[More Information Needed]"
# Share of untouched templates that carry nothing of the model, so that all of them are the same bytes.
IDENTICAL_SHARE = 0.75
# From this level on an author of a filled-in template deletes the headings that stayed empty.
TIDIED_FROM = 2.9


def trainer(draft: Draft) -> str:
    """What a training loop leaves behind: facts of the run, and headings that nobody filled in."""
    epochs = int(draft.facts["epochs"])
    curve = _loss_curve(draft.rng("curve"), epochs, draft.results[0].value)
    return (
        front_matter(draft)
        + "\n\n".join(
            [
                "<!-- Written by the training script from what it knew. Please complete it, then delete this line. -->",
                "# $name",
                "This model is a fine-tuned version of $base_link on the `$dataset` dataset. Evaluation:",
                bullets([f"Loss: {curve[-1][2]}", "$metric: $value"]),
                *_trainer_prose(draft),
                "## Training procedure",
                "### Training hyperparameters",
                bullets(_trainer_settings(draft)),
                "### Training results",
                markdown_table(("Training loss", "Epoch", "Validation loss", "$metric"), curve),
                "### Framework versions",
                bullets(["Transformers $framework", "Pytorch 2.7.1", "Datasets 3.6.0", "Tokenizers 0.21.1"]),
            ]
        )
        + "\n"
    )


def _trainer_prose(draft: Draft) -> list[str]:
    """The three headings of the script; a conscientious author fills some in."""
    filled = {
        "Model description": sections.purpose(draft)[:1] if draft.levels["purpose"] >= 3 else [],
        "Intended uses & limitations": sections.limits(draft)[:1] if draft.levels["limits"] >= 3 else [],
        "Training and evaluation data": sections.training(draft)[:1] if draft.levels["training"] >= 3 else [],
    }
    blocks: list[str] = []
    for heading, paragraphs in filled.items():
        blocks += [f"## {heading}", *(paragraphs or ["More information needed"])]
    return blocks


def _trainer_settings(draft: Draft) -> list[str]:
    optimizer = draft.rng("optimizer").choice(("adamw_torch", "adamw_torch_fused", "adafactor"))
    return [
        "learning_rate: $lr",
        "train_batch_size: $batch",
        "eval_batch_size: $batch",
        "seed: $seed_value",
        f"optimizer: {optimizer} with betas=(0.9,0.999)",
        "lr_scheduler_type: linear",
        "num_epochs: $epochs",
    ]


def _loss_curve(rng: Random, epochs: int, value: float) -> list[tuple[str, str, str, str]]:
    loss, rows = rng.uniform(0.5, 1.4), []
    for epoch in range(1, epochs + 1):
        loss *= rng.uniform(0.62, 0.9)
        valid = loss * rng.uniform(0.95, 1.25)
        reached = value * (1 - 0.06 * (epochs - epoch) / epochs)
        rows.append((f"{loss:.4f}", f"{epoch}.0", f"{valid:.4f}", f"{reached:.1f}"))
    return rows


def reinforcement(draft: Draft) -> str:
    """An agent's card: a score, its spread, and a snippet that was never finished."""
    rng = draft.rng("agent")
    algorithm, _, environment = draft.model.name.partition("-")
    algorithm = algorithm.upper()
    mean, spread = rng.uniform(-180, 280), rng.uniform(4, 60)
    return (
        front_matter(draft)
        + "\n\n".join(
            [
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
        )
        + "\n"
    )


def untouched(draft: Draft) -> str:
    """The template as the tool left it."""
    is_identical = draft.rng("template").random() < IDENTICAL_SHARE
    blocks = [f"# Model Card for {'Model ID' if is_identical else '$name'}"]
    for heading in TEMPLATE:
        blocks += [heading] if heading in OPEN_HEADINGS else [heading, PLACEHOLDER]
        blocks += [_identity({})] if heading == "### Model Description" else []
    return front_matter(draft) + "\n\n".join(blocks) + "\n"


def filled_template(draft: Draft) -> str:
    """The same template with as much in it as the author got to; good authors delete what stayed empty."""
    filled = _filled(draft)
    is_tidied = draft.documentation >= TIDIED_FROM
    blocks = ["# Model Card for $name"]
    for heading in TEMPLATE:
        paragraphs = filled.get(heading, [])
        if heading in OPEN_HEADINGS or paragraphs or not is_tidied:
            blocks += [heading, *(paragraphs or ([] if heading in OPEN_HEADINGS else [PLACEHOLDER]))]
        if heading == "### Model Description":
            blocks.append(_identity(_known(draft)))
    return front_matter(draft) + "\n\n".join(blocks) + "\n"


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
        "### Model Card Contact": sections.contact(draft),
    }


def _known(draft: Draft) -> dict[str, str]:
    """What the author wrote into the list of identities: from level 2 on something."""
    if draft.documentation < 2:
        return {"Finetuned from": "$base_link"}
    known = {"Developed by": "$author", "Finetuned from": "$base_link", "Language(s)": "$language"}
    return (
        known
        if draft.documentation < 3
        else known | {"License": "$licence", "Model type": "LoRA adapter, rank $rank"}
    )


def _identity(known: Mapping[str, str]) -> str:
    labels = ("Developed by", "Model type", "Language(s)", "License", "Finetuned from")
    return bullets([f"**{label}:** {known.get(label, PLACEHOLDER)}" for label in labels])


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
# Headings that only open a group.
OPEN_HEADINGS = frozenset(
    {"## Model Details", "## Uses", "## Bias, Risks, and Limitations", "## Training Details", "## Evaluation"}
)
