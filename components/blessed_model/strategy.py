"""A resolver strategy for the Evaluator's baseline."""

import json
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio

from modules.training.records import RECORD_FILE, TrainingRecord

MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"


class PreviousBlessedModelStrategy(resolver.ResolverStrategy):
    """Resolves the last blessed model that is not the candidate itself and answers as it does.

    TFX's own LatestBlessedModelStrategy returns, in a second identical run, the very model the
    first run blessed: the Evaluator's inputs differ from the first run's, so it runs again to
    compare a model with itself. Leaving the candidate out keeps the second run wholly cached.

    A model of another label set is no baseline: its outputs stand for other labels.

    Inputs: `model` and `model_blessing`, all of one producer (name it, or domains mix), and
    `candidate`, the model about to be evaluated.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns one model and its blessing, or none of either; the candidate as it came."""
        candidates = {artifact.id for artifact in input_dict[CANDIDATE]}
        labels = {_labels(artifact) for artifact in input_dict[CANDIDATE]}
        blessings = {
            blessing.get_int_custom_property(
                constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
            ): blessing
            for blessing in input_dict[MODEL_BLESSING]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
        }
        blessed = [
            model
            for model in input_dict[MODEL]
            if model.id in blessings and model.id not in candidates and _labels(model) in labels
        ]
        latest = max(blessed, key=lambda model: model.id, default=None)
        return {
            MODEL: [latest] if latest else [],
            MODEL_BLESSING: [blessings[latest.id]] if latest else [],
            CANDIDATE: input_dict[CANDIDATE],
        }


def _labels(model: types.Artifact) -> tuple[str, ...] | None:
    """Returns what a model's outputs stand for; `None` where no record of this version tells."""
    path = f"{model.uri}/{RECORD_FILE}"
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        text = file.read()
    try:
        return TrainingRecord.from_json(text).labels
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
