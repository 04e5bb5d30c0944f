"""The gate on real artifacts: by how much embeddings moved, counted by hand, and in which words."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tiny_encoders import random_encoder
from tiny_networks import whisper_spec

from components.data_gate.artifact import DELIBERATE, REFERENCE_DIGEST, read_findings
from components.embeddings_gate import shift
from components.embeddings_gate.artifact import AcceptedEmbeddings, read_moments
from components.embeddings_gate.component import EmbeddingsGate
from components.manifest_statistics.artifact import MANIFEST_DIGEST, ManifestStatisticsArtifact
from modules.networks import held
from schemas import features
from schemas.errors import UserError

SPEC = whisper_spec(random_encoder())
FRAMES = whisper_spec(random_encoder(), preset="lstm")


def test_moments_of_parts_are_those_of_the_whole():
    # Large means, where sums of squares would lose all digits.
    clips = np.random.default_rng(0).normal(1e6, 2.0, (50, 3))
    merged = shift.together(shift.moments(clips[:7]), shift.moments(clips[7:]))
    assert merged.count == 50
    np.testing.assert_allclose(merged.mean, clips.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(merged.variance, clips.var(axis=0), rtol=1e-6)


def test_shift_is_in_standard_deviations_of_the_clips():
    before = shift.moments(np.array([[-1.0, 5.0, -3.0, 0.0], [1.0, 5.0, 3.0, 8.0]]))
    # One channel by one deviation of 1, one by two deviations of 3; one never changes.
    now = shift.moments(np.array([[0.0, 5.0, 3.0, 0.0], [2.0, 5.0, 9.0, 8.0]]))
    assert shift.shift(before, now) == pytest.approx(np.sqrt((1 + 4) / 4))
    assert shift.shift(before, before) == 0


class Gate:
    """Runs the gate on embeddings that it writes under `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def __call__(self, values, *, digest, network=SPEC, preprocessing="p", accept=False, **given):
        self.count += 1
        folder = self.folder / str(self.count)
        examples = standard_artifacts.Examples()
        examples.uri = str(folder / "embeddings")
        examples.split_names = artifact_utils.encode_split_names(["fold-0", "fold-1"])
        for number, split in enumerate(("fold-0", "fold-1")):
            (folder / "embeddings" / f"Split-{split}").mkdir(parents=True)
            path = str(folder / "embeddings" / f"Split-{split}" / "part.gz")
            with tf.io.TFRecordWriter(path, options="GZIP") as writer:
                for domain, clips in values.items():
                    for clip in clips[number::2]:
                        writer.write(_example(domain, clip))
        statistics = ManifestStatisticsArtifact()
        statistics.set_string_custom_property(MANIFEST_DIGEST, digest)
        accepted = AcceptedEmbeddings()
        accepted.uri = str(folder / "accepted")
        EmbeddingsGate.test_call(
            embeddings=examples,
            statistics=statistics,
            accepted=accepted,
            network=json.dumps(
                {name: getattr(network, name) for name in ("front_end", "preset", "outputs")}
                | {"encoder": vars(network.encoder)}
            ),
            preprocessing=preprocessing,
            accept_drift=accept,
            **{"action": "stop", "threshold": 0.5} | given,
        )
        return accepted


def _example(domain, values):
    example = tf.train.Example()
    example.features.feature[features.DOMAIN].bytes_list.value.append(domain.encode())
    example.features.feature[features.EMBEDDING].float_list.value.extend(np.ravel(values))
    return example.SerializeToString()


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path)


def _clips(count, seed, network=SPEC):
    return np.random.default_rng(seed).normal(size=(count, *held.shape(network)))


def test_clips_that_moved_stop_the_run_unless_that_is_meant(gate):
    studio, calls = _clips(40, 0), _clips(60, 1)
    first = gate({"studio": studio, "звонки": calls}, digest="a" * 64)
    assert read_findings(first.uri) == {"reference": "", "drift_accepted": False, "findings": []}
    moments, _ = read_moments(first.uri)
    assert {domain: found.count for domain, found in moments.items()} == {
        "studio": 40,
        "звонки": 60,
    }
    np.testing.assert_allclose(moments["studio"].mean, studio.mean(axis=0), atol=1e-6)

    # The deviation of all is about 1: one domain moves by 0.8 of it, the other not.
    moved = {"studio": studio + 0.8, "звонки": calls[:50], "new": calls + 9}
    with pytest.raises(UserError) as stopped:
        gate(moved, digest="b", reference=first)
    head, line = str(stopped.value).splitlines()
    assert f"manifest {'a' * 16} (" in head
    assert "validation.accept_drift=true" in head
    distance = np.sqrt((0.8**2 / studio.var(axis=0)).mean())
    assert f"embedding of studio: its mean moved by {distance:.2f} standard" in line
    assert "40 clips before, now 40" in line

    accepted = gate(moved, digest="b", reference=first, accept=True)
    assert accepted.get_int_custom_property(DELIBERATE) == 1
    assert accepted.get_string_custom_property(REFERENCE_DIGEST) == "a" * 64
    assert read_findings(accepted.uri)["drift_accepted"]
    decided = gate(moved, digest="b", reference=first, decision=accepted)
    assert decided.get_int_custom_property(DELIBERATE) == 0
    [reported] = read_findings(gate(moved, digest="b", reference=first, action="report").uri)[
        "findings"
    ]
    assert "studio" in reported["text"]
    for passing in ({"action": "off"}, {"threshold": 0.9}):
        record = read_findings(gate(moved, digest="b", reference=first, **passing).uri)
        assert record["findings"] == []


def test_embeddings_of_another_preprocessing_are_not_compared(gate):
    first = gate({"studio": _clips(40, 0)}, digest="a", preprocessing="trimmed")
    other = gate({"studio": _clips(40, 0) + 3}, digest="b", reference=first)
    assert read_findings(other.uri)["reference"] == ""


def test_of_frames_their_mean_is_compared(gate):
    assert len(held.shape(FRAMES)) == 2
    clips = _clips(8, 0, FRAMES)
    moments, _ = read_moments(gate({"studio": clips}, digest="a", network=FRAMES).uri)
    np.testing.assert_allclose(moments["studio"].mean, clips.mean(axis=1).mean(axis=0), atol=1e-6)
