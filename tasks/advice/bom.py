"""A card as CycloneDX ML-BOM (JSON, 1.6): a machine-learning model with its model card. THE door to CycloneDX.

The library has no classes for model cards, so the object is made here; where it is installed, its schema checks it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tasks.advice.advising import Advice
from tasks.advice.profiles import spdx_of
from tasks.advice.rule import Reading, read
from tasks.cards.one_line import one_line, visible
from tasks.errors import CardiographError
from tasks.judges.metadata import has_value

SPEC_VERSION = "1.6"
_TEXT_CHARACTERS = 2_000  # of one entry; a BOM is a summary, and the card is linked
_ENTRIES_MAX = 100
_PROPERTY = "cardiograph"
# Addresses that need no escaping; the schema refuses one that is escaped wrongly, and the card is linked anyway.
_ADDRESS = re.compile(
    r"https?://[\w.-]{1,200}(?::\d{1,5})?(?:/[\w.~/-]{0,400})?(?:\?[\w.~/&=-]{0,400})?", re.ASCII
)


def as_ml_bom(advice: Advice, version: str) -> dict[str, Any]:
    """The BOM of one card. It holds no time, so the same card and version of Cardiograph give the same text."""
    reading = read(advice.subject)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"cardiograph:{version}:{advice.subject.card.card_hash}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [
                    {"type": "application", "name": "cardiograph", "version": version or "unknown"}
                ]
            }
        },
        "components": [_model(advice, reading)],
    }


def checked(text: str) -> bool:
    """Whether CycloneDX's own schema was there to check the BOM. Raises `CardiographError` where it breaks it."""
    try:
        from cyclonedx.exception import MissingOptionalDependencyException
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        return False
    try:
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except MissingOptionalDependencyException:
        return False
    if error is not None:
        raise CardiographError(
            f"the ML-BOM breaks CycloneDX's schema: {one_line(' '.join(str(error).split()), 300)}; report this"
        )
    return True


def _model(advice: Advice, reading: Reading) -> dict[str, Any]:
    model_id = advice.subject.model_id
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": _name(advice, reading),
    }
    if model_id and "/" in model_id:
        found["group"], found["name"] = model_id.split("/", 1)
        found["purl"] = f"pkg:huggingface/{quote(model_id, safe='/')}"
        page = f"https://huggingface.co/{quote(model_id, safe='/')}"
        found["externalReferences"] = [{"type": "model-card", "url": page}]
    if described := _texts(reading, "description"):
        found["description"] = described[0]
    if licenses := list(_licenses(reading)):
        found["licenses"] = licenses
    if bases := reading.values("base_model")[:_ENTRIES_MAX]:
        found["pedigree"] = {
            "ancestors": [{"type": "machine-learning-model", "name": _plain(base)} for base in bases]
        }
    found["modelCard"] = _model_card(reading)
    found["properties"] = list(_properties(advice))
    return found


def _name(advice: Advice, reading: Reading) -> str:
    titles = (section.title for section in reading.evidence.card.headings)
    return next(filter(None, map(_plain, titles)), "") or _plain(advice.subject.name) or "model"


def _licenses(reading: Reading) -> Iterator[dict[str, Any]]:
    for value in reading.values("license")[:_ENTRIES_MAX]:
        known = spdx_of(value)
        names = reading.values("license_name") if value == "other" else []
        license_ = {"id": known} if known else {"name": _plain(names[0] if names else value)}
        links = filter(_ADDRESS.fullmatch, reading.values("license_link"))
        if not known and (link := next(links, None)):
            license_["url"] = link
        yield {"license": license_}


def _model_card(reading: Reading) -> dict[str, Any]:
    sides = {
        "modelParameters": _parameters(reading),
        "quantitativeAnalysis": _without_empty(
            {"performanceMetrics": list(_metrics(reading))[:_ENTRIES_MAX]}
        ),
        "considerations": _considerations(reading),
    }
    return {"bom-ref": "model-card", **_without_empty(sides)}


def _parameters(reading: Reading) -> dict[str, Any]:
    config = reading.subject.document("config.json")
    architectures = config.get("architectures")
    task = next(iter(reading.values("pipeline_tag")), "")
    inputs, _, outputs = task.partition("-to-")
    return _without_empty(
        {
            "task": _plain(task),
            "architectureFamily": _plain(config.get("model_type")),
            "modelArchitecture": _plain(
                architectures[0] if isinstance(architectures, list) and architectures else ""
            ),
            "datasets": [
                {"type": "dataset", "name": _plain(name), "contents": {"url": _dataset_url(name)}}
                for name in reading.values("datasets")[:_ENTRIES_MAX]
            ],
            "inputs": [{"format": _plain(each)} for each in inputs.split("-") if outputs],
            "outputs": [{"format": _plain(outputs)}] if outputs else [],
        }
    )


def _dataset_url(name: str) -> str:
    return f"https://huggingface.co/datasets/{quote(name, safe='/')}"


def _metrics(reading: Reading) -> Iterator[dict[str, Any]]:
    """The results of the front matter's model-index."""
    for model in _mappings(reading.metadata.get("model-index")):
        for result in _mappings(model.get("results")):
            dataset = result.get("dataset")
            data: Mapping[str, Any] = dataset if isinstance(dataset, dict) else {}
            where = " ".join(
                _plain(data.get(key)) for key in ("name", "config", "split") if has_value(data.get(key))
            )
            for metric in _mappings(result.get("metrics")):
                found = {
                    "type": _plain(metric.get("type") or metric.get("name")),
                    "value": _plain(metric.get("value")),
                    "slice": _plain(where),
                }
                if found["type"] and found["value"]:
                    yield _without_empty(found)


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [each for each in value[:1000] if isinstance(each, dict)] if isinstance(value, list) else []


def _considerations(reading: Reading) -> dict[str, Any]:
    emissions = reading.metadata.get("co2_eq_emissions")
    grams = emissions.get("emissions") if isinstance(emissions, dict) else emissions
    return _without_empty(
        {
            "useCases": _texts(reading, "intended_use"),
            "technicalLimitations": _texts(reading, "out_of_scope") + _texts(reading, "limitations"),
            "ethicalConsiderations": [{"name": text} for text in _texts(reading, "bias_and_risks")],
            "environmentalConsiderations": _environment(grams),
        }
    )


def _environment(grams: Any) -> dict[str, Any]:
    """CycloneDX has a place for energy by its provider, which no card tells; emissions become a property."""
    if not has_value(_plain(grams)):
        return {}
    return {"properties": [{"name": f"{_PROPERTY}:co2_eq_emissions_g", "value": _plain(grams)}]}


def _texts(reading: Reading, section: str) -> list[str]:
    part = reading.evidence.parts.get(section)
    return list(filter(None, map(_plain, part.texts[:_ENTRIES_MAX]))) if part else []


def _properties(advice: Advice) -> Iterator[dict[str, str]]:
    yield {"name": f"{_PROPERTY}:judge", "value": _plain(advice.judge)}
    yield {"name": f"{_PROPERTY}:fingerprint", "value": advice.fingerprint}
    score = "none" if advice.score is None else f"{advice.score:.2f}"
    yield {"name": f"{_PROPERTY}:score", "value": score}
    for check in advice.checks:
        yield {"name": f"{_PROPERTY}:failed:{check.check}", "value": check.advice}
    for notice in advice.notices:
        yield {"name": f"{_PROPERTY}:{notice.severity}:{notice.rule}", "value": _plain(notice.message)}


def _plain(value: Any) -> str:
    """A value of a card for a reader elsewhere: a string, bounded, without characters that act on what is around."""
    text = value if isinstance(value, str) else ""
    return " ".join(visible(text[: 2 * _TEXT_CHARACTERS]).split())[:_TEXT_CHARACTERS]


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def as_text(bom: Mapping[str, Any]) -> str:
    """The BOM as JSON text."""
    return json.dumps(bom, indent=2, ensure_ascii=False)
