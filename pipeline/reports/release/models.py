"""The section of one model."""

import dataclasses

from pipeline.reports.release.adaptations import DIGITS, Adaptation, Proof, adaptation, proof
from pipeline.reports.release.outcomes import Outcome, outcome
from pipeline.reports.release.results import ModelResult, RunResults, domain_slice
from pipeline.reports.release.slices import Matrix, SliceGroup, matrix, slice_groups
from pipeline.reports.release.trainings import Training, training
from pipeline.reports.release.trust import TrustView, trust_view
from schemas.words import plural, three


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelView:
    """What the page shows of one model.

    Attributes:
      name: Its name.
      anchor: Where links find it.
      enrolment: What it is worth to know who speaks, in words; empty where nobody is known.
      adaptation: How it was adapted; `None` for the multi-domain model.
      outcome: What became of it.
      evaluated: Whether anything was measured.
      groups: Slices that show at once.
      more: Slices that show on demand.
      has_baseline: Whether a model was blessed before it.
      matrix: Confusions on the clips it serves; `None` if there are none.
      trust: How far its answers on those clips were to be relied on; `None` if not measured.
      training: Its training; `None` if it was not trained.
      pretraining: A pre-training of its own, which no other model shows.
      proof: Proof of what was frozen; `None` for a model that was not adapted.
      hashes: First digits of each layer group's weights.
    """

    name: str
    anchor: str
    adaptation: Adaptation | None
    enrolment: str
    outcome: Outcome
    evaluated: bool
    groups: tuple[SliceGroup, ...]
    more: tuple[SliceGroup, ...]
    has_baseline: bool
    matrix: Matrix | None
    trust: TrustView | None
    training: Training | None
    pretraining: Training | None
    proof: Proof | None
    hashes: dict[str, str]


def model_view(model: ModelResult, results: RunResults) -> ModelView:
    """Returns what the page shows of a model."""
    groups = slice_groups(model, results.labels)
    if model.multi_domain:
        # Of two features, such as domain and emotion.
        at_once = [group for group in groups if len(group.features) < 2]
    else:
        at_once = [group for group in groups if group.own]
    served = model.slices.get(() if model.multi_domain else domain_slice(model.name))
    record = model.training
    return ModelView(
        name=model.name,
        anchor=f"model-{[each.name for each in results.models].index(model.name)}",
        adaptation=None if model.multi_domain else adaptation(model, results.config),
        enrolment=_enrolment(model),
        outcome=outcome(model, results),
        evaluated=bool(model.slices),
        groups=tuple(at_once),
        more=tuple(group for group in groups if group not in at_once),
        has_baseline=bool(model.baseline_uar),
        matrix=matrix(served, results.labels) if served else None,
        trust=trust_view(model, served),
        training=training(record) if record else None,
        pretraining=_own_pretraining(model, results),
        proof=proof(model),
        hashes={g: digest[:DIGITS] for g, digest in record.weight_hashes.items()} if record else {},
    )


def _enrolment(model: ModelResult) -> str:
    if model.comparison is None or model.comparison.enrolment is None:
        return ""
    found = model.comparison.enrolment
    return (
        f"On {found.clips:.0f} of these clips, UAR {three(found.unknown)} where nobody knows who"
        f" speaks, and {three(found.known)} where {found.enrolled} others of a speaker's clips, or"
        " half of them where there are fewer, tell who does"
        f" ({plural(found.speakers, 'speaker')}); means over several draws. All other"
        " figures of this page are of unknown speakers."
    )


def _own_pretraining(model: ModelResult, results: RunResults) -> Training | None:
    """Returns the pre-training without the model's domain; the common one shows elsewhere."""
    common = results.multi_domain.training if results.multi_domain else None
    own = model.pretraining
    if own is None or (common is not None and own.name == common.name):
        return None
    return training(own)
