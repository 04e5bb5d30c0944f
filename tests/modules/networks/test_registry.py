"""The registry: what a name stands for, and networks that come back from files."""

import dataclasses
import json
import subprocess
import sys

import pytest

from modules.networks.encoders.spec import EncoderSpec
from modules.networks.registry import FRONT_ENDS, NetworkSpec, input_samples

# Written out from the documentation: presets, the first of which is the default, precisions and the
# length of the input in samples.
FACTS = {
    "waveform": (("fast", "paper", "fast-cnn", "paper-cnn"), ("float32", "bfloat16"), 54_000),
    "whisper": (("mean", "lstm"), ("float32",), 160_000),
    "log_mel_cnn": (("small",), ("float32",), 160_000),
}
ENCODER = EncoderSpec(
    name="x", sha256="0", bands=8, width=4, heads=2, positions=9, blocks=2, pooled=(1, 2)
)


def test_front_ends_tell_what_tables_and_help_need():
    assert list(FRONT_ENDS) == list(FACTS)
    for name, (presets, precisions, samples) in FACTS.items():
        found = FRONT_ENDS[name]
        assert found.name == name
        assert found.summary
        assert all(found.presets.values())
        assert (tuple(found.presets), found.precisions) == (presets, precisions)
        assert input_samples(name) == samples


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"front_end": "rnn"}, "unknown front_end 'rnn'; there are waveform, whisper, log_mel_cnn"),
        ({"preset": "large"}, "unknown preset 'large'; there are fast, paper, fast-cnn, paper-cnn"),
        ({"precision": "float8"}, "unknown precision 'float8'; there are float32, bfloat16"),
        ({"encoder": ENCODER}, "front end waveform takes no encoder"),
        ({"front_end": "whisper", "preset": "mean"}, "front end whisper takes an encoder"),
        ({"members": 2}, "2 members: .* front end waveform, preset fast, has one"),
        ({"members": 0}, "0 members"),
        (
            {"front_end": "whisper", "preset": "lstm", "encoder": ENCODER, "members": 3},
            "3 members: .* preset lstm, has one",
        ),
        (
            {"front_end": "whisper", "preset": "mean", "encoder": ENCODER, "precision": "bfloat16"},
            "unknown precision 'bfloat16'; there are float32",
        ),
    ],
)
def test_networks_that_there_are_not(values, message):
    known = {"front_end": "waveform", "preset": "fast", "precision": "float32", "outputs": 6}
    with pytest.raises(ValueError, match=message):
        NetworkSpec(**{**known, **values})


@pytest.mark.parametrize(
    "spec",
    [
        NetworkSpec(front_end="waveform", preset="paper", precision="bfloat16", outputs=4),
        NetworkSpec(front_end="whisper", preset="mean", encoder=ENCODER, members=3, outputs=6),
    ],
)
def test_networks_survive_json(spec):
    written = json.loads(json.dumps(dataclasses.asdict(spec)))
    assert NetworkSpec.from_json(written) == spec


@pytest.mark.component
def test_a_stored_network_brings_its_own_layers(tmp_path):
    path = str(tmp_path / "network.keras")
    NetworkSpec(front_end="waveform", preset="fast", outputs=3).build(seed=0).save(path)
    # In a process that has imported none of them.
    code = (
        "import sys; from modules.networks.registry import load_network;"
        "assert 'modules.networks.layers' not in sys.modules;"
        "print(load_network(sys.argv[1]).output_shape)"
    )
    arguments = [sys.executable, "-c", code, path]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "(None, 3)"
