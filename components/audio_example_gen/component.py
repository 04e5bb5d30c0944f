"""The AudioExampleGen component: its parameters and outputs."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.audio_example_gen import executor
from components.audio_example_gen.artifact import IngestAccount
from schemas.sound import INPUT_SAMPLES, OVER_LENGTH, TRUNCATE
from schemas.splits import RELEASE_PROTOCOLS, SPEAKER_INDEPENDENT


class AudioExampleGenSpec(component_spec.ComponentSpec):
    """Parameters and outputs of `AudioExampleGen`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.MANIFEST_PATH: component_spec.ExecutionParameter(type=str),
        executor.MANIFEST_DIGEST: component_spec.ExecutionParameter(type=str),
        executor.PROTOCOL: component_spec.ExecutionParameter(type=str),
        executor.OVER_LENGTH: component_spec.ExecutionParameter(type=str),
        executor.TRIM_SILENCE: component_spec.ExecutionParameter(type=bool),
        executor.INPUT_SAMPLES: component_spec.ExecutionParameter(type=int),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.ACCOUNT: component_spec.ChannelParameter(type=IngestAccount),
    }


# A class, not TFX's `@component`: what is wrong with its parameters is told where it is made.
class AudioExampleGen(base_beam_component.BaseBeamComponent):
    """Decodes the recordings of a manifest into examples, one split per fold.

    Outputs:
      examples: Standard Examples with the splits `fold-0` … `fold-4`; GZIP TFRecords of tf.Example
        with the features of the data contract (`schemas/features.py`): the first channel at 16 kHz
        as 16-bit PCM, at most 30 s of it, and the utterance's labels.
      account: `IngestAccount`; every recording of the manifest is used, skipped, or quarantined
        with its reason.
    """

    SPEC_CLASS = AudioExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        manifest_path: str,
        manifest_digest: str,
        protocol: str = SPEAKER_INDEPENDENT,
        over_length: str = TRUNCATE,
        trim_silence: bool = False,
        input_samples: int = INPUT_SAMPLES,
        code_digest: str = "",
    ):
        """Creates the component.

        TFX runs it again when one of these changes, and only then. Equal contents must therefore
        have equal paths.

        Args:
          manifest_path: The manifest's CSV file, named by its content.
          manifest_digest: Digest of the manifest, the recordings' hashes included.
          protocol: `random` or `speaker_independent`; which of an utterance's folds counts.
          over_length: `truncate` uses every recording (Transform cuts it), `drop` skips those that
            are longer than the network's input.
          trim_silence: Whether `drop` measures without leading and trailing silence.
          input_samples: Length of the network's input at 16 kHz.
          code_digest: Digest of the sources of this step.

        Raises:
          ValueError: `protocol` or `over_length` is none of those above.
        """
        _check("protocol", protocol, RELEASE_PROTOCOLS)
        _check("over_length", over_length, OVER_LENGTH)
        super().__init__(
            spec=AudioExampleGenSpec(
                manifest_path=manifest_path,
                manifest_digest=manifest_digest,
                protocol=protocol,
                over_length=over_length,
                trim_silence=trim_silence,
                input_samples=input_samples,
                code_digest=code_digest,
                examples=types.Channel(type=standard_artifacts.Examples),
                account=types.Channel(type=IngestAccount),
            )
        )


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} {value!r} does not exist; allowed: {', '.join(allowed)}")
