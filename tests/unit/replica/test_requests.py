"""A replica answers every request as the Hub could."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import quote, urlencode, urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tasks.replica.corpus import write_corpus
from tasks.replica.listing import SORTS, read_cursor, write_cursor
from tasks.replica.process import running_replica
from tasks.replica.resolve import FileRequest, file_request

SHA = "0123456789" * 4
NAMES = ["ada/one", "ada/One", "solo", "eve/gated", "eve/closed", "eve/off", "eve/gone", "eve/bare"]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPConnection]:
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    row = {"downloads": 3, "likes": 1, "tags": ["en", "gguf"], "last_modified": "2026-01-01", "sha": SHA}
    extras: dict[str, dict[str, object]] = {
        "eve/gated": {"gated": "auto"},
        "eve/closed": {"gated": "auto", "readme_gated": True},
        "eve/off": {"is_disabled": True},
        "eve/gone": {"is_deleted": True},
        "eve/bare": {"card_text": None},
        "solo": {"renamed_from": ["old/name"]},
    }
    write_corpus(
        corpus,
        [{"model_id": name, "card_text": f"# {name}", **row, **extras.get(name, {})} for name in NAMES],
    )
    with running_replica(corpus, plan="free", quota_scale=1000) as url:
        parts = urlsplit(url)
        open_connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        yield open_connection
        open_connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    connection.request(method, target, headers=headers or {})
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]  # kept beside it, the answer can be read once
    return answer


def body(answer: http.client.HTTPResponse) -> bytes:
    content: bytes = answer.body  # type: ignore[attr-defined]  # see ask
    return content


segments = st.one_of(
    st.sampled_from(
        ["api", "models", "resolve", "raw", "resolve-cache", "revision", "main", "-", "datasets"]
    ),
    st.sampled_from(
        ["ada", "one", "solo", "eve", "gated", "closed", "off", "gone", "bare", "old", "name", ".", ".."]
    ),
    st.sampled_from(["README.md", "config.json", SHA, ""]),
    st.text(max_size=8),
)
paths = st.one_of(
    st.lists(segments, max_size=8),
    st.builds(
        lambda model_id, route, revision, file: [*model_id.split("/"), route, revision, file],
        st.sampled_from([*NAMES, "old/name", "no/body"]),
        st.sampled_from(["resolve", "raw"]),
        st.sampled_from(["main", SHA, "refs/pr/1"]) | st.text(max_size=5),
        st.sampled_from(["README.md", "config.json", "model.safetensors", "nothing"]),
    ),
    st.builds(
        lambda model_id: ["api", "models", *model_id.split("/")], st.sampled_from([*NAMES, "old/name"])
    ),
)
header_values = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from(["Bearer hf_x", "Bearer x", "Basic eDp5", "", "hf_x"]),
        "If-None-Match": st.sampled_from(['"x"', "*", f'W/"{SHA}"', ""]),
        "Range": st.sampled_from(
            ["bytes=0-", "bytes=2-1", "bytes=99-", "bytes=-5", "bytes=a-b", "lines=1-2"]
        ),
        "Host": st.sampled_from(["hub.example", "a>b", "x\ty"]),
    },
)
tame = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@tame
@given(st.sampled_from(["GET", "HEAD", "POST", "DELETE"]), paths, st.booleans(), header_values)
def test_no_path_breaks_it(
    connection: http.client.HTTPConnection,
    method: str,
    path: list[str],
    is_whole: bool,
    headers: dict[str, str],
) -> None:
    target = "/" + "/".join(quote(segment, safe="" if is_whole else "/") for segment in path)
    answer = ask(connection, method, target, headers)
    assert answer.status in (200, 204, 206, 304, 307, 400, 401, 403, 404, 405, 416)
    if answer.status in (400, 401, 403, 404, 405, 416) and method != "HEAD":
        assert len(orjson.loads(body(answer))["error"]) == len(answer.headers["x-error-message"])
    if answer.status in (200, 206, 304) and "README.md" in target:
        assert answer.headers["x-repo-commit"] == SHA
        assert answer.headers["etag"]


names = st.sampled_from(
    ["sort", "direction", "limit", "expand", "expand[]", "filter", "author", "search", "cursor", "x"]
)
values = st.one_of(
    st.sampled_from([*SORTS, "1", "-1", "2", "cardData", "siblings", "en", "en,gguf", "ada", "", "true"]),
    st.sampled_from(NAMES).map(write_cursor),
    st.text(max_size=10),
)


@tame
@given(st.lists(st.tuples(names | st.text(max_size=5), values), max_size=6))
def test_no_query_breaks_the_listing(
    connection: http.client.HTTPConnection, query: list[tuple[str, str]]
) -> None:
    answer = ask(connection, "GET", "/api/models?" + urlencode(query))
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert {row["id"] for row in orjson.loads(body(answer))} <= set(NAMES)


@tame
@given(
    st.sampled_from(list(SORTS)),
    st.sampled_from(["1", "-1"]),
    st.integers(1, 9),
    st.sampled_from([[], ["filter=en"], ["author=eve"], ["search=O"], ["gated=true"]]),
)
def test_a_walk_meets_every_model_once_in_the_order_of_one_page(
    connection: http.client.HTTPConnection, sort: str, direction: str, limit: int, extra: list[str]
) -> None:
    query = "&".join([f"sort={sort}", f"direction={direction}", *extra])
    whole = [row["id"] for row in orjson.loads(body(ask(connection, "GET", f"/api/models?{query}")))]
    met: list[str] = []
    target = f"/api/models?{query}&limit={limit}"
    while target:
        answer = ask(connection, "GET", target)
        met += [row["id"] for row in orjson.loads(body(answer))]
        link = answer.headers.get("link", "")
        target = link.partition("/api")[2].partition(">")[0]
        target = f"/api{target}" if target else ""
    assert met == whole == sorted(whole), "everything ties, so names decide"
    assert len(set(met)) == len(met)


def test_a_cursor_resumes_where_it_stopped_even_after_a_restart(
    connection: http.client.HTTPConnection,
) -> None:
    first = orjson.loads(body(ask(connection, "GET", "/api/models?sort=likes&limit=3")))
    cursor = quote(write_cursor(first[-1]["id"]))
    rest = orjson.loads(body(ask(connection, "GET", f"/api/models?sort=likes&cursor={cursor}")))
    assert sorted(row["id"] for row in first + rest) == sorted(NAMES)


def test_text_from_the_path_cannot_add_a_header(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "GET", "/ada/one/resolve/a%0D%0AX-Evil:1%C3%A9/README.md")
    assert answer.status == 404
    assert answer.headers["x-error-message"] == "Invalid rev id: a??X-Evil:1?"
    assert answer.headers["x-evil"] is None


@given(st.text(max_size=40))
def test_a_cursor_is_read_back(model_id: str) -> None:
    assume("\0" not in model_id)
    assert read_cursor(write_cursor(model_id)) == model_id


def test_a_query_with_very_many_parts_is_refused(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/api/models?" + "&".join(["filter=en"] * 500)).status == 400


@pytest.mark.parametrize(
    "line", [b"GET /\xff HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n"]
)
def test_bytes_that_are_not_a_request_are_a_bad_request(
    connection: http.client.HTTPConnection, line: bytes
) -> None:
    raw = http.client.HTTPConnection(connection.host, connection.port, timeout=20)
    raw.connect()
    raw.sock.sendall(line)
    assert raw.sock.recv(20).startswith(b"HTTP/1.1 400")
    raw.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b/resolve/main/README.md", FileRequest("a/b", "main", "README.md", "resolve")),
        ("a/resolve/main/x/y.json", FileRequest("a", "main", "x/y.json", "resolve")),
        ("a/b/raw/main/README.md", FileRequest("a/b", "main", "README.md", "raw")),
        (
            f"api/resolve-cache/models/a/b/{SHA}/README.md",
            FileRequest("a/b", SHA, "README.md", "resolve_cache"),
        ),
        (f"api/resolve-cache/models/a/{SHA}/README.md", None),
        ("api/resolve-cache/models/a/b/main/README.md", None),
        ("datasets/a/b/resolve/main/README.md", None),
        ("a/b/resolve/main", None),
        ("api/models/a", None),
        ("", None),
    ],
)
def test_a_path_requests_a_file(path: str, expected: FileRequest | None) -> None:
    assert file_request(tuple(path.split("/"))) == expected
