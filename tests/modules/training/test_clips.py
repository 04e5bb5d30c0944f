"""Reading transformed examples: the right ones, in order, within a limit of memory."""

import numpy as np
import pytest
import transformed_examples
from transformed_examples import patterns

from modules.training.clips import read_clips
from modules.training.rows import ArrayRows, FileRows
from schemas.labels import PAPER

PLENTY = 2**30
SHAPE = (54_000, 1)
CLIP_BYTES = 54_000 * 4


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transformed")
    return folder, transformed_examples.write_splits(folder)


# A limit that holds all 28 clips, and one that holds five.
@pytest.mark.parametrize("limit_bytes", [PLENTY, 5 * CLIP_BYTES])
def test_reads_the_named_folds_in_the_order_of_their_ids(splits, tmp_path, limit_bytes):
    folder, written = splits
    clips = read_clips(
        patterns(folder, [3, 1]), limit_bytes=limit_bytes, folder=str(tmp_path), row_shape=SHAPE
    )
    expected = sorted(name for name in written if name.split("/")[1][0] in "13")
    assert clips.utterance_ids.tolist() == expected
    assert isinstance(clips.inputs, ArrayRows if limit_bytes == PLENTY else FileRows)
    assert (len(clips.inputs), clips.inputs.row_shape) == (28, (54_000, 1))
    for row in (0, 13, 27):
        label, waveform = written[expected[row]]
        assert clips.labels[row] == label
        np.testing.assert_array_equal(clips.inputs.take(np.array([row]))[0, :, 0], waveform)
    assert clips.domain_classes == {"a": (0, 1, 2), "b": (0, 3, 4, 5)}
    assert clips.domain_labels(PAPER) == {
        "a": ("anger", "disgust", "fear"),
        "b": ("anger", "happiness", "sadness", "surprise"),
    }
    assert clips.statistics is None


@pytest.mark.parametrize("chosen", [{"domain": "b"}, {"without_domain": "a"}])
@pytest.mark.parametrize("limit_bytes", [PLENTY, 3 * CLIP_BYTES])
def test_reads_one_domain_of_two(tmp_path, chosen, limit_bytes):
    statistics = {"a": (0.5, 2.0), "b": (-0.25, 1.0)}
    written = transformed_examples.write_splits(tmp_path, statistics=statistics)
    every = read_clips(patterns(tmp_path, [0, 2]), limit_bytes=PLENTY, row_shape=SHAPE)
    own = read_clips(patterns(tmp_path, [0, 2]), limit_bytes=limit_bytes, row_shape=SHAPE, **chosen)
    expected = sorted(name for name in written if name[0] == "b" and name[2] in "02")
    assert own.utterance_ids.tolist() == expected
    assert set(own.domains) == {"b"}
    assert len(own.inputs) == len(own.labels) == len(own.speakers) == 16
    for row in range(16):
        label, waveform = written[expected[row]]
        assert own.labels[row] == label
        np.testing.assert_array_equal(own.inputs.take(np.array([row]))[0, :, 0], waveform)
    # What a served model has to know of all domains is as if all had been kept.
    assert own.statistics == every.statistics
    assert own.domain_classes == every.domain_classes


def test_reads_statistics(tmp_path):
    transformed_examples.write_splits(tmp_path, statistics={"a": (0.5, 2.0), "b": (-0.25, 1.0)})
    clips = read_clips(patterns(tmp_path, [0]), limit_bytes=PLENTY, row_shape=SHAPE)
    statistics = clips.statistics
    assert statistics["a"] == (0.5, 2.0)
    assert statistics["b"] == (-0.25, 1.0)
    # All clips together: 6 of a, 8 of b; the variance of a mixture in closed form.
    mean = (6 * 0.5 + 8 * -0.25) / 14
    square = (6 * (4 + 0.25) + 8 * (1 + 0.0625)) / 14
    assert statistics[""] == pytest.approx((mean, np.sqrt(square - mean**2)))


def test_no_examples(tmp_path):
    with pytest.raises(ValueError, match="no transformed examples"):
        read_clips([str(tmp_path / "*")], limit_bytes=PLENTY, row_shape=SHAPE)


def test_tells_which_are_of_the_fold_of_an_official_dev_part(splits):
    folder, _ = splits
    clips = read_clips(patterns(folder, [4, 1]), limit_bytes=PLENTY, row_shape=SHAPE)
    of_last = [name.split("/")[1][0] == "4" for name in clips.utterance_ids]
    assert clips.in_last_fold.tolist() == of_last
    assert 0 < sum(of_last) < len(of_last)
