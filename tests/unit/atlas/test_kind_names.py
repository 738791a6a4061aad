"""Names that people give to kinds: whatever a file holds, names that can be used or one line that says why not."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.atlas.kind_names import (
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    GivenName,
    NamedKind,
    check_names,
    names_part,
    new_names,
    read_names,
)
from tasks.errors import UsageError

WEEK = date(2026, 1, 5)


def kind(number: int, name: str | None, named_by: str = "terms", hour: int = 6) -> NamedKind:
    at = datetime(2026, 1, 5, hour)
    return NamedKind(
        WEEK, number, name, named_by, at, "", "lab", 3, 0.5, 2.0, 0.1, 0.9, False, ["a"], "ada/a", 0.0, 0.0
    )


KINDS = [kind(1, "Quants"), kind(2, "Labs", "person"), kind(3, None)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "names.csv"


def test_a_file_gives_names_with_their_rows(file: Path) -> None:
    file.write_text('kind,name,description\n1," Quants, small ",GGUF\n\n2,Zwölf,\n', encoding="utf-8")
    assert read_names(file) == [
        GivenName("line 2", 1, "Quants, small", "GGUF"),
        GivenName("line 4", 2, "Zwölf", ""),
    ]


def test_a_description_may_be_left_out_and_columns_come_in_any_order(file: Path) -> None:
    file.write_text("name,kind\nQuants,1\n", encoding="utf-8-sig")
    assert read_names(file) == [GivenName("line 2", 1, "Quants", "")]


def test_a_name_of_sixty_characters_is_not_too_long(file: Path) -> None:
    file.write_text(
        f"kind,name,description\n1,{'n' * NAME_CHARACTERS_MAX},{'d' * DESCRIPTION_CHARACTERS_MAX}\n"
    )
    (name,) = read_names(file)
    assert len(name.name) == 60


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "it is empty"),
        ("kind,name,colour\n1,Quants,red\n", "unknown column 'colour'"),
        ("kind,name,name\n1,Quants,Labs\n", "a column occurs twice"),
        ("kind,name\n1,Quants\none,Labs\n", "line 3: 'one' is not a kind"),
        ("kind,name\n-1,Quants\n", "line 2: '-1' is not a kind"),
        ("kind,name\n²,Quants\n", "line 2: '²' is not a kind"),
        ("kind,name\n1,Quants\n2,  \n", "line 3: the name of kind 2 is empty"),
        (f"kind,name\n1,{'n' * 61}\n", "line 2: the name of kind 1 has 61 characters; shorten it to 60"),
        (f"kind,name,description\n1,Quants,{'d' * 501}\n", "the description of kind 1 has 501 characters"),
        ("kind,name\n1,Qu\x1b[2Jants\n", "line 2: the name of kind 1 has characters that do not print"),
        ("kind,name\n1,Qu\u202eants\n", "line 2: the name of kind 1 has characters that do not print"),
        ('kind,name\n1,"Qu\nants"\n', "the name of kind 1 has characters that do not print"),
        ("kind,name,description\n1,Quants,a\x00b\n", ""),
        ("kind,name\n1,Quants, small\n", "line 2 has more cells than the first line has names"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_its_row(file: Path, body: str, message: str) -> None:
    file.write_text(body, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_names(file)
    line = str(refused.value)
    assert message in line
    assert line.startswith(str(file))
    assert line.isprintable()


def test_a_file_that_is_missing_or_not_text_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_names(file)
    file.write_bytes(b"kind,name\n1,\xff\xfe\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_names(file)
    with file.open("wb") as out:
        out.truncate(5_000_001)
    with pytest.raises(UsageError, match="larger than 5 MB"):
        read_names(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(), st.lists(st.text()).map(lambda cells: "kind,name,description\n" + ",".join(cells)))
)
def test_any_text_is_names_or_one_line_that_explains_why_not(file: Path, text: str) -> None:
    file.write_bytes(text.encode(errors="surrogatepass"))
    try:
        names = read_names(file)
    except UsageError as error:
        assert str(error).isprintable()
    else:
        for name in names:
            assert 0 < len(name.name) <= NAME_CHARACTERS_MAX
            assert (name.name + name.description).isprintable()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([GivenName("line 2", 9, "Nine", "")], "line 2: no kind 9 on the map"),
        (
            [GivenName("line 2", 1, "A", ""), GivenName("line 3", 1, "B", "")],
            "line 3: kind 1 has a name in line 2 too",
        ),
        (
            [GivenName("line 2", 1, "Same", ""), GivenName("line 3", 2, "sAME", "")],
            "line 3: kind 1 is called 'sAME' too",
        ),
        ([GivenName("line 2", 1, "labs", "")], "line 2: kind 2 is called 'labs' too"),
    ],
)
def test_names_must_fit_the_map_and_differ_between_kinds(
    file: Path, names: list[GivenName], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        check_names(file, names, KINDS)


def test_two_kinds_may_exchange_their_names(file: Path) -> None:
    check_names(
        file,
        [
            GivenName("line 2", 1, "Labs", ""),
            GivenName("line 3", 2, "Quants", ""),
            GivenName("line 4", 3, "New", ""),
        ],
        KINDS,
    )


def test_only_names_that_a_person_has_not_given_are_new() -> None:
    again, described = GivenName("line 2", 2, "Labs", ""), GivenName("line 2", 2, "Labs", "from labs")
    assert new_names([again], KINDS) == []
    assert new_names([described], KINDS) == [described]
    by_terms = GivenName("line 2", 1, "Quants", "")
    assert new_names([by_terms], KINDS) == [by_terms]  # names by terms may change from week to week


def test_the_part_is_named_for_what_is_given_and_what_it_replaces() -> None:
    a, b = GivenName("line 2", 1, "A", ""), GivenName("line 3", 2, "B", "")
    part = names_part(WEEK, [a, b], KINDS)
    assert part.startswith("kind_names/2026-01-05-person-")
    assert names_part(WEEK, [GivenName("line 9", 2, "B", ""), GivenName("line 8", 1, "A", "")], KINDS) == part
    assert names_part(WEEK, [a, b], [kind(1, "Quants", hour=9), *KINDS[1:]]) != part
    assert names_part(WEEK, [a], KINDS) != part


@pytest.mark.parametrize("text", ["kind;name\n1;Quants\n", "Kind\tName\n1\tQuants\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_names_are_read_as_a_spreadsheet_saves_them(file: Path, text: str, encoding: str) -> None:
    file.write_bytes(text.encode(encoding))
    assert read_names(file) == [GivenName("line 2", 1, "Quants", "")]
