"""What a configuration and its manifest together make impossible stops at start, in words."""

import dataclasses

import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep

from corpora.manifest import Manifest
from pipeline import checks
from pipeline import config as configs
from pipeline.networks import network_spec
from schemas.errors import UserError
from schemas.labels import PAPER, LabelSet
from schemas.utterance import Utterance


def _release(**values):
    return configs.parse({"manifest": "m.csv", **values}, source="test")


def _check(config, manifest):
    checks.check_release(config, manifest, network_spec(config, manifest.labels))


def _check_study(study, manifest):
    checks.check_study(study, manifest, network_spec(study, manifest.labels))


def _utterances(**labels_of):
    """Returns, for each domain, one clip of each of its labels in each fold."""
    return [
        Utterance(
            utterance_id=f"{domain}/{label}-{fold}",
            path=f"/{domain}/{label}-{fold}.wav",
            domain=domain,
            speaker=f"s{fold}",
            emotion=label,
            fold_random=fold,
            fold_speaker_independent=fold,
        )
        for domain, labels in labels_of.items()
        for label in labels
        for fold in range(5)
    ]


TWO = ("anger", "sadness")


def _of(utterances, labels=PAPER):
    return Manifest(utterances=utterances, labels=labels)


def _manifest(**labels_of):
    return _of(_utterances(**labels_of))


def test_what_fits_passes():
    _check(_release(scenario="S2"), _manifest(a=TWO, b=TWO))
    study = configs.StudyConfig(manifest="m.csv", protocols=("random",))
    _check_study(study, _manifest(a=TWO, b=TWO))


# --- Label sets ----------------------------------------------------------------------------------


def test_a_label_that_no_clip_has():
    utterances = _utterances(a=TWO, b=TWO)
    with pytest.raises(
        UserError, match=r"m\.csv: no clip is labelled neutral.*--emotions anger,sadness$"
    ) as told:
        _check(_release(), _of(utterances, LabelSet((*TWO, "neutral"))))
    assert "(anger, sadness, neutral)" in str(told.value)
    with pytest.raises(UserError, match="no clip is labelled boredom and neutral"):
        checks.check_labels(_release(), _of(utterances, LabelSet((*TWO, "boredom", "neutral"))))
    # The paper's six are what a manifest has of which nobody said otherwise.
    checks.check_labels(_release(), _of(utterances))


def test_a_domain_of_one_label():
    utterances = _utterances(a=TWO, b=("anger",))
    with pytest.raises(UserError, match=r"m\.csv: domain b has clips of anger only") as told:
        _check(_release(), _of(utterances, LabelSet(TWO)))
    assert "leave the domain out" in str(told.value)
    study = configs.StudyConfig(manifest="m.csv")
    with pytest.raises(UserError, match=r"m\.csv: domain b has clips of anger only"):
        _check_study(study, _of(utterances, LabelSet(TWO)))


# --- Memory --------------------------------------------------------------------------------------

# 32 clips of 54,000 float32 samples, counted by hand: 6,912,000 bytes.
BATCH_GIB = 6_912_000 / 1024**3


def test_memory_below_one_batch():
    checks.check_memory(_release(training={"memory_gib": BATCH_GIB}))
    with pytest.raises(UserError, match=r"training\.memory_gib: .* lower pretrain\.batch_size"):
        checks.check_memory(_release(training={"memory_gib": BATCH_GIB * 0.999}))
    with pytest.raises(UserError, match=r"64 clips .* lower domains\.a\.fine_tune\.batch_size"):
        _check(
            _release(
                training={"memory_gib": BATCH_GIB},
                domains={"a": {"fine_tune": {"epochs": 1, "batch_size": 64}}},
            ),
            _manifest(a=TWO),
        )
    study = configs.StudyConfig.model_validate(
        {
            "manifest": "m.csv",
            "training": {"memory_gib": BATCH_GIB},
            "scratch": {"epochs": 1, "batch_size": 33},
        }
    )
    with pytest.raises(UserError, match=r"33 clips .* lower scratch\.batch_size"):
        _check_study(study, _manifest(a=TWO, b=TWO))


# --- Approaches ----------------------------------------------------------------------------------


def test_an_approach_that_needs_more_layer_groups():
    config = _release(preset="fast-cnn", domains={"b": {"approach": "lstm-only"}})
    with pytest.raises(UserError, match="domain b, front end waveform: approach lstm-only"):
        _check(config, _manifest(a=TWO, b=TWO))
    _check(_release(preset="fast-cnn", approach="auto"), _manifest(a=TWO))


# --- Networks over an encoder --------------------------------------------------------------------


@pytest.fixture
def encoders(tmp_path, monkeypatch):
    """A store that has a small random encoder of three blocks."""
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path))
    keep(random_encoder(), tmp_path)


WHISPER = {"front_end": "whisper", "encoder": {"name": "random", "blocks": 2}}


def test_approaches_that_leave_nothing_to_learn(encoders):
    config = _release(**WHISPER, domains={"b": {"approach": "convs-only"}})
    with pytest.raises(
        UserError, match=r"domain b, front end whisper: approach convs-only .*learn"
    ):
        _check(config, _manifest(a=TWO, b=TWO))
    config = _release(approach="auto", candidates=["A2", "A2-unfrozen"])
    with pytest.raises(UserError, match="domain a, front end waveform: approach A2-unfrozen"):
        _check(config, _manifest(a=TWO))
    _check(_release(**WHISPER, approach="A2-unfrozen"), _manifest(a=TWO, b=TWO))
    _check(_release(**WHISPER, approach="auto"), _manifest(a=TWO, b=TWO))


def test_members_have_no_early_stopping(encoders):
    manifest = _manifest(a=TWO, b=TWO)
    _check(_release(**WHISPER, members=3), manifest)
    # Of one member there may be.
    _check(_release(**WHISPER, pretrain={"patience": 2}), manifest)
    for changes in (
        {"pretrain": {"patience": 2}},
        {"fine_tune": {"patience": 2}},
        {"domains": {"b": {"fine_tune": {"patience": 1}}}},
    ):
        with pytest.raises(UserError, match=r"members: 3 members would stop .* set patience to 0"):
            _check(_release(**WHISPER, members=3, **changes), manifest)


def test_members_share_what_is_held(encoders):
    manifest = _manifest(a=TWO, b=TWO)
    for changes in (
        {"domains": {"b": {"approach": "A2-unfrozen"}}},
        {"domains": {"b": {"approach": "auto"}}, "candidates": ["A2", "A2-unfrozen"]},
    ):
        with pytest.raises(UserError, match=r"domain b: approach A2-unfrozen .* set members to 1"):
            _check(_release(**WHISPER, members=2, **changes), manifest)


def test_memory_is_that_of_the_front_ends_own_batch():
    # 64 clips of 160,000 float32 samples: the recipe's batch, and the ten seconds that are heard.
    least = 64 * 160_000 * 4 / 1024**3
    config = {"front_end": "log_mel_cnn"}
    checks.check_memory(_release(**config, training={"memory_gib": least}))
    with pytest.raises(UserError, match="64 clips"):
        checks.check_memory(_release(**config, training={"memory_gib": least * 0.999}))


# --- Domains -------------------------------------------------------------------------------------


def test_domains_of_a_release():
    config = _release(domains={"savee": {"approach": "A1"}})
    with pytest.raises(UserError, match=r"domains\.savee: the manifest has no such domain, only a"):
        _check(config, _manifest(a=TWO))
    with pytest.raises(UserError, match="domain a: scenario S2"):
        _check(_release(scenario="S2"), _manifest(a=TWO))
    with pytest.raises(UserError, match="multi-domain model's name"):
        _check(_release(), _manifest(**{"multi-domain": TWO}))


def test_domains_of_a_study():
    with pytest.raises(UserError, match="targets: the manifest has no domain c, only a, b"):
        checks.check_targets(configs.StudyConfig(manifest="m.csv", targets=("c",)), ["a", "b"])
    with pytest.raises(UserError, match=r"only a; add a corpus, or set tables to \[2, 3\]"):
        checks.check_targets(configs.StudyConfig(manifest="m.csv"), ["a"])
    audio = configs.StudyConfig.model_validate(
        {"manifest": "m.csv", "audio": {"standardisation": "global"}}
    )
    with pytest.raises(UserError, match=r"audio\.standardisation: global is fitted"):
        checks.check_targets(audio, ["a", "b"])


# --- Folds ---------------------------------------------------------------------------------------


def test_only_the_test_fold_of_a_release_needs_every_class():
    utterances = [each for each in _utterances(a=TWO) if each.utterance_id != "a/sadness-2"]
    _check(_release(test_fold=0), _of(utterances))
    with pytest.raises(UserError, match="fold 2 has no clip of sadness"):
        _check(_release(test_fold=2), _of(utterances))


def test_a_study_may_take_the_classes_that_are_there():
    utterances = [
        dataclasses.replace(each, fold_random=3) if each.utterance_id == "a/sadness-2" else each
        for each in _utterances(a=TWO, b=TWO)
    ]
    values = {"manifest": "m.csv", "protocols": ("random",)}
    with pytest.raises(UserError, match="fold 2 has no clip of sadness") as told:
        _check_study(configs.StudyConfig(**values), _of(utterances))
    assert "--set missing_class=present" in str(told.value)
    _check_study(configs.StudyConfig(**values, missing_class="present"), _of(utterances))


@pytest.mark.parametrize(
    ("approach", "message"),
    [
        ("A2-unfrozen", "tunes layers whose outputs a study computes once per clip"),
        ("conv1-only", "leaves nothing to learn: .* holds block1, block2"),
    ],
)
def test_a_study_refuses_what_its_network_cannot_do(monkeypatch, tmp_path, approach, message):
    monkeypatch.setenv("SER_ENCODERS", str(tmp_path))
    keep(random_encoder(), tmp_path)
    study = configs.StudyConfig(
        name="s",
        manifest="m.csv",
        front_end="whisper",
        encoder={"name": random_encoder().name},
        approaches=("A2", approach),
    )
    with pytest.raises(UserError, match=message):
        _check_study(study, _manifest(a=TWO, b=TWO))


# --- Known speakers ------------------------------------------------------------------------------


def test_a_network_that_cannot_be_told_who_speaks():
    with pytest.raises(UserError, match=r"known_speakers: .* waveform.*take .*whisper \(mean\)"):
        _check(_release(known_speakers=True), _manifest(a=TWO))


def test_speakers_of_one_label_are_warned_of():
    own = [
        dataclasses.replace(utterance, speaker=utterance.emotion)
        for utterance in _utterances(calls=TWO)
    ]
    [warning] = checks.speakers_of_one_label(_of([*own, *_utterances(acted=TWO)]))
    assert "calls" in warning
    assert "2 of 2 speakers" in warning
