import collections
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent import futures
from pathlib import PurePosixPath
from typing import Any

import av
import numpy as np
import pytest

from corpora import folds, manifest, synthetic
from corpora.synthetic import base, build
from schemas.errors import UserError
from schemas.labels import PAPER_EMOTIONS, LabelSet
from schemas.splits import PROTOCOLS
from schemas.utterance import Utterance

# The paper's Table 1.
TABLE_1 = {
    "afew": 568,
    "emodb": 287,
    "emovo": 336,
    "enterface": 1_047,
    "iemocap": 1_770,
    "rml": 650,
}


def kinds(name, scale, seed=0):
    clips = synthetic.plan(name, seed=seed, scale=scale)
    return collections.Counter(clip.kind() for clip in clips)


def paths(name, scale, seed=0):
    return [clip.path for clip in synthetic.plan(name, seed=seed, scale=scale)]


def test_at_scale_1_there_are_as_many_clips_as_in_the_papers_table_1():
    assert {name: kinds(name, 1)["usual"] for name in synthetic.CORPORA} == TABLE_1
    for name, clips in TABLE_1.items():
        assert 0.02 < kinds(name, 1)["over-length"] / clips < 0.06


@pytest.mark.parametrize("name", TABLE_1)
@pytest.mark.parametrize("scale", [0.01, 0.1, 0.37, 1.0])
def test_every_recording_has_a_path_of_its_own(name, scale):
    found = paths(name, scale)
    assert len(set(found)) == len(found)
    assert len({path.lower() for path in found}) == len(found)  # on a Mac, too


@pytest.mark.parametrize("name", TABLE_1)
@pytest.mark.parametrize("scale", [0.01, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_fold_has_every_class_with_over_length_clips_and_without(name, scale, seed):
    clips = [
        clip
        for clip in synthetic.plan(name, seed=seed, scale=scale)
        if clip.kind() in ("usual", "over-length")
    ]
    utterances = folds.assign(
        [
            Utterance(
                utterance_id=f"{name}/{clip.path}",
                path=clip.path,
                domain=name,
                # AFEW's names tell no speaker.
                speaker=PurePosixPath(clip.path).stem if name == "afew" else clip.speaker.name,
                emotion=clip.emotion,
                duration_s=len(clip.texts),
            )
            for clip in clips
        ],
        seed=0,
    )
    short = [utterance for utterance in utterances if utterance.duration_s == 1]
    assert 0 < len(short) < len(utterances)
    for protocol in PROTOCOLS:
        assert manifest.fold_problems(utterances, protocol) == []
        assert manifest.fold_problems(short, protocol) == []


def _plan_digest(scale):
    digest = hashlib.sha256()
    for name in sorted(synthetic.CORPORA):
        for clip in synthetic.plan(name, seed=0, scale=scale):
            speaker = clip.speaker
            who = (speaker.name, speaker.variant, speaker.language, speaker.tract)
            what = (clip.emotion, clip.code, clip.texts, clip.defect)
            digest.update(repr((clip.corpus, clip.path, *who, *what)).encode())
    return digest.hexdigest()


def test_for_the_paper_s_labels_the_same_is_planned_as_before_there_were_others():
    assert {scale: _plan_digest(scale)[:16] for scale in (0.05, 0.1, 1.0)} == {
        0.05: "d42e7eff2a3e0e72",
        0.1: "d53777114476e6cf",
        1.0: "bffa7f566b5e1aa9",
    }


def test_usual_clips_of_further_labels_where_the_corpus_has_them():
    label_set = LabelSet.parse("paper+neutral+boredom")

    def counts(name, scale, kind="usual"):
        clips = synthetic.plan(name, seed=0, scale=scale, label_set=label_set)
        assert len({clip.path.lower() for clip in clips}) == len(clips)
        return collections.Counter(clip.emotion for clip in clips if clip.kind(label_set) == kind)

    # Shares as in full copies: 79 of 375 + 79 + 81, one of seven, 207 of 949 + 207.
    assert counts("emodb", 1)["neutral"] == pytest.approx(287 * 79 / 375, abs=1)
    assert counts("emodb", 1)["boredom"] == pytest.approx(287 * 81 / 375, abs=1)
    assert counts("emovo", 1)["neutral"] == 336 / 6
    assert counts("afew", 1)["neutral"] == pytest.approx(568 * 207 / 949, abs=1)
    assert counts("iemocap", 1)["neutral"] == pytest.approx(1_770 * 1_708 / 2_929, abs=1)
    assert set(counts("iemocap", 0.1, "skipped")) == {"excitement", "frustration", "undecided"}
    for name in ("emodb", "emovo", "afew"):
        assert counts(name, 0.01)["neutral"] == 10
        assert counts(name, 0.1, "skipped") == {}
    for name in ("rml", "enterface"):
        assert synthetic.plan(name, seed=0, scale=0.1, label_set=label_set) == synthetic.plan(
            name, seed=0, scale=0.1
        )


def test_a_label_that_no_corpus_has_is_refused(tmp_path):
    message = r"none of emodb, rml has contempt; .* six they have boredom \(emodb\), neutral \(emo"
    with pytest.raises(UserError, match=message):
        synthetic.synthesize(
            tmp_path, corpora=["rml", "emodb"], label_set=LabelSet.parse("paper+contempt")
        )
    assert not [*tmp_path.iterdir()]


def test_emotions_that_corpora_lack():
    lacking = {
        name: set(PAPER_EMOTIONS)
        - {clip.emotion for clip in synthetic.plan(name, seed=0, scale=1) if clip.kind() == "usual"}
        for name in synthetic.CORPORA
    }
    assert {name: emotions for name, emotions in lacking.items() if emotions} == {
        "emodb": {"surprise"},
        "iemocap": {"disgust"},
    }
    # At 0.1, four clips of fear would be too few for five folds.
    clips = synthetic.plan("iemocap", seed=0, scale=0.1)
    counts = collections.Counter(clip.emotion for clip in clips if clip.kind() == "usual")
    assert counts["fear"] == 0
    assert counts["surprise"] == 10


def test_speakers_and_languages():
    def speakers(name, scale=1.0):
        clips = synthetic.plan(name, seed=0, scale=scale)
        return {clip.speaker for clip in clips if clip.kind() == "usual"}

    assert len(speakers("emodb")) == 10
    assert len(speakers("emovo")) == 6
    assert len(speakers("enterface")) == 43  # and subject 6, who is skipped
    assert len(speakers("enterface", 0.1)) == 17
    assert len(speakers("iemocap")) == 10
    assert len({speaker.name for speaker in speakers("rml")}) == 8
    assert {speaker.language for speaker in speakers("rml")} == {
        "en-us",
        "cmn",
        "ur",
        "pa",
        "fa",
        "it",
    }
    accents = {speaker.language for speaker in speakers("enterface")}
    assert {"tr", "fr", "es", "el"} < accents
    for name in synthetic.CORPORA:
        voices = {(one.variant, one.language, one.tract) for one in speakers(name)}
        assert len(voices) == len(speakers(name))


def test_irregular_names_of_enterface():
    for scale in (0.05, 1.0):
        found = paths("enterface", scale)
        eleven = [path for path in found if path.startswith("subject 11/")]
        assert len(eleven) >= 6
        assert all("/s12_" in path for path in eleven)
        assert "subject 16/surprise/sentence 3/s16_su_3avi.avi" in found
        assert any(re.match(r"subject 3/.*/s_3_su_\d\.avi$", path) for path in found)
        assert sum(path.startswith("subject 6/") and "sentence" not in path for path in found) == 6
    regular = [path for path in found if re.match(r"subject (1|2|4)/", path)]
    pattern = r"subject (\d)/(an|di|fe|ha|sa|su)\w+/sentence (\d)/s\1_\2_\3\.avi"
    assert regular
    assert all(re.fullmatch(pattern, path) for path in regular)


def test_a_name_recurs_in_train_and_val_of_afew_as_another_recording():
    clips = {clip.path: clip for clip in synthetic.plan("afew", seed=0, scale=0.1)}
    names = collections.Counter(path.partition("/")[2] for path in clips)
    [name] = [name for name, count in names.items() if count == 2]
    one, other = clips[f"Train/{name}"], clips[f"Val/{name}"]
    assert one.speaker == other.speaker
    sounds = [synthetic.render(clip, seed=0) for clip in (one, other)]
    assert sounds[0].shape != sounds[1].shape or (sounds[0] != sounds[1]).any()


def test_rml_has_a_folder_for_each_language_but_english():
    found = paths("rml", 0.1)
    assert any(re.fullmatch(r"rml-1/s1/an\d\.avi", path) for path in found)
    folders = {path.split("/")[2] for path in found if not path.startswith("rml-1/s1/")}
    assert folders == {"Mandarin", "English", "Urdu", "Punjabi", "Persian", "Italian"}


def in_two_processes(calls):
    """Returns what two processes print, which run at the same time."""
    with futures.ThreadPoolExecutor(2) as pool:
        done = pool.map(
            lambda call: subprocess.run(**call, check=True, stdout=subprocess.PIPE, text=True),
            calls,
        )
        return [process.stdout for process in done]


def test_same_seed_same_bytes_in_any_process(tmp_path):
    script = (
        "import hashlib, pathlib, sys\n"
        "from corpora import synthetic\n"
        "from corpora.synthetic import build\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "for name in synthetic.CORPORA:\n"
        "  clips = synthetic.plan(name, seed=5, scale=0.05)\n"
        "  for clip in clips[::29] + [clip for clip in clips if clip.defect]:\n"
        "    path = out / clip.corpus / clip.path\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    build.make(clip, out=out, seed=5)\n"
        "    print(clip.path, hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    outputs = in_two_processes(
        {"args": [sys.executable, "-c", script, tmp_path / str(i)]} for i in range(2)
    )
    assert outputs[0] == outputs[1]
    lines = outputs[0].splitlines()
    assert len({line.split()[-1] for line in lines}) == len(lines) > 12
    # Nor do bytes depend on what was made before in the same process.
    for name in ("rml", "emodb"):
        clip = synthetic.plan(name, seed=5, scale=0.05)[29]
        first = tmp_path / "0" / name / clip.path
        build.make(clip, out=tmp_path / "1", seed=5)
        assert (tmp_path / "1" / name / clip.path).read_bytes() == first.read_bytes()


def test_no_voice_reads_memory_that_was_never_written():
    script = (
        "import hashlib\n"
        "from corpora import synthetic\n"
        "from corpora.synthetic import espeak\n"
        "clips = [c for n in synthetic.CORPORA for c in synthetic.plan(n, seed=0, scale=1)]\n"
        "voices = sorted({f'{c.speaker.language}+{c.speaker.variant}' for c in clips})\n"
        "how = {'words_per_minute': 160, 'pitch': 1.2, 'pitch_range': 1.0}\n"
        "for voice in voices:\n"
        "    sound = espeak.speak('Mama 12', voice=voice, **how)\n"
        "    print(voice, len(sound) > 4_000, hashlib.sha256(sound.tobytes()).hexdigest())\n"
    )
    outputs = in_two_processes(
        # What glibc fills fresh memory with.
        {"args": [sys.executable, "-c", script], "env": {**os.environ, "MALLOC_PERTURB_": filling}}
        for filling in ("85", "170")
    )
    assert outputs[0] == outputs[1]
    lines = outputs[0].splitlines()
    assert len(lines) > 80
    assert all(line.split()[1] == "True" for line in lines)


def test_another_seed_is_another_corpus():
    assert paths("emovo", 0.1, seed=5) != paths("emovo", 0.1, seed=6)
    clip = synthetic.plan("emovo", seed=5, scale=0.1)[0]
    same = synthetic.render(clip, seed=5), synthetic.render(clip, seed=6)
    assert same[0].shape != same[1].shape or (same[0] != same[1]).any()


def test_videos_carry_nothing_of_the_machine_that_made_them(tmp_path):
    clip = synthetic.plan("rml", seed=0, scale=0.05)[0]
    path = tmp_path / "rml" / clip.path
    path.parent.mkdir(parents=True)
    build.make(clip, out=tmp_path, seed=0)
    content = path.read_bytes()
    assert b"Lavf" not in content
    assert b"Lavc" not in content
    with av.open(path) as video:
        assert (video.streams.video[0].width, video.streams.video[0].height) == (64, 48)
        frames = list(video.decode(audio=0))
    sound = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    np.testing.assert_array_equal(sound, synthetic.render(clip, seed=0).ravel())


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [(10, [1, 1, 2], [3, 2, 5]), (7, [1, 1, 1], [3, 2, 2]), (1, [5, 4], [1, 0]), (0, [1], [0])],
)
def test_apportion(total, shares, expected):
    assert base.apportion(total, shares) == expected


def test_least_numbers_are_taken_from_those_who_have_more():
    assert base.least_of([90, 8, 2], least=10, total=100) == [80, 10, 10]
    assert base.least_of([5, 5], least=10, total=10) == [10, 10]
    assert base.least_of([40, 30, 30], least=10, total=100) == [40, 30, 30]
    result = base.least_of([50, 45, 3, 2], least=10, total=100)
    assert sum(result) == 100
    assert min(result) == 10


def synthesize_silence(monkeypatch):
    """Makes recordings of nothing, at once; returns the list of what was made."""
    made = []

    def render(clip, *, seed):
        made.append(clip)
        return np.zeros([1_600, 1], np.int16)

    monkeypatch.setattr(synthetic.build, "render", render)
    return made


def test_a_complete_result_is_left_alone_and_a_torn_one_is_made_anew(tmp_path, monkeypatch):
    made = synthesize_silence(monkeypatch)
    out = tmp_path / "x"
    arguments: dict[str, Any] = {"seed": 1, "corpora": ["emodb"], "scale": 0.1}
    assert synthetic.synthesize(out, **arguments) == [("emodb", out / "emodb")]
    total = len(made)
    # Ten of each of five emotions, two too long, two of boredom and of neutral.
    assert total == len(list(out.rglob("*.wav"))) == 50 + 2 + 2 + 2
    synthetic.synthesize(out, **arguments)
    assert len(made) == total
    (out / "emodb" / made[3].path).unlink()
    synthetic.synthesize(out, **arguments)
    assert len(made) == 2 * total
    synthetic.synthesize(out, **{**arguments, "corpora": ["iemocap"]})
    assert not (out / "emodb").exists()
    stamp = json.loads((out / synthetic.STAMP).read_text())
    assert stamp["corpora"] == ["iemocap"]
    assert stamp["complete"] is True


def test_a_stamp_of_another_version_is_not_trusted(tmp_path, monkeypatch):
    made = synthesize_silence(monkeypatch)
    synthetic.synthesize(tmp_path, corpora=["emodb"], scale=0.1)
    total = len(made)
    stamp = json.loads((tmp_path / synthetic.STAMP).read_text())
    (tmp_path / synthetic.STAMP).write_text(json.dumps({**stamp, "version": 1}))
    synthetic.synthesize(tmp_path, corpora=["emodb"], scale=0.1)
    assert len(made) == 2 * total


def test_real_recordings_are_never_overwritten(tmp_path):
    (tmp_path / "emodb").mkdir()
    (tmp_path / "emodb/mine.wav").write_bytes(b"precious")
    with pytest.raises(UserError, match="choose another --out"):
        synthetic.synthesize(tmp_path, scale=0.1)
    assert (tmp_path / "emodb/mine.wav").read_bytes() == b"precious"


def test_impossible_arguments(tmp_path):
    for arguments, message in (
        ({"corpora": ("ravdess",)}, "cannot synthesize ravdess; can: afew, emodb, emovo, "),
        ({"scale": 0}, "scale must be above 0"),
        ({"scale": float("nan")}, "scale must be above 0"),
        ({"scale": 2, "corpora": ("enterface",)}, r"scale 2 is too large for enterface.*try 1\."),
        ({"scale": 50, "corpora": ("emodb",)}, "scale 50 is too large for emodb"),
    ):
        with pytest.raises(UserError, match=message):
            synthetic.synthesize(tmp_path / "x", **arguments)
    assert not (tmp_path / "x").exists()
