"""The TransferStudy component: its parameters, inputs and output."""

import json

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.transfer_study import executor
from components.transfer_study.artifact import StudyResults
from modules.study.design import Design


class TransferStudySpec(component_spec.ComponentSpec):
    """Parameters, inputs and output of `TransferStudy`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.MANIFEST_PATH: component_spec.ExecutionParameter(type=str),
        executor.DATA_DIGEST: component_spec.ExecutionParameter(type=str),
        executor.DESIGN: component_spec.ExecutionParameter(type=str),
        executor.STORE: component_spec.ExecutionParameter(type=str),
        executor.TRIM_SILENCE: component_spec.ExecutionParameter(type=bool),
        executor.MEMORY_GIB: component_spec.ExecutionParameter(type=float, optional=True),
        executor.PART: component_spec.ExecutionParameter(type=int, optional=True),
        executor.PARTS: component_spec.ExecutionParameter(type=int, optional=True),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.TRANSFORMED_EXAMPLES: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
    }
    OUTPUTS = {  # noqa: RUF012
        executor.RESULTS: component_spec.ChannelParameter(type=StudyResults),
    }


class TransferStudy(base_beam_component.BaseBeamComponent):
    """Trains and tests every cell of a design, through Beam, into an append-only store.

    What the store has is not computed again, so that a killed study goes on where it was.

    Outputs:
      results: `StudyResults`.
    """

    SPEC_CLASS = TransferStudySpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        transformed_examples: types.BaseChannel,
        manifest_path: str,
        data_digest: str,
        design: Design,
        store: str,
        trim_silence: bool,
        memory_gib: float | None = None,
        part: int | None = None,
        parts: int | None = None,
        code_digest: str = "",
    ):
        """Creates the component.

        Args:
          examples: Examples of AudioExampleGen, for the features of the SVMs.
          transformed_examples: Examples of Transform, all folds; where the network holds layers,
            those of Embeddings.
          manifest_path: Manifest of the recordings; tells their folds under both protocols.
          data_digest: Digest of the recordings and of all that turned them into clips.
          design: What to compute.
          store: Folder of the results.
          trim_silence: Whether SVMs, too, hear recordings without the silence at their ends.
          memory_gib: Most memory that clips may take, in GiB; a quarter of the machine's by
            default.
          part: Number, from 0, of the part of the cells to compute; all cells if absent.
          parts: Number of parts, which may run at the same time.
          code_digest: Digest of the sources of this step.
        """
        super().__init__(
            spec=TransferStudySpec(
                examples=examples,
                transformed_examples=transformed_examples,
                manifest_path=manifest_path,
                data_digest=data_digest,
                design=json.dumps(design.to_json(), sort_keys=True),
                store=store,
                trim_silence=trim_silence,
                memory_gib=memory_gib,
                part=part,
                parts=parts,
                code_digest=code_digest,
                results=types.Channel(type=StudyResults),
            )
        )
