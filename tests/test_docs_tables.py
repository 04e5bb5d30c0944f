"""The documentation's tables against what they are tables of."""

import re
from pathlib import Path

import docs_tables
import pytest
import yaml

from corpora.readers import READERS, corpora
from modules.networks.approaches import APPROACHES
from modules.networks.registry import FRONT_ENDS

ROOT = Path(__file__).parent.parent
CORPORA = [corpus.name for corpus in corpora()]


def cells(table):
    return [line.strip("|").split(" | ") for line in table.splitlines()[2:]]


def keys(values, prefix=""):
    """Yields the dotted keys of a nested dict's leaves."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(
    ("table", "registry"),
    [
        (docs_tables.approaches, APPROACHES),
        (docs_tables.front_ends, FRONT_ENDS),
        (docs_tables.corpora, CORPORA),
    ],
)
def test_a_registry_has_a_row_for_each_entry(table, registry):
    named = [row[0].strip(" `") for row in cells(table())]
    assert named[: len(registry)] == list(registry)


def test_every_corpus_has_a_row_with_its_options():
    rows = {row[0].strip(" `"): " ".join(row[1:]) for row in cells(docs_tables.corpora())}
    assert list(rows) == [name for name, reader in READERS.items() if not reader.CORPUS.is_format]
    for corpus in corpora():
        assert corpus.display in rows[corpus.name]
        assert corpus.kind in rows[corpus.name]
        for name, option in corpus.options.items():
            assert f"`{corpus.name}.{name}` = `{option.allowed[0]}`" in rows[corpus.name]


def test_settings_are_those_that_the_program_takes():
    rows = {row[0].strip(" `"): row[1:] for row in cells(docs_tables.release_settings())}
    preset = ROOT / "pipeline" / "config" / "presets" / "release.yaml"
    assert set(keys(yaml.safe_load(preset.read_text(encoding="utf-8")))) <= set(rows)
    default, allowed, _ = (cell.strip() for cell in rows["protocol"])
    assert default == "`speaker_independent`"
    assert allowed == "`speaker_independent`, `random`, `partition`"
    # Defaults are those of the place, not of the class.
    studies = {row[0].strip(" `"): row[1:] for row in cells(docs_tables.study_settings())}
    assert [of["validation.audit"][0].strip() for of in (rows, studies)] == ["`stop`", "`report`"]
    assert {"pretrain.epochs", "fine_tune.epochs"} <= set(rows)
    assert [cell.strip() for cell in rows["gate.min_uar"]][:2] == ["`0.0`", "number, ≥ 0, ≤ 1"]
    assert all(f"`{name}`" in rows["approach"][1] for name in APPROACHES)


def test_pages_ask_for_tables_that_there_are():
    asked = [
        name
        for page in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"<!-- table: (\w+) -->", page.read_text(encoding="utf-8"))
    ]
    assert set(asked) == set(docs_tables.TABLES)
