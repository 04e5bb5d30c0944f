"""Verdicts on the paper's claims follow the numbers."""

import pytest
from fabricated_study import study
from study_oracle import PROTOCOL, SMALL

from modules.study import cells
from pipeline.reports.study import verdicts
from pipeline.reports.study.results import Results


@pytest.mark.parametrize(
    ("tuned", "alone", "answer"), [(4.0, 0.0, "yes"), (0.0, 4.0, "no"), (1.0, 1.0, None)]
)
def test_verdicts_follow_the_numbers(tmp_path, tuned, alone, answer):
    def skill(cell):
        return tuned if isinstance(cell, cells.FineTuning) else alone

    store, own, plan = study(
        tmp_path,
        *SMALL,
        skill=skill,
        protocols=(PROTOCOL,),
        approaches=("A2", "A6"),
        scenarios=("S1",),
        tables=(3, 5),
    )
    found = verdicts.verdicts(Results(store, own, plan), PROTOCOL)
    assert len(found) == 3
    for verdict in found[:2]:
        # Equal skill: whatever the sign of the average, chance is not taken for proof.
        assert verdict.answer in ([answer] if answer else ["no", "not shown"])
    assert "+7.3%" in found[0].words
    assert "of 2 targets" in found[2].words


def test_a_clear_difference_of_best_approaches_is_seen(tmp_path):
    def skill(cell):
        best = {"emodb": "A2", "urdu": "A6"}
        if isinstance(cell, cells.FineTuning):
            return 9.0 if cell.approach == best[cell.target] else 1.0
        return 1.0

    store, own, plan = study(
        tmp_path,
        *SMALL,
        skill=skill,
        protocols=(PROTOCOL,),
        approaches=("A2", "A6"),
        scenarios=("S1",),
        tables=(3,),
    )
    _, differs = verdicts.verdicts(Results(store, own, plan), PROTOCOL)
    assert differs.answer == "yes"
    assert "Emo-DB S1-A2" in differs.words
    assert "URDU S1-A6" in differs.words
