"""Where windows lie: counted by hand, and in pieces as in one piece."""

import numpy as np
import pytest

from schemas.errors import UserError
from serving.client import windows
from serving.client.windows import Windows


@pytest.mark.parametrize(
    ("num", "expected"),
    [
        (1, [(0, 1)]),
        (4, [(0, 4)]),
        (5, [(0, 4), (1, 5)]),
        (6, [(0, 4), (2, 6)]),
        (7, [(0, 4), (2, 6), (3, 7)]),
        (8, [(0, 4), (2, 6), (4, 8)]),
    ],
)
@pytest.mark.parametrize("piece", [1, 3, 100])
def test_windows_of_four_every_two(num, expected, piece):
    samples = np.arange(num)
    pieces = [samples[start : start + piece] for start in range(0, num, piece)]
    cut = list(windows.cut(pieces, size=4, hop=2))
    assert [(start, start + len(part)) for start, part in cut] == expected
    assert windows.starts(num, size=4, hop=2) == [start for start, _ in expected]
    for start, part in cut:
        assert part.tolist() == list(range(start, start + len(part)))


@pytest.mark.parametrize("hop", [1, 3, 7])
def test_every_sample_is_in_a_window_and_all_are_equally_long(hop):
    rng = np.random.default_rng(hop)
    for num in range(8, 40):
        borders = np.sort(rng.integers(0, num, 3))
        cut = list(windows.cut(np.split(np.arange(num), borders), size=7, hop=hop))
        assert {len(part) for _, part in cut} == {7}
        assert set(np.concatenate([part for _, part in cut])) == set(range(num))
        assert [start for start, _ in cut] == windows.starts(num, size=7, hop=hop)


def test_channels_stay_beside_each_other():
    stereo = np.arange(12).reshape(6, 2)
    [(_, first), (_, last)] = windows.cut([stereo[:5], stereo[5:]], size=4, hop=2)
    assert first.tolist() == stereo[:4].tolist()
    assert last.tolist() == stereo[2:].tolist()


def test_each_window_stands_for_the_time_next_to_its_middle():
    # Middles at 2, 4 and 5 s.
    assert windows.shares([0.0, 2.0, 3.0], [4.0, 6.0, 7.0]) == [(0, 3), (3, 4.5), (4.5, 7)]
    assert windows.shares([0.0], [1.5]) == [(0.0, 1.5)]


@pytest.mark.parametrize(
    ("window_s", "hop_s", "named"),
    [(4, 5, "--hop-s 5"), (4, 0, "--hop-s 0"), (0.01, 0.01, "--window-s 0.01"),
     (float("nan"), 1, "--window-s nan"), (500, 2, "--window-s 500")],
)  # fmt: skip
def test_gaps_and_nonsense_are_refused(window_s, hop_s, named):
    with pytest.raises(UserError, match=named):
        Windows(window_s, hop_s)
