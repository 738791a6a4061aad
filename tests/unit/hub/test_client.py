"""The door to the Hub, over real HTTP against a replica that misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from tasks.cards.decoding import decode
from tasks.engine.child import free_port, running_child, wait_until
from tasks.errors import CardUnreadable, HubError, HubUnreachable, TokenRefused
from tasks.hub.client import Hub, token_for, walk
from tasks.hub.listing import read_rows
from tasks.records import CardRead, CardRef, ListedModel, Selection
from tasks.replica.process import running_replica
from tasks.settings import OFFICIAL_HUB, Settings

TODAY = date(2026, 11, 16)
MODELS = 60
HASTY = Settings(
    hub_read_timeout_s=2.0, hub_card_deadline_s=4.0, hub_tries=6, hub_threads=8, hub_backoff_s=0.01
)


def rows_of_corpus() -> pl.DataFrame:
    """Sixty models; a few of them show what goes wrong on the Hub."""
    ids = [f"ada/model-{number:02}" for number in range(MODELS - 1)] + ["classic"]
    return pl.DataFrame(
        {
            "model_id": ids,
            "card_text": [
                None if n == 1 else "" if n == 2 else f"# Model {n}\n\n{'word ' * n}" for n in range(MODELS)
            ],
            "downloads": [1000 - n for n in range(MODELS)],
            "likes": list(range(MODELS)),
            "tags": [["gguf"] if n % 2 else [] for n in range(MODELS)],
            "library_name": ["transformers"] * MODELS,
            "pipeline_tag": ["text-generation"] * MODELS,
            "last_modified": [f"2026-01-{1 + n % 28:02}T00:00:00.000Z" for n in range(MODELS)],
            "readme_gated": [n == 3 for n in range(MODELS)],
            "is_disabled": [n == 4 for n in range(MODELS)],
            "is_deleted": [n == 5 for n in range(MODELS)],
            "renamed_from": [["ada/old-name"] if n == 6 else [] for n in range(MODELS)],
        }
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    rows_of_corpus().write_parquet(path)
    return path


@pytest.fixture(scope="module")
def quiet_url(corpus: Path) -> Iterator[str]:
    with running_replica(corpus) as url:
        yield url


@contextmanager
def hub_at(url: str, token: SecretStr | None = None, **limits: float) -> Iterator[Hub]:
    with closing(Hub(url, HASTY.model_copy(update=limits), token)) as hub:
        yield hub


@contextmanager
def hub_with(corpus: Path, **options: object) -> Iterator[Hub]:
    with (
        running_replica(corpus, **options) as url,
        hub_at(url) as hub,
    ):
        yield hub


@pytest.fixture
def hub(quiet_url: str) -> Iterator[Hub]:
    with hub_at(quiet_url) as hub:
        yield hub


def listed(hub: Hub, selection: Selection | None = None) -> list[ListedModel]:
    return [
        model
        for page in walk(hub, selection or Selection())
        for model in read_rows(page.rows, snapshot=TODAY, place="page")[0]
    ]


def read_all(hub: Hub) -> dict[str, CardRead]:
    refs = [CardRef(model.model_id, model.sha) for model in listed(hub) if model.has_readme]
    with ThreadPoolExecutor(8) as pool:
        return {card.model_id: card for card in pool.map(lambda ref: hub.read_card(ref, TODAY), refs)}


def stats(hub: Hub) -> dict[str, Any]:
    with urllib.request.urlopen(f"{hub.endpoint}/-/replica/stats") as answer:
        counts: dict[str, Any] = json.load(answer)
    return counts


def test_a_walk_lists_every_model_once(hub: Hub) -> None:
    models = listed(hub)
    assert len(models) == MODELS == len({model.model_id for model in models})


def test_a_walk_continues_when_the_hub_has_moved_to_another_port(hub: Hub, corpus: Path) -> None:
    first = next(walk(hub, Selection(limit=10)))
    with hub_with(corpus) as moved:
        second = next(walk(moved, Selection(limit=10), first.next_url))
        assert moved.endpoint != hub.endpoint
        assert stats(moved)["requests"] == 1
    ids = [row["id"] for row in first.rows + second.rows if isinstance(row, dict)]
    assert len(set(ids)) == 20


def test_a_top_n_is_sorted_as_requested(hub: Hub) -> None:
    models = listed(hub, Selection(limit=5, sort="likes"))[:5]
    assert [model.likes for model in models] == [59, 58, 57, 56, 55]


def test_filters_and_author_narrow_the_walk(hub: Hub) -> None:
    models = listed(hub, Selection(filters=("gguf",), author="ada"))
    assert {model.tags[0] for model in models} == {"gguf"}
    assert {model.author for model in models} == {"ada"}


def test_every_readme_becomes_a_card_an_empty_card_or_a_reason(hub: Hub) -> None:
    cards = read_all(hub)
    assert "ada/model-01" not in cards
    assert cards["ada/model-02"].status == "empty"
    assert {name: card.reason for name, card in cards.items() if card.status == "failed"} == {
        "ada/model-03": "gated",
        "ada/model-04": "disabled",
        "ada/model-05": "not_found",
    }
    card = cards["ada/model-10"]
    assert card.card_text == rows_of_corpus()["card_text"][10]
    assert card.card_text is not None
    assert card.card_hash == hashlib.sha256(card.card_text.encode()).hexdigest()


def test_a_card_costs_one_request_also_for_an_id_of_one_segment(hub: Hub) -> None:
    cards = read_all(hub)
    assert {card.requests for card in cards.values() if card.status == "card"} == {1}
    assert cards["classic"].status == "card"


def test_a_card_that_has_not_changed_is_not_sent_again(hub: Hub) -> None:
    first = read_all(hub)["ada/model-10"]
    not_modified = stats(hub)["by_status"].get("304", 0)
    again = hub.read_card(CardRef(first.model_id, first.sha, first.etag, first.card_hash), TODAY)
    assert (again.status, again.card_hash, again.card_text) == ("card", first.card_hash, None)
    assert again.requests == 1
    assert stats(hub)["by_status"]["304"] == not_modified + 1


def test_an_empty_card_that_has_not_changed_stays_empty(hub: Hub) -> None:
    first = read_all(hub)["ada/model-02"]
    not_modified = stats(hub)["by_status"].get("304", 0)
    again = hub.read_card(CardRef(first.model_id, first.sha, first.etag, first.card_hash), TODAY)
    assert (again.status, again.card_text) == ("empty", None)
    assert stats(hub)["by_status"]["304"] == not_modified + 1


def test_a_renamed_model_is_found_by_its_old_name(hub: Hub) -> None:
    row = hub.model("ada/old-name")
    assert isinstance(row, dict)
    assert row["id"] == "ada/model-06"


def test_a_named_model_that_is_not_there_says_so(hub: Hub) -> None:
    with pytest.raises(CardUnreadable, match="not_found"):
        hub.model("ada/nowhere")


@pytest.mark.parametrize("faults", ["5xx=0.3", "drop=0.3", "truncate=0.3", "length=0.3"])
def test_transient_faults_are_retried_until_every_text_is_whole(corpus: Path, faults: str) -> None:
    with hub_with(corpus, faults=faults, seed=1) as hub:
        cards = read_all(hub)
    texts = rows_of_corpus()["card_text"].to_list()
    for name, card in cards.items():
        if name.startswith("ada/") and card.status == "card":
            assert card.card_text == texts[int(name[-2:])]
    transport = [card for card in cards.values() if card.reason in ("transport", "http_500", "http_503")]
    assert len(cards) == MODELS - 1
    assert len(transport) <= 2, transport
    assert not any(card.is_final for card in transport)


def test_malformed_rows_do_not_end_the_walk(corpus: Path) -> None:
    with hub_with(corpus, faults="malformed=0.3", seed=2) as hub:
        rows = [row for page in walk(hub, Selection()) for row in page.rows]
    models, failures = read_rows(rows, snapshot=TODAY, place="page")
    assert len(models) + len(failures) == MODELS
    assert failures


def test_a_body_that_drips_for_ever_meets_the_deadline(corpus: Path, hub: Hub) -> None:
    (ref,) = (CardRef(m.model_id, m.sha) for m in listed(hub) if m.model_id == "ada/model-50")
    with (
        running_replica(corpus, faults="slow=1.0", seed=1) as url,
        hub_at(url, hub_card_deadline_s=0.3, hub_tries=1) as slow_hub,
    ):
        card = slow_hub.read_card(ref, TODAY)
    assert (card.status, card.reason, card.is_final) == ("failed", "transport", False)


def test_a_card_beyond_the_size_limit_is_a_failure_for_good(quiet_url: str) -> None:
    with hub_at(quiet_url, card_bytes_max=100) as hub:
        card = read_all(hub)["ada/model-58"]
    assert (card.status, card.reason, card.is_final) == ("failed", "too_large", True)


def test_a_short_window_is_used_without_one_refusal(corpus: Path) -> None:
    with hub_with(corpus, plan="free", window_s=4, quota_scale=0.006) as hub:
        cards = read_all(hub)
        assert stats(hub)["refused_429"] == 0
    assert sum(card.status == "card" for card in cards.values()) == MODELS - 5


def test_nothing_that_counts_as_a_download_is_requested(corpus: Path) -> None:
    with hub_with(corpus) as hub:
        read_all(hub)
        assert stats(hub)["config_requests"] == 0


def test_a_refused_token_ends_the_run_and_is_not_shown(quiet_url: str) -> None:
    with (
        hub_at(quiet_url, SecretStr("not-a-token-of-the-hub")) as hub,
        pytest.raises(TokenRefused, match="HF_TOKEN") as caught,
    ):
        next(walk(hub, Selection()))
    assert "not-a-token-of-the-hub" not in str(caught.value)


def test_a_hub_that_answers_nothing_is_unreachable() -> None:
    nowhere = CardRef("a/b", "0" * 40)
    with hub_at("http://127.0.0.1:9", hub_tries=1, hub_silence_max=3) as hub:
        with pytest.raises(CardUnreadable, match="listing"):
            next(walk(hub, Selection()))
        assert hub.read_card(nowhere, TODAY).reason == "transport"
        with pytest.raises(HubUnreachable, match="does not answer"):
            hub.read_card(nowhere, TODAY)


@contextmanager
def served_at(corpus: Path, port: int) -> Iterator[str]:
    """A replica on a given port, so that another one can take its place."""
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"{url}/-/replica/stats", timeout=1).close()
        except OSError:
            return False
        return True

    words = ["hub", "serve", str(corpus), "--port", str(port), "--exit-with-parent"]
    with running_child("flows.cli", words) as child:
        assert wait_until(answers, child, within_s=60)
        yield url


def test_a_hub_that_goes_away_for_a_while_is_waited_for(corpus: Path) -> None:
    port = free_port()
    with (
        hub_at(f"http://127.0.0.1:{port}", hub_tries=2, hub_backoff_s=0.05, hub_patience_s=60) as hub,
        ThreadPoolExecutor(1) as pool,
    ):
        with served_at(corpus, port):
            known = listed(hub)[7]
            ref = CardRef(known.model_id, known.sha)
        reading = pool.submit(hub.read_card, ref, TODAY)
        while hub._silent_in_a_row < 6:  # more than a card has tries
            assert not reading.done()
        with served_at(corpus, port):
            assert reading.result(timeout=60).status == "card"


def test_a_hub_that_stays_away_is_unreachable_after_all_patience(corpus: Path) -> None:
    port = free_port()
    with hub_at(f"http://127.0.0.1:{port}", hub_tries=2, hub_backoff_s=0.01, hub_patience_s=0.2) as hub:
        with served_at(corpus, port):
            known = listed(hub)[7]
        with pytest.raises(HubUnreachable, match="what was read is kept"):
            hub.read_card(CardRef(known.model_id, known.sha), TODAY)


def test_something_that_is_not_a_hub_is_recognised(hub: Hub) -> None:
    with pytest.raises(HubError, match="is it a Hub"):
        hub.page(f"{hub.endpoint}/-/replica/stats")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Gr\ufffd\ufffde"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (b"\xff\xfe\x00", "\ufffd"),
    ],
)
def test_a_readme_is_decoded_by_its_mark_and_never_fails(body: bytes, text: str) -> None:
    assert decode(body).lstrip("\ufeff") == text


def test_the_token_goes_only_to_hubs_that_may_see_it() -> None:
    limits = Settings(
        hub_token=SecretStr("hf_secret"), trusted_hubs="https://hub.example/, http://127.0.0.1:8000"
    )
    for hub in (OFFICIAL_HUB, f"{OFFICIAL_HUB}/", "https://hub.example", "http://127.0.0.1:8000"):
        assert token_for(hub, limits) == SecretStr("hf_secret")
    for hub in (
        "https://elsewhere.example",
        "http://hub.example",
        "https://hub.example:444",
        "https://hub.example.elsewhere.example",
        "http://127.0.0.1:8001",
        "http://huggingface.co",
        "",
    ):
        assert token_for(hub, limits) is None, hub
    assert "hf_secret" not in repr(limits)
