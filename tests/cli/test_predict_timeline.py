"""`ser predict --timeline`, channels and manifests, from the command line to what is written."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from html_page import Page
from tiny_models import encode, export_tiny, make_network, speech_like, wav

from cli import timeline_plot, timelines
from cli.main import main
from serving.client.timeline import Timeline, Window
from serving.embedded.server import Server

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    export_tiny(make_network(), root / "emodb" / "1", domain="emodb")
    with Server(root, poll_s=None) as server:
        yield server.address


@pytest.fixture
def ask(address, capsys):
    """Returns a function that runs `ser predict` and returns its status, output and errors."""

    def ask(*arguments):
        words = ["predict", "--model", "emodb", "--address", address, *map(str, arguments)]
        return (main(words), *capsys.readouterr())

    return ask


@pytest.fixture
def clip(tmp_path):
    """A recording of 9 s: two channels of speech, and a pause of 5 s in the first."""
    first, second = speech_like(9), speech_like(9, seed=1)
    first[32_000:112_000] = 0
    path = tmp_path / "clip.flac"
    path.write_bytes(
        encode(np.stack([first, second], 1), 16_000, container="FLAC", subtype="PCM_16")
    )
    return path


def test_a_timeline_in_all_forms(ask, clip, tmp_path):
    status, out, _ = ask(clip, "--timeline", "--json")
    assert status == 0
    [told] = json.loads(out)
    windows = told["timeline"]
    spans = [(each["start_s"], each["end_s"]) for each in windows]
    assert spans == [(0, 4), (2, 6), (4, 8), (5, 9)]
    # The second window lies within the pause.
    assert [each["unsure"] for each in windows] == ["", "silence", "", ""]
    assert (told["windows"], told["window_s"], told["duration_s"]) == (4, 4, 9)
    assert told["unsure_s"] == {"silence": 2}
    sure = [each["probabilities"] for each in windows if each["probabilities"]]
    for label, share in told["probabilities"].items():
        assert share == pytest.approx(np.mean([each[label] for each in sure]))
    for suffix, read in (
        (".csv", pd.read_csv),
        (".jsonl", lambda path: pd.read_json(path, lines=True)),
        (".parquet", pd.read_parquet),
    ):
        path = tmp_path / f"windows{suffix}"
        assert ask(clip, "--timeline", "--out", path)[0] == 0
        rows = read(path)
        assert list(zip(rows.start_s, rows.end_s, strict=True)) == spans
        assert set(rows.file) == {str(clip)}
    status, out, _ = ask(clip, "--timeline", "--window-s", "3", "--hop-s", "3")
    assert "9.0 s in 3 windows" in out


def test_a_window_is_answered_as_the_same_sound_alone(ask, clip, tmp_path):
    rows = {"path": [clip.name], "start_s": [4], "end_s": [8], "utterance_id": ["u"]}
    pd.DataFrame(rows).to_csv(tmp_path / "parts.csv", index=False)
    window = json.loads(ask(clip, "--timeline", "--json")[1])[0]["timeline"][2]
    [alone] = json.loads(ask("--manifest", tmp_path / "parts.csv", "--json")[1])
    assert alone["probabilities"] == pytest.approx(window["probabilities"], abs=1e-5)
    assert (alone["utterance_id"], alone["start_s"], alone["end_s"]) == ("u", 4, 8)
    assert alone["duration_s"] == 4


def test_a_picture_and_a_label_track(ask, clip, tmp_path):
    plots = [tmp_path / f"plot{suffix}" for suffix in (".png", ".svg", ".html")]
    for plot in plots:
        labels = tmp_path / "labels.txt"
        assert ask(clip, "--timeline", "--plot", plot, "--labels", labels)[0] == 0
    assert plots[0].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "<svg" in plots[1].read_text()
    assert "clip.flac" in "".join(Page(plots[2].read_text()).pieces)
    rows = [line.split("\t") for line in labels.read_text().splitlines()]
    assert [float(row[0]) for row in rows[1:]] == [float(row[1]) for row in rows[:-1]]
    assert (float(rows[0][0]), float(rows[-1][1])) == (0, 9)
    assert "(unsure: silence)" in [row[2] for row in rows]


def test_neighbours_of_the_same_emotion_are_one_label():
    def window(start_s, emotion, unsure=""):
        return Window(
            start_s=start_s - 1,
            end_s=start_s + 3,
            from_s=start_s,
            until_s=start_s + 2,
            emotion=emotion,
            probabilities={emotion: 1.0},
            unsure=unsure,
        )

    found = Timeline(
        windows=(
            *(
                window(0, "anger"),
                window(2, "anger"),
                window(4, "fear"),
                window(6, "fear", "noise"),
            ),
            *(window(8, "anger", "noise"), window(10, "anger")),
        ),
        model="m",
        version=1,
        start_s=0,
        end_s=12,
        heard_s=4,
        elapsed_s=0,
    )
    expected = [(0, 4, "anger"), (4, 6, "fear"), (6, 10, "(unsure: noise)"), (10, 12, "anger")]
    assert timelines.spans(found) == expected
    assert timeline_plot.unsure_spans(found) == [(6, 10, "noise")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--window-s", "3"], "--window-s goes with --timeline"),
        (["--timeline", "--hop-s", "5"], "would leave sound out"),
        (["--timeline", "--plot", "plot.pdf"], ".png, .svg, .html"),
        (["--timeline", "--labels", "none/l.txt"], "no folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(ask, clip, arguments, words):
    status, _, err = ask(clip, *arguments)
    assert status == 2
    assert words in err


def test_nothing_to_ask_about_is_refused(ask):
    status, _, err = ask()
    assert status == 2
    assert "--manifest" in err


def test_channels(ask, tmp_path):
    left, right = speech_like(2), speech_like(2, seed=1)
    clip = tmp_path / "stereo.wav"
    clip.write_bytes(wav(np.stack([left, right], 1)))
    (tmp_path / "left.wav").write_bytes(wav(left))
    (tmp_path / "right.wav").write_bytes(wav(right))

    def answer(*arguments):
        return [row["probabilities"] for row in json.loads(ask(*arguments, "--json")[1])]

    [of_left], [of_right] = answer(tmp_path / "left.wav"), answer(tmp_path / "right.wav")
    assert of_left != pytest.approx(of_right, abs=1e-3)
    for channel, expected in (("first", of_left), ("1", of_left), ("right", of_right)):
        [found] = answer(clip, "--channel", channel)
        assert found == pytest.approx(expected, abs=1e-4)
    first, second = answer(clip, "--channel", "each")
    assert first == pytest.approx(of_left, abs=1e-4)
    assert second == pytest.approx(of_right, abs=1e-4)
    status, out, _ = ask(clip, "--channel", "each", "--timeline", "--json")
    assert [row["channel"] for row in json.loads(out)] == ["1", "2"]
    status, _, err = ask(clip, "--channel", "3")
    assert status == 1
    assert "has no channel 3, it has 2" in err


def test_a_silent_first_channel_is_an_error_that_says_so(ask, tmp_path):
    clip = tmp_path / "stereo.wav"
    clip.write_bytes(wav(np.stack([np.zeros(16_000), speech_like(1)], 1)))
    for arguments in ([], ["--timeline"]):
        status, _, err = ask(clip, *arguments)
        assert status == 1
        assert "its first channel is silent, channel 2 of 2 is not" in err
    status, out, err = ask(clip, "--channel", "each", "--json")
    assert status == 1
    assert ["error" in row for row in json.loads(out)] == [True, False]


def test_a_manifest_with_good_and_bad_rows(ask, clip, tmp_path):
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "path,start_s,end_s,channel\n"
        "clip.flac,0,2,\n"
        "clip.flac,2.5,6.5,\n"  # within the pause of the first channel
        "clip.flac,2.5,6.5,right\n"
        "clip.flac,5,4,\n"
        "none.wav,,,\n"
        "clip.flac,0,2,front\n"
        "clip.flac,20,21,\n"
    )
    out = tmp_path / "answers.csv"
    status, _, err = ask("--manifest", manifest, "--out", out)
    assert status == 1
    with out.open() as file:
        rows = list(csv.DictReader(file))
    reasons = ["", "its first channel is silent", "", "is not after", "no such file",
               "`channel` must be", "has nothing from 20 s"]  # fmt: skip
    assert len(rows) == len(reasons)
    for row, reason in zip(rows, reasons, strict=True):
        assert reason in row["error"]
        assert bool(reason) == bool(row["error"])
        assert bool(row["emotion"]) != bool(row["error"])
    assert (rows[2]["channel"], rows[2]["start_s"]) == ("right", "2.5")
    assert err.count("error: ") == 5


def test_a_manifest_that_is_none_is_refused(ask, tmp_path):
    (tmp_path / "m.csv").write_text("name\na.wav\n")
    status, _, err = ask("--manifest", tmp_path / "m.csv")
    assert status == 2
    assert "path" in err
