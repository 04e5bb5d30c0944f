"""`ser enrol` and `ser predict --speaker`, against the exported graph."""

import io
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tiny_encoders import random_encoder
from tiny_models import encode, export_tiny, make_network, speech_like, wav
from tiny_networks import whisper_spec

from cli.main import main
from schemas.labels import PAPER

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("serving")
    encoder = random_encoder(positions=500)
    network = whisper_spec(encoder).build(seed=1, encoder=encoder)
    everything = {"a": PAPER.labels}
    export_tiny(
        network, root / "a" / "1", domain="a", domain_labels=everything, speakers_encoder="ab12"
    )
    export_tiny(make_network(), root / "usual" / "1")
    return root


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "jane"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.wav").write_bytes(wav(speech_like(0.4 + 0.1 * number, seed=number)))
    return folder


def _asked(root, signature, contents, **inputs):
    waveform, rate_hz = soundfile.read(io.BytesIO(contents), dtype="float32")
    model = tf.saved_model.load(str(root / "a" / "1"))
    answer = model.signatures[signature](
        waveform=tf.constant(waveform[np.newaxis]),
        num_samples=tf.constant([len(waveform)]),
        rate_hz=tf.constant([rate_hz]),
        **inputs,
    )
    return {name: value.numpy()[0] for name, value in answer.items()}


def test_a_speaker_is_enrolled_and_asked_about(root, clips, tmp_path, capsys):
    out = tmp_path / "speakers" / "jane.json"
    options = ["--model", "a", "--root", str(root)]
    assert main(["enrol", str(clips), *options, "--out", str(out)]) == 0
    assert "5 clips" in capsys.readouterr().out
    speaker = json.loads(out.read_text())
    embeddings = [
        _asked(root, "embed_waveform", path.read_bytes())["embedding"]
        for path in sorted(clips.iterdir())
    ]
    np.testing.assert_allclose(speaker["mean"], np.mean(embeddings, axis=0), rtol=1e-5, atol=1e-6)
    assert (speaker["encoder"], speaker["clips"]) == ("ab12", 5)

    files = {
        tmp_path / "new.wav": wav(speech_like(0.7, seed=9)),
        tmp_path / "new.flac": encode(
            speech_like(0.5, seed=8), 16_000, container="FLAC", subtype="PCM_16"
        ),
    }
    for path, contents in files.items():
        path.write_bytes(contents)
    assert main(["predict", *map(str, files), *options, "--speaker", str(out), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    for row, contents in zip(rows, files.values(), strict=True):
        expected = _asked(
            root,
            "serve_waveform_of_speaker",
            contents,
            speaker_mean=tf.constant([speaker["mean"]]),
            speaker_clips=tf.constant([5]),
            speaker_encoder=tf.constant(["ab12"]),
        )
        np.testing.assert_allclose(
            list(row["probabilities"].values()), expected["probabilities"], atol=1e-6
        )


def test_bad_recordings_are_named_and_few_clips_warned_of(root, clips, tmp_path, capsys):
    out = tmp_path / "jane.json"
    files = [clips / "0.wav", clips / "1.wav", tmp_path / "missing.wav"]
    options = ["--model", "a", "--root", str(root), "--out", str(out)]
    assert main(["enrol", *map(str, files), *options]) == 1
    printed = capsys.readouterr()
    assert "missing.wav: no such file" in printed.err
    assert "warning: 2 " in printed.out
    assert json.loads(out.read_text())["clips"] == 2
    out.unlink()
    assert main(["enrol", str(files[-1]), *options]) == 2
    assert "none of 1 recordings" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_that_knows_no_speakers(root, clips, tmp_path, capsys):
    options = ["--model", "usual", "--root", str(root)]
    assert main(["enrol", str(clips), *options, "--out", str(tmp_path / "jane.json")]) == 2
    assert "known_speakers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("no JSON", "is no JSON"),
        ('{"clips": 3}', "does not hold encoder, clips, mean"),
        ('{"encoder": "a", "clips": 0, "mean": [1.0]}', "not what it should be"),
    ],
)
def test_files_that_are_no_speaker(root, clips, tmp_path, capsys, text, message):
    file = tmp_path / "jane.json"
    if text is not None:
        file.write_text(text)
    arguments = ["predict", str(clips), "--model", "a", "--root", str(root)]
    assert main([*arguments, "--speaker", str(file)]) == 2
    error = capsys.readouterr().err
    assert str(file) in error
    assert message in error


def test_a_speaker_of_another_encoder(root, clips, tmp_path, capsys):
    file = tmp_path / "jane.json"
    options = ["--model", "a", "--root", str(root)]
    main(["enrol", str(clips), *options, "--out", str(file)])
    file.write_text(file.read_text().replace("ab12", "cd34"))
    assert main(["predict", str(clips / "0.wav"), *options, "--speaker", str(file)]) == 1
    assert "another encoder" in capsys.readouterr().err
