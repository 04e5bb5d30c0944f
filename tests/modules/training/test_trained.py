"""Networks in a model's folder."""

import keras
import pytest

from modules.networks.registry import NetworkSpec
from modules.training import trained
from modules.training.records import RECORD_FILE, SettingsRecord, TrainingRecord
from modules.training.settings import Settings
from modules.training.trained import NETWORK_FILE
from schemas.errors import UserError
from schemas.labels import PAPER


def test_a_network_of_another_version_is_the_users_error(tmp_path):
    spec = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
    record = TrainingRecord(
        name="pretrain",
        labels=PAPER.labels,
        domain_labels={},
        network=trained.network_record(spec, {}),
        settings=SettingsRecord(**vars(Settings(epochs=1))),
        clips={},
        held_out={},
        history=[],
        kept_epoch=None,
        weight_hashes={},
    )
    (tmp_path / RECORD_FILE).write_text(record.to_json(), encoding="utf-8")
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, name="emotion")])
    network.save(tmp_path / NETWORK_FILE)
    with pytest.raises(UserError, match=r"no layer conv1, conv2, lstm, .* run its release again"):
        trained.load(str(tmp_path))
