"""The Embeddings component: its parameters, inputs and output."""

import dataclasses
import json

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.embeddings import artifact, executor
from modules.networks.registry import NetworkSpec


class EmbeddingsSpec(component_spec.ComponentSpec):
    """Parameters, inputs and output of `Embeddings`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        artifact.NETWORK: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        artifact.TRANSFORMED_EXAMPLES: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
    }
    OUTPUTS = {  # noqa: RUF012
        artifact.EMBEDDINGS: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }


class Embeddings(base_beam_component.BaseBeamComponent):
    """Computes what the layers that a network holds make of every clip, through Beam.

    Those layers are the same in every training of a run, so that trainings, the study and checks of
    data share what they make.

    Outputs:
      embeddings: Examples, a split for each of the input's. As transformed examples, with the
        embedding in place of the waveform.
    """

    SPEC_CLASS = EmbeddingsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        transformed_examples: types.BaseChannel,
        network: NetworkSpec,
        code_digest: str = "",
    ):
        """Creates the component.

        Args:
          transformed_examples: Examples of Transform, all folds.
          network: The network, which names its encoder.
          code_digest: Digest of the sources of this step.
        """
        # Neither the head nor the number of labels matters here.
        held = dataclasses.replace(network, outputs=2, members=1)
        super().__init__(
            spec=EmbeddingsSpec(
                transformed_examples=transformed_examples,
                network=json.dumps(dataclasses.asdict(held), sort_keys=True),
                code_digest=code_digest,
                embeddings=types.Channel(type=standard_artifacts.Examples),
            )
        )
