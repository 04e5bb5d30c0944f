"""Which model a candidate is compared with."""

import pytest
from tfx.types import standard_artifacts

from components.blessed_model.strategy import PreviousBlessedModelStrategy


def _model(artifact_id):
    model = standard_artifacts.Model()
    model.id = artifact_id
    return model


def _blessing(model_id, blessed):
    blessing = standard_artifacts.ModelBlessing()
    blessing.id = 100 + model_id
    blessing.set_int_custom_property("current_model_id", model_id)
    blessing.set_int_custom_property("blessed", blessed)
    return blessing


@pytest.mark.parametrize(
    ("blessings", "candidate", "expected"),
    [
        ({}, 3, None),
        ({1: 1, 2: 1}, 3, 2),
        ({1: 1, 2: 0}, 3, 1),
        # The second run of the same configuration: the candidate was blessed by the first run.
        ({3: 1}, 3, None),
        ({1: 1, 3: 1}, 3, 1),
        # Back to an old configuration: the candidate is older than the last blessed model.
        ({1: 1, 2: 1}, 1, 2),
    ],
)
def test_last_blessed_model_but_the_candidate(blessings, candidate, expected):
    resolved = PreviousBlessedModelStrategy().resolve_artifacts(
        None,
        {
            "model": [_model(i) for i in (1, 2, 3)],
            "model_blessing": [_blessing(i, blessed) for i, blessed in blessings.items()],
            "candidate": [_model(candidate)],
        },
    )
    assert [model.id for model in resolved["model"]] == ([expected] if expected else [])
    assert [b.id - 100 for b in resolved["model_blessing"]] == ([expected] if expected else [])
