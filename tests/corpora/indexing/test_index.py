"""Indexing: the oracles are soundfile, hashlib and counting by hand."""

import collections
import hashlib
import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from corpora import manifest, synthetic
from corpora.indexing.index import index
from corpora.indexing.result import same_bytes
from corpora.manifest import sources
from schemas.errors import UserError
from schemas.labels import PAPER_EMOTIONS, LabelSet


def emodb_tree(root, write_tone):
    """Five speakers, all five emotions, a clip each: 25 to use."""
    for speaker in ("03", "08", "09", "10", "11"):
        for letter in "WEAFT":
            write_tone(root / f"wav/{speaker}a01{letter}a.wav")
    return root


def test_counts_add_up_and_every_file_has_its_reason(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "emodb", write_tone)
    whole = (root / "wav/03a01Wa.wav").read_bytes()
    write_tone(root / "wav/03a01Na.wav")
    (root / "wav/03a02Wa.wav").write_bytes(b"")
    (root / "wav/03a02Ea.wav").write_bytes(b"this is a text, not a recording" * 9)
    (root / "wav/03a02Aa.wav").write_bytes(whole[:20])
    (root / "wav/03a02Fa.wav").write_bytes(whole[:44])
    (root / "erkennung.txt").write_text("")
    write_tone(root / "wav/oops.wav")

    result = index([("emodb", root)])

    assert result.domains() == ["emodb"]
    assert [
        result.count("emodb", status) for status in (None, "used", "skipped", "unreadable")
    ] == [
        32,
        25,
        3,
        4,
    ]
    entries = {Path(entry.path).name: (entry.status, entry.reason) for entry in result.account}
    assert len(entries) == 32
    assert entries["03a01Wa.wav"] == ("used", "")
    assert entries["03a01Na.wav"] == ("skipped", "neutral")
    assert entries["erkennung.txt"] == ("skipped", "not a recording (.txt)")
    assert entries["03a02Wa.wav"] == ("unreadable", "empty file")
    assert entries["03a02Ea.wav"] == ("unreadable", "not audio, or its header is damaged")
    assert entries["03a02Aa.wav"] == ("unreadable", "corrupt: wav file without a format chunk")
    assert entries["03a02Fa.wav"] == (
        "unreadable",
        "truncated: its header promises 3,200 bytes of samples, 0 are there",
    )
    assert entries["oops.wav"][0] == "skipped"


@pytest.mark.parametrize(
    ("format", "subtype", "rate_hz", "channels"),
    [
        ("WAV", "PCM_U8", 8_000, 1),
        ("WAV", "PCM_24", 48_000, 2),
        ("WAV", "FLOAT", 44_100, 1),
        ("AIFF", "PCM_16", 22_050, 1),
        ("FLAC", "PCM_16", 16_000, 2),
        ("OGG", "VORBIS", 16_000, 1),
    ],
)
def test_headers_are_read_by_content(tmp_path, write_tone, format, subtype, rate_hz, channels):
    root = emodb_tree(tmp_path, write_tone)
    odd = write_tone(
        root / "wav/12a01Wa.wav",
        duration_s=0.37,
        rate_hz=rate_hz,
        channels=channels,
        format=format,
        subtype=subtype,
    )
    clips = {clip.utterance_id: clip for clip in index([("emodb", root)]).utterances}
    clip = clips["emodb/12a01Wa"]
    with soundfile.SoundFile(odd) as file:
        assert clip.sample_rate_hz == file.samplerate == rate_hz
        # FFmpeg gives no samples of Vorbis' last block, whose end is half a window ahead.
        tolerance_s = 0.02 if subtype == "VORBIS" else 1e-5
        assert clip.duration_s == pytest.approx(file.frames / file.samplerate, abs=tolerance_s)
    assert clip.sha256 == hashlib.sha256(odd.read_bytes()).hexdigest()
    assert clip.path == str(odd)
    assert (clip.language, clip.elicitation) == ("de", "acted")


def write_movie(path, *, rate_hz, samples, picture):
    """Writes a Matroska file with a sound track, or with a picture only."""
    with av.open(str(path), "w", format="matroska") as container:
        if picture:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 16
            stream.pix_fmt = "yuv420p"
            frames = [av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")]
        else:
            stream = container.add_stream("pcm_s16le", rate=rate_hz, layout="mono")
            noise = np.random.default_rng(0).integers(-999, 999, (1, samples), np.int16)
            frame = av.AudioFrame.from_ndarray(noise, "s16", "mono")
            frame.sample_rate = rate_hz
            frames = [frame]
        for frame in [*frames, None]:
            container.mux(stream.encode(frame))


def test_videos_are_read_by_content(tmp_path, write_tone):
    root = emodb_tree(tmp_path, write_tone)
    write_movie(root / "wav/12a01Wa.wav", rate_hz=22_050, samples=11_025, picture=False)
    write_movie(root / "wav/12a01Ea.mkv", rate_hz=0, samples=0, picture=True)
    result = index([("emodb", root)])
    clip = next(clip for clip in result.utterances if clip.utterance_id == "emodb/12a01Wa")
    assert clip.sample_rate_hz == 22_050
    assert clip.duration_s == pytest.approx(0.5, abs=0.01)
    assert result.reasons("emodb", "unreadable") == {"has no sound track": 1}


def test_segments_of_one_recording(tmp_path, write_tone):
    write_tone(tmp_path / "call.wav", duration_s=2.0)
    table = tmp_path / "calls.csv"
    table.write_text(
        "path,domain,speaker,emotion,start_s,end_s\n"
        "call.wav,calls,ann,anger,0.5,1.25\n"
        "call.wav,calls,bob,sadness,1.5,\n"
        "call.wav,calls,bob,sadness,2.5,3\n"
        "call.wav,calls,bob,fear,1.0,2.03\n"
        "gone.wav,calls,bob,fear,,\n"
    )
    result = index([("csv", table)])
    durations = {clip.utterance_id: clip.duration_s for clip in result.utterances}
    assert durations == {
        "calls/call@0.5-1.25": 0.75,
        "calls/call@1.5-": 0.5,
        "calls/call@1.0-2.03": 1,
    }
    assert [entry.reason for entry in result.account if entry.status == "unreadable"] == [
        "the segment 2.5 to 3 s is not within the recording of 2.000 s",
        "no such file",
    ]


def test_a_manifest_is_accepted_as_csv_and_keeps_its_folds(tmp_path, write_tone):
    first = index([("emodb", emodb_tree(tmp_path / "emodb", write_tone))], seed=3)
    manifest.write(first.manifest, tmp_path / "manifest.csv")
    second = index([("csv", tmp_path / "manifest.csv")], seed=4)
    assert second.utterances == first.utterances
    assert sorted(second.kept_folds) == [("emodb", "random"), ("emodb", "speaker_independent")]
    assert first.kept_folds == []


def test_bad_sources_are_named(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "emodb", write_tone)
    (tmp_path / "empty").mkdir()
    table = tmp_path / "more.csv"
    table.write_text(f"path,domain,speaker,emotion\n{root}/wav/03a01Wa.wav,emodb,03,anger\n")
    cases = [
        ([], "no corpus given"),
        ([("emobd", root)], "corpus emobd is unknown; known: afew, emodb"),
        (
            [("emodb", tmp_path / "no")],
            f"{tmp_path}/no does not exist; give a folder with recordings like wav/03a01Wa",
        ),
        ([("emodb", table)], "is a file; unpack it"),
        ([("emodb", root), ("emodb", tmp_path)], "corpus emodb is given twice"),
        ([("csv", table), ("csv", table)], "corpus csv is given twice"),
        ([("emodb", root), ("csv", table)], "domain emodb comes from both"),
        ([("emodb", tmp_path / "empty")], "none of the 0 files"),
        ([("emovo", root)], r"none of the 25 files .* \(25: name does not match EMOVO's"),
        ([("csv", tmp_path)], "is a folder, a CSV file is needed"),
    ]
    for given, message in cases:
        with pytest.raises(UserError, match=message):
            index(given)


def test_all_bad_corpora_are_named_at_once(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "emodb", write_tone)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as error:
        index([("emodb", root), ("emovo", tmp_path / "empty"), ("ravdess", root)])
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["corpus emovo", "corpus ravdess"]


def test_utterances_of_equal_names_in_two_sources(tmp_path, write_tone):
    for name in ("one", "two"):
        write_tone(tmp_path / name / "a.wav")
        (tmp_path / f"{name}.csv").write_text(
            f"path,domain,speaker,emotion,utterance_id\n{name}/a.wav,{name},s,anger,a\n"
        )
    with pytest.raises(UserError, match=r"1 utterances, like a, are in both .*one.csv and .*two"):
        index([("csv", tmp_path / "one.csv"), ("csv", tmp_path / "two.csv")])
    # The same files without ids of their own.
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(
            f"path,domain,speaker,emotion\n{name}/a.wav,{name},s,anger\n"
        )
    result = index([("csv", tmp_path / "one.csv"), ("csv", tmp_path / "two.csv")])
    assert [clip.utterance_id for clip in result.utterances] == ["one/one/a", "two/two/a"]
    assert same_bytes(result.utterances) == []
    (tmp_path / "two/a.wav").write_bytes((tmp_path / "one/a.wav").read_bytes())
    result = index([("csv", tmp_path / "one.csv"), ("csv", tmp_path / "two.csv")])
    ((one, other),) = same_bytes(result.utterances)
    assert (one.domain, other.domain) == ("one", "two")


def test_sources_tell_where_a_manifest_comes_from(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "emodb", write_tone)
    write_tone(tmp_path / "calls/a.wav")
    (tmp_path / "calls.csv").write_text(
        "path,domain,speaker,emotion,language,licence,elicitation\n"
        "calls/a.wav,calls,s,anger,en,ours,natural\ncalls/b.wav,calls,s,fear,en,,natural\n"
    )
    result = index([("emodb", root), ("csv", tmp_path / "calls.csv")])
    file = tmp_path / "m.sources.json"
    sources.write(result.sources, file)
    emodb, calls = sources.read(file)
    assert [emodb, calls] == result.sources
    assert (emodb.licence, emodb.synthetic) == ("open (published as CC0-1.0 / CC BY 4.0)", False)
    assert (calls.domains, calls.licence, calls.language) == (["calls"], "ours", "en")
    assert (calls.found, calls.used, calls.unreadable) == (2, 1, 1)
    file.write_text("{}")
    with pytest.raises(UserError, match=r"m\.sources\.json: does not hold sources"):
        sources.read(file)


def test_synthetic_speech_is_called_synthetic(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "made" / "emodb", write_tone)
    (tmp_path / "made" / synthetic.STAMP).write_text("{}")
    result = index([("emodb", root)])
    assert result.sources[0].synthetic
    assert {clip.licence for clip in result.utterances} == {sources.SYNTHETIC_LICENCE}
    assert sources.SYNTHETIC_STAMP == synthetic.STAMP


def test_names_that_are_no_utf8_are_accounted_for(tmp_path, write_tone):
    root = emodb_tree(tmp_path / "emodb", write_tone)
    odd = Path(os.fsdecode(os.fsencode(root) + b"/w\xe4v"))
    odd.mkdir()
    (odd / "12a01Wa.wav").write_bytes((root / "wav/03a01Wa.wav").read_bytes())
    result = index([("emodb", root)])
    assert result.reasons("emodb", "unreadable") == {"its path is not UTF-8, rename it": 1}
    manifest.write_account(result.account, tmp_path / "account.csv")
    assert "w\\udce4v" in (tmp_path / "account.csv").read_text(encoding="utf-8")


def test_progress_covers_every_recording(tmp_path, write_tone):
    seen = []

    def track(iterable, *, description, total=None):
        for item in iterable:
            seen.append((description, total))
            yield item

    index([("emodb", emodb_tree(tmp_path, write_tone))], track=track)
    assert seen == [("Indexing emodb", 25)] * 25


# Used clips per emotion of full copies, from the corpora's own papers and README files.
REAL = {
    "emodb": (535, {"anger": 127, "disgust": 46, "fear": 69, "happiness": 71, "sadness": 62}),
    "emovo": (588, dict.fromkeys(PAPER_EMOTIONS, 84)),
    "ravdess": (1440, dict.fromkeys(PAPER_EMOTIONS, 192)),
    "urdu": (400, dict.fromkeys(("anger", "happiness", "sadness"), 100)),
}


NEUTRAL = {"emodb": 79, "emovo": 84, "ravdess": 96, "urdu": 100}


@pytest.mark.real
def test_real_corpora(real_corpora):
    result = index([(name, real_corpora / name) for name in REAL])
    for name, (found, emotions) in REAL.items():
        assert result.count(name) == found
        assert result.count(name, "unreadable") == 0
        assert _counts(result, name) == emotions
    assert manifest.fold_problems(result.utterances, "random") == []
    # Only four speakers of URDU are angry: five folds without a common speaker cannot all have
    # anger, but the first four do.
    problems = manifest.fold_problems(result.utterances, "speaker_independent")
    assert len(problems) == 1
    assert "domain urdu: fold 4 has no clip of anger" in problems[0]
    for fold in range(4):
        manifest.check_folds(result.utterances, "speaker_independent", test_fold=fold)


@pytest.mark.real
def test_real_corpora_with_neutral(real_corpora):
    label_set = LabelSet.parse("paper+neutral")
    result = index([(name, real_corpora / name) for name in REAL], label_set=label_set)
    for name, (_, emotions) in REAL.items():
        assert _counts(result, name) == {**emotions, "neutral": NEUTRAL[name]}
    assert manifest.fold_problems(result.utterances, "random") == []


def _counts(result, domain):
    return dict(
        collections.Counter(clip.emotion for clip in result.utterances if clip.domain == domain)
    )
