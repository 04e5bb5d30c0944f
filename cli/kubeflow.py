"""`ser kubeflow`: the same pipelines as tasks of Kubeflow Pipelines."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import pipelines
from schemas.places import place

if TYPE_CHECKING:
    from pipeline.config import ReleaseConfig, StudyConfig
    from pipeline.kubeflow.cluster import Cluster

EPILOG = """\
examples:
  ser kubeflow compile --config cluster.yaml --manifest /data/manifest.csv --out release.yaml
  ser kubeflow submit release.yaml --host http://localhost:8888 --param fine_tune_epochs=5
  ser kubeflow status RUN_ID --host http://localhost:8888
"""


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds `ser kubeflow` and returns its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "kubeflow",
        help="compile releases and studies for Kubeflow Pipelines, submit and watch them",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="kubeflow_command", required=True, metavar="COMMAND")
    _add_compile(commands)
    for name, what in (
        ("submit", "run a compiled pipeline once"),
        ("schedule", "run a compiled pipeline again and again"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("pipeline", type=Path, help="YAML of `ser kubeflow compile`")
        if name == "schedule":
            command.add_argument(
                "--cron",
                required=True,
                help="when: minute hour day month weekday, for example '0 3 * * 1'",
            )
        command.add_argument("--experiment", default="ser", help="Kubeflow's group of runs")
        command.add_argument("--name", help="name of the run (default: that of the file)")
        command.add_argument(
            "--param",
            dest="params",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            help="a parameter of the pipeline, for example pretrain_epochs=5; repeatable",
        )
        _add_cluster(command)
    status = commands.add_parser("status", help="how a run and its tasks are")
    status.add_argument("run_id", metavar="RUN_ID")
    _add_cluster(status)
    logs = commands.add_parser("logs", help="what a task of a run wrote")
    logs.add_argument("run_id", metavar="RUN_ID")
    logs.add_argument("step", help="name of the task, for example train-pretrain")
    _add_cluster(logs)
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand; `status` is 1 for a run that failed."""
    return {
        "compile": _compile,
        "submit": _submit,
        "schedule": _schedule,
        "status": _status,
        "logs": _logs,
    }[args.kubeflow_command](args)


def _add_compile(commands: Any) -> None:
    command = commands.add_parser(
        "compile", help="write a pipeline's YAML, a container task for each step"
    )
    command.add_argument(
        "--config",
        help="a YAML file, or the name of one that comes with the package (default: release, or"
        " study with --study)",
    )
    command.add_argument(
        "--manifest", type=place, help="manifest CSV; the pipeline has tasks for its domains"
    )
    command.add_argument(
        "--run-manifest",
        metavar="PATH",
        help="where tasks find the manifest, if not at the path of --manifest",
    )
    command.add_argument("--output", type=place, help="folder for everything that runs write")
    command.add_argument("--image", help="container image of the tasks, best with its digest")
    command.add_argument("--study", action="store_true", help="the transfer study, no release")
    command.add_argument(
        "--any-code",
        action="store_true",
        help="let tasks run other code than that which compiles",
    )
    command.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override a key of the configuration, for example metadata.host=mariadb; repeatable",
    )
    command.add_argument(
        "--out", type=Path, default=Path("pipeline.yaml"), help="the file (default: pipeline.yaml)"
    )


def _add_cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--host",
        default="",
        help="Kubeflow Pipelines' API, for example "
        "http://localhost:8888 (default: KF_PIPELINES_ENDPOINT)",
    )
    command.add_argument(
        "--namespace", default="", help="namespace of the runs, where users have their own"
    )
    command.add_argument(
        "--token-file", type=Path, help="file with a bearer token (default: SER_KUBEFLOW_TOKEN)"
    )


def _compile(args: argparse.Namespace) -> int:
    from pipeline import config as configs
    from pipeline.kubeflow import compiling

    overrides = pipelines.overrides(args)
    if args.image:
        overrides["kubeflow.image"] = args.image
    config: ReleaseConfig | StudyConfig
    if args.study:
        config = configs.read(args.config or "study", overrides, kind=configs.StudyConfig)
    else:
        config = configs.load(args.config or "release", overrides)
    planned = compiling.compile_pipeline(
        config,
        args.out,
        run_manifest=args.run_manifest or str(config.manifest.absolute()),
        any_code=args.any_code,
    )
    print(f"{args.out}: {len(planned)} tasks, {', '.join(step.name for step in planned)}")
    return 0


def _submit(args: argparse.Namespace) -> int:
    run_id = _cluster(args).submit(**_asked(args))
    print(f"run {run_id}")
    return 0


def _schedule(args: argparse.Namespace) -> int:
    job_id = _cluster(args).schedule(**_asked(args), cron=args.cron)
    print(f"recurring run {job_id}")
    return 0


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    """Returns what a single run and a recurring one are asked for with."""
    return {
        "package": args.pipeline,
        "arguments": _params(args),
        "experiment": args.experiment,
        "name": args.name or args.pipeline.stem,
    }


def _status(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    found = _cluster(args).status(args.run_id)
    shown = Table(title=f"{found.name} ({found.run_id}): {found.state}")
    for column in ("task", "state", "seconds", "error"):
        shown.add_column(column, overflow="fold")
    for task in found.tasks:
        took = "" if task.duration_s is None else f"{task.duration_s:.0f}"
        shown.add_row(task.name, task.state, took, task.error)
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    console.print(shown)
    return int(found.state in ("FAILED", "ERROR"))


def _logs(args: argparse.Namespace) -> int:
    for line in _cluster(args).logs(args.run_id, args.step):
        print(line)
    return 0


def _cluster(args: argparse.Namespace) -> "Cluster":
    from pipeline.kubeflow import cluster
    from schemas.errors import UserError

    token = os.environ.get(cluster.TOKEN_VARIABLE, "")
    if args.token_file:
        try:
            token = args.token_file.read_text(encoding="utf-8")
        except OSError as fault:
            raise UserError(f"--token-file {args.token_file}: {fault.strerror}") from None
    return cluster.Cluster(args.host, namespace=args.namespace, token=token.strip())


def _params(args: argparse.Namespace) -> dict[str, object]:
    from pipeline.config import parse_override

    return dict(parse_override(text) for text in args.params)
