"""The manifests: right by the schema, and at one with each other and with fluid."""

from __future__ import annotations

import re

import pytest

from fluid import WorkerFunction
from fluid.http import health_app
from tests.deploy.reading import container, image, manifests, pod

KUBERNETES = "1.37"
PROBES = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_the_api_server_would_take_them():
    import kubernetes_validate

    for manifest in manifests().values():
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize(("probe", "path"), PROBES.items())
def test_each_probe_asks_its_question_at_the_port_that_fluid_listens_to(probe, path):
    assert container()[probe]["httpGet"] == {"path": path, "port": "http"}


def test_the_port_is_the_same_everywhere():
    [port] = container()["ports"]
    annotations = manifests()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    [served] = [word for word in container()["args"] if word.startswith("--http=")]
    assert port == {"name": "http", "containerPort": int(served.rpartition(":")[2])}
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    assert [row["targetPort"] for row in manifests()["Service"]["spec"]["ports"]] == ["http"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nowhere"])
async def test_what_is_asked_for_is_served(path):
    async def work() -> None: ...

    annotations = manifests()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert path in {*PROBES.values(), annotations["prometheus.io/path"], "/nowhere"}
    sent = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    await health_app(WorkerFunction(work))(scope, None, send)
    assert (sent[0]["status"] == 404) is (path == "/nowhere")


def test_a_process_that_is_stuck_is_given_half_a_minute_and_one_that_imports_as_long():
    for probe in ("livenessProbe", "startupProbe"):
        numbers = container()[probe]
        assert numbers["periodSeconds"] * numbers["failureThreshold"] == 30


def test_a_probe_that_is_lost_changes_nothing():
    assert all(container()[probe]["failureThreshold"] > 1 for probe in PROBES)


def test_everything_selects_the_pods():
    deployment, service, budget = (
        manifests()[kind] for kind in ("Deployment", "Service", "PodDisruptionBudget")
    )
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert {manifest["metadata"]["name"] for manifest in manifests().values()} == {"codesearch"}


def test_one_pod_is_there_whatever_is_rolled_out_or_emptied():
    deployment = manifests()["Deployment"]["spec"]
    budget = manifests()["PodDisruptionBudget"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["replicas"] > budget["maxUnavailable"]


def test_pods_meet_the_restricted_standard():
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_they_run_as_the_user_of_the_image():
    [user] = image("USER")
    context = pod()["securityContext"]
    assert user == f"{context['runAsUser']}:{context['runAsGroup']}"
    assert context["fsGroup"] == context["runAsGroup"]


def test_what_is_mounted_is_a_volume_and_what_is_watched_cannot_be_written():
    mounts = {mount["name"]: mount for mount in container()["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod()["volumes"]}
    assert mounts["code"]["mountPath"] == container()["args"][-1]
    assert mounts["code"]["readOnly"] is True


def test_memory_has_a_limit_and_the_event_loop_is_never_throttled():
    assert set(container()["resources"]["limits"]) == {"memory"}
    assert set(container()["resources"]["requests"]) == {"cpu", "memory"}


def test_the_image_has_a_version():
    assert re.search(r":\d", container()["image"])
