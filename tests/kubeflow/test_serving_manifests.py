"""TF Serving on Kubernetes: its flags, files, models and probes, in every overlay that has it."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from kustomizations import CUSTOM, KUBERNETES, MANIFESTS, build, containers, of_kind
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from cli.main import main
from serving.tensorflow_serving import labels

ROOT = MANIFESTS.parents[1]
SOURCES = ROOT / "serving" / "tensorflow_serving"


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


def test_an_installation_as_the_docs_show_it_serves_its_own_models(tmp_path):
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert "../kubeflow/manifests/overlays/volume" in text
    root, deploy = tmp_path / "serving", tmp_path / "deploy"
    (root / "calls" / "41").mkdir(parents=True)
    (root / "calls" / "41" / "saved_model.pb").touch()
    words = ["serving", "config", "--root", str(root), "--config", str(deploy / "config")]
    assert main(words) == 0
    up = "/".join([".."] * (len(deploy.parts) - 1))
    (deploy / "kustomization.yaml").write_text(text.replace("../kubeflow", f"{up}{ROOT}/kubeflow"))
    resources = build(deploy)
    data = of_kind(resources, "ConfigMap")["tensorflow-serving"]["data"]
    config = text_format.Parse(data["models.config"], ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, dict(model.version_labels)) == ("calls", {"stable": 41})
    pod = of_kind(resources, "Deployment")["tensorflow-serving"]["spec"]["template"]["spec"]
    assert {"name": "tensorflow-serving"} in [v.get("configMap") for v in pod["volumes"]]


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
