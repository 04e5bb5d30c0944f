"""What the container of one task runs: `python -m pipeline.kubeflow.task STEP …`.

Its exit status is 0 where the step ran, a node that failed or was not reached included; 1 where the
last task tells of a node that failed; 2 where something that a user can mend is in the way.
"""

import argparse
import json
import logging
import sys
import time
import types
from collections.abc import Sequence
from typing import Any

from pipeline.kubeflow import code
from schemas.errors import UserError
from schemas.places import place

# Before the line of JSON in which a task tells what it did.
RESULT = "RESULT "


def parser() -> argparse.ArgumentParser:
    """Returns the parser of a task's arguments, all of which the compiled pipeline fills in."""
    found = argparse.ArgumentParser(prog="pipeline.kubeflow.task")
    found.add_argument("step", help="name of the step")
    found.add_argument("--run-id", required=True, help="Kubeflow's id of the run")
    found.add_argument("--root", type=place, required=True, help="output folder of the run")
    found.add_argument("--code", default="", help="digest of the code; empty: any")
    prepare = found.add_argument_group("of the step prepare")
    prepare.add_argument("--kind", default="release")
    prepare.add_argument("--config", default="{}", help="the configuration, as JSON")
    prepare.add_argument("--manifest", default="")
    prepare.add_argument("--pretrain-epochs", type=int, default=0, help="0: as configured")
    prepare.add_argument("--fine-tune-epochs", type=int, default=0, help="0: as configured")
    prepare.add_argument("--domains", default="", help="comma-separated; empty: all")
    prepare.add_argument("--compiled-for", default="", help="comma-separated domains")
    prepare.add_argument("--image", default="")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one task and returns its exit status."""
    start_s = time.monotonic()
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    args = parser().parse_args(argv)
    try:
        code.check(args.code)
        status, results = _run(args)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    total_s = time.monotonic() - start_s
    nodes_s = sum(result.duration_s for result in results if args.step != "report")
    told = {
        "step": args.step,
        "nodes": {result.node_id: result.status for result in results},
        "total_s": round(total_s, 1),
        "overhead_s": round(total_s - nodes_s, 1),
    }
    print(RESULT + json.dumps(told), flush=True)
    return status


def _run(args: argparse.Namespace) -> tuple[int, Sequence[Any]]:
    """Runs a step; returns the task's status and its nodes' results."""
    from pipeline import storage_checks
    from pipeline.kubeflow import record, run, run_step, steps

    if args.step == steps.PREPARE:
        run.prepare(_asked(args))
        return 0, ()
    storage_checks.check_readable("root", args.root)
    made = record.read(args.root, args.run_id)
    if args.step == steps.REPORT:
        results = run.report(made)
        failed = [result for result in results if result.status == "failed"]
        for result in failed:
            print(f"{result.node_id} failed: {result.error}", file=sys.stderr, flush=True)
        return int(bool(failed)), results
    known = run.steps_of(made)
    if args.step not in known:
        raise UserError(
            f"the run has no step {args.step}, only {', '.join(known)}: compile the pipeline again"
            " with its manifest"
        )
    return 0, run_step.run(made, known[args.step])


def _asked(args: argparse.Namespace) -> Any:
    from pipeline.kubeflow.run import Asked

    try:
        values = json.loads(args.config)
    except ValueError as error:
        raise UserError(f"the parameter config is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"the parameter config must hold keys and values, not {values!r}")
    overrides: dict[str, Any] = {"output": str(args.root)}
    if args.manifest:
        overrides["manifest"] = args.manifest
    if args.pretrain_epochs:
        overrides["pretrain.epochs"] = args.pretrain_epochs
    if args.fine_tune_epochs:
        overrides["fine_tune.epochs"] = args.fine_tune_epochs
        for domain, own in (values.get("domains") or {}).items():
            if own.get("fine_tune"):
                overrides[f"domains.{domain}.fine_tune.epochs"] = args.fine_tune_epochs
    return Asked(
        run_id=args.run_id,
        kind=args.kind,
        values=values,
        overrides=overrides,
        domains=_words(args.domains),
        compiled_for=_words(args.compiled_for),
        image=args.image,
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _without_cloud_extensions() -> None:
    """Leaves out TFX's extensions for Google Cloud, which nothing here uses.

    The client library that they import is a third of a task's start.
    """
    name = "tfx.v1.extensions"
    sys.modules[name] = types.ModuleType(name)


if __name__ == "__main__":
    _without_cloud_extensions()
    sys.exit(main())
