"""Digests of the project's own sources, so that TFX runs a step again when its code changed.

TFX keys its cache on inputs and parameters. Functions given by import path are neither.
"""

import ast
import hashlib
from pathlib import Path

_ROOT = Path(__file__).parent.parent

# What reads a manifest and decodes its recordings.
_RECORDINGS = (
    "corpora/folds.py",
    "corpora/manifest.py",
    "corpora/probe.py",
    "corpora/utterance.py",
    "modules/audio.py",
    "modules/decoding.py",
    "modules/features.py",
    "modules/media.py",
)

# The sources each step depends on: files, or folders for every module in them.
SOURCES: dict[str, tuple[str, ...]] = {
    "corpora_audit": (
        "components/corpora_audit",
        "corpora/audit",
        "corpora/fingerprint.py",
        *_RECORDINGS,
    ),
    "example_gen": ("components/audio_example_gen", *_RECORDINGS),
    "manifest_statistics": (
        "components/audio_example_gen",
        "components/manifest_statistics",
        *_RECORDINGS,
    ),
    "data_gate": (
        "components/audio_example_gen",
        "components/data_gate",
        "components/manifest_statistics",
        *_RECORDINGS,
    ),
    "transform": (
        "modules/audio.py",
        "modules/features.py",
        "modules/media.py",
        "modules/preprocessing.py",
    ),
    "trainer": (
        "modules/adadelta.py",
        "modules/audio.py",
        "modules/examples.py",
        "modules/export.py",
        "modules/features.py",
        "modules/media.py",
        "modules/network.py",
        "modules/preprocessing.py",
        "modules/trainer.py",
        "modules/training.py",
        "modules/transfer.py",
        "modules/uar.py",
    ),
    "transfer_study": (
        "components/transfer_study",
        *_RECORDINGS,
        "modules/adadelta.py",
        "modules/baselines",
        "modules/examples.py",
        "modules/network.py",
        "modules/preprocessing.py",
        "modules/study",
        "modules/training.py",
        "modules/transfer.py",
        "modules/uar.py",
    ),
    "evaluator": ("modules/features.py", "modules/tfma_uar.py", "modules/uar.py"),
}


def code_digest(step: str) -> str:
    """Returns the SHA-256, in hexadecimal, of the sources of a step, a key of `SOURCES`.

    Comments, docstrings and layout do not count: they change nothing that was computed.
    """
    digest = hashlib.sha256()
    for source in SOURCES[step]:
        path = _ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(_ROOT)).encode())
            digest.update(hashlib.sha256(meaning(file.read_text("utf-8")).encode()).digest())
    return digest.hexdigest()


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
