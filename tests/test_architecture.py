"""Rules of the house that no other test would notice being broken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From the top floor down: each package may import itself and what stands further down.
FLOORS = ("cli", "pipeline", "components", "corpora", "modules", "schemas")
BELOW = {package: set(FLOORS[position + 1 :]) for position, package in enumerate(FLOORS)}
# Beside the floors: asked by the command line and by the gate before the push, and asks models by
# name only.
BELOW["cli"].add("serving")
BELOW["components"].add("serving")
BELOW["serving"] = {"modules", "schemas"}
# Of the science, what builds and trains networks, and so runs on any Keras backend.
ANY_BACKEND = [
    path.relative_to(ROOT)
    for package in ("networks", "training", "adaptation", "study")
    for path in sorted((ROOT / "modules" / package).glob("*.py"))
]
SOURCES = [file for package in BELOW for file in sorted((ROOT / package).rglob("*.py"))]


def _imports(file: Path, *, nested: bool = True):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if nested else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_downwards(file):
    package = file.relative_to(ROOT).parts[0]
    for name in _imports(file):
        top = name.split(".")[0]
        if top in BELOW and top != package:
            assert top in BELOW[package], f"{file} imports {name}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_executor_is_imported_by_its_own_component_only(file):
    package = ".".join(file.relative_to(ROOT).parts[:-1])
    for name in _imports(file):
        if name.startswith("components.") and "executor" in name.split("."):
            assert name.startswith(f"{package}.executor"), f"{file} imports {name}"


def test_the_scan_sees_the_sources():
    assert len(SOURCES) > 100
    assert "keras" in set(_imports(ROOT / "modules" / "networks" / "layers.py"))


@pytest.mark.parametrize("file", sorted((ROOT / "schemas").rglob("*.py")), ids=lambda f: f.name)
def test_the_bottom_floor_needs_the_standard_library_only(file):
    allowed = {"schemas", *sys.stdlib_module_names}
    if file.name in ("places.py", "storage_plugin.py"):
        # The first imports the second, inside functions, and only where a path is remote.
        allowed |= {"tensorflow", "tensorflow_io"}
    for imported in _imports(file):
        assert imported.split(".")[0] in allowed, imported


def test_local_places_need_the_standard_library_only():
    code = (
        "import sys; from schemas import copies, files, places, table;"
        "places.place('a').exists(); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("file", ANY_BACKEND, ids=str)
def test_networks_and_trainings_run_on_any_backend(file):
    allowed = {"keras", "numpy", "sklearn", "schemas", "modules", *sys.stdlib_module_names}
    # What is imported inside functions belongs to one backend, which they ask for first.
    for imported in _imports(ROOT / file, nested=False):
        assert imported.split(".")[0] in allowed, imported


def test_nobody_writes_tf_keras():
    # Keras 2 or Keras 3, depending on what was imported first.
    for file in [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("tf", "keras"), file


def test_command_line_imports_nothing_heavy():
    heavy = ("tensorflow", "tfx", "apache_beam", "keras", "numpy", "pandas", "pydantic", "rich")
    code = (
        "import sys; from cli.main import build_parser; build_parser().format_help();"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
