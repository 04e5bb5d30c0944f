"""The manifests as kustomize builds them: Kubernetes' own schemas, and every reference resolved."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from kustomizations import BUILT, MANIFESTS, build, containers, matches, of_kind, workloads
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving.tensorflow_serving import labels

ROOT = MANIFESTS.parents[1]
SOURCES = ROOT / "serving" / "tensorflow_serving"
# The oldest that has all kinds, and a newer one.
KUBERNETES = ("1.30", "1.37")
# Custom resources; their schemas come with their operators.
CUSTOM = {"ServiceMonitor", "InferenceService"}


@pytest.fixture(scope="module", params=BUILT)
def resources(request):
    return build(MANIFESTS / request.param)


@pytest.fixture(scope="module", params=["overlays/volume", "overlays/bucket"])
def serving(request):
    return build(MANIFESTS / request.param)


@pytest.fixture(scope="module", params=["overlays/volume", "overlays/bucket"])
def with_tls(request, tmp_path_factory):
    """An installation's own overlay: one of ours, with TLS."""
    folder = tmp_path_factory.mktemp("own")
    above = Path(*[".."] * (len(folder.parts) - 1))
    own = {
        "resources": [str(above / (MANIFESTS / request.param).relative_to("/"))],
        "components": [str(above / (MANIFESTS / "components" / "tls").relative_to("/"))],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    return build(folder)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_own_schemas_accept_them(resources, version):
    seen = set()
    for item in resources:
        seen.add(item["kind"])
        if item["kind"] not in CUSTOM:
            kubernetes_validate.validate(item, version, strict=True)
    assert seen - CUSTOM


def test_the_schemas_would_notice(serving):
    (deployment,) = workloads(serving)
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


def test_the_autoscaler_watches_a_container_that_asks_for_what_is_measured(serving):
    (autoscaler,) = of_kind(serving, "HorizontalPodAutoscaler").values()
    target = autoscaler["spec"]["scaleTargetRef"]
    workload = of_kind(serving, target["kind"])[target["name"]]
    # A number here would be set anew with each apply, against the autoscaler.
    assert "replicas" not in workload["spec"]
    for metric in autoscaler["spec"]["metrics"]:
        watched = metric["containerResource"]
        (container,) = (c for c in containers(workload) if c["name"] == watched["container"])
        assert watched["name"] in container["resources"]["requests"]


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


def _server(resources):
    # The first, which is what patches by position mean.
    return of_kind(resources, "Deployment")["tensorflow-serving"]["spec"]["template"]["spec"][
        "containers"
    ][0]


def test_the_server_is_told_the_same_as_by_compose(serving):
    compose = yaml.safe_load((SOURCES / "compose.yaml").read_text())
    (service,) = compose["services"].values()
    server = _server(serving)
    assert server["args"] == service["command"]
    assert server["command"] == service["entrypoint"]
    assert service["image"].endswith(f":-{server['image']}}}")
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert f"--port={ports['grpc']}" in server["args"]
    assert f"--rest_api_port={ports['rest']}" in server["args"]


def test_the_server_finds_its_files_and_its_models(serving):
    server = _server(serving)
    data = of_kind(serving, "ConfigMap")["tensorflow-serving"]["data"]
    assert set(re.findall(r"/config/(\S+)", " ".join(server["args"]))) == set(data)
    for name in ("batching.config", "monitoring.config"):
        assert data[name] == (SOURCES / name).read_text()
    (monitor,) = of_kind(serving, "ServiceMonitor").values()
    assert f'"{monitor["spec"]["endpoints"][0]["path"]}"' in data["monitoring.config"]
    models = text_format.Parse(data["models.config"], ModelServerConfig()).model_config_list.config
    mounts = {mount["name"]: mount["mountPath"] for mount in server["volumeMounts"]}
    for model in models:
        assert model.base_path == f"{mounts['models']}/{model.name}"
        given = labels.read(model)
        assert list(model.model_version_policy.specific.versions) == given.loaded()


def test_models_come_from_the_volume_or_the_bucket(serving):
    pod = of_kind(serving, "Deployment")["tensorflow-serving"]["spec"]["template"]["spec"]
    (models,) = (volume for volume in pod["volumes"] if volume["name"] == "models")
    copying = (
        [c for c in pod["initContainers"] if "rclone" in c["image"]]
        if ("initContainers" in pod)
        else []
    )
    assert bool(copying) != ("persistentVolumeClaim" in models)
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "models")
    assert mount["readOnly"]
    if copying:  # the bucket is out of reach where nothing may be asked
        assert of_kind(serving, "NetworkPolicy")["tensorflow-serving"]["spec"]["egress"]


def test_probes_ask_as_the_server_answers(serving, with_tls):
    for resources, kind in ((serving, "grpc"), (with_tls, "tcpSocket")):
        server = _server(resources)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert set(server[probe]) & {"grpc", "tcpSocket", "httpGet"} == {kind}
    assert "--enable_grpc_healthcheck_service=true" in _server(serving)["args"]
    stop = _server(serving)["lifecycle"]["preStop"]["exec"]["command"]
    pod = of_kind(serving, "Deployment")["tensorflow-serving"]["spec"]["template"]["spec"]
    assert int(stop[1]) < pod["terminationGracePeriodSeconds"]


def test_tls_is_a_secret_that_the_server_is_given(with_tls):
    server = _server(with_tls)
    assert server["name"] == "tensorflow-serving"
    assert "--ssl_config_file=/tls/tls.config" in server["args"]
    assert {"name": "tls", "mountPath": "/tls", "readOnly": True} in server["volumeMounts"]
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (secret,) = set(re.findall(r"secretName: ([\w-]+)", yaml.safe_dump(with_tls)))
    assert f"create secret generic {secret} --from-file=tls.config" in page
    for item in with_tls:
        if item["kind"] not in CUSTOM:
            kubernetes_validate.validate(item, KUBERNETES[0], strict=True)


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
