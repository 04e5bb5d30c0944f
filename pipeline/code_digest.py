"""Digests of the project's own sources, so that TFX runs a step again when its code changed.

TFX keys its cache on inputs and parameters. Functions given by import path are neither.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parent.parent
# What else lies in that folder is not the project's: where it is installed, all dependencies.
_PACKAGES = frozenset({"cli", "components", "corpora", "modules", "pipeline", "schemas", "serving"})

# The module that each step runs. What it imports of the project, directly or not, counts with it.
ENTRY_POINTS: dict[str, str] = {
    "corpora_audit": "components.corpora_audit.component",
    "example_gen": "components.audio_example_gen.executor",
    "manifest_statistics": "components.manifest_statistics.component",
    "data_gate": "components.data_gate.component",
    "transform": "modules.audio.preprocessing",
    "embeddings": "components.embeddings.executor",
    "embeddings_gate": "components.embeddings_gate.component",
    "adaptation_gate": "components.adaptation_gate.component",
    "trainer": "modules.training.trainer",
    "transfer_study": "components.transfer_study.executor",
    "domain_adaptation": "components.domain_adaptation.component",
    "evaluator": "modules.metrics.tfma_uar",
    "evaluator_trust": "modules.metrics.tfma_trust",
    "parity_gate": "components.parity_gate.component",
}


@functools.cache
def code_digest(step: str) -> str:
    """Returns the SHA-256, in hexadecimal, of the sources of a step, a key of `ENTRY_POINTS`.

    Comments, docstrings and layout do not count: they change nothing that was computed.
    """
    digest = hashlib.sha256()
    for file in sources(ENTRY_POINTS[step]):
        digest.update(str(file.relative_to(_ROOT)).encode())
        digest.update(hashlib.sha256(meaning(file.read_text("utf-8")).encode()).digest())
    return digest.hexdigest()


def sources(module: str) -> list[Path]:
    """Returns the files of a module and of all that it imports of the project, sorted.

    Imports inside functions count too. Of a package that imports by computed names, such as that of
    the readers, every module counts.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        for file in _files(name):
            if file not in found:
                found.add(file)
                waiting += _imported(file)
    return sorted(found)


def _files(name: str) -> Iterator[Path]:
    """Yields the file of a module of the project, and those of the packages it lies in."""
    parts = name.split(".")
    if parts[0] not in _PACKAGES:
        return
    for length in range(1, len(parts) + 1):
        place = _ROOT.joinpath(*parts[:length])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file


def _imported(file: Path) -> Iterator[str]:
    """Yields the names that a file imports; of `from a import b` it is `a.b`, module or not."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "import_module":
            package = ".".join(file.parent.relative_to(_ROOT).parts)
            yield from (f"{package}.{each.stem}" for each in sorted(file.parent.glob("*.py")))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def meaning(source: str) -> str:
    """Returns Python code as its syntax tree, without docstrings.

    >>> meaning("x = 1  # one") == meaning("x = (1)")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)
