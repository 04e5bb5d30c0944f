"""What became of the nodes of a run."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pipeline import nodes

Status = Literal["executed", "cached", "resolved", "failed", "not reached"]
STATUSES: tuple[Status, ...] = get_args(Status)
# Those of nodes on which others cannot build.
LOST: tuple[Status, ...] = ("failed", "not reached")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeResult:
    """What became of one node of the pipeline.

    Attributes:
      component: For example `Trainer`.
      model: What the node is for, where a component has several nodes, for example `emodb`; empty
        otherwise.
      status: `executed`, `cached` (nothing it depends on changed), `resolved` (a look-up in the
        metadata store, made in every run), `failed`, or `not reached` because a node upstream
        failed.
      duration_s: Wall time in seconds.
      error: Why it failed; empty otherwise.
      needs: Ids of the nodes just upstream that have no result, because of which this one was not
        reached; empty otherwise.
    """

    component: str
    model: str = ""
    status: Status
    duration_s: float = 0.0
    error: str = ""
    needs: tuple[str, ...] = ()

    @property
    def node_id(self) -> str:
        """Its id in the pipeline, for example `Trainer.emodb`."""
        return nodes.node_id(self.component, self.model)

    @classmethod
    def of(cls, node_id: str, status: Status, **values: Any) -> "NodeResult":
        """Returns the result of the node with this id."""
        component, model = nodes.parts(node_id)
        return cls(component=component, model=model, status=status, **values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "NodeResult":
        """Returns the result whose fields JSON gives back."""
        return cls(**{**values, "needs": tuple(values["needs"])})
