"""CorporaAudit, which finds what is wrong with a manifest, and AuditGate, which judges.

Apart, so that what was found is kept, cached and reported whether or not it stops the run.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any

import tensorflow as tf
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component

from components import passing
from components.corpora_audit.artifact import AUDIT_JSON, AUDIT_TEXT, AuditReport, read
from corpora import audit as audits
from corpora import manifest
from corpora.manifest.recordings import MISSING
from schemas import progress
from schemas.errors import UserError

# In place of a test fold: each in turn.
EVERY_FOLD = -1
_SHOWN_EXAMPLES = 3
_MESSAGE_EVERY_S = 1.0


@component
def CorporaAudit(
    audit: OutputArtifact[AuditReport],
    manifest_path: Parameter[str],
    manifest_digest: Parameter[str],
    protocol: Parameter[str],
    test_fold: Parameter[int],
    code_digest: Parameter[str] = "",
) -> None:
    """Audits a manifest as `ser corpora audit` does.

    Args:
      audit: What it found.
      manifest_path: The manifest's CSV file, named by its content.
      manifest_digest: Digest of the manifest, of what only audits look at too.
      protocol: `random` or `speaker_independent`, whose folds are judged.
      test_fold: The only fold that is tested on, or `EVERY_FOLD`.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: The manifest cannot be read, or none of its recordings.
    """
    utterances = manifest.read(manifest_path).utterances
    found = audits.audit(
        utterances,
        protocol=protocol,
        test_fold=None if test_fold == EVERY_FOLD else test_fold,
        track=_track,
        workers=os.cpu_count() or 1,
    )
    _write(f"{audit.uri}/{AUDIT_JSON}", found.to_json())
    _write(f"{audit.uri}/{AUDIT_TEXT}", "\n".join(found.lines()) + "\n")
    unread = set(found.unread)
    passing.mark(
        [audit], sum(each.utterance_id in unread and each.sha256 != MISSING for each in utterances)
    )


@component
def AuditGate(
    audit: InputArtifact[AuditReport],
    stop: Parameter[bool],
    tolerated: Parameter[str] = "",
    code_digest: Parameter[str] = "",
) -> None:
    """Stops a run whose manifest breaks an honest measurement, and says so in words.

    Whatever must not see such recordings comes after this node (`add_upstream_node`).

    Args:
      audit: From CorporaAudit.
      stop: Whether errors stop the run.
      tolerated: Checks whose errors do not, by commas.
      code_digest: Digest of the sources of this step.

    Raises:
      UserError: There are errors, and they stop the run; all are in the message.
    """
    errors = [
        each
        for each in read(audit.uri)["findings"]
        if each["severity"] == audits.ERROR and each["check"] not in tolerated.split(",")
    ]
    if errors and stop:
        raise UserError(_refusal(errors))


def _refusal(errors: list[dict[str, Any]]) -> str:
    lines = ["the audit found what breaks an honest measurement:"]
    for error in errors:
        lines.append(f"  {', '.join(error['domains'])}: {error['check']}: {error['message']}")
        examples = error["examples"]
        lines += [f"    · {example['text']}" for example in examples[:_SHOWN_EXAMPLES]]
        if len(examples) > _SHOWN_EXAMPLES:
            lines.append(f"    · and {len(examples) - _SHOWN_EXAMPLES:,} more")
        if error["advice"]:
            lines.append(f"    → {error['advice']}")
    lines.append("  let them pass: --set validation.audit=report; all of it: ser corpora audit")
    return "\n".join(lines)


def _track(iterable: Iterable, *, description: str = "", total: int | None = None) -> Iterator:
    """Yields what it is given, and now and then says how far it is."""
    if total is None:
        total = len(iterable) if isinstance(iterable, Sized) else 0
    last_message_s = time.monotonic()
    for count, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - last_message_s > _MESSAGE_EVERY_S:
            last_message_s = time.monotonic()
            progress.MESSAGES.info("%s %d%s", description, count, f" of {total}" if total else "")


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text)
