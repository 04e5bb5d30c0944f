"""What an adaptation came to, typed."""

import dataclasses
from pathlib import Path

from components.parity_gate.artifact import Parity
from modules.adaptation.findings import Findings
from pipeline.config import AdaptationConfig
from pipeline.reports.release.results import Recording
from pipeline.runners.results import NodeResult


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaptationResults:
    """The last run in an output folder.

    Attributes:
      config: Its configuration.
      nodes: What became of its nodes.
      findings: What was measured; `None` if the run did not come so far.
      found: Number of recordings by status.
      not_used: Recordings that were not used.
      pushed_to: Folder of the pushed version; `None` if nothing was pushed.
      remarks: What has to be known to read the figures, the weightiest first.
      parity: How far a server's answers are from the evaluation's; `None` if none was asked.
    """

    config: AdaptationConfig
    nodes: tuple[NodeResult, ...]
    findings: Findings | None
    found: dict[str, int]
    not_used: tuple[Recording, ...]
    pushed_to: Path | None
    remarks: tuple[str, ...]
    parity: Parity | None = None

    @property
    def verdict(self) -> str:
        """What was decided about the model, and why."""
        assert self.findings is not None
        faults = self.parity.faults if self.parity else ()
        return "; ".join([self.findings.verdict.reason, *faults])

    @property
    def pushed(self) -> bool:
        """Whether the model was pushed."""
        return self.pushed_to is not None

    @property
    def failures(self) -> tuple[NodeResult, ...]:
        """Nodes that failed."""
        return tuple(node for node in self.nodes if node.status == "failed")
