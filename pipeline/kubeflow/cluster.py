"""A Kubeflow Pipelines installation: submitting pipelines, and asking how runs are."""

import dataclasses
import datetime
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.kubeflow.arguments import checked
from schemas.errors import UserError
from schemas.words import listed

# The host's variable is Kubeflow's own.
HOST_VARIABLE, TOKEN_VARIABLE = "KF_PIPELINES_ENDPOINT", "SER_KUBEFLOW_TOKEN"

_TIMEOUT_S = 15.0
_HEALTH = "/apis/v2beta1/healthz"
_LOG = "/apis/v1alpha1/runs/{run}/nodes/{pod}/log"
_FORWARD = (
    "`kubectl port-forward --namespace kubeflow service/ml-pipeline 8888:8888` makes it"
    " http://localhost:8888"
)
# Fields of a schedule, with the seconds that Kubeflow wants first.
_CRON_FIELDS = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskStatus:
    """How a task of a run is.

    Attributes:
      name: The step's name.
      state: Kubeflow's word, for example `SUCCEEDED`.
      duration_s: Time since it began, until it ended; `None` where it has not begun.
      error: What Kubeflow says went wrong; empty if nothing.
      pods: Names of its pods.
    """

    name: str
    state: str
    duration_s: float | None
    error: str
    pods: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunStatus:
    """How a run is.

    Attributes:
      run_id: Its id.
      name: Its name.
      state: Kubeflow's word, for example `RUNNING`.
      tasks: Its tasks that have begun.
    """

    run_id: str
    name: str
    state: str
    tasks: tuple[TaskStatus, ...]


class Cluster:
    """A connection to Kubeflow Pipelines' API.

    Args:
      host: Address of the API; that of the variable `KF_PIPELINES_ENDPOINT` if empty.
      namespace: Namespace of the runs where users have their own; empty otherwise.
      token: Bearer token; empty where the API asks for none.

    Raises:
      UserError: Nothing answers there, or it refuses the token.
    """

    def __init__(self, host: str, *, namespace: str = "", token: str = ""):
        self._host = (host or os.environ.get(HOST_VARIABLE, "")).rstrip("/")
        if not self._host:
            raise UserError(f"no cluster: give --host or set {HOST_VARIABLE}; {_FORWARD}")
        if "://" not in self._host:
            self._host = f"https://{self._host}"
        self._token, self._namespace = token, namespace or None
        with self._fetched(_HEALTH):
            pass
        import kfp

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client = kfp.Client(host=self._host, existing_token=token or None)

    def submit(
        self, package: Path, arguments: Mapping[str, Any], *, experiment: str, name: str
    ) -> str:
        """Starts a run of a compiled pipeline and returns its id."""
        values = checked(package, arguments)
        with self._told(f"submitting {package}"):
            run = self._client.create_run_from_pipeline_package(
                str(package),
                arguments=values,
                run_name=name,
                experiment_name=experiment,
                namespace=self._namespace,
            )
        return str(run.run_id)

    def schedule(
        self,
        package: Path,
        arguments: Mapping[str, Any],
        *,
        experiment: str,
        name: str,
        cron: str,
    ) -> str:
        """Makes a compiled pipeline run again and again, one run at a time; returns the job's id.

        Args:
          package: The compiled pipeline.
          arguments: Values of its parameters.
          experiment, name: The experiment and the job.
          cron: Minute, hour, day of the month, month, day of the week; seconds may be first.
        """
        values = checked(package, arguments)
        fields = cron.split()
        if len(fields) not in (_CRON_FIELDS - 1, _CRON_FIELDS):
            raise UserError(
                f"--cron {cron}: write minute, hour, day of the month, month, day of the week, for"
                " example '0 3 * * 1' for Mondays at three"
            )
        with self._told(f"scheduling {package}"):
            group = self._client.create_experiment(experiment, namespace=self._namespace)
            job = self._client.create_recurring_run(
                group.experiment_id,
                name,
                cron_expression=" ".join(["0"] * (_CRON_FIELDS - len(fields)) + fields),
                pipeline_package_path=str(package),
                params=values,
                # Two runs must not write to one root, nor make up for those that were missed.
                max_concurrency=1,
                no_catchup=True,
            )
        return str(job.recurring_run_id)

    def status(self, run_id: str) -> RunStatus:
        """Returns how a run and its tasks are."""
        with self._told(f"run {run_id}"):
            run = self._client.get_run(run_id)
        details = (run.run_details and run.run_details.task_details) or ()
        return RunStatus(
            run_id=run_id,
            name=run.display_name or "",
            state=run.state or "PENDING",
            tasks=tuple(
                _task(found)
                for found in sorted(details, key=lambda each: str(each.start_time or ""))
                # Kubeflow's own helpers have pods too; steps are told by their children's.
                if not str(found.display_name).endswith("-driver")
                and found.display_name not in ("root", "executor")
            ),
        )

    def logs(self, run_id: str, step: str) -> Iterator[str]:
        """Yields the lines that the pods of a run's step wrote, as long as they are kept."""
        found = {task.name: task for task in self.status(run_id).tasks}
        if step not in found:
            raise UserError(f"run {run_id} has begun no step {step}, only {listed(sorted(found))}")
        if not found[step].pods:
            raise UserError(f"run {run_id}: step {step} has no pod yet")
        for pod in found[step].pods:
            with self._fetched(_LOG.format(run=run_id, pod=pod)) as response:
                for line in response:
                    yield line.decode("utf-8", errors="replace").rstrip("\n")

    @contextmanager
    def _fetched(self, path: str) -> Iterator[Any]:
        request = urllib.request.Request(self._host + path)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                yield response
        except urllib.error.HTTPError as fault:
            raise UserError(self._refused(path, fault.code, fault.reason)) from None
        except (urllib.error.URLError, OSError, ValueError) as fault:
            raise UserError(
                f"no Kubeflow Pipelines answers at {self._host}"
                f" ({getattr(fault, 'reason', fault)}): look at --host; {_FORWARD}"
            ) from None

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Puts refusals of the API into words."""
        import kfp_server_api
        import urllib3

        try:
            yield
        except kfp_server_api.ApiException as fault:
            raise UserError(self._refused(what, fault.status, fault.reason, fault.body)) from None
        except urllib3.exceptions.HTTPError as fault:
            raise UserError(f"{what}: {self._host} stopped answering ({fault})") from None

    def _refused(self, what: str, status: int, reason: Any, body: Any = "") -> str:
        if status in (401, 403):
            given = "the token was refused" if self._token else "it asks for a token"
            return (
                f"{self._host}: {given} ({status} {reason}); give one with --token-file or"
                f" {TOKEN_VARIABLE}, and --namespace where users have their own"
            )
        if status == 404:
            return f"{self._host}: {what} does not exist there ({status} {reason})"
        return f"{self._host}: {what} failed ({status} {reason}) {body}".rstrip()


def _task(found: Any) -> TaskStatus:
    start, end = found.start_time, found.end_time
    duration_s = None
    if isinstance(start, datetime.datetime):
        ended = isinstance(end, datetime.datetime) and end >= start
        now = end if ended else datetime.datetime.now(start.tzinfo)
        duration_s = (now - start).total_seconds()
    children: Sequence[Any] = found.child_tasks or ()
    pods = [found.pod_name, *(child.pod_name for child in children)]
    return TaskStatus(
        name=str(found.display_name),
        state=found.state or "PENDING",
        duration_s=duration_s,
        error=(found.error and found.error.message) or "",
        pods=tuple(dict.fromkeys(pod for pod in pods if pod)),
    )
