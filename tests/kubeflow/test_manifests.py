"""The manifests as kustomize builds them: Kubernetes' own schemas, and every reference resolved."""

import re

import kubernetes_validate
import pytest
import yaml
from kustomizations import (
    BUILT,
    CUSTOM,
    KUBERNETES,
    MANIFESTS,
    build,
    containers,
    matches,
    of_kind,
    workloads,
)

ROOT = MANIFESTS.parents[1]


@pytest.fixture(scope="module", params=BUILT)
def resources(request):
    return build(MANIFESTS / request.param)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_own_schemas_accept_them(resources, version):
    seen = set()
    for item in resources:
        seen.add(item["kind"])
        if item["kind"] not in CUSTOM:
            kubernetes_validate.validate(item, version, strict=True)
    assert seen - CUSTOM


def test_the_schemas_would_notice():
    (deployment,) = workloads(build(MANIFESTS / "overlays/volume"))
    broken = {**deployment, "spec": {**deployment["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[0], strict=True)


def test_names_are_unique_and_all_lie_in_one_namespace(resources):
    names = [(item["kind"], item["metadata"]["name"]) for item in resources]
    assert len(names) == len(set(names))
    assert {item["metadata"]["namespace"] for item in resources} == {"ser"}


def test_every_volume_is_there_and_comes_from_something_that_is(resources):
    maps, claims = of_kind(resources, "ConfigMap"), of_kind(resources, "PersistentVolumeClaim")
    for workload in workloads(resources):
        spec = workload["spec"]
        made = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
        for container in containers(workload):
            assert {m["name"] for m in container["volumeMounts"]} <= set(volumes) | made
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims


def test_every_secret_is_one_that_the_docs_tell_how_to_make(resources):
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    asked = set()
    for workload in workloads(resources):
        for container in containers(workload):
            asked |= {source["secretRef"]["name"] for source in container.get("envFrom", [])}
            asked |= {
                variable["valueFrom"]["secretKeyRef"]["name"]
                for variable in container.get("env", [])
                if "valueFrom" in variable
            }
    assert all(f"create secret generic {name}" in page for name in asked)


def test_services_policies_budgets_and_monitors_select_the_pods(resources):
    pods = [workload["spec"]["template"] for workload in workloads(resources)]
    for name, service in of_kind(resources, "Service").items():
        chosen = [p for p in pods if matches(service["spec"]["selector"], p["metadata"]["labels"])]
        assert len(chosen) == 1, name
        ports = {
            port["name"] for c in chosen[0]["spec"]["containers"] for port in c.get("ports", [])
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for kind, key in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        for item in of_kind(resources, kind).values():
            selector = item["spec"][key]["matchLabels"]
            assert any(matches(selector, pod["metadata"]["labels"]) for pod in pods)
    for monitor in of_kind(resources, "ServiceMonitor").values():
        selector = monitor["spec"]["selector"]["matchLabels"]
        ports = {
            port["name"]
            for service in of_kind(resources, "Service").values()
            if matches(selector, service["metadata"]["labels"])
            for port in service["spec"]["ports"]
        }
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports


def test_policies_name_ports_that_the_pods_have(resources):
    ports = {
        port["name"]
        for workload in workloads(resources)
        for container in containers(workload)
        for port in container.get("ports", [])
    }
    for policy in of_kind(resources, "NetworkPolicy").values():
        for rule in policy["spec"]["ingress"]:
            assert {port["port"] for port in rule["ports"]} <= ports


def test_no_pod_is_root_or_may_write_where_it_need_not(resources):
    for workload in workloads(resources):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["automountServiceAccountToken"] is False
        for container in containers(workload):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert re.search(r":\d", container["image"]), "an image without a version"


def test_kserve_reads_a_model_of_the_claim():
    resources = build(MANIFESTS / "kserve")
    (service,) = of_kind(resources, "InferenceService").values()
    uri = service["spec"]["predictor"]["model"]["storageUri"]
    claim, model = re.fullmatch(r"pvc://([\w-]+)/([\w-]+)", uri).groups()
    assert claim in of_kind(resources, "PersistentVolumeClaim")
    assert model == service["metadata"]["name"]


def test_every_manifest_is_part_of_what_is_built():
    used = set()
    for file in MANIFESTS.rglob("kustomization.yaml"):
        used.add(file)
        told = yaml.safe_load(file.read_text())
        files = [*told.get("resources", []), *told.get("components", [])]
        files += [patch["path"] for patch in told.get("patches", []) if "path" in patch]
        files += [f for made in told.get("configMapGenerator", []) for f in made["files"]]
        for name in files:
            assert (file.parent / name).exists(), f"{file}: {name}"
            used.add((file.parent / name).resolve())
    assert {file.resolve() for file in MANIFESTS.rglob("*") if file.is_file()} <= {
        file.resolve() for file in used
    }
