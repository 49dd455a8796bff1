"""Tables in files: what is a number there, and what is wrong with a file, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from column_models import COLUMNS
from edgefeat.errors import SourceError
from edgefeat.rows.files import TableFile
from edgefeat.rows.reader import RowReader

HEADER = "age,rooms,city,note"


def table(path: Path, **options: Any) -> TableFile:
    return TableFile(path, RowReader(COLUMNS).columns, **options)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ("41,3,Rome,good", [41, 3, "Rome", "good"]),
        (" 4.5 ,-3,Rome,", [4.5, -3, "Rome", ""]),
        (",,,", [None, None, "", ""]),
        ("1e3,+7,3,nan", [1000.0, 7, "3", "nan"]),
        ("9007199254740993,1,,", [9007199254740993, 1, "", ""]),
        ("nan,inf,x,y", ["nan", "inf", "x", "y"]),
        ("1_000,0x10,x,y", ["1_000", "0x10", "x", "y"]),
        ('٣,"4,5",x,y', ["٣", "4,5", "x", "y"]),
        ('1,2,"a ""b""\nc",\0', [1, 2, 'a "b"\nc', "\0"]),
    ],
)
def test_numbers_are_read_from_text_where_the_column_has_them(
    tmp_path: Path, cells: str, values: list[Any]
) -> None:
    (row,) = table(written(tmp_path, f"{HEADER}\n{cells}\n"))
    assert row.fault is None
    assert list(row.values.values()) == values
    assert [type(one) for one in row.values.values()] == [type(one) for one in values]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_marks_of_other_programs(tmp_path: Path, separator: str) -> None:
    text = "\ufeffid,age,rooms,city,note\r\na,1,2,Rome,x\r\n\r\nb,3,4,Paris,y\r\n"
    found = table(written(tmp_path, text.replace(",", separator)), key="id")
    assert [(row.number, row.key, row.values["age"]) for row in found] == [(0, "a", 1), (1, "b", 3)]
    assert found.ignored == []
    assert len(found.notes) == (separator != ",")


def test_a_ragged_row_is_a_row_that_fails(tmp_path: Path) -> None:
    rows = list(table(written(tmp_path, f"{HEADER}\n1,2,Rome\n1,2,Rome,x\n1,2,Rome,x,y\n")))
    assert [row.fault is None for row in rows] == [False, True, False]
    assert str(rows[2].fault) == "expected 4 cells, as in the header, got 5 (line 4)."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a header with the names of columns, got an empty file or line."),
        (b"\n1,2\n", "expected a header with the names of columns, got an empty file or line."),
        (
            b"Age,rooms,city,note\n",
            "column 'age': expected it, and it is not there; there is 'Age', 'rooms', 'city', "
            "'note'. ",
        ),
        (b"age,age,rooms,city,note\n", "expected different columns, got 'age' more than once."),
        (b"age,rooms,city,n\xf6te\n", "expected UTF-8, got byte 0xf6. Save the table as CSV in"),
        (b"PK\x03\x04\xff\xfe", "expected UTF-8, got byte 0xff."),
    ],
    ids=repr,
)
def test_what_is_no_table_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        table(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_key_and_a_fault_further_on(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv: cannot be read: No such file"):
        table(tmp_path / "none.csv")
    path = written(tmp_path, f"{HEADER}\n".encode() + b"1,2,Rome,x\n" * 5000 + b"1,2,R\xffme,x\n")
    with pytest.raises(SourceError, match="no column 'file'; there is 'age', 'rooms'"):
        table(path, key="file")
    with pytest.raises(SourceError, match="expected UTF-8, got byte 0xff"):
        list(table(path))
