"""The DataGate component: its parameters, inputs and output."""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact, component_spec, standard_artifacts

from components.data_gate import executor
from components.manifest_statistics.component import ManifestStatisticsArtifact


class AcceptedData(artifact.Artifact):
    """Data that passed the gate; the reference of what comes after it.

    `statistics.pb` is a copy of the manifest's statistics, `findings.json` says what was found and
    let pass. Custom properties: `manifest_digest`; `reference_digest`, of the manifest it was
    compared with; `deliberate`, 1 if it passed because somebody said so.
    """

    TYPE_NAME = "AcceptedData"


class DataGateSpec(component_spec.ComponentSpec):
    """Parameters, inputs and output of `DataGate`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.SETTINGS: component_spec.ExecutionParameter(type=str),
        executor.ACCEPT_DRIFT: component_spec.ExecutionParameter(type=bool),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.ANOMALIES: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies
        ),
        executor.STATISTICS: component_spec.ChannelParameter(type=ManifestStatisticsArtifact),
        executor.REFERENCE: component_spec.ChannelParameter(type=AcceptedData, optional=True),
        executor.DECISION: component_spec.ChannelParameter(type=AcceptedData, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        executor.ACCEPTED: component_spec.ChannelParameter(type=AcceptedData),
    }


class DataGate(base_component.BaseComponent):
    """Stops a run whose data has anomalies or has drifted, and says so in words.

    Whatever must not see such data comes after this node (`add_upstream_node`).

    Outputs:
      accepted: `AcceptedData`; there is one only if the data passed.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        anomalies: types.BaseChannel,
        statistics: types.BaseChannel,
        reference: types.BaseChannel | None = None,
        decision: types.BaseChannel | None = None,
        settings: Mapping[str, Any],
        accept_drift: bool = False,
        code_digest: str = "",
    ):
        """Creates the component.

        Args:
          anomalies: from ExampleValidator.
          statistics: from ManifestStatistics.
          reference: the data accepted last, from `strategy.LastAcceptedStrategy`; none in the
            first run.
          decision: an earlier, deliberate acceptance of the same data beside the same reference.
          settings: what stops. `anomalies`: `stop`, `errors` (warnings pass) or `report`; `drift`
            and `skew`: `action` (`stop`, `report` or `off`) and the thresholds of
            `findings.DRIFT_FEATURES` and `findings.SKEW_FEATURES`.
          accept_drift: whether drift passes this time.
          code_digest: of the sources of this step.
        """
        inputs = {executor.REFERENCE: reference, executor.DECISION: decision}
        super().__init__(
            spec=DataGateSpec(
                anomalies=anomalies,
                statistics=statistics,
                settings=json.dumps(settings, sort_keys=True),
                accept_drift=accept_drift,
                code_digest=code_digest,
                accepted=types.Channel(type=AcceptedData),
                **{name: channel for name, channel in inputs.items() if channel is not None},
            )
        )
