"""Executes the commands of a compiled pipeline as Kubeflow would: each task in its own process.

A task starts when those before it are over, at most so many at once; one that fails starts again as
often as its policy says; a task that fails for good stops everything, as Argo does.
"""

import concurrent.futures
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

_INPUT = re.compile(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}")
_RUN_ID = "{{$.pipeline_job_uuid}}"
_RESULT = "RESULT "
# Of this process' environment, what tasks have too.
_KEPT = ("HOME", "LANG", "TMPDIR", "PYTHONPATH")


@dataclasses.dataclass(frozen=True)
class Task:
    """A task as its container would be started."""

    name: str
    image: str
    command: list[str]
    after: tuple[str, ...]
    env: dict[str, str]
    attempts: int


@dataclasses.dataclass
class Outcome:
    """What became of a task: its exit statuses, and what its last attempt told."""

    statuses: list[int]
    told: dict[str, Any]
    log: str
    duration_s: float


def documents(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the pipeline's specification, and its platform's (empty if there is none)."""
    found = [*yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return found[0], found[1] if len(found) > 1 else {}


def tasks(
    file: Path, run_id: str, arguments: Mapping[str, Any], secrets: Mapping[tuple[str, str], str]
) -> dict[str, Task]:
    """Fills in parameters, placeholders and secrets; fails where a volume would be missing."""
    spec, platform = documents(file)
    given = spec["root"]["inputDefinitions"]["parameters"]
    assert set(arguments) <= set(given)
    values = {name: own.get("defaultValue") for name, own in given.items()} | dict(arguments)
    around = (
        platform.get("platforms", {})
        .get("kubernetes", {})
        .get("deploymentSpec", {})
        .get("executors", {})
    )
    found = {}
    for name, own in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][own["componentRef"]["name"]]["executorLabel"]
        container = spec["deploymentSpec"]["executors"][label]["container"]
        inputs = {
            key: _text(_value(value, values, run_id))
            for key, value in own["inputs"]["parameters"].items()
        }
        env = {each["name"]: each["value"] for each in container.get("env", [])}
        for secret in around.get(label, {}).get("secretAsEnv", []):
            for pair in secret["keyToEnv"]:
                env[pair["envVar"]] = secrets[secret["secretName"], pair["secretKey"]]
        for volume in around.get(label, {}).get("pvcMount", []):
            assert Path(volume["mountPath"]).is_dir()
        words = [*container["command"], *container["args"]]
        found[name] = Task(
            name=name,
            image=_filled(container["image"], inputs),
            command=[_filled(word, inputs) for word in words],
            after=tuple(own.get("dependentTasks", [])),
            env=env,
            attempts=1 + own.get("retryPolicy", {}).get("maxRetryCount", 0),
        )
    return found


def execute(
    planned: Mapping[str, Task], folder: Path, *, at_once: int = 2, kill: Mapping[str, str] = {}
) -> dict[str, Outcome]:
    """Runs tasks in the order of their dependencies.

    Args:
      planned: The tasks.
      folder: An empty folder; logs go there, and tasks start in it.
      at_once: Most tasks at a time.
      kill: By name of a task, a text: once its first attempt has logged it, it is killed.

    Returns:
      The outcomes of the tasks that began.
    """
    folder.mkdir(parents=True)
    outcomes: dict[str, Outcome] = {}
    running: dict[concurrent.futures.Future, str] = {}
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        while True:
            failed = any(outcome.statuses[-1] for outcome in outcomes.values())
            for name in _ready(planned, outcomes, running.values()) if not failed else ():
                task = pool.submit(_run, planned[name], folder, kill.get(name))
                running[task] = name
            if not running:
                return outcomes
            over, _ = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in over:
                outcomes[running.pop(future)] = future.result()


def _ready(
    planned: Mapping[str, Task], outcomes: Mapping[str, Outcome], running: Iterable[str]
) -> list[str]:
    begun = {*outcomes, *running}
    return [
        name
        for name, task in planned.items()
        if name not in begun and all(before in outcomes for before in task.after)
    ]


def _run(task: Task, folder: Path, kill: str | None) -> Outcome:
    env = {key: os.environ[key] for key in _KEPT if key in os.environ}
    # `python` of the image is this one.
    env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", **task.env}
    statuses: list[int] = []
    told: dict[str, Any] = {}
    log, start_s = "", time.monotonic()
    for attempt in range(task.attempts):
        file = folder / f"{task.name}.{attempt}.log"
        with open(file, "wb") as stream:
            process = subprocess.Popen(
                task.command,
                env=env,
                cwd=folder,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if kill and not attempt:
                threading.Thread(target=_kill_at, args=(process, file, kill), daemon=True).start()
            statuses.append(process.wait())
        log = file.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in log.splitlines() if line.startswith(_RESULT)]
        told = json.loads(lines[-1].removeprefix(_RESULT)) if lines else {}
        if not statuses[-1]:
            break
    return Outcome(statuses, told, log, time.monotonic() - start_s)


def _kill_at(process: subprocess.Popen, file: Path, text: str) -> None:
    while process.poll() is None:
        if text in file.read_text(encoding="utf-8", errors="replace"):
            os.killpg(process.pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def _value(value: Mapping[str, Any], given: Mapping[str, Any], run_id: str) -> Any:
    if "componentInputParameter" in value:
        return given[value["componentInputParameter"]]
    constant = value["runtimeValue"]["constant"]
    return constant.replace(_RUN_ID, run_id) if isinstance(constant, str) else constant


def _text(value: Any) -> str:
    """Returns a parameter as Kubeflow puts it into a command: whole numbers without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _filled(word: str, inputs: Mapping[str, str]) -> str:
    return _INPUT.sub(lambda found: inputs[found[1]], word)
