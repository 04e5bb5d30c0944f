"""The six synthetic corpora at the demo's scale, as their readers and decoders see them."""

import collections
import importlib.util
import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpora import manifest, synthetic
from corpora.indexing.index import index
from modules.audio import decoding, loading
from schemas.sound import INPUT_DURATION_S
from schemas.splits import PROTOCOLS

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    out = tmp_path_factory.mktemp("twin")
    synthetic.synthesize(out, seed=0, scale=0.1)
    return out


@pytest.fixture(scope="module")
def indexed(twin):
    return index([(name, str(twin / name)) for name in synthetic.CORPORA])


@pytest.fixture(scope="module")
def difficulty(twin):
    # The benchmarks are not installed.
    spec = importlib.util.spec_from_file_location(
        "synthetic_difficulty", ROOT / "benchmarks/synthetic_difficulty.py"
    )
    assert spec
    assert spec.loader
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    return benchmark.compare(twin, seed=0, scale=0.1)


@pytest.mark.parametrize(
    ("name", "used", "skipped", "unreadable"),
    [
        # At least ten of each emotion, and one in twenty too long.
        ("afew", 60 + 3, {"neutral": 3}, 2),
        ("emodb", 50 + 2, {"boredom": 2, "neutral": 2}, 0),
        ("emovo", 60 + 3, {"neutral": 2}, 0),
        ("enterface", 105 + 5, {"subject 6: long files of joined sentences": 6}, 0),
        (
            "iemocap",
            177 + 9,
            {
                "annotators disagree": 6,
                "excitement": 6,
                "frustration": 6,
                "neutral": 6,
                "not a recording (.txt)": 15,
            },
            0,
        ),
        ("rml", 65 + 3, {}, 0),
    ],
)
def test_readers_find_what_was_planned(indexed, twin, name, used, skipped, unreadable):
    assert indexed.count(name, "used") == used
    assert indexed.reasons(name, "skipped") == skipped
    assert indexed.count(name, "unreadable") == unreadable
    files = sum(path.is_file() for path in (twin / name).rglob("*"))
    assert indexed.count(name, None) == files == used + sum(skipped.values()) + unreadable


def test_the_readers_emotions_are_those_that_were_said(indexed):
    planned = {
        f"{clip.corpus}/{clip.path}": clip.emotion
        for name in synthetic.CORPORA
        for clip in synthetic.plan(name, seed=0, scale=0.1)
        if clip.kind() in ("usual", "over-length")
    }
    read = {
        next(key for key in planned if clip.path.endswith(f"/{key}")): clip.emotion
        for clip in indexed.utterances
    }
    assert read == planned


def test_folds_have_every_class(indexed):
    short = [clip for clip in indexed.utterances if clip.duration_s <= INPUT_DURATION_S]
    for protocol in PROTOCOLS:
        assert manifest.fold_problems(indexed.utterances, protocol) == []
        assert manifest.fold_problems(short, protocol) == []


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels", "suffix"),
    [
        ("afew", 48_000, 2, ".avi"),
        ("emodb", 16_000, 1, ".wav"),
        ("emovo", 48_000, 2, ".wav"),
        ("enterface", 48_000, 2, ".avi"),
        ("iemocap", 16_000, 1, ".wav"),
        ("rml", 22_050, 1, ".avi"),
    ],
)
def test_recordings_are_speech_of_usual_length_and_level(
    indexed, twin, name, rate_hz, channels, suffix
):
    clips = [clip for clip in indexed.utterances if clip.domain == name]
    planned = {clip.path: clip.kind() for clip in synthetic.plan(name, seed=0, scale=0.1)}
    durations = []
    for clip in clips:
        assert clip.path.endswith(suffix)
        samples, decoded_hz = decoding.decode(Path(clip.path).read_bytes())
        assert (decoded_hz, samples.shape[1]) == (rate_hz, channels)
        duration_s = len(samples) / rate_hz
        kind = planned[clip.path.removeprefix(f"{twin / name}/")]
        assert (duration_s > INPUT_DURATION_S) == (kind == "over-length")
        assert 0.8 < duration_s < 15
        durations.append(duration_s)
        assert 0.001 < np.sqrt(np.mean(samples**2)) < 0.4
        assert np.abs(samples).max() < 1
    assert 1.6 < statistics.median(durations) < 3


def test_the_right_channel_of_emovo_is_later_and_enterfaces_is_the_same(twin):
    samples, _ = soundfile.read(next((twin / "emovo/EMOVO/f1").glob("rab*.wav")))
    left, right = samples[5_000:45_000].T
    lags = np.arange(-60, 61)
    likeness = [np.dot(left[100:-100], np.roll(right, -lag)[100:-100]) for lag in lags]
    assert 12 <= lags[np.argmax(likeness)] < 42
    video = next((twin / "enterface/subject 1").rglob("*.avi"))
    samples, _ = decoding.decode(video.read_bytes())
    np.testing.assert_array_equal(samples[:, 0], samples[:, 1])


def test_films_have_sound_between_the_words_and_studios_none(indexed):
    def floor_db(name):
        """Median over clips of the quietest window of 50 ms, relative to the whole."""
        floors = []
        for clip in [clip for clip in indexed.utterances if clip.domain == name][::4]:
            waveform = loading.load(Path(clip.path).read_bytes())
            powers = [
                np.mean(part**2) for part in np.split(waveform, range(800, len(waveform), 800))[:-1]
            ]
            floors.append(10 * np.log10(min(powers) / np.mean(waveform**2)))
        return statistics.median(floors)

    assert floor_db("afew") > -30 > -40 > floor_db("emodb")


def test_labels_of_iemocap_follow_its_format_and_the_recordings(twin):
    line = re.compile(
        r"\[(\d+\.\d{4}) - (\d+\.\d{4})\]\t(Ses0\dF?M?_\w+_[FM]\d{3})\t([a-z]{3})\t"
        r"\[\d\.\d{4}, \d\.\d{4}, \d\.\d{4}\]"
    )
    labels = {}
    for path in (twin / "iemocap").rglob("*.txt"):
        text = path.read_text()
        assert text.startswith("% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n[")
        last_s = 0.0
        for block in text.split("\n\n")[1:]:
            first, *rest = block.strip().splitlines()
            start_s, end_s, turn, label = line.fullmatch(first).groups()
            assert last_s < float(start_s) < float(end_s)
            last_s = float(end_s)
            wav = path.parents[2] / f"sentences/wav/{path.stem}/{turn}.wav"
            assert soundfile.info(wav).duration == pytest.approx(last_s - float(start_s), abs=2e-4)
            assert [re.match(r"[CA]-E\d:\t", vote) is not None for vote in rest] == [True] * 5
            labels[turn] = label
    recordings = {path.stem for path in (twin / "iemocap").rglob("*.wav")}
    assert set(labels) == recordings
    counts = collections.Counter(labels.values())
    assert {code: counts[code] for code in ("xxx", "neu", "exc", "fru", "sur")} == {
        "xxx": 6,
        "neu": 6,
        "exc": 6,
        "fru": 6,
        "sur": 10 + 1,
    }


def test_duration_and_level_alone_do_not_tell_the_emotion(difficulty):
    chance, simple, real = difficulty["all"]
    assert simple - chance < 0.5 * (real - chance)
    assert real > 0.5
    for name in synthetic.CORPORA:
        # The corpora are small here, so that each figure has some 0.06 of chance in it.
        chance, simple, real = difficulty[name]
        assert simple < chance + 0.2, name
        assert simple < real - 0.05, name


def test_it_says_that_it_is_synthetic(twin):
    readme = (twin / "README.txt").read_text()
    assert "SYNTHETIC" in readme
    assert all(f"- {name} (" in readme for name in synthetic.CORPORA)
    stamp = json.loads((twin / "synthetic.json").read_text())
    assert "Synthetic" in stamp["note"]
