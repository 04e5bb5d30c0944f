"""Reads the last adaptation in an output folder from its metadata store and artifacts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from components.domain_adaptation import artifact as adaptations
from components.parity_gate import artifact as parity_gate
from pipeline import config as configs
from pipeline.config import AdaptationConfig
from pipeline.reports.adaptation.results import AdaptationResults
from pipeline.reports.release.collect import account, artifacts_of
from pipeline.run_folder import CONFIG_FILE, RUN_FILE, check_output
from pipeline.runners.results import NodeResult
from schemas.places import place


def collect(output: Path, *, remarks: tuple[str, ...]) -> AdaptationResults:
    """Returns what the last run in an output folder did.

    Args:
      output: The folder.
      remarks: What has to be known to read its figures.

    Raises:
      UserError: There is no run.
    """
    check_output(output)
    run = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
    nodes = tuple(NodeResult.from_json(values) for values in run["nodes"])
    config = configs.read(output / CONFIG_FILE, kind=AdaptationConfig)
    artifacts = artifacts_of(config, output, run["run_id"], nodes)

    def made(component: str, key: str) -> Any | None:
        return artifacts.get((component, ""), {}).get(key)

    findings, served, pushed = (
        made("DomainAdaptation", adaptations.FINDINGS),
        made("ParityGate", parity_gate.BLESSING),
        made("Pusher", "pushed_model"),
    )
    counts: Counter[str] = Counter()
    by_domain, not_used = account(made("AudioExampleGen", "account"))
    for own in by_domain.values():
        counts.update(own)
    pushed_to = None
    if pushed is not None and pushed.custom_properties["pushed"].int_value:
        pushed_to = place(pushed.custom_properties["pushed_destination"].string_value)
    return AdaptationResults(
        config=config,
        nodes=nodes,
        findings=None if findings is None else adaptations.read(findings.uri),
        found=dict(counts),
        not_used=not_used,
        parity=None if served is None else parity_gate.read(served),
        pushed_to=pushed_to,
        remarks=remarks,
    )
