"""The section on the data: where every recording went, and what the checks before training said."""

import dataclasses
import re
from collections.abc import Sequence

from corpora.audit.report import Finding
from pipeline.reports.release.results import Recording, RunResults, domain_slice

# Up to this many skipped recordings are listed one by one.
_LISTED = 40
# Examples shown of each finding of the audit.
_EXAMPLES = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataRow:
    """Where a domain's recordings went.

    Attributes:
      domain: Its name.
      found: Number of recordings in the manifest.
      used, skipped, quarantined: Numbers of them by status.
      trained, tested: Numbers of used ones in the training folds and the test fold; `None` if
        nothing was trained, or evaluated.
    """

    domain: str
    found: int
    used: int
    skipped: int
    quarantined: int
    trained: int | None
    tested: int | None

    @property
    def adds_up(self) -> bool:
        """Whether no recording got lost before training."""
        return self.found == self.used + self.skipped + self.quarantined

    @property
    def split_adds_up(self) -> bool | None:
        """Whether every used recording was trained or tested on; `None` if that is not known."""
        if self.trained is None or self.tested is None:
            return None
        return self.used == self.trained + self.tested


def data_rows(results: RunResults) -> list[DataRow]:
    """Returns, per domain, where its recordings went."""
    rows = []
    for domain, counts in results.found.items():
        own = next((model for model in results.adapted if model.name == domain), None)
        multi = results.multi_domain
        records = [model.training for model in (multi, own) if model and model.training]
        slices = [
            model.slices[domain_slice(domain)]
            for model in (own, multi)
            if model and domain_slice(domain) in model.slices
        ]
        rows.append(
            DataRow(
                domain=domain,
                found=sum(counts.values()),
                used=counts.get("used", 0),
                skipped=counts.get("skipped", 0),
                quarantined=counts.get("quarantined", 0),
                trained=next((r.clips[domain] for r in records if domain in r.clips), None),
                tested=slices[0].clips if slices else None,
            )
        )
    return rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class NamedRecording:
    """A recording that was not used, as a row of a table."""

    name: str
    path: str
    domain: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SkippedGroup:
    """Recordings of a domain that were skipped for one reason.

    Attributes:
      domain, reason: What they share.
      count: Number of recordings.
      example: Name of one.
    """

    domain: str
    reason: str
    count: int
    example: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotUsed:
    """What was not used.

    Attributes:
      quarantined: Recordings that could not be used, one by one.
      skipped: Recordings that the configuration leaves out, one by one if they are few.
      groups: The same by reason if they are many.
    """

    quarantined: tuple[NamedRecording, ...]
    skipped: tuple[NamedRecording, ...]
    groups: tuple[SkippedGroup, ...]


def not_used(recordings: Sequence[Recording]) -> NotUsed:
    """Returns what was not used: quarantined recordings one by one, skipped ones if few."""
    skipped = [each for each in recordings if each.status == "skipped"]
    many = len(skipped) > _LISTED
    return NotUsed(
        quarantined=tuple(_named(each) for each in recordings if each.status != "skipped"),
        skipped=() if many else tuple(map(_named, skipped)),
        groups=tuple(_groups(skipped)) if many else (),
    )


def _named(recording: Recording) -> NamedRecording:
    name = recording.utterance_id or recording.path or "?"
    return NamedRecording(
        name=name,
        path="" if recording.path == name else recording.path,
        domain=recording.domain,
        reason=recording.reason or "no reason was recorded",
    )


def _groups(skipped: Sequence[Recording]) -> list[SkippedGroup]:
    by_reason: dict[tuple[str, str], list[Recording]] = {}
    for each in skipped:
        by_reason.setdefault((each.domain, without_numbers(each.reason)), []).append(each)
    return [
        SkippedGroup(
            domain=domain,
            reason=reason if len({each.reason for each in members}) > 1 else members[0].reason,
            count=len(members),
            example=members[0].utterance_id,
        )
        for (domain, reason), members in sorted(by_reason.items())
    ]


def without_numbers(text: str) -> str:
    """Returns a reason that is alike for reasons that differ in their figures only.

    >>> without_numbers("lasts 4.21 s, more than 3.375 s")
    'lasts … s, more than … s'
    """
    return re.sub(r"\d+(\.\d+)?", "…", text)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingView:
    """A finding of the audit with some of its cases.

    Attributes:
      finding: What was found.
      shown: Some cases, in words.
      more: Number of cases that are not shown.
    """

    finding: Finding
    shown: tuple[str, ...]
    more: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditView:
    """The audit of the manifest.

    Attributes:
      verdict: In a line.
      trusted: Whether it found no error.
      stopped: Whether it stopped the run.
      findings: What it found.
      not_run: Checks that could not be made, each with the reason.
    """

    verdict: str
    trusted: bool
    stopped: bool
    findings: tuple[FindingView, ...]
    not_run: tuple[tuple[str, str], ...]


def audit_view(results: RunResults) -> AuditView | None:
    """Returns the audit, its findings with a few examples each; `None` if there was none."""
    audit, gate = results.audit, results.node("AuditGate")
    if audit is None:
        return None
    return AuditView(
        verdict=audit.verdict,
        trusted=not audit.errors,
        stopped=gate is not None and gate.status == "failed",
        findings=tuple(
            FindingView(
                finding=finding,
                shown=tuple(example.text for example in finding.examples[:_EXAMPLES]),
                more=max(len(finding.examples) - _EXAMPLES, 0),
            )
            for finding in audit.findings
        ),
        not_run=audit.not_run,
    )


def anomalies(results: RunResults) -> tuple[str, ...] | None:
    """Returns what ExampleValidator found; `None` if it has not looked."""
    validator = results.node("ExampleValidator")
    if validator and validator.status in ("failed", "not reached"):
        return None
    return results.anomalies


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What DataGate and EmbeddingsGate compared and found.

    Attributes:
      refusal: Why one of them stopped the run; empty if neither did.
      reference: First digits of the manifest that DataGate compared with; empty if there was none.
      drift_accepted: Whether drift passed because somebody said so.
      drift, skew: What they let pass, in words.
      embeddings_reference: First digits of the manifest with whose embeddings those of now were
        compared; empty if there were none.
    """

    refusal: str = ""
    reference: str = ""
    drift_accepted: bool = False
    drift: tuple[str, ...] = ()
    skew: tuple[str, ...] = ()
    embeddings_reference: str = ""


def comparison(results: RunResults) -> Comparison | None:
    """Returns what was compared with the data accepted last; `None` if nothing was."""
    gate, accepted = results.node("DataGate"), results.accepted
    if gate is None or gate.status == "not reached":
        return None
    if accepted is None:
        return Comparison(refusal=gate.error)
    of_sound, embeddings = results.node("EmbeddingsGate"), results.accepted_embeddings
    refused = of_sound is not None and of_sound.status == "failed"
    return Comparison(
        refusal=of_sound.error if of_sound is not None and refused else "",
        reference=accepted.reference[:16],
        drift_accepted=accepted.drift_accepted
        or (embeddings is not None and embeddings.drift_accepted),
        drift=accepted.drift + (embeddings.drift if embeddings else ()),
        skew=accepted.skew,
        embeddings_reference=embeddings.reference[:16] if embeddings else "",
    )
