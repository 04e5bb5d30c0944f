"""The schema of a manifest's examples: the curated one, with the manifest's labels filled in."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from schemas import features
from schemas.labels import LabelSet

TEMPLATE = Path(__file__).parent.parent / "schemas" / "speech.pbtxt"


def languages() -> frozenset[str]:
    """Returns the codes of languages that the schema allows."""
    schema = text_format.Parse(TEMPLATE.read_text(encoding="utf-8"), schema_pb2.Schema())
    [codes] = [domain for domain in schema.string_domain if domain.name == features.LANGUAGE]
    return frozenset(codes.value)


def for_labels(labels: LabelSet) -> str:
    """Returns the schema of examples whose labels are of one set, as a text protocol buffer.

    Args:
      labels: Allowed values of `emotion`, and by their number those of `label`.
    """
    schema = text_format.Parse(TEMPLATE.read_text(encoding="utf-8"), schema_pb2.Schema())
    [words] = [domain for domain in schema.string_domain if domain.name == features.EMOTION]
    words.value[:] = labels
    [index] = [feature for feature in schema.feature if feature.name == features.LABEL]
    index.int_domain.max = len(labels) - 1
    return text_format.MessageToString(schema)
