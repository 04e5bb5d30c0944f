"""What recordings are, by their content: the oracles are soundfile and full decoding."""

import os

import av
import numpy as np
import pytest
import soundfile

from corpora.indexing import probe, probe_cache
from corpora.indexing.probe_cache import ProbeCache


def write_movie(path, *, format="avi", sound="pcm_s16le", rate_hz=48_000, duration_s=1.0):
    """Writes a video of noise with a sound track, or without one."""
    generator = np.random.default_rng(0)
    with av.open(str(path), "w", format=format) as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        track = container.add_stream(sound, rate=rate_hz, layout="mono") if sound else None
        for number in range(round(duration_s * 25)):
            pixels = generator.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            if track:
                samples = generator.normal(0, 3_000, (1, rate_hz // 25)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                frame.sample_rate, frame.pts = rate_hz, number * (rate_hz // 25)
                container.mux(track.encode(frame))
        container.mux(picture.encode(None))
        if track:
            container.mux(track.encode(None))
    return path


def decoded_s(path):
    with av.open(str(path)) as container:
        rate_hz = container.streams.audio[0].rate
        return rate_hz, sum(frame.samples for frame in container.decode(audio=0)) / rate_hz


@pytest.mark.parametrize(
    ("format", "sound", "rate_hz"),
    [
        ("avi", "pcm_s16le", 22_050),
        ("avi", "pcm_s16le", 48_000),
        ("avi", "libmp3lame", 44_100),
        ("mp4", "aac", 48_000),
        ("matroska", "pcm_s16le", 16_000),
    ],
)
def test_the_sound_of_videos(tmp_path, format, sound, rate_hz):
    path = write_movie(tmp_path / "x", format=format, sound=sound, rate_hz=rate_hz)
    seen = probe.probe(str(path))
    expected_rate_hz, expected_s = decoded_s(path)
    assert seen.problem == ""
    assert seen.sample_rate_hz == expected_rate_hz
    # Codecs pad; the container's header does not always tell.
    assert seen.duration_s == pytest.approx(expected_s, abs=0.0001 if "pcm" in sound else 0.06)


def test_the_sound_may_end_before_the_picture(tmp_path):
    path = tmp_path / "x.avi"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        track = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ones((1, 8_000), np.int16), "s16", "mono")
        frame.sample_rate = 16_000
        container.mux(track.encode(frame))
        for _ in range(50):
            pixels = np.zeros((64, 64, 3), np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(picture.encode(None))
    assert probe.probe(str(path)).duration_s == 0.5


@pytest.mark.parametrize("format", ["avi", "mp4", "matroska"])
def test_a_video_without_a_sound_track_is_told_apart(tmp_path, format):
    path = write_movie(tmp_path / "mute", format=format, sound="")
    seen = probe.probe(str(path))
    assert seen.problem == "has no sound track"
    assert seen.sha256


def test_corrupt_videos_are_unreadable(tmp_path):
    whole = write_movie(tmp_path / "whole.avi").read_bytes()
    broken = {
        "half": whole[: len(whole) // 2],
        "head overwritten": b"\0" * 400 + whole[400:],
        "streams overwritten": whole[:12] + b"\xff" * 4_000 + whole[4_012:],
    }
    problems = {}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        problems[name] = probe.probe(str(tmp_path / name)).problem
    assert problems["half"] == (
        f"truncated: its header promises {len(whole):,} bytes, {len(whole) // 2:,} are there"
    )
    assert problems["head overwritten"] == "not audio, or its header is damaged"
    assert problems["streams overwritten"] != ""


def test_a_playlist_is_not_followed(tmp_path):
    (tmp_path / "a.wav").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{tmp_path}/b.wav\n")
    assert probe.probe(str(tmp_path / "a.wav")).problem == "not audio, or its header is damaged"


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_32"),
        ("WAV", "DOUBLE"),
        ("WAV", "IMA_ADPCM"),
        ("WAV", "ULAW"),
        ("WAVEX", "PCM_24"),
        ("FLAC", "PCM_24"),
        ("AIFF", "PCM_16"),
        ("W64", "PCM_16"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_headers_against_soundfile(tmp_path, write_tone, format, subtype, channels):
    path = write_tone(
        tmp_path / "x", duration_s=0.2345, channels=channels, format=format, subtype=subtype
    )
    seen, expected = probe.probe(str(path)), soundfile.info(path)
    assert (seen.sample_rate_hz, seen.duration_s) == (expected.samplerate, expected.duration)


def test_wav_headers_that_lie(tmp_path, write_tone):
    whole = bytearray(write_tone(tmp_path / "whole.wav", duration_s=0.25).read_bytes())
    assert whole[36:40] == b"data"

    def problem_and_duration(name, content):
        (tmp_path / name).write_bytes(content)
        seen = probe.probe(str(tmp_path / name))
        return seen.problem, seen.duration_s

    streamed = bytes(whole[:40]) + b"\xff\xff\xff\xff" + bytes(whole[44:])
    assert problem_and_duration("streamed", streamed) == ("", 0.25)
    assert problem_and_duration("cut", bytes(whole[:-1_000])) == (
        "truncated: its header promises 8,000 bytes of samples, 7,000 are there",
        0,
    )
    empty = bytes(whole[:40]) + b"\0\0\0\0"
    assert problem_and_duration("empty", empty) == ("has no samples", 0)
    no_rate = bytes(whole[:24]) + b"\0\0\0\0" + bytes(whole[28:])
    assert problem_and_duration("no rate", no_rate)[0] != ""


# --- The cache ------------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch):
    """The paths that were read, in a list that grows; young files are trusted."""
    paths = []
    read = probe.probe

    def counted(path, **arguments):
        paths.append(os.path.basename(path))
        return read(path, **arguments)

    monkeypatch.setattr(probe, "probe", counted)
    monkeypatch.setattr(probe_cache, "YOUNG_NS", 0)
    return paths


def probe_twice(paths, file, change=lambda: None):
    """Returns what was seen before and after `change`, the second time with the first's cache."""
    results = []
    for step in range(2):
        if step:
            change()
        cache = ProbeCache.load(file)
        results.append(
            probe.probe_all(map(str, paths), probe_one=cache.probe, description="Indexing")
        )
        cache.save(file)
    return results


def test_only_what_changed_is_read_again(tmp_path, write_tone, reads):
    names = ("same", "longer", "other", "touched", "set back", "replaced", "broken", "gone")
    paths = {name: write_tone(tmp_path / name) for name in names}
    paths["broken"].write_bytes(b"nothing that could be heard")
    paths["new"] = tmp_path / "new"
    times = paths["set back"].stat()

    def change():
        reads.clear()
        write_tone(paths["longer"], duration_s=0.3)
        write_tone(paths["other"])  # as long, another pitch
        paths["touched"].touch()
        write_tone(paths["set back"])
        os.utime(paths["set back"], ns=(times.st_atime_ns, times.st_mtime_ns))
        os.replace(write_tone(tmp_path / "temporary"), paths["replaced"])
        paths["gone"].unlink()
        write_tone(paths["new"])

    before, after = probe_twice(paths.values(), tmp_path / "cache.json", change)
    assert sorted(reads) == [
        "gone",
        "longer",
        "new",
        "other",
        "replaced",
        "set back",
        "touched",
    ]
    assert after == {str(path): probe.probe(str(path)) for path in paths.values()}
    changed = {os.path.basename(path) for path in after if after[path] != before[path]}
    assert changed == {"longer", "other", "set back", "replaced", "gone", "new"}


def test_a_file_that_was_just_written_is_read_again(tmp_path, write_tone, reads, monkeypatch):
    monkeypatch.setattr(probe_cache, "YOUNG_NS", 3_600_000_000_000)
    probe_twice([write_tone(tmp_path / "young")], tmp_path / "cache.json")
    assert reads == ["young", "young"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 0, "recordings": {}}', '{"a": 1}'])
def test_a_cache_that_cannot_be_read_is_empty(tmp_path, write_tone, reads, content):
    path, file = write_tone(tmp_path / "a"), tmp_path / "cache.json"
    probe_twice([path], file)
    assert reads == ["a"]
    probe_twice([path], file, lambda: file.write_text(content))
    assert reads == ["a", "a"]
