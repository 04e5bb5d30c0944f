"""What `kustomize build` makes of the manifests, and the parts of it that refer to one another."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).parents[1] / "kubeflow" / "manifests"
BUILT = ("overlays/volume", "overlays/bucket", "overlays/mysql", "kserve")
# The oldest that has all kinds, and a newer one.
KUBERNETES = ("1.30", "1.37")
# Custom resources; their schemas come with their operators.
CUSTOM = {"ServiceMonitor", "InferenceService"}

Resource = dict[str, Any]


def build(folder: Path) -> list[Resource]:
    """Returns the resources of a kustomization; skips the test where kustomize is absent."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(folder)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return list(yaml.safe_load_all(done.stdout))
    pytest.skip("neither kustomize nor kubectl is installed; the manifests are not built")


def of_kind(resources: list[Resource], kind: str) -> dict[str, Resource]:
    """Returns the resources of a kind, by name."""
    return {item["metadata"]["name"]: item for item in resources if item["kind"] == kind}


def workloads(resources: list[Resource]) -> Iterator[Resource]:
    """Yields what has a template of pods."""
    yield from (item for item in resources if "template" in item.get("spec", {}))


def containers(workload: Resource) -> list[Resource]:
    """Returns all containers of a workload's pods, those that run first included."""
    pod = workload["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Returns whether labels are selected; an empty selector, which selects all, is a fault."""
    return bool(selector) and selector.items() <= labels.items()
