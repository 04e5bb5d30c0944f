"""The executors of CorporaAudit and AuditGate."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from corpora import audit as audits
from corpora import manifest
from schemas import progress
from schemas.errors import UserError

MANIFEST_PATH = "manifest_path"
MANIFEST_DIGEST = "manifest_digest"
PROTOCOL = "protocol"
TEST_FOLD = "test_fold"
CODE_DIGEST = "code_digest"
AUDIT = "audit"
ACTION = "action"
STOP, REPORT = "stop", "report"

AUDIT_JSON = "audit.json"
AUDIT_TEXT = "audit.txt"

_SHOWN_EXAMPLES = 3
_MESSAGE_EVERY_S = 1.0


class AuditExecutor(base_executor.BaseExecutor):
    """Audits a manifest; see `CorporaAudit`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the audit as JSON and as text.

        Args:
          input_dict: empty.
          output_dict: `audit`, one AuditReport.
          exec_properties: the component's parameters.

        Raises:
          UserError: the manifest cannot be read, or none of its recordings.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifact_utils.get_single_instance(output_dict[AUDIT])
        found = audits.audit(
            manifest.read(exec_properties[MANIFEST_PATH]).utterances,
            protocol=exec_properties[PROTOCOL],
            test_fold=exec_properties[TEST_FOLD],
            track=_track,
            workers=os.cpu_count() or 1,
        )
        _write(f"{output.uri}/{AUDIT_JSON}", found.to_json())
        _write(f"{output.uri}/{AUDIT_TEXT}", "\n".join(found.lines()) + "\n")


class GateExecutor(base_executor.BaseExecutor):
    """Lets a manifest pass, or says what is wrong with it; see `AuditGate`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Judges an audit.

        Args:
          input_dict: `audit`, one AuditReport.
          output_dict: empty.
          exec_properties: the component's parameters.

        Raises:
          UserError: there are errors, and they stop the run; all are in the message.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        audit = read(artifact_utils.get_single_instance(input_dict[AUDIT]).uri)
        errors = [found for found in audit["findings"] if found["severity"] == audits.ERROR]
        if errors and exec_properties[ACTION] == STOP:
            raise UserError(_refusal(errors))


def read(uri: str) -> dict[str, Any]:
    """Returns an audit as `corpora.audit.Audit.to_json` tells it."""
    with tf.io.gfile.GFile(f"{uri}/{AUDIT_JSON}", "r") as file:
        return json.loads(file.read())


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
    told_s = time.monotonic()
    for count, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - told_s > _MESSAGE_EVERY_S:
            told_s = time.monotonic()
            progress.MESSAGES.info("%s %d%s", description, count, f" of {total}" if total else "")


def _write(path: str, text: str) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text)
