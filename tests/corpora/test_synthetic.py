import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from corpora import manifest, synthetic
from corpora.index import index
from modules.errors import UserError
from modules.features import PROTOCOLS

SCALE = 0.3


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic")
    synthetic.synthesize(out, seed=5, scale=SCALE)
    return out


@pytest.fixture(scope="module")
def indexed(tree):
    return index([(name, tree / name) for name in ("emodb", "emovo")])


def recordings(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.wav"))


def test_readers_use_every_emotion_and_skip_the_fillers(indexed):
    # 10 speakers x 5 emotions and 6 x 6, at least one each: 0.3 x 175 = 52, 0.3 x 180 = 54.
    assert indexed.count("emodb", "used") == 52
    assert indexed.reasons("emodb", "skipped") == {"boredom": 2, "neutral": 2}
    assert indexed.count("emovo", "used") == 54
    assert indexed.reasons("emovo", "skipped") == {"neutral": 4}
    assert all(indexed.count(domain, "unreadable") == 0 for domain in indexed.domains())


@pytest.mark.parametrize("scale", [0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_fold_has_every_class(scale, seed, tmp_path):
    # Folds depend on names alone, so the plan serves for the recordings.
    for name in synthetic.CORPORA:
        clips = synthetic.plan(name, seed=seed, scale=scale)
        utterances = planned(name, clips, tmp_path)
        for protocol in PROTOCOLS:
            manifest.check_folds(utterances, protocol)


def planned(name, clips, folder):
    from corpora import folds
    from corpora.readers import READERS

    root = folder / name
    for clip in clips:
        (root / clip.path).parent.mkdir(parents=True, exist_ok=True)
        (root / clip.path).touch()
    found = [item.utterance for item in READERS[name].read(root) if item.utterance]
    return folds.assign(found, seed=0)


def test_emodb_is_16_khz_mono_and_emovo_48_khz_stereo(tree):
    for path in (tree / "emodb").rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        assert info.format == "WAV"
    for path in (tree / "emovo").rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_16")


def test_the_right_channel_of_emovo_is_later(tree):
    path = next((tree / "emovo/EMOVO/f1").glob("rab*.wav"))
    samples, _ = soundfile.read(path)
    left, right = samples[5_000:45_000].T
    lags = np.arange(-60, 61)
    likeness = [np.dot(left[100:-100], np.roll(right, -lag)[100:-100]) for lag in lags]
    assert 12 <= lags[np.argmax(likeness)] < 42


def test_recordings_are_speech_of_usual_length_and_level(indexed):
    durations = np.array([clip.duration_s for clip in indexed.utterances])
    assert ((durations > 1.2) & (durations < 4)).mean() > 0.85
    for clip in indexed.utterances[::7]:
        samples, _ = soundfile.read(clip.path, always_2d=True)
        assert 0.01 < np.sqrt(np.mean(samples**2)) < 0.3
        assert np.abs(samples).max() < 0.98


def test_same_seed_same_bytes_in_any_order_and_process(tree):
    clips = synthetic.plan("emodb", seed=5, scale=SCALE)
    for clip in clips[40::-13]:
        stored, _ = soundfile.read(tree / "emodb" / clip.path, dtype="int16")
        np.testing.assert_array_equal(synthetic.render(clip, seed=5), stored)
    script = (
        "import hashlib; from corpora import synthetic as s\n"
        "for name in s.CORPORA:\n"
        f"  for clip in s.plan(name, seed=5, scale={SCALE})[::11]:\n"
        "    print(hashlib.sha256(s.render(clip, seed=5).tobytes()).hexdigest())"
    )
    outputs = {subprocess.check_output([sys.executable, "-c", script]) for _ in range(2)}
    assert len(outputs) == 1


def test_another_seed_is_another_corpus():
    one, other = (synthetic.plan("emovo", seed=seed, scale=SCALE) for seed in (5, 6))
    assert [clip.path for clip in one] != [clip.path for clip in other]
    same = synthetic.render(one[0], seed=5), synthetic.render(one[0], seed=6)
    assert same[0].shape != same[1].shape or (same[0] != same[1]).any()


def test_duration_and_level_alone_do_not_tell_the_emotion(indexed):
    for domain in ("emodb", "emovo"):
        clips = [clip for clip in indexed.utterances if clip.domain == domain]
        levels = []
        for clip in clips:
            samples, _ = soundfile.read(clip.path, always_2d=True)
            levels.append(np.log(np.mean(samples[:, 0] ** 2)))
        inputs = np.column_stack([[clip.duration_s for clip in clips], levels])
        emotions = np.array([clip.emotion for clip in clips])
        fold = np.array([clip.fold_random for clip in clips])
        predicted = np.empty_like(emotions)
        for test in range(5):
            model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
            model.fit(inputs[fold != test], emotions[fold != test])
            predicted[fold == test] = model.predict(inputs[fold == test])
        assert balanced_accuracy_score(emotions, predicted) < 0.6


def test_it_says_that_it_is_synthetic(tree):
    assert "SYNTHETIC" in (tree / "README.txt").read_text()
    stamp = json.loads((tree / "synthetic.json").read_text())
    assert "Synthetic" in stamp["note"]
    assert stamp["seed"] == 5
    assert stamp["complete"] is True


def test_a_complete_result_is_left_alone_and_a_torn_one_is_made_anew(tmp_path, monkeypatch):
    made = []
    silence = np.zeros(1_600, np.int16)
    monkeypatch.setattr(synthetic, "render", lambda clip, seed: made.append(clip) or silence)
    arguments = {"seed": 1, "corpora": ["emodb"], "scale": 0.1}
    folders = synthetic.synthesize(tmp_path / "x", **arguments)
    assert folders == [("emodb", tmp_path / "x/emodb")]
    total = len(made)
    assert total == len(recordings(tmp_path / "x")) == 50 + 2 + 2
    synthetic.synthesize(tmp_path / "x", **arguments)
    assert len(made) == total
    (tmp_path / "x" / "emodb" / made[3].path).unlink()
    synthetic.synthesize(tmp_path / "x", **arguments)
    assert len(made) == 2 * total
    synthetic.synthesize(tmp_path / "x", **{**arguments, "corpora": ["emovo"]})
    assert not (tmp_path / "x/emodb").exists()


def test_real_recordings_are_never_overwritten(tmp_path):
    (tmp_path / "emodb").mkdir()
    (tmp_path / "emodb/mine.wav").write_bytes(b"precious")
    with pytest.raises(UserError, match="choose another --out"):
        synthetic.synthesize(tmp_path, scale=0.1)
    assert (tmp_path / "emodb/mine.wav").read_bytes() == b"precious"


def test_impossible_arguments(tmp_path):
    for arguments, message in (
        ({"corpora": ("afew",)}, "cannot synthesize afew; can: emodb, emovo"),
        ({"scale": 0}, "scale must be above 0"),
        ({"scale": 50}, "scale 50 is too large for emovo"),
    ):
        with pytest.raises(UserError, match=message):
            synthetic.synthesize(tmp_path / "x", **arguments)
    assert not (tmp_path / "x").exists()
