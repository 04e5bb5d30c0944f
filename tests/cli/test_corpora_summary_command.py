"""`ser corpora summary` as a user sees it."""

import argparse
import json

import numpy as np
import pytest
import soundfile

from cli import corpora as command
from corpora import manifest
from schemas.utterance import Utterance


def ser(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["corpora", *map(str, arguments)]))


@pytest.fixture
def speech(tmp_path):
    """Three clips of a tone: 2 s, 4 s of which the middle half sounds, and 4 s; one damaged."""
    rate_hz = 16_000
    tone = np.sin(2 * np.pi * 220 * np.arange(4 * rate_hz) / rate_hz) / 4
    padded = np.where(abs(np.arange(4 * rate_hz) - 2 * rate_hz) < rate_hz, tone, 0)
    clips = []
    for name, samples in (("short", tone[: 2 * rate_hz]), ("padded", padded), ("long", tone)):
        soundfile.write(tmp_path / f"{name}.wav", samples, rate_hz)
        clips.append((name, len(samples) / rate_hz))
    (tmp_path / "damaged.wav").write_bytes(b"nothing to hear")
    utterances = [
        Utterance(
            utterance_id=f"emodb/{name}",
            path=str(tmp_path / f"{name}.wav"),
            domain="emodb",
            speaker="03",
            emotion="anger",
            language="de",
            elicitation="acted",
            sample_rate_hz=rate_hz,
            duration_s=duration_s,
        )
        for name, duration_s in [*clips, ("damaged", 1.0)]
    ]
    manifest.write(manifest.Manifest.of(utterances), tmp_path / "speech.csv")
    return tmp_path / "speech.csv"


def rows(shown):
    return [line.split() for line in shown.splitlines()]


def test_our_row_stands_above_the_paper_s(speech, capsys):
    assert ser("summary", speech) == 0
    shown = capsys.readouterr().out
    assert ["emodb", "German", "acted", "16", "1", "?", "4", "2"] in rows(shown)
    assert ["paper", "German", "acted", "16", "287"] in rows(shown)
    assert ["emodb", "0.2", "3.00", "s", "4.00", "s", "50%"] in rows(shown)
    assert "  - 2 of 4 are longer than 3.375 s: 2 left; that is -285" in shown
    assert "not in this manifest: afew, emovo, enterface, iemocap, rml" in shown


def test_nothing_is_left_out_if_clips_are_cut(speech, capsys):
    ser("summary", speech, "--over-length", "truncate")
    shown = capsys.readouterr().out
    assert ["emodb", "German", "acted", "16", "1", "?", "4", "4"] in rows(shown)
    assert "those longer than 3.375 s are cut" in shown


def test_silence_is_trimmed_as_training_does(speech, tmp_path, capsys):
    ser("summary", speech, "--trim-silence", "--json", tmp_path / "made" / "s.json")
    shown = capsys.readouterr().out
    assert "those longer than 3.375 s after trimming are left out" in shown
    assert "1 clips are damaged" in shown
    content = json.loads((tmp_path / "made" / "s.json").read_text(encoding="utf-8"))
    assert (content["over_length"], content["trim_silence"], content["cap_s"]) == (
        "drop",
        True,
        3.375,
    )
    (domain,) = content["domains"]
    assert (domain["used"], domain["clips"], domain["over_length"]) == (4, 2, 1)
    assert domain["emotions"]["anger"] == 2
    # 2 s, 2 s with a margin of 0.05 s and a frame's blur at either end, 4 s.
    assert domain["total_min"] * 60 == pytest.approx(8.1, abs=0.06)
    assert domain["paper"]["clips"] == 287
