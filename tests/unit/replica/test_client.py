"""The unmodified client library against a replica."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers, get_session, parse_ratelimit_headers

from tasks.replica.corpus import read_corpus, write_corpus
from tasks.replica.process import running_replica

REAL_HUB = Path(__file__).parents[4] / "shared" / "hub" / "hub-2022-02.parquet"
CARD = "---\nlicense: mit\nlanguage: no\ntags:\n- fine\n---\n# Größe\n\nText.\n"
EXPAND: list[Any] = [
    "sha", "lastModified", "createdAt", "cardData", "gated", "siblings", "downloads", "downloadsAllTime", "likes",
    "tags", "pipeline_tag", "library_name", "author", "trendingScore", "safetensors", "gguf", "baseModels",
]  # fmt: skip


def model(model_id: str, **columns: object) -> dict[str, object]:
    return {"model_id": model_id, "tags": [], "last_modified": "2026-01-01", "card_text": "# Card", **columns}


MODELS = [
    model(
        "ada/one",
        card_text=CARD,
        downloads=50,
        likes=3,
        tags=["pytorch", "license:mit", "en"],
        library_name="transformers",
        pipeline_tag="fill-mask",
        last_modified="2026-01-05T06:07:08.000Z",
        created_at="2025-01-01",
        downloads_all_time=500,
        trending_score=7.0,
        parameters=110_000_000,
        base_models=["bob/base"],
        renamed_from=["ada/zero"],
    ),
    model("bob/quant", downloads=40, likes=9, tags=["gguf", "en"], parameters=7, last_modified="2026-01-03"),
    model("solo", downloads=30, likes=3, last_modified="2026-01-02"),
    model("eve/gated", downloads=20, gated="manual"),
    model("eve/closed", downloads=19, gated="auto", readme_gated=True),
    model("eve/disabled", downloads=18, is_disabled=True),
    model("eve/deleted", downloads=17, is_deleted=True),
    model("eve/cardless", downloads=None, card_text=None),
    model("eve/latin", downloads=None, card_bytes="# Größe".encode("latin-1")),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    write_corpus(corpus, MODELS)
    with running_replica(corpus, plan="enterprise-plus") as url:
        yield url


@pytest.fixture
def api(hub: str) -> HfApi:
    get_session().post(f"{hub}/-/replica/reset").raise_for_status()
    return HfApi(endpoint=hub, token=False)


def stats(hub: str) -> dict[str, Any]:
    answer: dict[str, Any] = get_session().get(f"{hub}/-/replica/stats").json()
    return answer


def ids(models: Any) -> list[str]:
    return [found.id for found in models]


def download(hub: str, cache: Path, model_id: str, **options: Any) -> str:
    path: str = hf_hub_download(model_id, "README.md", endpoint=hub, cache_dir=cache, token=False, **options)
    return path


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("downloads", ["ada/one", "bob/quant", "solo"]),
        ("likes", ["bob/quant", "ada/one", "solo"]),
        ("last_modified", ["ada/one", "bob/quant", "solo"]),
        ("created_at", ["bob/quant", "solo"]),
        ("trending_score", ["ada/one", "bob/quant", "solo"]),
        (None, ["ada/one", "bob/quant", "solo"]),
    ],
)
def test_models_are_listed_in_the_requested_order(api: HfApi, sort: Any, first: list[str]) -> None:
    assert ids(api.list_models(sort=sort, limit=3))[: len(first)] == first


def test_paging_gives_every_model_once_in_one_order(api: HfApi, hub: str) -> None:
    whole = ids(api.list_models(sort="likes"))
    assert sorted(whole) == sorted(str(row["model_id"]) for row in MODELS)
    paged, url = [], f"{hub}/api/models?sort=likes&limit=2"
    while url:
        answer = get_session().get(url)
        paged += [row["id"] for row in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
    assert paged == whole
    assert stats(hub)["by_route"]["listing"] == 1 + 5


def test_ascending_by_creation_walks_the_other_way(api: HfApi, hub: str) -> None:
    rows = get_session().get(f"{hub}/api/models?sort=createdAt&direction=1&limit=1").json()
    assert [row["id"] for row in rows] == ["ada/one"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filter": "en"}, ["ada/one", "bob/quant"]),
        ({"filter": ["en", "gguf"]}, ["bob/quant"]),
        ({"filter": "en,fill-mask,transformers"}, ["ada/one"]),
        ({"filter": "EN"}, []),
        ({"author": "bob"}, ["bob/quant"]),
        ({"search": "ADA"}, ["ada/one"]),
        ({"search": "e/d"}, ["eve/disabled", "eve/deleted"]),
        ({"pipeline_tag": "fill-mask"}, ["ada/one"]),
        ({"gated": True}, ["eve/gated", "eve/closed"]),
        ({"gated": False, "author": "eve", "search": "t"}, ["eve/deleted", "eve/latin"]),
    ],
)
def test_filters_must_all_match(api: HfApi, options: dict[str, Any], expected: list[str]) -> None:
    assert ids(api.list_models(sort="downloads", **options)) == expected


def test_expanded_fields_arrive_as_the_client_knows_them(api: HfApi) -> None:
    found = {row.id: row for row in api.list_models(expand=EXPAND, sort="downloads")}
    one, quant = found["ada/one"], found["bob/quant"]
    assert (one.author, one.downloads, one.downloads_all_time, one.likes) == ("ada", 50, 500, 3)
    assert (one.trending_score, one.gated, one.library_name, one.pipeline_tag) == (
        7,
        False,
        "transformers",
        "fill-mask",
    )
    assert (one.last_modified, one.created_at) == (
        datetime(2026, 1, 5, 6, 7, 8, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    )
    assert one.safetensors is not None
    assert (one.safetensors.total, one.gguf, quant.safetensors) == (110_000_000, None, None)
    assert (quant.gguf or {})["total"] == 7
    bases: object = one.base_models  # annotated as a list, and an object on the Hub
    assert bases == {"relation": "finetune", "models": [{"id": "bob/base"}]}
    assert one.card_data is not None
    assert (one.card_data.license, one.card_data.language, one.card_data.tags) == ("mit", "no", ["fine"])
    assert found["eve/gated"].gated == "manual"


def test_siblings_show_which_repository_has_a_readme(api: HfApi) -> None:
    found = {
        row.id: [file.rfilename for file in row.siblings or ()]
        for row in api.list_models(expand=["siblings"])
    }
    assert found["ada/one"] == ["README.md", "config.json", "pytorch_model.bin"]
    assert found["eve/cardless"] == ["config.json", "model.safetensors"]
    assert found["bob/quant"] == ["README.md", "config.json", "quant.gguf"]


def test_with_expand_only_those_fields_are_sent(hub: str) -> None:
    (row,) = get_session().get(f"{hub}/api/models?expand=sha&expand[]=likes&author=ada").json()
    assert sorted(row) == ["id", "likes", "sha"]
    (row,) = get_session().get(f"{hub}/api/models?author=ada").json()
    assert {"downloads", "tags", "createdAt"} <= set(row)
    assert not {"sha", "cardData", "siblings"} & set(row)


def test_full_and_card_data_add_their_fields(api: HfApi) -> None:
    (one,) = api.list_models(author="ada", full=True, cardData=True)
    assert one.sha
    assert one.siblings
    assert one.card_data


@pytest.mark.parametrize(
    "query",
    [
        "sort=stars",
        "expand=everything",
        "limit=0",
        "limit=ten",
        "cursor=abc",
        "cursor=eyJ4IjoxfQ==",
        "num_parameters=min:1B",
    ],
)
def test_what_cannot_be_answered_is_a_bad_request(hub: str, query: str) -> None:
    answer = get_session().get(f"{hub}/api/models?{query}")
    assert answer.status_code == 400
    assert answer.headers["x-error-message"] == answer.json()["error"]


def test_model_info_agrees_with_the_listing(api: HfApi) -> None:
    (listed,) = api.list_models(author="ada", expand=["sha", "cardData", "siblings"])
    info = api.model_info("ada/one")
    assert (info.sha, info.siblings) == (listed.sha, listed.siblings)
    assert info.card_data is not None
    assert listed.card_data is not None
    assert str(info.card_data) == str(listed.card_data)
    assert api.model_info("ada/one", revision=info.sha).sha == info.sha
    assert api.model_info("ada/one", expand=["likes"]).likes == 3
    assert api.model_info("solo").id == "solo"


def test_a_renamed_model_is_found_under_its_old_name(api: HfApi, hub: str, tmp_path: Path) -> None:
    assert api.model_info("ada/zero").id == "ada/one"
    assert api.model_info("ada/zero", expand=["likes"]).likes == 3
    assert Path(download(hub, tmp_path, "ada/zero")).read_text(encoding="utf-8") == CARD


@pytest.mark.parametrize(
    ("model_id", "error"),
    [
        ("ada/none", RepositoryNotFoundError),
        ("eve/deleted", RepositoryNotFoundError),
        ("eve/disabled", DisabledRepoError),
    ],
)
def test_missing_and_disabled_models_raise_what_the_hub_raises(
    api: HfApi, hub: str, tmp_path: Path, model_id: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        api.model_info(model_id)
    with pytest.raises((error, LocalEntryNotFoundError)) as caught:
        download(hub, tmp_path, model_id)
    assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)


def test_missing_files_and_revisions_raise_what_the_hub_raises(api: HfApi, hub: str, tmp_path: Path) -> None:
    with pytest.raises(EntryNotFoundError):
        download(hub, tmp_path, "eve/cardless")
    with pytest.raises(RevisionNotFoundError):
        download(hub, tmp_path, "ada/one", revision="0" * 40)
    with pytest.raises(RevisionNotFoundError):
        api.model_info("ada/one", revision="refs/pr/1")


def test_a_gated_models_readme_is_public_and_its_weights_are_not(
    api: HfApi, hub: str, tmp_path: Path
) -> None:
    assert Path(download(hub, tmp_path, "eve/gated")).read_text(encoding="utf-8") == "# Card"
    with pytest.raises(GatedRepoError) as caught:
        api.file_exists("eve/gated", "model.safetensors")
    assert caught.value.response.status_code == 401
    with pytest.raises(GatedRepoError) as caught:
        api.file_exists("eve/closed", "README.md", token="hf_someone")
    assert caught.value.response.status_code == 403


def test_files_exist_as_listed(api: HfApi, hub: str) -> None:
    assert api.file_exists("ada/one", "README.md")
    assert api.file_exists("ada/one", "pytorch_model.bin")
    assert not api.file_exists("eve/cardless", "README.md")
    assert not api.file_exists("ada/none", "README.md")
    assert stats(hub)["config_requests"] == 0
    assert api.file_exists("ada/one", "config.json")
    assert stats(hub)["config_requests"] == 2, "the redirect and what it leads to"


def test_a_cold_download_takes_three_requests_and_a_warm_one_two(
    api: HfApi, hub: str, tmp_path: Path
) -> None:
    path = download(hub, tmp_path, "ada/one")
    assert Path(path).read_text(encoding="utf-8") == CARD
    assert stats(hub)["by_route"] == {"resolve": 1, "resolve_cache": 2}
    assert download(hub, tmp_path, "ada/one") == path
    assert stats(hub)["by_route"] == {"resolve": 2, "resolve_cache": 3}
    assert download(hub, tmp_path, "ada/one", revision=api.model_info("ada/one").sha) == path
    assert stats(hub)["by_route"] == {"resolve": 2, "resolve_cache": 3, "model": 1}


@pytest.mark.parametrize("model_id", ["solo", "eve/gated"])
def test_ids_without_owner_and_gated_ones_are_not_redirected(
    api: HfApi, hub: str, tmp_path: Path, model_id: str
) -> None:
    download(hub, tmp_path, model_id)
    assert stats(hub)["by_route"] == {"resolve": 2}


def test_bytes_that_are_not_utf_8_arrive_unchanged(hub: str, tmp_path: Path) -> None:
    assert Path(download(hub, tmp_path, "eve/latin")).read_bytes() == "# Größe".encode("latin-1")


def test_a_known_etag_is_answered_304_at_once(hub: str) -> None:
    known = get_session().get(f"{hub}/ada/one/resolve/main/README.md")
    assert known.content == CARD.encode()
    for path in (
        "ada/one/resolve/main",
        f"api/resolve-cache/models/ada/one/{known.headers['x-repo-commit']}",
    ):
        answer = get_session().get(
            f"{hub}/{path}/README.md", headers={"If-None-Match": known.headers["etag"]}
        )
        assert (answer.status_code, answer.content, answer.history) == (304, b"", [])
        other = get_session().get(f"{hub}/{path}/README.md", headers={"If-None-Match": f'"{"0" * 40}"'})
        assert (other.status_code, other.content) == (200, CARD.encode())


def test_a_range_continues_a_download(hub: str) -> None:
    url = f"{hub}/solo/resolve/main/README.md"
    part = get_session().get(url, headers={"Range": "bytes=2-"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"Card", "bytes 2-5/6")
    assert get_session().get(url, headers={"Range": "bytes=6-"}).status_code == 416


def test_raw_gives_the_same_card_from_another_quota(api: HfApi, hub: str) -> None:
    answer = get_session().get(f"{hub}/ada/one/raw/main/README.md")
    assert (answer.content, answer.history) == (CARD.encode(), [])
    assert stats(hub)["by_bucket"] == {"pages": 1}


@pytest.mark.parametrize(
    ("path", "bucket", "quota"),
    [
        ("api/models/ada/one", "api", 10_000),
        ("api/models/ada%2Fone", "pages", 1_000),
        ("solo/resolve/main/README.md", "resolvers", 100_000),
        ("ada%2Fone/resolve/main/README.md", "pages", 1_000),
        ("api/models/ada/one/revision/refs%2Fpr%2F1", "api", 10_000),
        ("ada/one", "pages", 1_000),
        ("nowhere/at/all", "pages", 1_000),
    ],
)
def test_every_answer_reports_what_is_left_of_which_quota(
    api: HfApi, hub: str, path: str, bucket: str, quota: int
) -> None:
    for used in (1, 2):
        info = parse_ratelimit_headers(get_session().get(f"{hub}/{path}", follow_redirects=False).headers)
        assert info is not None
        assert (info.resource_type, info.limit, info.remaining) == (bucket, quota, quota - used)
        assert info.window_seconds == 300
        assert 290 < info.reset_in_seconds <= 300


def test_a_token_must_look_like_one(api: HfApi) -> None:
    assert api.whoami(token="hf_someone")["name"] == "replica"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami(token="secret")
    with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header"):
        list(api.list_models(token="secret"))
    assert ids(api.list_models(token="hf_someone", author="ada")) == ["ada/one"]


def test_each_token_has_a_quota_of_its_own_and_is_not_shown(api: HfApi, hub: str) -> None:
    for token in ("hf_one", "hf_one", "hf_two"):
        get_session().get(f"{hub}/api/whoami-v2", headers=build_hf_headers(token=token))
    windows = stats(hub)["windows"]
    assert sorted(window["used"] for window in windows) == [1, 2]
    assert "hf_" not in orjson.dumps(windows).decode()


def test_a_replica_cannot_be_written_to(api: HfApi) -> None:
    with pytest.raises(HfHubHTTPError, match="405"):
        api.create_repo("ada/new", token="hf_someone")


def test_model_card_load_works_through_the_environment(hub: str, tmp_path: Path) -> None:
    code = "from huggingface_hub import ModelCard; print(ModelCard.load('ada/one').data.license)"
    environment = {
        **os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.returncode) == ("mit\n", 0), done.stderr


@pytest.mark.real_hub
@pytest.mark.skipif(not REAL_HUB.exists(), reason="the Hub of February 2022 is not here")
def test_the_hub_of_2022_can_be_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    corpus = read_corpus(REAL_HUB)
    with running_replica(REAL_HUB) as url:
        api = HfApi(endpoint=url, token=False)
        found: dict[str, ModelInfo] = {
            row.id: row for row in api.list_models(sort="created_at", expand=EXPAND)
        }
        assert stats(url)["by_route"] == {"listing": 30}
    assert sorted(found) == sorted(corpus.models["model_id"])
    has_readme = [
        row for row in found.values() if "README.md" in {file.rfilename for file in row.siblings or ()}
    ]
    assert len(has_readme) == 29_432 - 12_842
    assert sum(row.downloads is None for row in found.values()) == 212
