"""The same network gives the same bytes, whatever the process that asks for them did before."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_encoders import random_encoder
from tiny_networks import keep, whisper_spec

from modules.export.own_process import ExportArguments, export_alone
from modules.networks.registry import NetworkSpec
from schemas.labels import PAPER

ROOT = Path(__file__).parents[3]
ARGUMENTS = ExportArguments(
    labels=PAPER,
    trim_silence=True,
    statistics={"": (0.0, 1.0), "a": (0.0, 0.5), "звонки": (0.1, 1.0)},
    domain_labels={"a": ["anger", "fear"], "звонки": ["anger", "sadness"]},
    domain=None,
)
ANOTHER_PROCESS = """
import sys
import tensorflow as tf
from modules.networks.registry import NetworkSpec
from test_own_process import ARGUMENTS, export_alone, spec_of
for seed in (7, 8):
    tf.function(lambda x: x + seed).get_concrete_function(tf.TensorSpec([None]))
    spec_of(*sys.argv[2:]).build(seed=seed)
network = spec_of(*sys.argv[2:]).build(seed=1)
export_alone(network, sys.argv[1], ARGUMENTS)
"""


def spec_of(front_end: str, encoders: str) -> NetworkSpec:
    if front_end == "whisper":
        encoder = random_encoder()
        return whisper_spec(encoder, sha256=keep(encoder, Path(encoders)), members=2)
    return NetworkSpec(front_end=front_end, preset="small", outputs=6)


def _hashes(folder):
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.component
@pytest.mark.parametrize("front_end", ["log_mel_cnn", "whisper"])
def test_two_exports_in_two_processes_are_the_same_bytes(front_end, tmp_path, monkeypatch):
    encoders = str(tmp_path / "encoders")
    monkeypatch.setenv("SER_ENCODERS", encoders)
    export_alone(spec_of(front_end, encoders).build(seed=1), str(tmp_path / "one"), ARGUMENTS)
    subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "two"), front_end, encoders],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests", Path(__file__).parent)))},
        check=True,
    )
    one, two = _hashes(tmp_path / "one"), _hashes(tmp_path / "two")
    assert one == two
    assert {"saved_model.pb", "fingerprint.pb", "variables/variables.index"} < set(one)


def test_a_network_that_cannot_be_exported_is_told_with_the_reason(tmp_path):
    network = NetworkSpec(front_end="log_mel_cnn", preset="small", outputs=2).build(seed=0)
    with pytest.raises(RuntimeError, match=r"expected \(None, 6\)"):
        export_alone(network, str(tmp_path / "one"), ARGUMENTS)
