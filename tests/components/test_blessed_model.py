"""Which model a candidate is compared with."""

from pathlib import Path

import pytest
from base_releases import record
from tfx.types import standard_artifacts

from components.blessed_model.strategy import PreviousBlessedModelStrategy
from modules.training.records import RECORD_FILE
from schemas.labels import PAPER, LabelSet

NEUTRAL = LabelSet.parse("paper+neutral")


def _model(folder, artifact_id, labels=PAPER):
    """Returns a model with the record of its training; without one where it has no labels."""
    model = standard_artifacts.Model()
    model.id = artifact_id
    model.uri = str(folder / str(artifact_id))
    Path(model.uri).mkdir(exist_ok=True)
    if labels:
        trained = record(labels, name="emodb", domain_labels={"emodb": labels.labels})
        Path(model.uri, RECORD_FILE).write_text(trained.to_json())
    return model


def _resolve(models, blessed, candidate):
    """Returns the ids of the resolved model and of the model that its blessing is of."""
    resolved = PreviousBlessedModelStrategy().resolve_artifacts(
        None,
        {
            "model": models,
            "model_blessing": [_blessing(i, is_blessed) for i, is_blessed in blessed.items()],
            "candidate": [candidate],
        },
    )
    assert resolved["candidate"] == [candidate]
    found = [model.id for model in resolved["model"]]
    assert [blessing.id - 100 for blessing in resolved["model_blessing"]] == found
    return found


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
def test_last_blessed_model_but_the_candidate(tmp_path, blessings, candidate, expected):
    models = {i: _model(tmp_path, i) for i in (1, 2, 3)}
    found = _resolve([*models.values()], blessings, models[candidate])
    assert found == ([expected] if expected else [])


def test_a_model_of_other_labels_is_no_baseline(tmp_path):
    models = [_model(tmp_path, 1), _model(tmp_path, 2, NEUTRAL), _model(tmp_path, 3, PAPER)]
    # Six outputs, then seven: the latest model answers with other labels than this candidate.
    assert _resolve(models, {1: 1, 2: 1}, models[2]) == [1]
    assert _resolve(models, {1: 1}, models[1]) == []
    # As many labels, but others.
    boredom = _model(tmp_path, 4, LabelSet.parse("paper+boredom"))
    assert _resolve([*models, boredom], {1: 1, 2: 1}, boredom) == []


def test_a_model_without_a_record_of_this_version_is_no_baseline(tmp_path):
    unknown, old, candidate = _model(tmp_path, 1, None), _model(tmp_path, 2), _model(tmp_path, 3)
    Path(old.uri, RECORD_FILE).write_text('{"configuration": {"preset": "fast"}}')
    assert _resolve([unknown, old, candidate], {1: 1, 2: 1}, candidate) == []
