"""Each check of the audit on a small manifest in which one thing is wrong."""

import dataclasses
import json
import random

import av
import numpy as np
import pytest
import scipy.signal
import soundfile
from speechlike import RATE_HZ, sound

from corpora.audit import audit
from corpora.audit.report import SEVERITIES
from corpora.indexing import index
from schemas.errors import UserError
from schemas.utterance import Utterance

EMOTIONS = ("anger", "sadness")


class World:
    """Five speakers, one a fold, two emotions: nothing is wrong with it."""

    def __init__(self, folder):
        self.folder = folder
        self.utterances = {}
        for fold in range(5):
            for i, emotion in enumerate(EMOTIONS):
                self.add(f"{fold}{emotion[0]}", sound(2 * fold + i, duration_s=1.0), fold, emotion)

    def add(self, name, samples, fold, emotion, *, rate_hz=RATE_HZ, suffix="wav", **more):
        path = self.folder / f"{name}.{suffix}"
        if isinstance(samples, bytes):
            path.write_bytes(samples)
        elif samples is not None:
            # libsndfile rounds floats in one way for wav and in another for FLAC.
            pcm = np.round(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
            soundfile.write(path, pcm, rate_hz)
        domain = more.get("domain", "d")
        given = {"domain": domain, "speaker": str(fold), "licence": "CC0"} | more
        utterance = Utterance(
            utterance_id=f"{domain}/{name}",
            path=str(path),
            emotion=emotion,
            fold_random=fold,
            fold_speaker_independent=fold,
            **given,
        )
        self.utterances[name] = utterance

    def change(self, name, **changes):
        self.utterances[name] = dataclasses.replace(self.utterances[name], **changes)

    def audit(self, *, protocol="speaker_independent", **options):
        return audit(self.utterances.values(), protocol=protocol, **options)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def problems(result):
    """Returns check to severity of all findings that are no notes."""
    return {f.check: f.severity for f in result.findings if f.severity != "note"}


def finding(result, check):
    (found,) = [found for found in result.findings if found.check == check]
    return found


def ids(found):
    return [example.utterance_ids for example in found.examples]


def test_nothing_is_wrong(world):
    result = world.audit()
    assert problems(result) == {}
    assert (result.clips, result.heard, result.unreadable) == (10, 10, 0)
    assert result.exclusions == ()
    assert result.not_run == (("sentences-across-folds", "d does not tell its sentences"),)
    verdict = (
        "not judged: sentences-across-folds; an honest measurement (0 errors, 0 warnings, 1 note;"
    )
    assert result.verdict().startswith(verdict)


# --- The same sound -------------------------------------------------------------------------------


def test_identical_samples_in_two_folds_whatever_the_format(world):
    world.add("copy", sound(0, duration_s=1.0), 3, "anger", suffix="flac", speaker="3")
    result = world.audit()
    assert problems(result)["identical-audio-across-folds"] == "error"
    assert ids(finding(result, "identical-audio-across-folds")) == [("d/0a", "d/copy")]
    assert [(e.utterance_id, e.reason) for e in result.exclusions] == [
        ("d/copy", "identical-audio as d/0a")
    ]
    assert result.verdict().startswith("do not trust what is measured on these folds")


def test_duplicates_weaken_where_they_are_not_tested_on_and_trained_on(world):
    world.add("copy", sound(0, duration_s=1.0), 0, "anger")
    assert problems(world.audit()) == {"identical-audio-within-folds": "warning"}
    world.change("copy", fold_speaker_independent=3, speaker="3")
    assert "identical-audio-across-folds" in problems(world.audit(test_fold=0))
    assert "identical-audio-across-folds" in problems(world.audit(test_fold=3))
    assert problems(world.audit(test_fold=1)) == {
        "identical-audio-within-folds": "warning",
        "speaker-conflict": "warning",
    }


def test_near_identical_audio_of_another_corpus(world):
    quieter = 0.1 * scipy.signal.resample_poly(sound(0, duration_s=1.0), 1, 2)
    for fold in range(5):
        world.add(f"{fold}other", sound(50 + fold), fold, "anger", domain="e")
    world.add("copy", quieter, 2, "anger", rate_hz=8_000, domain="e")
    result = world.audit()
    assert problems(result) == {"near-identical-audio-across-folds": "error"}
    found = finding(result, "near-identical-audio-across-folds")
    assert found.domains == ("d", "e")
    assert "1 group of them across corpora" in found.message
    assert ids(found) == [("d/0a", "e/copy")]


def test_a_part_of_another_clip(world):
    joined = np.concatenate([sound(90), sound(0, duration_s=1.0), sound(91)])
    world.add("joined", joined, 4, "anger")
    result = world.audit()
    assert ids(finding(result, "overlapping-audio-across-folds")) == [("d/0a", "d/joined")]
    # Only the parts that are utterances count.
    world.change("joined", start_s=0.0, end_s=2.5)
    assert problems(world.audit()) == {}
    world.change("joined", start_s=2.5, end_s=3.5)
    assert "identical-audio-across-folds" in problems(world.audit())


def test_copies_of_copies_are_one_group(world):
    world.add("copy1", sound(0, duration_s=1.0), 0, "anger")
    world.add("copy2", 0.5 * sound(0, duration_s=1.0), 0, "anger")
    result = world.audit()
    found = finding(result, "near-identical-audio-within-folds")
    assert ids(found) == [("d/0a", "d/copy1", "d/copy2")]
    assert found.message.startswith("3 clips in 1 group hold the same sound")
    assert [e.utterance_id for e in result.exclusions] == ["d/copy1", "d/copy2"]


def test_either_channel_of_a_stereo_recording(world):
    stereo = np.stack([sound(80, duration_s=1.0), sound(81, duration_s=1.0)], axis=1)
    world.add("stereo", stereo, 0, "anger")
    world.add("right", sound(81, duration_s=1.0), 0, "anger")
    assert ids(finding(world.audit(), "near-identical-audio-within-folds")) == [
        ("d/right", "d/stereo")
    ]


def test_one_sound_with_two_emotions(world):
    world.add("copy", sound(0, duration_s=1.0), 0, "sadness")
    result = world.audit()
    assert problems(result)["label-conflict"] == "error"
    assert finding(result, "label-conflict").examples[0].text == "d/0a (anger) ≈ d/copy (sadness)"
    assert [e.utterance_id for e in result.exclusions] == ["d/0a", "d/copy"]


def test_overlapping_sounds_with_two_emotions(world):
    joined = np.concatenate([sound(90), sound(0, duration_s=1.0), sound(91)])
    world.add("joined", joined, 0, "sadness")
    assert problems(world.audit())["label-conflict-on-overlap"] == "warning"


def test_one_sound_with_two_speakers(world):
    world.add("copy", sound(0, duration_s=1.0), 0, "anger", speaker="somebody")
    assert problems(world.audit())["speaker-conflict"] == "warning"
    world.change("copy", speaker="unknown:copy")
    assert "speaker-conflict" not in problems(world.audit())


def test_the_soundtrack_of_a_video(world):
    path = world.folder / "film.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        pcm = np.round(sound(0, duration_s=1.0) * 32_767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    world.add("film", None, 0, "anger", suffix="avi")
    result = world.audit()
    assert result.unreadable == 0
    assert ids(next(f for f in result.findings if "audio-within" in f.check)) == [
        ("d/0a", "d/film")
    ]


# --- Folds ----------------------------------------------------------------------------------------


def test_speakers_in_several_folds(world):
    world.change("1a", speaker="0")
    found = finding(world.audit(), "speakers-across-folds")
    assert found.severity == "error"
    assert found.message.startswith("1 of 5 speakers are in several folds")
    assert found.examples[0].text == "speaker 0: folds 0, 1"
    assert finding(world.audit(protocol="random"), "speakers-across-folds").severity == "note"
    assert problems(world.audit(test_fold=4)) == {}
    assert "speakers-across-folds" in problems(world.audit(test_fold=1))


def test_unknown_speakers_are_told_and_cross_nothing(world):
    for name in world.utterances:
        world.change(name, speaker="unknown:x" if name[0] in "01" else "known" + name[0])
    result = world.audit()
    assert problems(result) == {"unknown-speakers": "warning"}
    assert "of 4 of 10 clips is unknown" in finding(result, "unknown-speakers").message


def test_sentences_in_several_folds(world):
    for name, sentence in (("0a", "a"), ("1a", "a"), ("2a", "a"), ("3a", "b"), ("3s", "b")):
        world.change(name, sentence=sentence)
    found = finding(world.audit(), "sentences-across-folds")
    assert found.severity == "warning"
    assert found.message.startswith("1 of 2 sentences are spoken in several folds (3 of 10 clips)")
    assert problems(world.audit(test_fold=3)) == {}


def test_a_class_that_a_tested_fold_lacks(world):
    del world.utterances["3s"]
    result = world.audit()
    assert problems(result) == {"class-missing-in-fold": "error"}
    (example,) = finding(result, "class-missing-in-fold").examples
    assert example.text == "fold 3 has no sadness, of 4 clips"
    assert problems(world.audit(test_fold=0)) == {}
    assert problems(world.audit(test_fold=3)) == {"class-missing-in-fold": "error"}


def test_a_class_that_is_in_one_fold_only(world):
    for fold in "1234":
        del world.utterances[f"{fold}s"]
    assert set(problems(world.audit())) == {"class-missing-in-fold", "class-only-in-test-fold"}
    assert problems(world.audit(test_fold=0)) == {"class-only-in-test-fold": "error"}


def test_clips_without_a_fold(world):
    world.add("new", sound(77), -1, "anger")
    result = world.audit()
    assert problems(result) == {"no-fold": "error"}
    assert ids(finding(result, "no-fold")) == [("d/new",)]


# --- Sound ----------------------------------------------------------------------------------------


def test_unreadable_recordings_are_counted_and_named(world):
    world.add("gone", None, 0, "anger")
    world.add("empty", b"", 0, "anger")
    world.add("text", b"no sound at all" * 99, 0, "anger")
    world.add("header", (world.folder / "0a.wav").read_bytes()[:44], 0, "anger")
    world.add("beyond", sound(70), 0, "anger", start_s=9.0)
    result = world.audit()
    assert (result.clips, result.heard, result.unreadable) == (15, 10, 5)
    assert problems(result) == {"unreadable": "warning"}
    texts = [example.text for example in finding(result, "unreadable").examples]
    assert texts == [
        "d/beyond: has nothing from 9 s to its end: it is 2.500 s long",
        "d/empty: empty file",
        "d/gone: no such file",
        "d/header: truncated: its header promises 32,000 bytes of samples, 0 are there",
        "d/text: not audio, or its header is damaged",
    ]
    assert len(result.exclusions) == 5


def test_when_nothing_is_readable(world):
    for name in world.utterances:
        (world.folder / f"{name}.wav").unlink()
    with pytest.raises(UserError, match=r"none of the 10 recordings .*0a.wav: no such file"):
        world.audit()


def test_silence_is_no_duplicate_of_silence(world):
    for name in ("x", "y"):
        world.add(name, np.full(16_000, 0.1), 0, "anger")
    world.add("click", np.eye(1, 16_000)[0] * 0.5, 0, "anger")
    world.add("short", sound(1)[:800], 0, "anger")
    result = world.audit()
    assert ids(finding(result, "silent-or-near-empty")) == [
        ("d/click",),
        ("d/short",),
        ("d/x",),
        ("d/y",),
    ]
    assert not any("audio" in check for check in problems(result))


@pytest.mark.parametrize("factor", [1.0, 0.2])  # clipped, and turned down afterwards
def test_clipping(world, factor):
    tone = np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000)
    # At twice its height, a sine is above 1 from 30 to 150 of each 180 degrees.
    world.add("loud", factor * np.clip(2 * tone, -1, 1), 0, "anger")
    world.add("full", 0.99 * tone, 0, "anger")
    found = finding(world.audit(), "clipping")
    assert ids(found) == [("d/loud",)]
    told = float(found.examples[0].text.split(": ")[1].partition("%")[0])
    assert told == pytest.approx(100 * 120 / 180, rel=0.02)


def test_low_level(world):
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    swelling = tone * np.linspace(0, 1, 16_000)
    world.add("quiet", 0.003 * swelling, 0, "anger")  # effective value: 0.003 / sqrt(6)
    world.add("fine", 0.1 * swelling, 0, "anger")
    found = finding(world.audit(), "low-level")
    assert [example.text for example in found.examples] == ["d/quiet: -58 dBFS, peak -50 dBFS"]


def test_dc_offset(world):
    world.add("shifted", sound(62) + 0.1, 0, "anger")
    found = finding(world.audit(), "dc-offset")
    assert ids(found) == [("d/shifted",)]
    assert "mean +0.1000 of full scale" in found.examples[0].text


# --- Licences and the whole -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "check"),
    [
        ("CC BY-NC-SA 4.0", "licence-non-commercial"),
        ("research only, on registration", "licence-non-commercial"),
        ("academic research only, by signed agreement", "licence-non-commercial"),
        ("non-commercial research, with acknowledgement", "licence-non-commercial"),
        ("only for scientific purposes", "licence-non-commercial"),
        ("", "licence-unknown"),
        ("ODbL 1.0", "licence"),
        ("open (published as CC0-1.0 / CC BY 4.0)", "licence"),
        ("for research and commercial use", "licence"),
    ],
)
def test_licences(world, licence, check):
    for name in world.utterances:
        world.change(name, licence=licence)
    (found,) = world.audit().of("note")
    assert found.check == check
    assert "10 clips of d" in found.message


def test_the_same_in_any_order_and_all_of_it_in_json(world):
    world.add("copy", sound(0, duration_s=1.0), 3, "sadness")
    world.add("quiet", 0.001 * sound(7), 3, "sadness")
    del world.utterances["4s"]
    result = world.audit()
    utterances = list(world.utterances.values())
    random.Random(0).shuffle(utterances)
    again = audit(utterances, protocol="speaker_independent", workers=1)
    assert again.to_json() == result.to_json()
    severities = [SEVERITIES.index(found.severity) for found in result.findings]
    assert severities == sorted(severities)
    record = json.loads(result.to_json())
    assert record["clips"] == 11
    assert record["errors"] == sum(f["severity"] == "error" for f in record["findings"])
    assert {f["check"] for f in record["findings"]} == {f.check for f in result.findings}
    for found in result.findings:
        assert found.message.endswith(".")
        assert any(found.check in line for line in result.lines())


@pytest.mark.parametrize("options", [{"protocol": "strict"}, {"test_fold": 5}])
def test_what_does_not_exist(world, options):
    with pytest.raises(UserError, match="does not exist"):
        world.audit(**options)
    with pytest.raises(UserError, match="no utterance"):
        audit([], protocol="random")


def test_urdu_holds_ten_groups_of_overlapping_clips_one_of_two_speakers(real_corpora):
    utterances = index.index([("urdu", real_corpora / "urdu")]).utterances
    result = audit(utterances, protocol="random")
    groups = {g for f in result.findings if "-audio-" in f.check for g in ids(f)}
    assert len(groups) == 9
    speakers = {
        tuple(name.split("/")[2].split("_")[0] for name in group)
        for group in groups
        if len({name.split("/")[2].split("_")[0] for name in group}) > 1
    }
    assert speakers == {("SF1", "SF4", "SF4")}
    # Every one of them: counted by the file names of neighbouring cuts.
    assert ("urdu/Sad/SM24_F14_S026", "urdu/Sad/SM24_F15_S027") in groups
