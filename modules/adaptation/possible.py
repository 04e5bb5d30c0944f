"""Which approaches a base and a label set allow."""

from collections.abc import Sequence

from modules.networks.approaches import resolve
from modules.networks.registry import NetworkSpec
from modules.training.fine_tuning import network_labels
from schemas.errors import UserError
from schemas.labels import LabelSet


def why_not(approach: str, spec: NetworkSpec, known: LabelSet, wanted: LabelSet) -> str:
    """Returns why a network cannot be adapted by an approach; empty if it can.

    Args:
      approach: Name in `approaches.APPROACHES`.
      spec: The pre-trained network.
      known: Its labels.
      wanted: Labels of the manifest.
    """
    try:
        network_labels(known, wanted, resolve(approach, spec.groups, held=spec.held))
    except UserError as error:
        return str(error)
    return ""


def allowed(
    approaches: Sequence[str], spec: NetworkSpec, known: LabelSet, wanted: LabelSet
) -> tuple[str, ...]:
    """Returns those of several approaches that are possible; arguments as of `why_not`.

    Raises:
      UserError: None is; says why the first is not.
    """
    found = tuple(name for name in approaches if not why_not(name, spec, known, wanted))
    if not found:
        raise UserError(
            f"none of the candidates {', '.join(approaches)} is possible:"
            f" {why_not(approaches[0], spec, known, wanted)}"
        )
    return found
