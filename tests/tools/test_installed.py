"""Cards written by the installed libraries' own classes, for models of a few numbers that are made here."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest

from tasks.cards.evidence import Evidence, evidence_of

pytestmark = pytest.mark.slow  # the libraries take ten seconds to load
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heron", "pond", "deep"]


def hold(text: str, name: str) -> Evidence:
    evidence = evidence_of(text)
    assert evidence.template
    assert evidence.template.name == name
    assert evidence.is_generated
    assert evidence.own_words < 15, evidence.own
    return evidence


def test_the_trainers_summary_is_the_trainers() -> None:
    modelcard = pytest.importorskip("transformers.modelcard")
    summary = modelcard.TrainingSummary(
        model_name="heron-notes",
        finetuned_from="northvale/heron-small",
        dataset="ponds",
        eval_results={"Loss": 0.31, "Accuracy": 0.91, "Macro F1": 0.88},
        eval_lines=[{"Epoch": 1, "Step": 10, "Validation Loss": 0.4}],
        hyperparameters={
            "learning_rate": 5e-5,
            "seed": 42,
            "optimizer": "Use adamw_torch with betas=(0.9,0.999) and optimizer_args=none",
            "lr_scheduler_type": "linear",
        },
        source="trainer",
    )
    hold(summary.to_model_card(), "trainer")


def test_a_sentence_transformer_saved_as_it_is_has_nobodys_card(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    tokenizers = pytest.importorskip("tokenizers")
    static = pytest.importorskip("sentence_transformers.models").StaticEmbedding
    words = tokenizers.models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    model = sentence_transformers.SentenceTransformer(
        modules=[static(tokenizers.Tokenizer(words), embedding_dim=4)], device="cpu"
    )
    model.save_pretrained(str(tmp_path))
    hold((tmp_path / "README.md").read_text(encoding="utf-8"), "sentence_transformers")


@pytest.mark.parametrize("kind", ["CrossEncoder", "SparseEncoder"])
def test_the_other_encoders_have_names_of_their_own(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sentence_transformers = pytest.importorskip("sentence_transformers")
    source = tmp_path / "source"
    source.mkdir()
    (source / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=len(WORDS), max_position_embeddings=16, num_labels=1, **size)
    heads = {"CrossEncoder": "BertForSequenceClassification", "SparseEncoder": "BertForMaskedLM"}
    getattr(transformers, heads[kind])(config).save_pretrained(source)
    transformers.BertTokenizer(str(source / "vocab.txt")).save_pretrained(source)
    model = getattr(sentence_transformers, kind)(str(source), device="cpu")
    model.save_pretrained(str(tmp_path / "saved"))
    names = {"CrossEncoder": "cross_encoder", "SparseEncoder": "sparse_encoder"}
    hold((tmp_path / "saved" / "README.md").read_text(encoding="utf-8"), names[kind])


def test_the_hubs_default_card_is_an_untouched_form() -> None:
    data = huggingface_hub.ModelCardData(license="mit", language="en")
    card = huggingface_hub.ModelCard.from_template(data)
    hold(str(card), "hub_default")
