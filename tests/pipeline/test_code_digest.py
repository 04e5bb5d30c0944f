"""The digest of a step's sources: what it counts, and that it covers what a step imports."""

import ast
from pathlib import Path

import pytest

from pipeline import code_digest
from pipeline.code_digest import meaning

CODE = '''"""Words."""
import math

class A:
    """More words."""

    def area(self, radius: float) -> float:
        """Even more."""
        return math.pi * radius**2
'''


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("Words.", "Other words."),
        CODE.replace('        """Even more."""\n', ""),
        CODE.replace("radius**2", "radius**2  # a square"),
        CODE.replace("math.pi * radius**2", "(\n            math.pi * radius**2\n        )"),
    ],
)
def test_words_and_layout_do_not_count(other):
    assert other != CODE
    assert meaning(other) == meaning(CODE)


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("radius**2", "radius**3"),
        CODE.replace("area", "volume"),
        # A string that is no docstring.
        CODE + '\nNAME = "Words."\n',
    ],
)
def test_code_counts(other):
    assert meaning(other) != meaning(CODE)


@pytest.mark.parametrize("step", code_digest.SOURCES)
def test_every_module_that_a_step_imports_is_in_its_digest(step):
    root = Path(code_digest.__file__).parent.parent
    covered: set[Path] = set()
    for source in code_digest.SOURCES[step]:
        path = root / source
        covered |= set(path.rglob("*.py")) if path.is_dir() else {path}
    imported = {
        file
        for source in covered
        for name in _imported(source)
        for file in (root / f"{name}.py", root / name / "__init__.py")
        if file.exists()
    }
    # What holds no code, and messages, change no result.
    missing = {
        str(file.relative_to(root))
        for file in imported - covered
        if meaning(file.read_text("utf-8")) != meaning("") and file.name != "errors.py"
    }
    assert not missing


def _imported(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            base = node.module.replace(".", "/")
            yield base
            yield from (f"{base}/{alias.name}" for alias in node.names)
