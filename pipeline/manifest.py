"""What a pipeline has to know of a manifest, and the snapshot of it that the pipeline reads."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from corpora import manifest as manifests
from pipeline import schema
from schemas import files
from schemas.labels import LabelSet
from schemas.utterance import Utterance

# Digits of a digest in a file's name.
_NAME_DIGITS = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest as nodes of a pipeline take it.

    Attributes:
      path: The CSV, named by its content.
      schema_path: Schema of the examples of these recordings, named by its content.
      digest: Digest of the manifest's content; the cache key of everything downstream.
      domains: Names of the domains, sorted.
      labels: What its networks learn to tell apart.
    """

    path: str
    schema_path: str
    digest: str
    domains: tuple[str, ...]
    labels: LabelSet


def snapshot(utterances: Sequence[Utterance], labels: LabelSet, folder: Path) -> Manifest:
    """Writes a manifest and the schema of its examples into a folder.

    TFX takes a step's result from its cache where the paths that it is given are the same: equal
    contents have equal names.

    Args:
      utterances: The recordings, with hashes and folds.
      labels: The manifest's label set.
      folder: Where the files go; is made if it is not there.
    """
    digest = manifests.digest(utterances)
    path = folder.absolute() / f"{digest[:_NAME_DIGITS]}.csv"
    manifests.write(utterances, path)
    text = schema.for_labels(labels)
    name = hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
    schema_path = folder.absolute() / f"{name}.schema.pbtxt"
    with files.replacing(schema_path) as file:
        file.write(text)
    return Manifest(
        path=str(path),
        schema_path=str(schema_path),
        digest=digest,
        domains=tuple(sorted({utterance.domain for utterance in utterances})),
        labels=labels,
    )
