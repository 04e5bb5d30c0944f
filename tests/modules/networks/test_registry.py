"""The registry: what a name stands for, and networks that come back from files."""

import subprocess
import sys

import pytest

from modules.networks.registry import ARCHITECTURES, NetworkSpec


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures_tell_what_tables_and_help_need(name):
    architecture = ARCHITECTURES[name]
    assert architecture.name == name
    assert architecture.summary
    assert architecture.input_samples == 54_000
    assert list(architecture.presets) == ["fast", "paper"]
    assert all(architecture.presets.values())
    assert architecture.precisions == ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("architecture", "rnn", "cnn_lstm, cnn"),
        ("preset", "large", "fast, paper"),
        ("precision", "float8", "float32, bfloat16"),
    ],
)
def test_unknown_names(field, value, allowed):
    known = {"architecture": "cnn", "preset": "fast", "precision": "float32", "outputs": 6}
    with pytest.raises(ValueError, match=f"unknown {field} '{value}'; there are {allowed}"):
        NetworkSpec(**{**known, field: value})


@pytest.mark.component
def test_a_stored_network_brings_its_own_layers(tmp_path):
    path = str(tmp_path / "network.keras")
    NetworkSpec(architecture="cnn_lstm", preset="fast", outputs=3).build(seed=0).save(path)
    # In a process that has imported none of them.
    code = (
        "import sys; from modules.networks.registry import load_network;"
        "assert 'modules.networks.layers' not in sys.modules;"
        "print(load_network(sys.argv[1]).output_shape)"
    )
    arguments = [sys.executable, "-c", code, path]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "(None, 3)"
