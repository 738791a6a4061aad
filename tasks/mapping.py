"""From vectors in the lake to the map of a snapshot, its kinds, their names, and each card's neighbours."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from prefect import task

from tasks.judges import identify
from tasks.lake import Lake, part_name
from tasks.orders import Shared
from tasks.progress import advance, expect
from tasks.publishing import send_published
from tasks.records import Atlas, AtlasPoint, JudgeSpec, Kind, KindEvent, KindName, Neighbour
from tasks.sentences import stability_notes
from tasks.settings import settings
from tasks.warehouse import Warehouse, frame, stream

if TYPE_CHECKING:
    from polars import DataFrame

    from tasks.atlas.centring import Halves
    from tasks.atlas.making import Before, Made
    from tasks.atlas.naming import KindFacts
    from tasks.embedders.passages import Vectors
    from tasks.warehouse import Database

NEIGHBOURS_KEPT = 10
CARDS_SHOWN = 5  # of a kind, to a judge model that is to name it
_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts on the map, in the order of their hashes, and the parts that hold their vectors."""

    hashes: list[str]
    parts: list[str]


@task(task_run_name="map {snapshot}")
def make_map(home: Path, snapshot: date, embedder: str) -> bool:
    """Have the map of a snapshot in the lake, unless its texts are those that it was made of; returns whether new."""
    from tasks.atlas.making import ATLAS_VERSION

    warehouse = Warehouse(home)
    expect("map", 1)
    asked = {"snapshot": snapshot, "embedder": embedder}
    with warehouse.open() as db:
        digest = frame(db, "out/atlas_digest", **asked, version=ATLAS_VERSION).item()
    name = f"{snapshot}-{(digest or 'empty')[:16]}.parquet"
    is_new = not warehouse.lake.has(f"atlases/{name}")
    if is_new:
        _make(warehouse, snapshot, embedder, name)
        warehouse.land()
    advance("map")
    return is_new


def _make(warehouse: Warehouse, snapshot: date, embedder: str, name: str) -> None:
    from tasks.atlas.making import Limits, make

    limits = settings()
    with warehouse.open() as db:
        texts = _Texts(*_columns(frame(db, "out/atlas_texts", snapshot=snapshot, embedder=embedder)))
        before = _before(db, warehouse.lake, snapshot, embedder)
        highest = int(frame(db, "out/kind_numbers").item())
    halves = halves_of(warehouse.lake, texts.hashes, texts.parts)
    made = make(
        snapshot,
        texts.hashes,
        halves,
        before,
        highest,
        Limits(
            limits.atlas_fit_max,
            limits.atlas_drift_max,
            limits.atlas_replicates,
            limits.atlas_replicate_texts,
        ),
    )
    if made is None:
        return
    _write(warehouse, snapshot, embedder, name, texts.hashes, made, _now())


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _columns(rows: Any) -> tuple[list[Any], ...]:
    return tuple(column.to_list() for column in rows.get_columns())


def halves_of(lake: Lake, hashes: Sequence[str], parts: Sequence[str]) -> Halves:
    """Vectors of n texts, in their order, from the parts that hold them."""
    from tasks.atlas.centring import Halves

    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    for place, (card_hash, part) in enumerate(zip(hashes, parts, strict=True)):
        wanted[part][card_hash] = place
    bodies = metadata = np.zeros((0, 1), np.float32)
    for part, places in wanted.items():
        table = lake.columns(part, ["card_hash", "body", "metadata"])
        rows = [row for row, card_hash in enumerate(table["card_hash"].to_pylist()) if card_hash in places]
        chosen = table.take(rows)
        width = len(chosen["body"][0])
        if not len(bodies):
            bodies, metadata = (np.zeros((len(hashes), width), np.float32) for _ in range(2))
        at = [places[card_hash] for card_hash in chosen["card_hash"].to_pylist()]
        bodies[at], metadata[at] = (_rows(chosen[half], width) for half in ("body", "metadata"))
    return Halves(bodies, metadata)


def _rows(lists: Any, width: int) -> Vectors:
    """A column of lists as rows; an empty one is a row of zeros."""
    column = lists.combine_chunks()
    is_there = column.value_lengths().to_numpy() > 0
    rows = np.zeros((len(column), width), np.float32)
    rows[is_there] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return rows


def _before(db: Database, lake: Lake, snapshot: date, embedder: str) -> Before | None:
    """The last map by this embedder, and the texts that it was fitted on."""
    from tasks.atlas.clustering import NOISE
    from tasks.atlas.making import Before, Fitted

    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder).to_dicts()
    if not last:
        return None
    fitted_on = last[0]["fitted_on"]
    fitted = frame(db, "out/atlas_fitted", fitted_on=fitted_on, embedder=embedder)
    kinds = frame(db, "out/atlas_kinds_of", snapshot=last[0]["snapshot"])
    stability = frame(db, "out/kind_stabilities", snapshot=fitted_on)
    hashes = fitted["card_hash"].to_list()
    return Before(
        Fitted(
            snapshot=fitted_on,
            hashes=hashes,
            texts=halves_of(lake, hashes, fitted["part"].to_list()),
            points=fitted.select("x", "y").to_numpy(),
            kinds=fitted["kind"].fill_null(NOISE).to_numpy(),
            strength=fitted["strength_share"].to_numpy(),
        ),
        last_kinds=dict(kinds.iter_rows()),
        stability=dict(stability.iter_rows()),
    )


def _write(
    warehouse: Warehouse,
    snapshot: date,
    embedder: str,
    name: str,
    hashes: list[str],
    made: Made,
    now: datetime,
) -> None:
    """All that a map is made of; the map itself last, because where it is the rest is."""
    from tasks.atlas.clustering import NOISE

    lake = warehouse.lake
    numbers = [None if kind == NOISE else int(kind) for kind in made.kinds]
    kinds = dict(zip(hashes, numbers, strict=True))
    with warehouse.open() as db:
        if made.fitted_on == snapshot:
            fitted = {
                card_hash for card_hash, is_fitted in zip(hashes, made.is_fitted, strict=True) if is_fitted
            }
            found_by, words = _words_anew(db, hashes, fitted)
            facts = _facts(db, snapshot, embedder, kinds, words)
        else:
            found_by = _words_kept(db, hashes, snapshot, embedder)
            facts = _facts_with_terms(db, snapshot, embedder, kinds, made.fitted_on)
    lake.write(
        f"atlas_points/{name}",
        AtlasPoint,
        [
            AtlasPoint(
                snapshot, card_hash, float(x), float(y), kind, float(strength), bool(is_fitted),
                found_by[card_hash], now,
            )
            for card_hash, (x, y), kind, strength, is_fitted in zip(
                hashes, made.points, numbers, made.strength, made.is_fitted, strict=True
            )
        ],
    )  # fmt: skip
    lake.write(f"kinds/{name}", Kind, [_kind(snapshot, fact, made, now) for fact in facts])
    lake.write(f"kind_names/{name}", KindName, _names(warehouse, facts, snapshot, now))
    events = [dataclasses.replace(event, made_at=now) for event in made.events]
    lake.write(f"kind_events/{name}", KindEvent, events)
    _write_neighbours(lake, f"neighbours/{name}", snapshot, hashes, made.vectors, now)
    lake.write(f"atlases/{name}", Atlas, [_atlas(snapshot, embedder, made, now)])


def _words_anew(
    db: Database, hashes: list[str], naming: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The words that each text is found by, and all those of the texts that name kinds."""
    from tasks.atlas.describing import searchable, words_of_cards

    found_by, words = {}, {}
    for card_hash, said in words_of_cards(stream(db, "out/texts_of", hashes=hashes)):
        found_by[card_hash] = searchable(said)
        if card_hash in naming:
            words[card_hash] = said
    return found_by, words


def _words_kept(db: Database, hashes: list[str], snapshot: date, embedder: str) -> dict[str, str]:
    """The words that each text is found by: of one that lay on the last map, and most did, those of then."""
    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder)["snapshot"].item()
    found_by = dict(frame(db, "out/atlas_words", snapshot=last).iter_rows())
    return found_by | _words_anew(db, [card for card in hashes if card not in found_by], set())[0]


def _facts(
    db: Database,
    snapshot: date,
    embedder: str,
    kinds: dict[str, int | None],
    words: dict[str, list[str]],
) -> list[KindFacts]:
    from tasks.atlas.describing import ModelRow, describe_kinds

    rows = stream(db, "out/kind_models", snapshot=snapshot, embedder=embedder)
    return describe_kinds((ModelRow(*row) for row in rows), kinds, words)


def _kind(snapshot: date, facts: KindFacts, made: Made, now: datetime) -> Kind:
    from tasks.atlas.archetypes import archetype_of

    own = made.points[made.kinds == facts.kind]
    archetype = archetype_of(facts)
    return Kind(
        snapshot=snapshot,
        kind=facts.kind,
        texts=facts.texts,
        x=float(np.median(own[:, 0])),
        y=float(np.median(own[:, 1])),
        stability=made.stability.get(facts.kind),
        terms=[term for term, _ in facts.terms],
        archetype=archetype.archetype,
        archetype_reason=archetype.reason,
        made_at=now,
    )


def _names(warehouse: Warehouse, facts: list[KindFacts], snapshot: date, now: datetime) -> list[KindName]:
    """Names by their terms. A kind that has one keeps it: its words shift a little every week, and it is the same."""
    from tasks.atlas.naming import named

    with warehouse.open() as db:
        has_name = {kind for (kind,) in frame(db, "out/kinds_named", named_by="terms").iter_rows()}
    return [name for name in named(facts, snapshot, now) if name.kind not in has_name]


def _write_neighbours(
    lake: Lake, part: str, snapshot: date, hashes: list[str], vectors: Vectors, now: datetime
) -> None:
    from tasks.atlas.nearest import nearest_of_all

    near = nearest_of_all(vectors, NEIGHBOURS_KEPT)
    with lake.writing(part, Neighbour) as add:
        for start in range(0, len(hashes), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            add(
                [
                    Neighbour(snapshot, own, hashes[other], place, float(cosine), now)
                    for own, others, cosines in zip(
                        hashes[rows], near.places[rows], near.similarity[rows], strict=True
                    )
                    for place, (other, cosine) in enumerate(zip(others, cosines, strict=True), start=1)
                ]
            )


def _atlas(snapshot: date, embedder: str, made: Made, now: datetime) -> Atlas:
    from tasks.atlas.clustering import NOISE
    from tasks.atlas.projecting import settings_of_maps

    return Atlas(
        snapshot=snapshot,
        embedder=embedder,
        fitted_on=made.fitted_on,
        texts=len(made.kinds),
        placed=int((~made.is_fitted).sum()),
        kinds=len(made.numbers),
        noise_share=float((made.kinds == NOISE).mean()),
        drift_share=made.drift_share,
        trustworthiness=made.trustworthiness,
        seeds_ari=made.seeds_ari,
        samples_ari=made.samples_ari,
        refit_reason=made.refit_reason,
        settings=json.dumps(settings_of_maps(), sort_keys=True),
        made_at=now,
    )


@task(task_run_name="plan the naming of the kinds of {snapshot}")
def plan_naming(home: Path, snapshot: date, judge: JudgeSpec) -> list[int]:
    """Kinds of the snapshot that this judge model was not asked to name yet."""
    fingerprint = identify(judge).card(snapshot, _now()).fingerprint
    with Warehouse(home).open() as db:
        return [
            kind
            for (kind,) in frame(db, "pending/kind_names", snapshot=snapshot, named_by=fingerprint).rows()
        ]


@task(task_run_name="name the kinds of {snapshot}")
def name_kinds(home: Path, snapshot: date, shared: Shared, kinds: list[int]) -> None:
    """Have a judge model name kinds; what cannot be used of its answers stays as a reason."""
    from tasks.atlas.judge_names import KindQuestion, judge_names
    from tasks.judges.vllm import opened_judge

    warehouse = Warehouse(home)
    with warehouse.open() as db:
        facts = _known_facts(db, snapshot, set(kinds))
        cards = defaultdict(list)
        for kind, text in stream(db, "out/kind_cards", snapshot=snapshot, cards=CARDS_SHOWN):
            cards[kind].append(text)
    questions = [KindQuestion(fact, tuple(cards[fact.kind])) for fact in facts]
    with opened_judge(shared.spec or JudgeSpec("vllm")) as judge:
        names = judge_names(judge, questions, snapshot, _now())
        part = f"kind_names/{snapshot}-{judge.fingerprint}-{part_name(map(str, kinds))}.parquet"
    warehouse.lake.write(part, KindName, names)
    warehouse.land()


def _known_facts(db: Database, snapshot: date, wanted: set[int]) -> list[KindFacts]:
    """What is known of kinds that are on the map already."""
    (embedder,) = frame(db, "out/atlas_embedder", snapshot=snapshot).row(0)
    kinds = dict(frame(db, "out/atlas_kinds_of", snapshot=snapshot).iter_rows())
    facts = _facts_with_terms(db, snapshot, embedder, kinds, snapshot)
    return [fact for fact in facts if fact.kind in wanted]


def _facts_with_terms(
    db: Database, snapshot: date, embedder: str, kinds: dict[str, int | None], terms_of: date
) -> list[KindFacts]:
    """What is known of kinds whose terms are those that they were found to have on the map of `terms_of`."""
    terms = dict(frame(db, "out/kind_terms", snapshot=terms_of).iter_rows())
    return [
        dataclasses.replace(fact, terms=tuple((term, 1.0) for term in terms.get(fact.kind, [])))
        for fact in _facts(db, snapshot, embedder, kinds, {})
    ]


def _latest_map(home: Path) -> tuple[dict[str, Any], DataFrame, DataFrame] | None:
    """The latest published map, its models, and its kinds; null where no snapshot has a map."""
    with Warehouse(home).read() as db:
        latest = frame(db, "out/atlas_page").to_dicts()
        if not latest:
            return None
        day = latest[0]["snapshot"]
        points = frame(db, "out/atlas_page_points", snapshot=day)
        return latest[0], points, frame(db, "out/atlas_page_kinds", snapshot=day)


def write_latest_atlas(home: Path) -> Path | None:
    """Write the page of the latest published map beside the report; null where no snapshot has a map."""
    from tasks.atlas.projecting import NOT_GUARANTEED
    from tasks.atlas_page import AtlasAbout, write_atlas

    latest = _latest_map(home)
    if latest is None:
        return None
    row, points, kinds = latest
    about = AtlasAbout(
        snapshot=row["snapshot"],
        hub=row["hub"],
        judge=row["judge"],
        embedder=row["embedder"],
        n_models=points.height,
        n_texts=row["texts"],
        noise_share=row["noise_share"],
        trustworthiness=row["trustworthiness"],
        notes=[*NOT_GUARANTEED, *stability_notes(row)],
        **({"hub_url": f"{row['hub']}/"} if row["hub"].startswith("http") else {}),
    )
    path = home / "atlas.html"
    write_atlas(points, kinds, about, path)
    return path


def write_map_picture(home: Path, folder: Path) -> Path | None:
    """Write the latest published map as a PNG file into a folder; null where no snapshot has one."""
    from tasks.charts import save_png, where_cards_lie

    latest = _latest_map(home)
    if latest is None:
        return None
    _, points, kinds = latest
    path = folder / "map.png"
    save_png(where_cards_lie(points, kinds), path)
    return path


@task(task_run_name="write the page of the map")
def publish_atlas_page(home: Path) -> Path | None:
    """Have the page of the latest map where people read it; returns its path, null where there is no map."""
    page, published = home / "atlas.html", Warehouse(home).published
    if page.exists() and page.stat().st_mtime_ns >= published.stat().st_mtime_ns:
        written: Path | None = page
    else:
        written = write_latest_atlas(home)
    if written:
        send_published(Lake(home), written)
    return written
