"""How often a recording is read, hashed and decoded on its way from the disk to an example."""

import collections
import dataclasses
import hashlib
import os
import sys

import numpy as np
import pytest
import soundfile

from components.audio_example_gen import ingest
from corpora import manifest
from corpora.audit import run as audit_run
from corpora.indexing import index as indexing
from corpora.indexing import probe_cache
from modules.audio import wav
from pipeline import config as configs
from pipeline.preparation import Prepared
from pipeline.preparation import prepare as prepare_run
from schemas import splits
from schemas.labels import PAPER
from schemas.progress import no_track

_opened: collections.Counter[str] = collections.Counter()


def _count_open(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith(".wav"):
        _opened[os.path.basename(arguments[0])] += 1


@pytest.fixture(scope="module", autouse=True)
def _hook():
    sys.addaudithook(_count_open)  # for good: Python cannot take one back


@pytest.fixture
def folder(tmp_path):
    """Fifty recordings of five speakers, each class in every fold, in a CSV."""
    generator = np.random.default_rng(0)
    rows = ["path,domain,speaker,emotion"]
    for speaker in range(5):
        for number in range(10):
            name = f"{speaker}{number}.wav"
            soundfile.write(tmp_path / name, generator.normal(0, 0.1, 8_000 + number), 16_000)
            rows.append(f"{name},calls,s{speaker},{('anger', 'sadness')[number % 2]}")
    (tmp_path / "calls.csv").write_text("\n".join(rows))
    return tmp_path


@pytest.fixture
def work(folder, monkeypatch):
    """What was opened, hashed and decoded since the last look: the numbers of each recording."""
    contents = {path.read_bytes(): path.name for path in folder.glob("*.wav")}
    hashed: collections.Counter[str] = collections.Counter()
    decoded: collections.Counter[int] = collections.Counter()
    real_sha256, real_samples = hashlib.sha256, wav.samples

    def sha256(data=b"", **arguments):
        if data in contents:
            hashed[contents[data]] += 1
        return real_sha256(data, **arguments)

    def samples(header, *part):
        read = real_samples(header, *part)
        decoded[read.tobytes()] += 1
        return read

    monkeypatch.setattr(hashlib, "sha256", sha256)
    monkeypatch.setattr(wav, "samples", samples)
    monkeypatch.setattr(probe_cache, "YOUNG_NS", 0)

    def since_last() -> tuple[dict[int, int], ...]:
        """Returns for opened, hashed and decoded: how often to how many recordings."""
        seen = tuple(
            dict(collections.Counter(counter.values())) for counter in (_opened, hashed, decoded)
        )
        for counter in (_opened, hashed, decoded):
            counter.clear()
        return seen

    since_last()
    return since_last


def index(folder) -> None:
    cache = probe_cache.ProbeCache.load(probe_cache.cache_path(folder / "speech.csv"))
    indexing.index([("csv", folder / "calls.csv")], cache=cache).write(folder / "speech.csv")
    cache.save(probe_cache.cache_path(folder / "speech.csv"))


def prepare(folder) -> Prepared:
    config = configs.ReleaseConfig(manifest=folder / "speech.csv", output=folder / "output")
    return prepare_run(config, track=no_track)


def ingest_all(prepared, folder) -> None:
    for split in (*splits.FOLD_SPLITS, "account"):
        (folder / split).mkdir()
    shards = ingest.shards(
        manifest.read(prepared.manifest.path).utterances,
        protocol="speaker_independent",
        split_uris={split: str(folder / split) for split in splits.FOLD_SPLITS},
        account_uri=str(folder / "account"),
    )
    settings = ingest.Settings(over_length="truncate", trim_silence=True, labels=PAPER)
    outcomes = [outcome for shard in shards for outcome in ingest.write_shard(shard, settings)]
    assert [outcome.status for outcome in outcomes] == [ingest.USED] * 50


def test_each_recording_is_read_and_decoded_three_times_and_hashed_twice(folder, work):
    index(folder)
    assert work() == ({1: 50}, {1: 50}, {1: 50})
    index(folder)
    assert work() == ({}, {}, {})
    prepared = prepare(folder)
    assert work() == ({}, {}, {})
    utterances = manifest.read(prepared.manifest.path).utterances
    audit_run.audit(utterances, protocol="speaker_independent")
    opened, _, decoded = work()  # it also hashes what it decoded, to find copies
    assert (opened, decoded) == ({1: 50}, {1: 50})
    ingest_all(prepared, folder)
    assert work() == ({1: 50}, {1: 50}, {1: 50})


def test_a_run_reads_only_what_changed_since_it_was_indexed(folder, work):
    index(folder)
    before = prepare(folder)
    work()
    soundfile.write(folder / "00.wav", np.random.default_rng(1).normal(0, 0.1, 8_000), 16_000)
    _opened.clear()
    after = prepare(folder)
    assert work()[0] == {1: 1}
    assert after.changed == ("calls/00",)
    assert after.manifest.digest != before.manifest.digest
    again = prepare(folder)
    assert work()[0] == {}
    assert again.manifest.digest == after.manifest.digest


def test_a_manifest_without_a_cache_is_read_once_and_remembered(folder, work):
    index(folder)
    probe_cache.cache_path(folder / "speech.csv").unlink()
    work()
    first, second = prepare(folder), prepare(folder)
    assert work() == ({1: 50}, {1: 50}, {1: 50})
    assert first.changed == second.changed == ()


def test_what_a_run_reads_is_kept_beside_what_it_did_not_ask_for(folder, work):
    index(folder)
    path = probe_cache.cache_path(folder / "speech.csv")
    indexed = manifest.read(folder / "speech.csv")
    (folder / "00.wav").touch()
    with probe_cache.remembered(folder / "speech.csv") as probe_one:
        some = dataclasses.replace(indexed, utterances=indexed.utterances[:10])
        manifest.refresh(some, probe_one=probe_one)
    cache = probe_cache.ProbeCache.load(path)
    for utterance in indexed.utterances:
        cache.probe(utterance.path)
    assert cache.read == []


def test_a_folder_that_cannot_be_written_to_is_no_error(folder, work, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    index(folder)
    (folder / "00.wav").touch()
    monkeypatch.setattr(probe_cache, "replacing", refuse)
    assert prepare(folder).changed == ()
