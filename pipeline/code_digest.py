"""Digests of the project's own sources, so that TFX runs a step again when its code changed.

TFX keys its cache on inputs and parameters. Functions given by import path are neither.
"""

import hashlib
from pathlib import Path

_ROOT = Path(__file__).parent.parent

# What reads a manifest and decodes its recordings.
_RECORDINGS = (
    "corpora/manifest.py",
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
        "components/manifest_statistics",
        "corpora/manifest.py",
        "corpora/utterance.py",
    ),
    "data_gate": ("components/data_gate", "components/manifest_statistics"),
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
        "modules/trainer.py",
        "modules/training.py",
        "modules/transfer.py",
        "modules/uar.py",
    ),
    "transfer_study": (
        "components/transfer_study",
        "corpora/manifest.py",
        "modules/adadelta.py",
        "modules/audio.py",
        "modules/baselines",
        "modules/examples.py",
        "modules/features.py",
        "modules/media.py",
        "modules/network.py",
        "modules/study",
        "modules/training.py",
        "modules/transfer.py",
        "modules/uar.py",
    ),
    "evaluator": ("modules/features.py", "modules/tfma_uar.py", "modules/uar.py"),
}


def code_digest(step: str) -> str:
    """Returns the SHA-256, in hexadecimal, of the sources of a step, a key of `SOURCES`."""
    digest = hashlib.sha256()
    for source in SOURCES[step]:
        path = _ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(_ROOT)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
