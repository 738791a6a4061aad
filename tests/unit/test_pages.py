"""Pages and files that are replaced in one step."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import NotWritten
from tasks.pages import replacing, write_page


@pytest.fixture(autouse=True)
def private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_page_and_another_file_are_as_the_umask_has_them(tmp_path: Path) -> None:
    write_page("seen", tmp_path / "page.html")
    with replacing(tmp_path / "export.parquet") as draft:
        draft.write_bytes(b"rows")
    assert mode(tmp_path / "page.html") == 0o600
    assert mode(tmp_path / "export.parquet") == 0o600


def test_a_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    write_page("old", page)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(NotWritten, match=r"page\.html: cannot be written \(No space left on device\)"):
        write_page("new", page)
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_a_reader_has_the_old_page_until_the_new_one_is_whole(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_page("old", page)
    with replacing(page) as draft:
        draft.write_text("half")
        assert page.read_text() == "old"
    assert page.read_text() == "half"
