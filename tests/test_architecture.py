"""Rules of the house that no other test would notice being broken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each package may import itself and what stands to its right.
BELOW = {
    "cli": {"kubeflow", "pipeline", "components", "modules", "corpora", "serving"},
    "kubeflow": {"pipeline", "components", "modules", "corpora"},
    "pipeline": {"components", "modules", "corpora"},
    "components": {"modules", "corpora"},
    "serving": {"modules"},
    "corpora": set(),
    "modules": set(),
}
# Free of any heavy dependency, so that both bottom layers may share them.
SHARED = {"modules.features", "modules.errors", "modules.media"}
# Of the study, what trains networks.
NETWORK_STUDY = ("cells", "clips", "design", "store", "bench", "estimate")
SOURCES = [file for package in BELOW for file in sorted((ROOT / package).rglob("*.py"))]


def _imports(file: Path):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_downwards(file):
    package = file.relative_to(ROOT).parts[0]
    for name in _imports(file):
        top = name.split(".")[0]
        if top in BELOW and top != package and not any(name.startswith(s) for s in SHARED):
            assert top in BELOW[package], f"{file} imports {name}"


def test_the_scan_sees_the_sources():
    assert len(SOURCES) > 30
    assert "keras" in set(_imports(ROOT / "modules" / "network.py"))


@pytest.mark.parametrize(
    "name",
    ["network", "transfer", "training", *(f"study/{name}" for name in NETWORK_STUDY)],
)
def test_network_and_transfer_run_on_any_backend(name):
    allowed = {"keras", "numpy", "sklearn", *sys.stdlib_module_names}
    for imported in _imports(ROOT / "modules" / f"{name}.py"):
        assert imported.split(".")[0] in allowed | {"modules"}, imported


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
