"""The digest of a step's sources: what it counts, and that it covers what a step imports."""

import subprocess
import sys
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


PACKAGES = ("cli", "components", "corpora", "modules", "pipeline", "schemas", "serving")


@pytest.mark.component
def test_what_python_imports_for_a_step_is_in_its_digest():
    root = Path(code_digest.__file__).parent.parent
    entries = sorted(set(code_digest.ENTRY_POINTS.values()))
    program = (
        "import importlib, sys\n"
        f"for name in {entries!r}:\n"
        "    before = set(sys.modules)\n"
        "    for known in [m for m in sys.modules if m.split('.')[0] in"
        f" {PACKAGES!r}]:\n"
        "        del sys.modules[known]\n"
        "    importlib.import_module(name)\n"
        "    own = [m for m in sys.modules if m.split('.')[0] in"
        f" {PACKAGES!r}]\n"
        "    print(name, *(sys.modules[m].__file__ for m in own))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    loaded = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert set(loaded) >= set(entries)
    for name in entries:
        assert len(loaded[name]) > 2, name
        covered = {str(path) for path in code_digest.sources(name)}
        assert not set(loaded[name]) - covered, name


def test_an_import_inside_a_function_counts():
    # read_clips imports TensorFlow and what it needs only when it is called.
    names = {path.name for path in code_digest.sources("modules.training.trainer")}
    assert {"trainer.py", "model.py", "uar.py", "errors.py"} <= names
