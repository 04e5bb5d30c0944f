"""What a pipeline has to know of a manifest, and the snapshot of it that the pipeline reads."""

import dataclasses
import hashlib
from pathlib import Path

from corpora import manifest as manifests
from pipeline import schema
from schemas import files
from schemas.labels import LabelSet

# Digits of a digest in a file's name.
_NAME_DIGITS = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest as nodes of a pipeline take it.

    Attributes:
      path: The CSV, named by its content.
      schema_path: Schema of the examples of these recordings, named by its content.
      digest: Digest of the manifest's content; the cache key of everything downstream.
      dev_domains: Those of the domains that have an official dev part.
      details_digest: Digest of what only audits look at: licences, sentences and the like.
      domains: Names of the domains, sorted.
      labels: What its networks learn to tell apart.
    """

    path: str
    schema_path: str
    digest: str
    domains: tuple[str, ...]
    labels: LabelSet
    details_digest: str = ""
    dev_domains: tuple[str, ...] = ()


def snapshot(manifest: manifests.Manifest, folder: Path) -> Manifest:
    """Writes a manifest and the schema of its examples into a folder.

    TFX takes a step's result from its cache where the paths that it is given are the same: equal
    contents have equal names.

    Args:
      manifest: The recordings, with hashes and folds, and their label set.
      folder: Where the files go; is made if it is not there.
    """
    digest = manifests.digest(manifest)
    path = folder.absolute() / f"{digest[:_NAME_DIGITS]}.csv"
    manifests.write(manifest, path)
    text = schema.for_labels(manifest.labels)
    name = hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
    schema_path = folder.absolute() / f"{name}.schema.pbtxt"
    with files.replacing(schema_path) as file:
        file.write(text)
    return Manifest(
        path=str(path),
        schema_path=str(schema_path),
        digest=digest,
        domains=manifest.domains,
        labels=manifest.labels,
        details_digest=manifests.details_digest(manifest),
        dev_domains=tuple(
            sorted({each.domain for each in manifest.utterances if each.partition == "dev"})
        ),
    )
