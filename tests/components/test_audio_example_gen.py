"""Runs the executor on real artifacts; soundfile and scipy are the oracles of what it wrote."""

import csv
import dataclasses
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from scipy import signal
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components.audio_example_gen import account, ingest
from components.audio_example_gen.artifact import IngestAccount
from components.audio_example_gen.component import AudioExampleGen
from components.audio_example_gen.executor import Executor
from corpora import manifest
from schemas import features, labels, sound, splits
from schemas.errors import UserError
from schemas.utterance import Utterance

RATE_HZ = sound.SAMPLE_RATE_HZ
TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


def speechlike(duration_s: float, rate_hz: int = RATE_HZ, channels: int = 1, *, seed: int = 0):
    shape = [round(duration_s * rate_hz), channels]
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape)


def encode(samples, rate_hz: int = RATE_HZ, **kwargs) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, **{"format": "WAV"} | kwargs)
    return file.getvalue()


_CUT = encode(speechlike(1.0))[:9_000]

# name -> contents, and the reason for its quarantine; None: decoded rightly
RECORDINGS: dict[str, tuple[bytes | None, str | None]] = {
    "plain.wav": (encode(speechlike(1.0)), None),
    "8bit.wav": (encode(speechlike(1.0), subtype="PCM_U8"), None),
    "24bit.wav": (encode(speechlike(1.0), subtype="PCM_24"), None),
    "32bit.wav": (encode(speechlike(1.0), subtype="PCM_32"), None),
    "float.wav": (encode(speechlike(1.0), subtype="FLOAT"), None),
    "double.wav": (encode(speechlike(1.0), subtype="DOUBLE"), None),
    "stereo.wav": (encode(speechlike(1.0, channels=2)), None),
    "48k-stereo.wav": (encode(speechlike(1.0, 48_000, 2), 48_000), None),
    "44k.wav": (encode(speechlike(1.0, 44_100), 44_100, subtype="PCM_24"), None),
    "8k.wav": (encode(speechlike(1.0, 8_000), 8_000), None),
    "aiff.wav": (encode(speechlike(1.0), format="AIFF"), None),
    "flac.wav": (encode(speechlike(1.0), format="FLAC"), None),
    "long.flac": (encode(speechlike(5.0), format="FLAC"), None),
    "very-long.flac": (encode(speechlike(31.0), format="FLAC"), None),
    "truncated.wav": (_CUT, "truncated: its header promises 32,000 bytes of samples, 8,956 are"),
    "truncated.flac": (encode(speechlike(1.0), format="FLAC")[:9_000], "truncated or corrupt"),
    "empty.wav": (b"", "empty file"),
    "header-only.wav": (encode(speechlike(0.0)), "has no samples"),
    "silent.wav": (encode(np.zeros(9_000)), "silent: all samples are equal"),
    "inaudible.wav": (encode(speechlike(1.0) * 1e-5, subtype="PCM_24"), "silent: below the"),
    "notes.wav": (b"These are notes about the recordings.\n" * 9, "not audio"),
    "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not audio"),
    "missing.wav": (None, "there is no such file"),
    "changed.wav": (encode(speechlike(1.0, seed=1)), "changed since it was indexed"),
    "folder.wav": (None, "is a folder, not a recording"),
}


def write_corpus(folder: Path, recordings=RECORDINGS, *, copies: int = 1) -> list[Utterance]:
    folder.mkdir(parents=True, exist_ok=True)
    utterances: list[Utterance] = []
    for copy in range(copies):
        for name, (contents, _) in recordings.items():
            path = folder / f"{copy}-{name}"
            if contents is not None:
                path.write_bytes(contents)
            if name == "folder.wav":
                path.mkdir()
            number = len(utterances)
            utterances.append(
                Utterance(
                    utterance_id=f"studio/{copy}-{name}",
                    path=str(path),
                    domain="studio" if number % 2 else "phone",
                    speaker=f"s{number % 7}",
                    emotion=labels.PAPER.labels[number % 6],
                    language="de" if number % 2 else "",
                    gender="female" if number % 3 else "",
                    sha256=hashlib.sha256(contents or b"").hexdigest() if number % 2 else "",
                    fold_random=number % 5,
                    fold_speaker_independent=(number + 1) % 5,
                )
            )
    return [
        dataclasses.replace(u, sha256="0" * 64) if "changed" in u.utterance_id else u
        for u in utterances
    ]


class Run:
    """Runs the executor on artifacts under `folder`; reads what it wrote."""

    def __init__(self, folder: Path, utterances: list[Utterance], *beam_args: str, **properties):
        folder.mkdir(parents=True, exist_ok=True)
        self.examples = standard_artifacts.Examples()
        self.examples.uri = str(folder / "examples")
        self.account = IngestAccount()
        self.account.uri = str(folder / "account")
        indexed = manifest.Manifest(utterances=utterances, labels=labels.PAPER)
        manifest.write(indexed, folder / "manifest.csv")
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=list(beam_args), tmp_dir=str(folder / "tmp")
        )
        parameters = {
            "manifest_path": str(folder / "manifest.csv"),
            "manifest_digest": manifest.digest(indexed),
            "protocol": "random",
            "over_length": "truncate",
            "trim_silence": False,
            "input_samples": 54_000,
            "code_digest": "",
        }
        outputs = {"examples": [self.examples], "account": [self.account]}
        Executor(context).Do({}, outputs, parameters | properties)

    def files(self) -> dict[str, bytes]:
        root = Path(self.examples.uri)
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.*"))}

    def records(self, split: str) -> list[tf.train.Example]:
        files = sorted(Path(artifact_utils.get_split_uri([self.examples], split)).iterdir())
        dataset = tf.data.TFRecordDataset([str(f) for f in files], compression_type="GZIP")
        return [tf.train.Example.FromString(record.numpy()) for record in dataset]

    def by_id(self) -> dict[str, dict]:
        result = {}
        for split in splits.FOLD_SPLITS:
            for example in self.records(split):
                values = {
                    key: list(feature.bytes_list.value or feature.int64_list.value)
                    for key, feature in example.features.feature.items()
                }
                assert all(len(value) == 1 for value in values.values())
                record = {key: value[0] for key, value in values.items()}
                result[record["utterance_id"].decode()] = record | {"split": split}
        return result

    def rows(self) -> list[dict[str, str]]:
        with open(Path(self.account.uri) / "account.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def summary(self) -> dict:
        return json.loads((Path(self.account.uri) / "account.json").read_text())


def expected_pcm(contents: bytes) -> np.ndarray:
    samples, rate_hz = soundfile.read(io.BytesIO(contents), dtype="float64", always_2d=True)
    divisor = np.gcd(rate_hz, RATE_HZ)
    waveform = samples[:, 0]
    if rate_hz != RATE_HZ:
        waveform = signal.resample_poly(waveform, RATE_HZ // divisor, rate_hz // divisor)
    return (waveform * 32768)[: 30 * RATE_HZ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Utterance]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("run"), corpus)


@pytest.mark.component
@pytest.mark.parametrize("name", [name for name, (_, reason) in RECORDINGS.items() if not reason])
def test_good_recordings_are_decoded_rightly(name, corpus, run):
    [utterance] = [u for u in corpus if u.utterance_id == f"studio/0-{name}"]
    contents = RECORDINGS[name][0]
    record = run.by_id()[utterance.utterance_id]
    pcm = np.frombuffer(record["audio"], "<i2")
    expected = expected_pcm(contents)
    assert len(pcm) == len(expected) == record["num_samples"]
    # Half a step of rounding, and the float32 of the filter.
    np.testing.assert_allclose(pcm, expected, atol=0.5 + 0.05, rtol=0)
    assert record["source_rate_hz"] == soundfile.info(io.BytesIO(contents)).samplerate
    assert record["split"] == f"fold-{utterance.fold_random}"
    assert labels.PAPER.labels[record["label"]] == record["emotion"].decode() == utterance.emotion
    assert record["domain"].decode() == utterance.domain
    assert record["speaker"].decode() == utterance.speaker
    assert record["language"].decode() == (utterance.language or "unknown")
    assert record["gender"].decode() == (utterance.gender or "unknown")
    assert set(record) - {"split"} == {
        features.AUDIO,
        features.NUM_SAMPLES,
        features.EMOTION,
        features.LABEL,
        features.DOMAIN,
        features.SPEAKER,
        features.LANGUAGE,
        features.GENDER,
        features.UTTERANCE_ID,
        features.SOURCE_RATE_HZ,
    }


@pytest.mark.component
@pytest.mark.parametrize("name", [name for name, (_, reason) in RECORDINGS.items() if reason])
def test_bad_recordings_are_quarantined_with_their_reason(name, run):
    [row] = [row for row in run.rows() if row["utterance_id"] == f"studio/0-{name}"]
    assert row["status"] == "quarantined"
    assert row["reason"].startswith(RECORDINGS[name][1])
    assert row["utterance_id"] not in run.by_id()


@pytest.mark.component
def test_the_account_adds_up(corpus, run):
    rows, summary = run.rows(), run.summary()
    num_bad = sum(reason is not None for _, reason in RECORDINGS.values())
    assert [row["utterance_id"] for row in rows] == sorted(u.utterance_id for u in corpus)
    assert {row["path"] for row in rows} == {u.path for u in corpus}
    counts = {key: summary[key] for key in ("found", "used", "skipped", "quarantined")}
    assert counts == {
        "found": len(RECORDINGS),
        "used": len(RECORDINGS) - num_bad,
        "skipped": 0,
        "quarantined": num_bad,
    }
    for status, number in counts.items():
        assert number == sum(domain[status] for domain in summary["by_domain"].values())
    assert {row["utterance_id"] for row in rows if row["status"] == "used"} == set(run.by_id())
    [cut] = [row for row in rows if row["utterance_id"].endswith("very-long.flac")]
    assert (cut["status"], cut["reason"]) == ("used", "first 30 s of 31.0 s")
    assert {path.name for path in Path(run.account.uri).iterdir()} == {
        "account.csv",
        "account.json",
    }


@pytest.mark.component
def test_the_artifact_is_as_tfx_expects_it(run):
    assert artifact_utils.decode_split_names(run.examples.split_names) == list(splits.FOLD_SPLITS)
    assert run.examples.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    assert run.examples.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert all(name.endswith(".gz") for name in run.files())


@pytest.mark.component
def test_two_processes_and_another_order_write_the_same_bytes(tmp_path):
    good = {name: entry for name, entry in RECORDINGS.items() if "long" not in name}
    utterances = write_corpus(tmp_path / "corpus", good, copies=8)  # more than one shard a fold
    one = Run(tmp_path / "one", utterances)
    two = Run(tmp_path / "two", utterances[::-1], *TWO_PROCESSES)
    assert len(one.files()) == 10
    assert one.files() == two.files()
    assert one.rows() == two.rows()


@pytest.mark.component
def test_the_protocol_chooses_the_folds(corpus, tmp_path):
    records = Run(tmp_path, corpus, protocol="speaker_independent").by_id()
    for utterance in corpus:
        if utterance.utterance_id in records:
            split = records[utterance.utterance_id]["split"]
            assert split == f"fold-{utterance.fold_speaker_independent}"


@pytest.mark.component
@pytest.mark.parametrize(("trim_silence", "num_dropped"), [(False, 2), (True, 1)])
def test_drop_skips_what_is_longer_than_the_input(tmp_path, trim_silence, num_dropped):
    padded = np.concatenate([np.zeros([30_000, 1]), speechlike(2.0), np.zeros([30_000, 1])])
    recordings = {f"short-{k}.wav": (encode(speechlike(3.375)), None) for k in range(5)}
    recordings["padded.wav"] = (encode(padded), None)
    recordings["long.wav"] = (encode(speechlike(3.376)), None)
    utterances = write_corpus(tmp_path / "corpus", recordings)
    run = Run(tmp_path / "run", utterances, over_length="drop", trim_silence=trim_silence)
    skipped = {row["utterance_id"]: row["reason"] for row in run.rows() if row["reason"]}
    assert len(skipped) == num_dropped == run.summary()["skipped"]
    assert skipped["studio/0-long.wav"] == "longer than 3.375 s: 3.376 s (over_length: drop)"
    if trim_silence:  # Transform trims: the examples keep all
        assert run.by_id()["studio/0-padded.wav"]["num_samples"] == len(padded)


def test_segments_of_one_recording(tmp_path):
    samples = speechlike(2.0)
    (tmp_path / "dialogue.wav").write_bytes(encode(samples))
    utterance = Utterance(
        utterance_id="d/1",
        path=str(tmp_path / "dialogue.wav"),
        domain="d",
        speaker="s",
        emotion="anger",
        start_s=0.5,
        end_s=1.25,
    )
    settings = ingest.Settings(over_length="truncate", trim_silence=False, labels=labels.PAPER)
    example, outcome = ingest.ingest(utterance, settings)
    assert outcome.status == "used"
    pcm = tf.train.Example.FromString(example).features.feature["audio"].bytes_list.value[0]
    np.testing.assert_allclose(
        np.frombuffer(pcm, "<i2"), expected_pcm(encode(samples))[8_000:20_000], atol=0.5
    )
    beyond = dataclasses.replace(utterance, start_s=3.0, end_s=4.0)
    assert "nothing from 3 s to 4 s" in ingest.ingest(beyond, settings)[1].reason


@pytest.mark.component
def test_a_fold_without_a_usable_recording_is_an_error(tmp_path):
    recordings: dict[str, tuple[bytes, str | None]] = {
        f"{k}.wav": (encode(speechlike(0.1)), None) for k in range(4)
    }
    recordings["4.wav"] = (b"", "empty file")
    utterances = write_corpus(tmp_path / "corpus", recordings)
    with pytest.raises(UserError, match=r"fold-4: no recording could be used.*empty file \(1\)"):
        Run(tmp_path / "run", utterances)


def test_an_utterance_without_a_fold_is_an_error(corpus, tmp_path):
    unassigned = [dataclasses.replace(corpus[0], fold_random=-1), *corpus[1:]]
    with pytest.raises(UserError, match=r"1 recordings have no fold under the protocol random"):
        Run(tmp_path, unassigned)


def test_an_account_that_does_not_add_up_is_an_error(corpus):
    outcomes = [
        account.Outcome(utterance_id=u.utterance_id, path=u.path, domain=u.domain, status="used")
        for u in corpus
    ]
    account.check(corpus, outcomes)
    for wrong in (outcomes[1:], [*outcomes, outcomes[0]]):
        with pytest.raises(RuntimeError, match=f"{len(corpus)} recordings, but used {len(wrong)}"):
            account.check(corpus, wrong)


def test_a_failed_shard_leaves_nothing_behind(tmp_path, monkeypatch):
    [utterance, *_] = write_corpus(tmp_path / "corpus")
    shard = ingest.Shard(
        utterances=(utterance, utterance),
        examples_path=str(tmp_path / "examples.gz"),
        account_path=str(tmp_path / "account.csv"),
    )
    results = iter(
        [(b"record", account.Outcome(utterance_id="", path="", domain="", status="used"))]
    )
    monkeypatch.setattr(ingest, "ingest", lambda *_: next(results))
    settings = ingest.Settings(over_length="truncate", trim_silence=False, labels=labels.PAPER)
    with pytest.raises(RuntimeError):
        list(ingest.write_shard(shard, settings))
    assert {path.name for path in tmp_path.iterdir()} == {"corpus"}


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"protocol": "speakers"}, "protocol 'speakers' does not exist; allowed: speaker_indep"),
        ({"over_length": "cut"}, "over_length 'cut' does not exist; allowed: truncate, drop"),
    ],
)
def test_unknown_parameters_fail_at_construction(parameter, message):
    with pytest.raises(ValueError, match=message):
        AudioExampleGen(manifest_path="m.csv", manifest_digest="0", **parameter)


def test_the_component():
    component = AudioExampleGen(
        manifest_path="m.csv", manifest_digest="0", over_length="drop", trim_silence=True
    )
    assert component.outputs["examples"].type is standard_artifacts.Examples
    assert component.outputs["account"].type is IngestAccount
    assert component.exec_properties == {
        "manifest_path": "m.csv",
        "manifest_digest": "0",
        "protocol": "speaker_independent",
        "over_length": "drop",
        "trim_silence": True,
        "input_samples": 54_000,
        "code_digest": "",
    }
