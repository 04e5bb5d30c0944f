"""The folder of a release that is to be adapted: what is found in it, and what is missing."""

import base_releases
import pytest

from pipeline import base_release
from schemas.errors import UserError


def test_the_newest_whole_pretraining_and_its_clips_also_of_a_moved_folder(tmp_path):
    folder = base_releases.write(tmp_path / "r", base_releases.record(), test_fold=2)
    examples = folder / base_releases.EXAMPLES
    assert base_release.read(folder).examples is None
    examples.mkdir(parents=True)
    found = base_release.read(folder)
    assert found.model == folder / base_releases.MODEL / "6"
    assert found.examples == examples
    assert found.test_split == "fold-2"
    assert found.recordings == {"sha anger": "old/anger", "sha fear": "old/fear"}
    assert found.record == base_releases.record()


def test_recordings_of_the_test_fold_were_not_trained_on(tmp_path):
    folder = base_releases.write(tmp_path / "r", base_releases.record(), test_fold=1)
    assert base_release.read(folder).recordings == {}


@pytest.mark.parametrize("missing", ["run.json", "config.yaml", "metadata.sqlite"])
def test_a_folder_that_is_no_release(tmp_path, missing):
    folder = base_releases.write(tmp_path / "r", base_releases.record())
    (folder / missing).unlink()
    with pytest.raises(UserError, match=f"r is no release: it has no {missing}"):
        base_release.read(folder)


def test_a_release_without_a_network(tmp_path):
    with pytest.raises(UserError, match=r"Trainer\.pretrain did not end well"):
        base_release.read(base_releases.write(tmp_path / "r", None))


def test_a_network_that_the_configuration_does_not_name(tmp_path):
    folder = base_releases.write(tmp_path / "r", base_releases.record(), front_end="waveform")
    with pytest.raises(UserError, match=r"names the front end waveform, .* has log_mel_cnn"):
        base_release.read(folder)
