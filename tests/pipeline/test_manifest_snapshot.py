"""Snapshots of manifests: named by content, with a schema that holds their own labels."""

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from corpora import manifest as manifests
from pipeline import manifest, schema
from schemas.labels import PAPER, LabelSet
from schemas.utterance import Utterance

EXAMPLE = {
    "audio": b"\0\1",
    "num_samples": 32_000,
    "domain": "emodb",
    "speaker": "03",
    "language": "de",
    "gender": "male",
    "utterance_id": "emodb/wav/03a01Wa",
    "source_rate_hz": 16_000,
}


def _anomalies(label_set, emotion, label):
    frame = pd.DataFrame([EXAMPLE | {"emotion": emotion, "label": label}])
    parsed = text_format.Parse(schema.for_labels(label_set), schema_pb2.Schema())
    found = tfdv.validate_statistics(tfdv.generate_statistics_from_dataframe(frame), parsed)
    return set(found.anomaly_info)


@pytest.mark.parametrize(
    ("label_set", "emotion", "label", "expected"),
    [
        (PAPER, "surprise", 5, set()),
        (PAPER, "neutral", 6, {"emotion", "label"}),
        (LabelSet.parse("paper+neutral"), "neutral", 6, set()),
        (LabelSet.parse("paper+neutral"), "boredom", 7, {"emotion", "label"}),
        (LabelSet.parse("anger,neutral"), "neutral", 1, set()),
        (LabelSet.parse("anger,neutral"), "fear", 2, {"emotion", "label"}),
    ],
)
def test_the_schema_is_of_the_manifests_labels(label_set, emotion, label, expected):
    assert _anomalies(label_set, emotion, label) == expected


def test_the_papers_schema_is_the_curated_one():
    curated = text_format.Parse(schema.TEMPLATE.read_text(encoding="utf-8"), schema_pb2.Schema())
    assert text_format.Parse(schema.for_labels(PAPER), schema_pb2.Schema()) == curated


def _utterance(domain="emodb", **values):
    fixed = {"utterance_id": "u", "path": "/u.wav", "speaker": "s", "emotion": "anger"}
    return Utterance(**{**fixed, "domain": domain, **values})


def _of(utterance, labels=PAPER):
    return manifests.Manifest(utterances=[utterance], labels=labels)


def test_equal_contents_have_equal_names(tmp_path):
    one = manifest.snapshot(_of(_utterance()), tmp_path)
    assert one == manifest.snapshot(_of(_utterance()), tmp_path)
    assert manifests.read(one.path) == _of(_utterance())
    assert (one.domains, one.labels) == (("emodb",), PAPER)
    # Other recordings of the same labels have the same schema, and other labels another.
    moved = manifest.snapshot(_of(_utterance("emovo")), tmp_path)
    assert (moved.path == one.path, moved.schema_path == one.schema_path) == (False, True)
    other = manifest.snapshot(_of(_utterance(), LabelSet.parse("paper+neutral")), tmp_path)
    assert other.schema_path != one.schema_path
    assert manifests.read(other.path).labels == LabelSet.parse("paper+neutral")
