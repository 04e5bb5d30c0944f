"""Configurations: what is accepted, and what a fault says."""

import pytest
import yaml

from components.data_gate import findings
from modules.networks.approaches import APPROACHES, AUTO, PAPER_APPROACHES
from pipeline import config as configs
from schemas.errors import UserError


def _load(tmp_path, text, **overrides):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    return configs.load(file, overrides)


def test_defaults_and_overrides(tmp_path):
    config = _load(
        tmp_path,
        "manifest: m.csv\ndomains:\n  emodb: {approach: A4}\n",
        **{"fine_tune.epochs": 3, "domains.urdu.scenario": "S2", "seed": 7},
    )
    assert (config.fine_tune.epochs, config.seed) == (3, 7)
    assert config.protocol == "speaker_independent"
    assert config.train_folds == [1, 2, 3, 4]
    assert config.for_domain("emodb").approach == "A4"
    assert config.for_domain("emodb").scenario == "S1"
    assert config.for_domain("urdu").scenario == "S2"
    assert config.for_domain("emovo").approach == config.approach


def test_resolved_configuration_reads_back(tmp_path):
    config = _load(tmp_path, "manifest: m.csv\ntest_fold: 3\n")
    assert configs.parse(yaml.safe_load(config.to_yaml()), source="stored") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "manifest: m.csv\nepochs: 3",
            r"epochs: unknown key; there are: front_end, .* members, name, manifest, output",
        ),
        ("manifest: m.csv\nfine_tune: {epoch: 3}", r"fine_tune.epoch: unknown key.*batch_size"),
        (
            "manifest: m.csv\ndomains: {emodb: {aproach: A1}}",
            r"domains.emodb.aproach: unknown key; there are: approach, scenario",
        ),
        (
            "manifest: m.csv\napproach: A9",
            r"approach: must be one of A1, A2, .*, A2-L2SP, A2-unfrozen, auto \(it is 'A9'\)",
        ),
        (
            "manifest: m.csv\ndomains: {emodb: {approach: A9}}",
            r"domains.emodb.approach: must be one of A1, .*'A9'",
        ),
        ("manifest: m.csv\nfront_end: rnn", r"front_end: must be one of waveform, whisper.*'rnn'"),
        (
            "manifest: m.csv\npreset: slow",
            r"preset must be one of fast, paper, fast-cnn, paper-cnn with .* waveform, .*slow",
        ),
        (
            "manifest: m.csv\nfront_end: whisper\npreset: fast",
            r"preset must be one of mean, lstm with front_end whisper, and is fast",
        ),
        (
            "manifest: m.csv\nfront_end: log_mel_cnn\nprecision: bfloat16",
            r"precision must be one of float32 with front_end log_mel_cnn, and is bfloat16",
        ),
        ("manifest: m.csv\nmembers: 2", r"members must be 1 with front_end waveform, preset fast"),
        (
            "manifest: m.csv\nfront_end: whisper\npreset: lstm\nmembers: 2",
            r"members must be 1 with front_end whisper, preset lstm",
        ),
        ("manifest: m.csv\nmembers: 0", r"members: .*greater than or equal to 1"),
        ("manifest: m.csv\nencoder: {blocks: 0}", r"encoder.blocks: .*greater than or equal to 1"),
        *(
            (f"manifest: m.csv\nencoder: {{blocks: 2, pooled: {pooled}}}", r"blocks from 1 to 2")
            for pooled in ("[1]", "[2, 1]", "[2, 2]", "[0, 2]", "[3]", "[1, 2, 3]")
        ),
        ("manifest: m.csv\nprotocol: leaky", r"protocol: must be one of speaker_independent, ran"),
        ("manifest: m.csv\ndomains: {emodb: {scenario: S3}}", r"emodb.scenario: .*S1, S2.*'S3'"),
        ("manifest: m.csv\ntraining: {memory_gib: 0}", r"training.memory_gib: .*greater than 0"),
        (
            "manifest: m.csv\ndomains: {emodb: {fine_tune: {epoch: 1}}}",
            r"domains.emodb.fine_tune.epoch: unknown key; there are: epochs, batch_size",
        ),
        ("manifest: m.csv\ntest_fold: 5", r"test_fold: .*less than 5.*it is 5"),
        ("manifest: m.csv\npretrain: {epochs: many}", r"pretrain.epochs: .*integer.*'many'"),
        ("test_fold: 1", r"manifest: Field required"),
        (
            "manifest: m.csv\nvalidation: {drift: {emotions: 0.1}}",
            r"validation.drift.emotions: unknown key; there are: action, domain, clips, emotion",
        ),
        ("manifest: m.csv\nvalidation: {drift: {emotion: 10}}", r"validation.drift.emotion: .*10"),
        (
            "manifest: m.csv\nvalidation: {audit: maybe}",
            r"validation.audit: must be one of stop, report, off.*'maybe'",
        ),
        ("- 1", r"must hold keys and values"),
        ("a: [", r"not valid YAML"),
    ],
)
def test_faults_name_the_key(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        _load(tmp_path, text)


def test_off_is_off_although_yaml_reads_it_as_false(tmp_path):
    config = _load(tmp_path, "manifest: m.csv\nvalidation: {audit: off, skew: {action: off}}")
    assert (config.validation.audit, config.validation.skew.action) == ("off", "off")
    assert configs.parse(yaml.safe_load(config.to_yaml()), source="stored") == config
    key, value = configs.parse_override("validation.drift.action=off")
    assert _load(tmp_path, "manifest: m.csv", **{key: value}).validation.drift.action == "off"
    # Only where there is an `off`.
    with pytest.raises(UserError, match=r"validation\.anomalies"):
        _load(tmp_path, "manifest: m.csv\nvalidation: {anomalies: off}")


def test_every_threshold_of_the_gate_can_be_set():
    thresholds = {
        "drift": (*findings.DRIFT_FEATURES, "embedding"),
        "skew": findings.SKEW_FEATURES,
    }
    for section, features in thresholds.items():
        fields = set(getattr(configs.Validation(), section).model_dump())
        assert fields == {"action", *features}


def test_missing_file_names_those_that_exist():
    with pytest.raises(
        UserError, match=r"no-such does not exist.*demo, demo-waveform, paper, release, study"
    ):
        configs.load("no-such")


@pytest.mark.parametrize("name", ["release", "demo", "demo-waveform"])
def test_packaged_configurations_are_valid(name):
    assert configs.load(name, {"manifest": "m.csv"}).name


@pytest.mark.parametrize("name", ["study", "paper"])
def test_packaged_studies_are_valid(name):
    config = configs.read(name, {"manifest": "m.csv"}, kind=configs.StudyConfig)
    assert (config.name, config.network_preset == "paper") == (name, name == "paper")
    assert config.approaches == PAPER_APPROACHES


def test_override_syntax():
    assert configs.parse_override("a.b=3") == ("a.b", 3)
    assert configs.parse_override("a=x=y") == ("a", "x=y")
    with pytest.raises(UserError, match="key=value"):
        configs.parse_override("epochs")


def test_a_release_takes_every_approach_of_the_registry(tmp_path):
    for name in (*APPROACHES, AUTO):
        assert _load(tmp_path, f"manifest: m.csv\napproach: {name}").approach == name


def test_an_override_that_is_no_yaml():
    with pytest.raises(UserError, match=r"--set name=\[a: `\[a` is not valid YAML"):
        configs.parse_override("name=[a")


def test_unknown_names_in_a_study(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("manifest: m.csv\ntables: [2, 7]\napproaches: [A1, A9]")
    with pytest.raises(UserError) as told:
        configs.read(file, kind=configs.StudyConfig)
    assert "tables.1: must be one of 2, 3, 4, 5 (it is 7)" in str(told.value)
    assert "approaches.1: must be one of A1" in str(told.value)
