"""From a configuration to a pipeline of Kubeflow Pipelines 2: a container task for each step."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kfp import compiler, dsl, kubernetes

from corpora import manifest as manifests
from corpora.manifest.manifest import KNOWN
from pipeline import checks, storage_checks
from pipeline.config import ReleaseConfig, StudyConfig
from pipeline.kubeflow import code, record, run, steps
from pipeline.kubeflow.steps import Step
from schemas import table
from schemas.errors import UserError
from schemas.places import is_remote
from schemas.words import plural

_MODULE = "pipeline.kubeflow.task"
_BACKOFF, _LONGEST_BACKOFF = "30s", "600s"
# Parameters of the pipeline that every task is given, and those of its first task alone.
_EVERY = ("image", "code", "root")
_FIRST = ("config", "manifest", "pretrain_epochs", "fine_tune_epochs", "domains")


def compile_pipeline(
    config: ReleaseConfig | StudyConfig,
    file: Path,
    *,
    run_manifest: str,
    any_code: bool = False,
) -> tuple[Step, ...]:
    """Writes the YAML of a release or a study.

    Args:
      config: The configuration. The pipeline has tasks for the domains of its manifest; its output
        folder is the default of the parameter `root`.
      file: The YAML file.
      run_manifest: Where tasks find the manifest, the default of the parameter `manifest`.
      any_code: Whether tasks may run other code than this.

    Returns:
      The pipeline's steps.

    Raises:
      UserError: The tasks could not share the metadata store or a folder, or the configuration does
        not fit its manifest.
    """
    run.check_store(config)
    storage_checks.check_readable("manifest", config.manifest)
    manifest = manifests.read(config.manifest)
    checks.check_labels(config, manifest)
    _check_seen(config, run_manifest)
    if isinstance(config, StudyConfig):
        checks.check_targets(config, manifest.domains)
        kind, planned = record.STUDY, steps.study_steps(config.kubeflow.study_tasks)
    else:
        checks.check_domains(config, manifest.domains)
        kind, planned = record.RELEASE, steps.release_steps(config, manifest.domains)
    pipeline = _pipeline(
        config,
        kind,
        planned,
        manifest.domains,
        run_manifest=run_manifest,
        code_digest="" if any_code else code.digest(),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(file))
    return planned


def _pipeline(
    config: ReleaseConfig | StudyConfig,
    kind: str,
    planned: Sequence[Step],
    domains: Sequence[str],
    *,
    run_manifest: str,
    code_digest: str,
) -> Any:
    values = config.model_dump(mode="json", exclude_unset=True, exclude={"manifest", "output"})

    def build(
        image: str = config.kubeflow.image,
        code: str = code_digest,
        root: str = str(config.output),
        config: str = json.dumps(values, sort_keys=True),
        manifest: str = run_manifest,
        pretrain_epochs: int = 0,
        fine_tune_epochs: int = 0,
        domains: str = "",
    ) -> None:
        given = {
            "image": image,
            "code": code,
            "root": root,
            "config": config,
            "manifest": manifest,
            "pretrain_epochs": pretrain_epochs,
            "fine_tune_epochs": fine_tune_epochs,
            "domains": domains,
        }
        tasks: dict[str, Any] = {}
        for step in planned:
            names = _EVERY + (_FIRST if step.kind == steps.PREPARE else ())
            task = components[step.name](
                run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, **{name: given[name] for name in names}
            )
            for name in step.after:
                task.after(tasks[name])
            tasks[step.name] = _equipped(task, step, settings)

    settings = config
    constants = ["--kind", kind, "--compiled-for", ",".join(domains)]
    components = {
        step.name: _component(
            step, config.kubeflow.python, constants if step.kind == steps.PREPARE else []
        )
        for step in planned
    }
    return dsl.pipeline(name=f"ser-{steps.step_name(config.name)}", description=_description(kind))(
        build
    )


def _description(kind: str) -> str:
    return f"Multi-domain speech emotion recognition: a {kind}. Compiled by `ser kubeflow compile`."


def _component(step: Step, python: str, constants: list[str]) -> Callable[..., Any]:
    """Returns a container component; Kubeflow takes names and inputs from a function's own."""
    command = [python, "-m", _MODULE, step.name]

    def shared(image: str, code: str, root: str, run_id: str):  # type: ignore[no-untyped-def]
        return dsl.ContainerSpec(
            # As text it stays a placeholder, which Kubeflow fills in when the run starts.
            image=str(image),
            command=command,
            args=["--run-id", run_id, "--root", root, "--code", code],
        )

    def first(  # type: ignore[no-untyped-def]
        image: str,
        code: str,
        root: str,
        run_id: str,
        config: str,
        manifest: str,
        pretrain_epochs: int,
        fine_tune_epochs: int,
        domains: str,
    ):
        return dsl.ContainerSpec(
            image=str(image),
            command=command,
            args=[
                *("--run-id", run_id, "--root", root, "--code", code, "--image", image),
                *("--config", config, "--manifest", manifest, "--domains", domains),
                *("--pretrain-epochs", pretrain_epochs, "--fine-tune-epochs", fine_tune_epochs),
                *constants,
            ],
        )

    function = first if step.kind == steps.PREPARE else shared
    function.__name__ = function.__qualname__ = step.name.replace("-", "_")
    return dsl.container_component(function)


def _equipped(task: Any, step: Step, config: ReleaseConfig | StudyConfig) -> Any:
    """Gives a task its resources, retries, environment, secrets and volumes."""
    own = config.kubeflow.for_step(step.kind)
    task.set_display_name(step.name)
    # TFX's own cache knows what a node depends on.
    task.set_caching_options(False)
    if own.cpu:
        task.set_cpu_request(own.cpu)
    if own.memory:
        task.set_memory_request(own.memory)
        task.set_memory_limit(own.memory)
    if own.accelerator:
        task.set_accelerator_type(own.accelerator)
        task.set_accelerator_limit(own.accelerators or 1)
    # The others tell of a fault of the user's or of the run's, which another attempt has again.
    if step.kind not in (steps.PREPARE, steps.REPORT):
        # Once more than nodes are begun: the last attempt records that they were killed.
        task.set_retry(
            num_retries=(own.retries or 0) + 1,
            backoff_duration=_BACKOFF,
            backoff_factor=2.0,
            backoff_max_duration=_LONGEST_BACKOFF,
        )
    for name, value in sorted(own.env.items()):
        task.set_env_variable(name, value)
    for secret in config.kubeflow.secrets:
        kubernetes.use_secret_as_env(task, secret.secret, {secret.key: secret.env})
    for volume in config.kubeflow.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.mount)
    return task


def _check_seen(config: ReleaseConfig | StudyConfig, run_manifest: str) -> None:
    """Raises UserError where tasks would not share a folder, or not see manifest or recordings."""
    places: dict[str, Any] = {"output": config.output, "manifest": run_manifest}
    places |= {name: getattr(config, name, None) for name in ("serving", "store")}
    mounts = [volume.mount for volume in config.kubeflow.volumes]
    where = ", ".join(mounts) or "there is none"
    for what, path in places.items():
        if path is not None and not _is_seen(path, mounts):
            raise UserError(
                f"{what} {path} lies on no volume of kubeflow.volumes ({where}), so that each task"
                " would have one of its own: choose a path below a volume's mount, or s3:// or"
                " gs://"
            )
    # Relative to the manifest, they are where it is.
    rows = table.rows(config.manifest, required=("path",), columns=KNOWN)
    local = [path for row in rows if PurePosixPath(path := row.get("path")).is_absolute()]
    if unseen := [path for path in local if not _is_seen(path, mounts)]:
        raise UserError(
            f"{config.manifest}: {plural(len(unseen), 'recording')}, for example {unseen[0]}, would"
            f" be looked for on no volume of kubeflow.volumes ({where}): put them where tasks see"
            " them, and write those paths, or paths relative to the manifest, or s3:// or gs://"
        )


def _is_seen(path: Path | str, mounts: Sequence[str]) -> bool:
    """Returns whether all tasks have the same file or folder at a path."""
    if is_remote(path):
        return True
    place = PurePosixPath(path)
    return ".." not in place.parts and any(place.is_relative_to(mount) for mount in mounts)
