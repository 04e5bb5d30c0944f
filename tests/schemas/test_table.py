import csv

import pytest

from schemas import table
from schemas.columns import Columns
from schemas.errors import UserError

COLUMNS = Columns(
    {"path": ("file",), "emotion": ("label",), "start_s": ("start",), "gender": ("sex",)},
    {"start_ms": "times are in seconds"},
)


@pytest.fixture
def rows(tmp_path):
    def rows(content, *, columns=COLUMNS):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(table.rows(path, required=("path", "emotion"), columns=columns))

    return rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('path,emotion\na,x\nb,"y\nc,z\n', "line 3: a quotation mark that opens here is never"),
        # Closed by the next stray one: strict CSV, and yet four rows would be one.
        ('path,emotion\na,"x\nb,y\nc,z\nd,w"\n', "line 2: .* swallows the rows up to line 5"),
        ('path,emotion\na,"x"y\nb,z\n', "line 2: text follows a closing quotation mark"),
        (f"path,emotion\na,{'x' * 200_000}\n", "line 2: has a value of more than 131,072"),
        ("path,emotion\na,x\nb,x,y\n", "line 3: has more values than the 2 columns"),
        ("path,emotion,emotion\na,x,y\n", "line 1: the column emotion is there twice"),
        ("path,emotion,Emotion\na,x,y\n", "line 1: the column Emotion is there twice"),
        ("path,emotion,gendr\na,x,f\n", "line 1: the column gendr .* rename it to gender"),
        ("path,emotion,start_ms\na,x,5\n", "line 1: .* start_ms .* times are in seconds"),
        ("sep=;\npath;emotion\na;x\nb;x;y\n", "line 4: has more values"),
        ("path,emotion\na,x\nJürgen,x\n".encode("latin-1"), "line 3: is not .* UTF-8.*iconv"),
        ('"path,emotion\na,x\n', "line 1: a quotation mark"),
    ],
)
def test_what_is_not_strict_is_told_with_its_line(rows, text, message):
    with pytest.raises(UserError, match=message):
        rows(text)


@pytest.mark.parametrize(
    "content",
    [
        "path,emotion,gender\nä.wav,x,\n",
        "Path;Emotion;Gender\nä.wav;x;\n",
        "FILE\tlabel\tsex\nä.wav\tx\t\n",
        "sep=;\npath;emotion;gender\nä.wav;x;\n",
        "\ufeffpath,emotion,gender\r\nä.wav,x,\r\n,,\r\n",
        "path,emotion,gender\rä.wav,x,\r",
        "path;emotion;gender\nä.wav;x;\n".encode("utf-16"),
    ],
)
def test_every_usual_form_of_a_table_is_read(rows, content):
    (row,) = rows(content)
    assert [row.get(name) for name in ("path", "emotion", "gender")] == ["ä.wav", "x", ""]


def test_two_names_of_one_column(rows):
    columns = Columns({"path": ("file", "wav"), "emotion": ()})
    with pytest.raises(UserError, match="file and wav could both be path"):
        rows("file,wav,emotion\na,b,x\n", columns=columns)
    # The column's own name counts before those that are near it.
    (row,) = rows("file,path,emotion\na,b,x\n", columns=columns)
    assert row.get("path") == "b"


def test_what_became_of_the_columns_is_told(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("file,emotion,age,notes\na,x,5,\n")
    read = table.read(path, required=("path",), columns=COLUMNS)
    assert read.notes() == [
        f"{path}: column file is taken for path",
        f"{path}: columns not used: age, notes",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.25", 1.25),
        ("00:01:02.250", 62.25),
        ("01:02,5", 62.5),
        ("0 days 00:00:01.500000", 1.5),
        ("1 days 01:00:00", 90_000),
        ("NaT", None),
        ("", None),
    ],
)
def test_times(rows, text, seconds):
    (row,) = rows(f'path,emotion,start\na,x,"{text}"\n')
    assert row.seconds("start_s") == seconds


@pytest.mark.parametrize("text", ["1:2:3:4", "00:99:00", "1 m", "-1", "inf", "1,5"])
def test_what_is_no_time(rows, text):
    (row,) = rows(f'path,emotion,start\na,x,"{text}"\n')
    with pytest.raises(UserError, match="line 2: `start_s` must be"):
        row.seconds("start_s")


def test_a_decimal_comma_counts_where_semicolons_separate(rows):
    (row,) = rows("path;emotion;start\na;x;1,5\n")
    assert row.seconds("start_s") == 1.5


def test_every_value_comes_back_as_it_was_written(tmp_path):
    values = ["a\rb", "c\nd", 'e"f', " g ", "h,i", "звонки", "", "1.5"]
    path = tmp_path / "t.csv"
    table.write_rows([{"path": value, "n": 1} for value in values], ("path", "n"), path)
    assert [row.values["path"] for row in table.rows(path, required=("path",))] == values
    with open(path, newline="") as file:  # and for Python's own reader
        assert [row["path"] for row in csv.DictReader(file)] == values
