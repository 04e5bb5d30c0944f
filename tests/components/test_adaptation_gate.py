"""The gate on networks that answer by a clip's first samples; UARs are scikit-learn's."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import transformed_examples
from sklearn.metrics import balanced_accuracy_score
from tfx.types import artifact_utils, standard_artifacts

from components.adaptation_gate import artifact as artifacts
from components.adaptation_gate import component as components
from components.adaptation_gate.artifact import AdaptationComparison
from components.adaptation_gate.compare import compare
from components.adaptation_gate.comparison import Comparison, Enrolment
from components.adaptation_gate.component import AdaptationGate
from modules.export import model as exports
from modules.networks import registry
from modules.networks.front_end import FrontEnd
from modules.networks.registry import NetworkSpec, load_network
from modules.training import trained
from modules.training.clips import Clips
from modules.training.records import RECORD_FILE, SettingsRecord, TrainingRecord
from modules.training.rows import ArrayRows
from modules.training.settings import PAPER as RECIPE
from modules.training.trained import Trained, network_record
from schemas.labels import PAPER, LabelSet

SAMPLES, MEMBERS = 8_000, 3
# The domain b lacks disgust and fear.
OWN = ("anger", "happiness", "sadness", "surprise")
DOMAIN_LABELS = {"a": PAPER.labels, "b": OWN}
REVERSED = LabelSet(PAPER.labels[::-1])


def _build(spec, *, seed):
    """Returns softmax of a matrix times the first samples, one matrix a member."""
    from modules.networks.heads import MeanOfMembers, MemberDense

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SAMPLES, 1)),
            keras.layers.Cropping1D((0, SAMPLES - 6)),
            keras.layers.Flatten(),
            MemberDense(spec.outputs, members=spec.members, activation="softmax", name="emotion"),
            MeanOfMembers(),
        ]
    )


FIRST = FrontEnd(
    name="first",
    summary="the first six samples",
    presets={"only": "one size"},
    input_s=0.5,
    recipe=RECIPE,
    groups=lambda spec: {"dense": ("emotion",)},
    takes_members=("only",),
    build=_build,
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(registry.FRONT_ENDS, "first", FIRST)


def network_of(matrices, labels=PAPER):
    """Returns a network of some members, each of which multiplies by a matrix."""
    spec = NetworkSpec(front_end="first", preset="only", members=len(matrices), outputs=6)
    columns = [PAPER.index(label) for label in labels]
    weights = {
        "emotion": [
            np.stack([matrix[:, columns] for matrix in matrices]).astype(np.float32),
            np.zeros((len(matrices), 6), np.float32),
        ]
    }
    settings = {name: getattr(RECIPE.fine_tune, name) for name in SettingsRecord.__annotations__}
    record = TrainingRecord(
        name="b",
        labels=labels.labels,
        domain_labels=DOMAIN_LABELS,
        network=network_record(spec, weights),
        settings=SettingsRecord(**settings),
        clips={"b": 1},
        held_out={},
        history=[],
        kept_epoch=None,
        weight_hashes={"dense": "0"},
    )
    return Trained(weights=weights, record=record)


def matrices(noise, seed, count=MEMBERS):
    random = np.random.default_rng(seed)
    return [np.eye(6) + noise * random.normal(size=(6, 6)) for _ in range(count)]


GOOD, BAD = matrices(0.2, 0), matrices(1.5, 1)
LABELS = np.array([PAPER.index(label) for label in OWN] * 12)
SPEAKERS = np.array([f"s{number % 6}" for number in range(len(LABELS))])


def scores():
    random = np.random.default_rng(0)
    return (random.normal(size=(len(LABELS), 6)) + 2 * np.eye(6)[LABELS]).astype(np.float32)


def _clips(speakers=SPEAKERS):
    inputs = np.zeros((len(LABELS), SAMPLES, 1), np.float32)
    inputs[:, :6, 0] = scores()
    return Clips(
        inputs=ArrayRows(inputs),
        labels=LABELS,
        domains=np.full(len(LABELS), "b"),
        speakers=speakers,
        utterance_ids=np.array([f"b/{number}" for number in range(len(LABELS))]),
        domain_classes={"b": tuple(np.unique(LABELS).tolist())},
        statistics=None,
    )


def _compare(adapted, multi_domain, clips=None):
    return compare(
        clips or _clips(),
        domain="b",
        labels=PAPER,
        own_labels=OWN,
        adapted=adapted,
        multi_domain=multi_domain,
        given=(),
        limit_bytes=2**30,
        seed=0,
    )


def uar_by_hand(members):
    """UAR of the mean of members' probabilities, over the domain's labels."""
    own = [PAPER.index(label) for label in OWN]
    logits = [scores().astype(np.float64) @ matrix for matrix in members]
    chances = [np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in logits]
    answers = np.array(own)[np.mean(chances, axis=0)[:, own].argmax(axis=1)]
    return balanced_accuracy_score(LABELS, answers)


@pytest.mark.parametrize(
    ("adapted", "multi_domain", "served"),
    [
        (GOOD, BAD, "adapted"),
        (BAD, GOOD, "multi-domain"),
        # As under A1: the very same network.
        (GOOD, GOOD, "adapted"),
        # Members are the multi-domain network's, too.
        (GOOD[:1], BAD[:1], "adapted"),
    ],
)
def test_the_better_one_is_served(adapted, multi_domain, served):
    found = _compare(network_of(adapted), network_of(multi_domain))
    assert found.served == served
    for measured, members in ((found.adapted, adapted), (found.multi_domain, multi_domain)):
        assert measured.uar == pytest.approx(uar_by_hand(members))
        assert measured.members == pytest.approx([uar_by_hand([each]) for each in members])
    assert found.difference == pytest.approx(uar_by_hand(adapted) - uar_by_hand(multi_domain))
    assert (found.low < found.difference < found.high) == (adapted is not multi_domain)
    if adapted is multi_domain:
        assert (found.low, found.difference, found.high) == (0, 0, 0)
    assert (found.resampled, found.clips, found.speakers) == ("speakers", 48, 6)


def test_few_speakers_are_told_and_clips_resampled():
    two = np.array([f"s{number % 2}" for number in range(len(LABELS))])
    found = _compare(network_of(GOOD), network_of(BAD), _clips(two))
    assert (found.resampled, found.speakers) == ("clips", 2)
    assert found.low < found.difference < found.high


def test_outputs_of_another_order_are_the_same_answers():
    expected = _compare(network_of(BAD), network_of(GOOD))
    assert _compare(network_of(BAD, REVERSED), network_of(GOOD)) == expected


@pytest.mark.parametrize(
    "enrolment",
    [None, Enrolment(enrolled=10, clips=30.5, speakers=3, unknown=0.4, known=0.5)],
)
def test_a_comparison_survives_json(enrolment):
    found = _compare(network_of(GOOD), network_of(BAD))
    found = dataclasses.replace(found, enrolment=enrolment)
    assert Comparison.from_json(found.to_json()) == found


# --- The component -------------------------------------------------------------------------------


def _model(folder, network):
    """Returns a Trainer's model; what it serves is a file that is only copied."""
    model = standard_artifacts.Model()
    model.uri = str(folder)
    serving = Path(folder, "Format-Serving", "assets.extra")
    serving.mkdir(parents=True)
    (serving / "mark").write_text(folder.name)
    network.network().save(folder / trained.NETWORK_FILE)
    (folder / RECORD_FILE).write_text(network.record.to_json())
    return model


def _examples(folder):
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names(["fold-0", "fold-1"])
    for fold in (0, 1):
        split = folder / f"Split-fold-{fold}"
        split.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split / "part-0.gz"), options="GZIP") as writer:
            for number, clip in enumerate(scores()):
                waveform = np.zeros(SAMPLES, np.float32)
                # Of the other fold, and of the other domain, all are wrong.
                waveform[:6] = clip if fold == 1 else np.roll(clip, 1)
                for domain, own in (("b", waveform), ("a", np.roll(waveform, 1))):
                    name, speaker = f"{domain}/{number}", SPEAKERS[number]
                    label = int(LABELS[number])
                    writer.write(transformed_examples.example(name, domain, speaker, label, own))
    return examples


def _do(folder, adapted, multi_domain):
    model, comparison = standard_artifacts.Model(), AdaptationComparison()
    model.uri, comparison.uri = str(folder / "model"), str(folder / "comparison")
    for made in (model, comparison):
        Path(made.uri).mkdir()
    AdaptationGate.test_call(
        model=model,
        comparison=comparison,
        examples=_examples(folder / "examples"),
        adapted=_model(folder / "adapted", network_of(adapted)),
        multi_domain=_model(folder / "multi", network_of(multi_domain)),
        domain="b",
        test_split="fold-1",
        embedded=False,
        trim_silence=False,
        labels=json.dumps(list(PAPER)),
        seed=0,
    )
    return Path(model.uri), artifacts.read(comparison.uri)


@pytest.mark.component
def test_a_better_network_is_handed_on_as_it_is(tmp_path):
    model, comparison = _do(tmp_path, GOOD, BAD)
    assert comparison == _compare(network_of(GOOD), network_of(BAD))
    assert comparison.served == "adapted"
    copied = {str(path.relative_to(model)): path for path in model.rglob("*") if path.is_file()}
    given = tmp_path / "adapted"
    assert set(copied) == {
        str(path.relative_to(given)) for path in given.rglob("*") if path.is_file()
    }
    for name, path in copied.items():
        assert path.read_bytes() == (given / name).read_bytes()


@pytest.mark.component
def test_in_place_of_a_worse_one_the_multi_domain_network_serves_with_the_domains_labels(
    tmp_path, monkeypatch
):
    # That it answers in a clean process is test_model's matter.
    monkeypatch.setattr(exports, "answer_in_clean_process", lambda directory: {})
    model, comparison = _do(tmp_path, BAD, GOOD)
    assert comparison == _compare(network_of(BAD), network_of(GOOD))
    assert comparison.served == "multi-domain"
    given = tmp_path / "multi"
    for name in (trained.NETWORK_FILE, RECORD_FILE):
        assert (model / name).read_bytes() == (given / name).read_bytes()
    noise = np.random.default_rng(0).uniform(-20_000, 20_000, size=SAMPLES)
    waveform = (np.rint(noise) / 32_768).astype(np.float32)
    answer = tf.saved_model.load(str(model / "Format-Serving")).signatures["serve_waveform"](
        waveform=tf.constant(waveform[np.newaxis]),
        num_samples=tf.constant([SAMPLES]),
        rate_hz=tf.constant([16_000]),
    )
    heard = waveform.astype(np.float64)
    heard = ((heard - heard.mean()) / heard.std()).astype(np.float32)
    network = load_network(str(given / trained.NETWORK_FILE))
    (expected,) = network.predict(heard[np.newaxis, :, np.newaxis], verbose=0)
    expected[[PAPER.index(label) for label in PAPER if label not in OWN]] = 0
    np.testing.assert_allclose(answer["probabilities"][0], expected / expected.sum(), atol=2e-5)


def test_component_declares_what_it_needs():
    assert components.AdaptationGate.EXECUTOR_SPEC is not None
    assert AdaptationComparison.TYPE_NAME == "AdaptationComparison"
