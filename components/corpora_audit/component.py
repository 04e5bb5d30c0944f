"""The CorporaAudit and AuditGate components: their parameters, inputs and outputs."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact, component_spec

from components.corpora_audit import executor


class AuditReport(artifact.Artifact):
    """What the audit of a manifest found: `audit.json` for programs, `audit.txt` for people."""

    TYPE_NAME = "AuditReport"


class CorporaAuditSpec(component_spec.ComponentSpec):
    """Parameters and output of `CorporaAudit`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.MANIFEST_PATH: component_spec.ExecutionParameter(type=str),
        executor.MANIFEST_DIGEST: component_spec.ExecutionParameter(type=str),
        executor.PROTOCOL: component_spec.ExecutionParameter(type=str),
        executor.TEST_FOLD: component_spec.ExecutionParameter(type=int),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        executor.AUDIT: component_spec.ChannelParameter(type=AuditReport),
    }


class CorporaAudit(base_component.BaseComponent):
    """Audits a manifest as `ser corpora audit` does. It finds; `AuditGate` judges.

    Apart, so that what was found is kept, cached and reported whether or not it stops the run.

    Outputs:
      audit: `AuditReport`.
    """

    SPEC_CLASS = CorporaAuditSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.AuditExecutor)

    def __init__(
        self,
        *,
        manifest_path: str,
        manifest_digest: str,
        protocol: str,
        test_fold: int,
        code_digest: str = "",
    ):
        """Creates the component.

        Args:
          manifest_path: the manifest's CSV file, named by its content.
          manifest_digest: of the manifest.
          protocol: `random` or `speaker_independent`, whose folds are judged.
          test_fold: the only fold that is tested on.
          code_digest: of the sources of this step.
        """
        super().__init__(
            spec=CorporaAuditSpec(
                manifest_path=manifest_path,
                manifest_digest=manifest_digest,
                protocol=protocol,
                test_fold=test_fold,
                code_digest=code_digest,
                audit=types.Channel(type=AuditReport),
            )
        )


class AuditGateSpec(component_spec.ComponentSpec):
    """Parameter and input of `AuditGate`; their meaning is described there."""

    PARAMETERS = {  # noqa: RUF012
        executor.ACTION: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        executor.AUDIT: component_spec.ChannelParameter(type=AuditReport),
    }
    OUTPUTS: dict = {}  # noqa: RUF012


class AuditGate(base_component.BaseComponent):
    """Stops a run whose manifest breaks an honest measurement, and says so in words.

    Whatever must not see such recordings comes after this node (`add_upstream_node`).
    """

    SPEC_CLASS = AuditGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.GateExecutor)

    def __init__(self, *, audit: types.BaseChannel, action: str, code_digest: str = ""):
        """Creates the component.

        Args:
          audit: from CorporaAudit.
          action: `stop` if errors stop the run, `report` if not.
          code_digest: of the sources of this step.

        Raises:
          ValueError: `action` is neither.
        """
        if action not in (executor.STOP, executor.REPORT):
            raise ValueError(f"action {action!r} does not exist; allowed: stop, report")
        super().__init__(spec=AuditGateSpec(audit=audit, action=action, code_digest=code_digest))
