"""A study's cells in parts: each once, with what it starts from, and about as much for each."""

from components.transfer_study.parts import own_cells
from modules.networks.registry import NetworkSpec
from modules.study import cells
from modules.study.design import Design
from modules.training.settings import Settings

NETWORK = NetworkSpec(front_end="waveform", preset="fast", outputs=6)
SETTINGS = Settings(epochs=4, batch_size=8, learning_rate=1.0)


def _planned():
    return Design(
        domains=("a", "b", "c"),
        targets=("a", "b", "c"),
        folds=(0, 1),
        network=NETWORK,
        pretrain=SETTINGS,
        scratch=SETTINGS,
        fine_tune=SETTINGS,
    ).plan()


def test_every_cell_is_in_one_part():
    planned = _planned()
    parts = [own_cells(planned, part, 3) for part in range(3)]
    assert sorted(map(cells.key, planned)) == sorted(cells.key(c) for own in parts for c in own)
    assert own_cells(planned, 0, 1) == planned


def test_no_part_waits_for_another_one():
    for part in range(3):
        own = own_cells(_planned(), part, 3)
        assert {c.parent for c in own if isinstance(c, cells.FineTuning)} <= set(own)
    holders = [
        part
        for part in range(3)
        if any(isinstance(c, cells.Svm | cells.AdaptiveSvm) for c in own_cells(_planned(), part, 3))
    ]
    # Their features are computed once.
    assert len(holders) == 1


def test_parts_are_about_as_long():
    def epochs(own):
        trainings = [c for c in own if isinstance(c, cells.Training)]
        tunings = [c for c in own if isinstance(c, cells.FineTuning)]
        return sum(4 * len(c.domains) for c in trainings) + 4 * len(tunings)

    loads = [epochs(own_cells(_planned(), part, 3)) for part in range(3)]
    assert max(loads) < 1.2 * min(loads)


def test_more_parts_than_work_leave_some_empty():
    planned = _planned()[:1]
    assert sorted(len(own_cells(planned, part, 3)) for part in range(3)) == [0, 0, 1]
