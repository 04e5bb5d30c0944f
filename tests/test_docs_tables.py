"""The documentation's tables against what they are tables of."""

import re
from pathlib import Path

import docs_tables
import pytest
import yaml

from modules.networks.approaches import APPROACHES
from modules.networks.registry import ARCHITECTURES

ROOT = Path(__file__).parent.parent


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
    [(docs_tables.approaches, APPROACHES), (docs_tables.architectures, ARCHITECTURES)],
)
def test_a_registry_has_a_row_for_each_entry(table, registry):
    named = [row[0].strip(" `") for row in cells(table())]
    assert named[: len(registry)] == list(registry)


def test_settings_are_those_that_the_program_takes():
    rows = {row[0].strip(" `"): row[1:] for row in cells(docs_tables.release_settings())}
    preset = ROOT / "pipeline" / "config" / "presets" / "release.yaml"
    assert set(keys(yaml.safe_load(preset.read_text(encoding="utf-8")))) <= set(rows)
    default, allowed, _ = (cell.strip() for cell in rows["protocol"])
    assert (default, allowed) == ("`speaker_independent`", "`speaker_independent`, `random`")
    assert rows["pretrain.epochs"][0].strip() != rows["fine_tune.epochs"][0].strip()
    assert [cell.strip() for cell in rows["gate.min_uar"]][:2] == ["`0.0`", "number, ≥ 0, ≤ 1"]
    assert all(f"`{name}`" in rows["approach"][1] for name in APPROACHES)


def test_pages_ask_for_tables_that_there_are():
    asked = [
        name
        for page in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"<!-- table: (\w+) -->", page.read_text(encoding="utf-8"))
    ]
    assert set(asked) == set(docs_tables.TABLES)
