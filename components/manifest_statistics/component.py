"""The ManifestStatistics component: its parameters, input and output."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact, component_spec

from components.audio_example_gen.component import IngestAccount
from components.manifest_statistics import executor


class ManifestStatisticsArtifact(artifact.Artifact):
    """TFDV statistics of the recordings in use.

    `statistics.pb` holds a `DatasetFeatureStatisticsList` with the datasets that
    `executor.dataset_name` names. Custom property: `manifest_digest`.
    """

    TYPE_NAME = "ManifestStatistics"


class ManifestStatisticsSpec(component_spec.ComponentSpec):
    """Parameters, input and output of `ManifestStatistics`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.MANIFEST_PATH: component_spec.ExecutionParameter(type=str),
        executor.MANIFEST_DIGEST: component_spec.ExecutionParameter(type=str),
        executor.PROTOCOL: component_spec.ExecutionParameter(type=str),
        executor.TEST_FOLD: component_spec.ExecutionParameter(type=int),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.ACCOUNT: component_spec.ChannelParameter(type=IngestAccount),
    }
    OUTPUTS = {  # noqa: RUF012
        executor.STATISTICS: component_spec.ChannelParameter(type=ManifestStatisticsArtifact),
    }


class ManifestStatistics(base_component.BaseComponent):
    """Computes what the recordings in use are made of, for each domain and part of its folds.

    StatisticsGen looks at the examples fold by fold, which tells whether each is well-formed. Drift
    is a question about a domain as a whole, and about what examples do not carry (elicitation);
    the manifest answers it without reading the sound again.

    Outputs:
      statistics: `ManifestStatisticsArtifact`.
    """

    SPEC_CLASS = ManifestStatisticsSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        account: types.BaseChannel,
        manifest_path: str,
        manifest_digest: str,
        protocol: str,
        test_fold: int,
        code_digest: str = "",
    ):
        """Creates the component.

        Args:
          account: from AudioExampleGen; tells which recordings are used.
          manifest_path: the manifest's CSV file, named by its content.
          manifest_digest: of the manifest.
          protocol: `random` or `speaker_independent`; which of an utterance's folds counts.
          test_fold: which of them is tested on.
          code_digest: of the sources of this step.
        """
        super().__init__(
            spec=ManifestStatisticsSpec(
                account=account,
                manifest_path=manifest_path,
                manifest_digest=manifest_digest,
                protocol=protocol,
                test_fold=test_fold,
                code_digest=code_digest,
                statistics=types.Channel(type=ManifestStatisticsArtifact),
            )
        )
