"""A resolver strategy for the Evaluator's baseline."""

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver

MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"


class PreviousBlessedModelStrategy(resolver.ResolverStrategy):
    """Resolves the last blessed model that is not the candidate itself.

    TFX's own LatestBlessedModelStrategy returns, in a second identical run, the very model the
    first run blessed: the Evaluator's inputs differ from the first run's, so it runs again to
    compare a model with itself. Leaving the candidate out keeps the second run wholly cached.

    Inputs: `model` and `model_blessing`, all of one producer (name it, or domains mix), and
    `candidate`, the model about to be evaluated.
    """

    def resolve_artifacts(
        self, store, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns one model and its blessing, or none of either; the candidate as it came."""
        candidates = {artifact.id for artifact in input_dict[CANDIDATE]}
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
            if model.id in blessings and model.id not in candidates
        ]
        latest = max(blessed, key=lambda model: model.id, default=None)
        return {
            MODEL: [latest] if latest else [],
            MODEL_BLESSING: [blessings[latest.id]] if latest else [],
            CANDIDATE: input_dict[CANDIDATE],
        }
