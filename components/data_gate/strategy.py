"""A resolver strategy: with which data the new data is compared."""

from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver

from components.data_gate.artifact import DELIBERATE, REFERENCE_DIGEST
from components.manifest_statistics.artifact import MANIFEST_DIGEST

REFERENCE = "reference"
DECISION = "decision"
CANDIDATE = "candidate"


class LastAcceptedStrategy(resolver.ResolverStrategy):
    """Resolves the data accepted last that is not the candidate itself.

    The candidate is left out so that a second identical run has the first one's inputs, and is
    cached. That alone would compare data whose drift somebody accepted with its predecessor for
    ever; the decision about just this pair is therefore resolved too.

    Inputs: `reference` and `decision`, both all of DataGate's outputs, and `candidate`, the
    statistics of the manifest that is about to be judged.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns one or no reference, one or no decision, and the candidate as it came."""
        [candidate] = input_dict[CANDIDATE]
        digest = _property(candidate, MANIFEST_DIGEST)
        accepted = sorted(input_dict[REFERENCE], key=lambda artifact: artifact.id)
        others = [
            artifact for artifact in accepted if _property(artifact, MANIFEST_DIGEST) != digest
        ]
        reference = others[-1:]
        decisions = [
            artifact
            for artifact in accepted
            if reference
            and artifact.get_int_custom_property(DELIBERATE)
            and _property(artifact, MANIFEST_DIGEST) == digest
            and _property(artifact, REFERENCE_DIGEST) == _property(reference[0], MANIFEST_DIGEST)
        ]
        return {REFERENCE: reference, DECISION: decisions[-1:], CANDIDATE: input_dict[CANDIDATE]}


def _property(artifact: types.Artifact, name: str) -> str:
    return artifact.get_string_custom_property(name)
