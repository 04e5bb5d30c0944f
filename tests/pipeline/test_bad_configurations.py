"""What is no configuration is told in one line; what is one is read."""

import pytest

from pipeline import config as configs
from pipeline.checks import check_output
from pipeline.config import parse_override
from schemas.errors import UserError

# Each level holds the one before nine times: nine to the ninth values.
BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"RIFF\xed\xff\x00WAVE", "no text in UTF-8"),
        (b"a: [", "not valid YAML"),
        (b"day: 2020-13-45", "month"),
        (b"a: &a [*a]", "part of itself"),
        (b"[" * 5000, "nested too deeply"),
        (BOMB.encode(), "aliases followed"),
        (b"#" * (2**20 + 1), "larger than a configuration"),
        (b"name: " + b"[" + b"x, " * 900 + b"x]", "name"),
    ],
    ids=["wav", "open", "no date", "in itself", "deep", "bomb", "large", "long value"],
)
def test_what_is_no_configuration_is_told_in_few_words(tmp_path, content, words):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=words) as told:
        configs.load(file)
    assert str(file) in str(told.value)
    assert len(str(told.value)) < 2000


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        configs.load(tmp_path)


@pytest.mark.parametrize("value", ["[", "2020-13-45", "[" * 5000, "&a [*a]"])
def test_a_broken_override_is_told(value):
    with pytest.raises(UserError, match="not valid YAML"):
        parse_override(f"a={value}")


def test_an_alias_within_bounds_is_read():
    assert parse_override("a=[&x [1, 2], *x]") == ("a", [[1, 2], [1, 2]])


@pytest.mark.parametrize("name", ["a*", "what?", "run[1]", "a\\b"])
def test_an_output_that_is_a_pattern_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="patterns"):
        check_output(tmp_path / name / "out")
    check_output(tmp_path / "a b, {c} (d)")
