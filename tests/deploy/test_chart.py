"""The chart, rendered by the real Helm over the values in its ci/ folder."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from deploy.values import CHART, OWNED, undocumented
from deploy.write import generated
from stream_app.policy.load_applicability import load_applicability
from stream_app.settings import Settings
from stream_app.settings.load import load_settings
from stream_app.worker.topics import topic_specs
from tests.deploy.shapes import SPECS, schema_of

CI = sorted((CHART / "ci").glob("*-values.yaml"))
BY_NAME = {path.name.removesuffix("-values.yaml"): path for path in CI}
SUPPORTED = ("1.31.0", "1.37.0")
OURS = {group for group, _ in SPECS}
MINIMAL = ("-f", BY_NAME["minimal"])

every_values_file = pytest.mark.parametrize("values", CI, ids=list(BY_NAME))


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] == kind]


def pods(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every pod there will be: name of its owner to pod spec."""
    found = {}
    for document in documents:
        if document["kind"] in {"Deployment", "StatefulSet", "Job"}:
            found[document["metadata"]["name"]] = document["spec"]["template"]["spec"]
        elif document["kind"] == "CronJob":
            template = document["spec"]["jobTemplate"]["spec"]["template"]
            found[f"every/{document['metadata']['name']}"] = template["spec"]
        elif document["kind"] == "Pod":
            found[document["metadata"]["name"]] = document["spec"]
    return found


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("version", SUPPORTED)
@every_values_file
def test_every_document_fits_kubernetes_when_rendered(render, values: Path, version: str) -> None:
    documents = render("-f", values, "--kube-version", version)
    assert len(documents) >= 6
    for document in documents:
        if document["apiVersion"] in OURS:
            jsonschema.Draft7Validator(schema_of(document)).validate(document)
        else:
            kubernetes_validate.validate(document, version, strict=True)


def test_the_oldest_version_is_the_one_tested_when_the_chart_is_installed(run_helm) -> None:
    oldest = ".".join(SUPPORTED[0].split(".")[:2])
    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert chart["kubeVersion"] == f">={oldest}.0-0"
    refused = run_helm(*MINIMAL, "--kube-version", "1.30.0")
    assert "kubeVersion" in refused.stderr


@every_values_file
def test_every_pod_is_locked_down_when_rendered(render, values: Path) -> None:
    found = pods(render("-f", values))
    assert len(found) >= 3
    for pod in found.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert not container["image"].endswith(":latest")


@every_values_file
def test_every_mount_has_its_volume_when_rendered(render, values: Path) -> None:
    documents = render("-f", values)
    maps = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    claims = [
        claim["metadata"]["name"]
        for document in of_kind(documents, "StatefulSet")
        for claim in document["spec"].get("volumeClaimTemplates", [])
    ]
    for pod in pods(documents).values():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {m["name"] for c in containers(pod) for m in c.get("volumeMounts", [])}
        assert mounted <= volumes.keys() | set(claims)
        assert volumes.keys() <= mounted
        assert {v["configMap"]["name"] for v in volumes.values() if "configMap" in v} <= maps
        wanted = [
            v["persistentVolumeClaim"] for v in volumes.values() if "persistentVolumeClaim" in v
        ]
        disks = {one["metadata"]["name"] for one in of_kind(documents, "PersistentVolumeClaim")}
        assert {claim["claimName"] for claim in wanted} <= disks


@every_values_file
def test_the_worker_takes_the_settings_when_started_as_rendered(
    render, values: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lay out what each container would see and read it by the service's own loader."""
    documents = render("-f", values)
    maps = {d["metadata"]["name"]: d["data"] for d in of_kind(documents, "ConfigMap")}
    for name, pod in pods(documents).items():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in containers(pod):
            if container["name"] == "ready":
                continue  # only asks a worker
            root = tmp_path / name / container["name"]
            for mount in container["volumeMounts"]:
                volume = volumes.get(mount["name"], {})
                folder = root / mount["mountPath"].lstrip("/")
                folder.mkdir(parents=True)
                contents = maps[volume["configMap"]["name"]] if "configMap" in volume else {}
                for item in volume.get("secret", {}).get("items", []):
                    contents = {**contents, item["path"]: "made up"}
                for file, text in contents.items():
                    (folder / file).write_text(text)
            environment = {
                one["name"]: f"{root}{value}" if value.startswith(("/etc", "/var")) else value
                for one in container["env"]
                for value in [one.get("value", "pod-0")]
            }
            settings = load_settings(environ=environment).settings
            given = YAML(typ="safe").load(values).get("settings", {})
            for key, value in given.items():
                wanted = None if value == "none" else value
                assert getattr(settings, key) == wanted, f"{name}: {key}"
            assert len(load_applicability(settings.applicability_file).rows) >= 0


def test_the_topics_are_those_of_the_service_when_strimzi_makes_them(render) -> None:
    documents = render("-f", BY_NAME["strimzi-keda"])
    settings = Settings(partitions=24, retention_days=90, max_message_bytes=4194304)
    wanted = {
        spec.name: (spec.partitions, dict(spec.config))
        for spec in topic_specs(settings)
        if not spec.inbound
    }
    made = {
        topic["spec"]["topicName"]: (
            topic["spec"]["partitions"],
            {name: str(value) for name, value in topic["spec"]["config"].items()},
        )
        for topic in of_kind(documents, "KafkaTopic")
    }
    assert made == wanted


def test_the_defaults_are_those_of_the_service_when_the_chart_must_know_them(render) -> None:
    """The chart repeats a few defaults for Strimzi; they must not drift."""
    arguments = ("topics.create=strimzi", "topics.strimzi.cluster=c")
    documents = render(*MINIMAL, *(word for one in arguments for word in ("--set", one)))
    wanted = {
        spec.name: {**spec.config, "partitions": str(spec.partitions)}
        for spec in topic_specs(Settings())
        if not spec.inbound
    }
    made = {
        topic["spec"]["topicName"]: {
            **{name: str(value) for name, value in topic["spec"]["config"].items()},
            "partitions": str(topic["spec"]["partitions"]),
        }
        for topic in of_kind(documents, "KafkaTopic")
    }
    assert made == wanted
    replicas = {topic["spec"]["replicas"] for topic in of_kind(documents, "KafkaTopic")}
    assert replicas == {Settings().replication_factor}


def test_each_role_may_do_only_its_work_when_strimzi_makes_users(render) -> None:
    documents = render("-f", BY_NAME["strimzi-keda"])
    rights: dict[str, dict[str, set[str]]] = {"Read": {}, "Write": {}}
    for user in of_kind(documents, "KafkaUser"):
        role = user["metadata"]["labels"]["app.kubernetes.io/component"]
        for acl in user["spec"]["authorization"]["acls"]:
            for right, allowed in rights.items():
                if right in acl["operations"] and acl["resource"]["type"] == "topic":
                    allowed.setdefault(role, set()).add(acl["resource"]["name"])
        names = {acl["resource"]["name"] for acl in user["spec"]["authorization"]["acls"]}
        # The check at start describes every topic.
        assert {spec.name for spec in topic_specs(Settings())} < names
    changelogs = {f"cg-trans-03-adjudicate-{table}-changelog" for table in ("history", "claims")}
    assert rights["Read"]["scope"] == {"claims.adjudication", "member.transplant-history"}
    assert rights["Write"]["scope"] == {
        "cg-trans-03.in-scope", "cg-trans-03.history", "cg-trans-03.dead-letter",
    }  # fmt: skip
    assert rights["Read"]["adjudicate"] == {
        "cg-trans-03.in-scope", "cg-trans-03.history", *changelogs,
    }  # fmt: skip
    assert rights["Write"]["adjudicate"] == changelogs | {
        f"cg-trans-03.{topic}"
        for topic in ("approve", "deny", "pend", "history-drift", "dead-letter", "history")
    }


def test_nothing_can_be_decided_in_earnest_when_in_shadow(render) -> None:
    documents = render("-f", BY_NAME["strimzi-keda"], "--set", "settings.shadow=true")
    (user,) = (
        one for one in of_kind(documents, "KafkaUser") if one["metadata"]["name"].endswith("icate")
    )
    written = {
        acl["resource"]["name"].removeprefix("cg-trans-03.")
        for acl in user["spec"]["authorization"]["acls"]
        if "Write" in acl["operations"]
    }
    assert "shadow" in written
    assert not written & {"approve", "deny", "pend", "history-drift"}


@pytest.mark.parametrize(
    ("values", "kind", "field", "most"),
    [
        ("strimzi-keda", "ScaledObject", "maxReplicaCount", 48),
        ("hpa-memory-mtls", "HorizontalPodAutoscaler", "maxReplicas", 6),
    ],
)
def test_scaling_ends_at_the_partitions_when_more_pods_are_allowed(
    render, values: str, kind: str, field: str, most: int
) -> None:
    (scaler,) = of_kind(documents := render("-f", BY_NAME[values]), kind)
    assert scaler["spec"][field] == most
    (scope,) = of_kind(documents, "Deployment")
    assert "replicas" not in scope["spec"], (
        "a replica count would undo the scaler's at each upgrade"
    )
    text = json.dumps(scaler["spec"])
    assert '"stabilizationWindowSeconds": 1800' in text


def test_no_volume_is_asked_for_when_tables_are_in_memory(render) -> None:
    (memory,) = of_kind(render("-f", BY_NAME["hpa-memory-mtls"]), "StatefulSet")
    assert "volumeClaimTemplates" not in memory["spec"]
    assert "CG_TRANS_03_DATA_DIR" not in json.dumps(memory)
    (disk,) = of_kind(render(*MINIMAL), "StatefulSet")
    assert disk["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "data"


def test_the_first_hop_leaves_no_trace_when_off(render) -> None:
    """A release in shadow beside a live one: the live one's scope feeds both."""
    documents = render("-f", BY_NAME["strimzi-keda"], "--set", "scope.enabled=false")
    names = {f"{one['kind']}/{one['metadata']['name']}" for one in documents}
    assert "StatefulSet/release-1-adjudicate" in names
    assert [name for name in names if name.endswith("/release-1-scope")] == []
    everything = {f"{d['kind']}/{d['metadata']['name']}" for d in render(*MINIMAL)}
    assert "Deployment/release-1-scope" in everything


def test_the_startup_probe_waits_as_long_as_a_recovery_may_take_when_set(render) -> None:
    documents = render(*MINIMAL, "--set", "adjudicate.recoverySeconds=7200")
    (stateful,) = of_kind(documents, "StatefulSet")
    probe = stateful["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] * probe["failureThreshold"] == 7200


def test_pods_are_renewed_when_settings_change(render) -> None:
    def checksum(*more: str) -> str:
        (scope,) = of_kind(render(*MINIMAL, *more), "Deployment")
        return scope["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]

    assert checksum() != checksum("--set", "settings.history=partial")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("scope.replica=3", "replica"),
        ("scop.replicas=3", "scop"),
        ("settings.partition=3", "partition"),
        ("settings.partitions=0", "partitions"),
        ("settings.history=most", "history"),
        ("settings.bootstrap_servers=k:9092", "bootstrap_servers"),
        ("settings.sasl_password=x", "sasl_password"),
        ("kafka.bootstrapServers=kafka", "bootstrapServers"),
        ("kafka.sasl.password=x", "password"),
        ("kafka.tls.enabled=yes please", "enabled"),
        ("adjudicate.store=disk", "store"),
        ("image.digest=sha256:12", "digest"),
        ("scope.resources.limit.memory=1Gi", "limit"),
        ("topics.create=yes", "create"),
        ("monitoring.rules.enable=true", "enable"),
    ],
)
def test_a_slip_is_refused_when_rendered(run_helm, wrong: str, word: str) -> None:
    refused = run_helm(*MINIMAL, "--set", wrong)
    assert refused.returncode != 0
    assert word in refused.stderr
    assert "schema" in refused.stderr


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("kafka.bootstrapServers=", "kafka.bootstrapServers is required"),
        ("adjudicate.replicas=13", "would idle"),
        ("scope.replicas=13", "would idle"),
        ("topics.create=strimzi", "topics.strimzi.cluster"),
        ("kafka.sasl.enabled=true", "kafka.sasl.secret"),
        ("topics.strimzi.users=true,topics.strimzi.cluster=c", "may not create topics"),
        ("terminationGracePeriodSeconds=20", "shutdown_timeout_seconds"),
        (
            "scope.autoscaling.mode=keda,kafka.tls.enabled=true",
            "scope.autoscaling.kedaSecret",
        ),
    ],
)
def test_what_cannot_work_is_refused_when_rendered(run_helm, wrong: str, word: str) -> None:
    refused = run_helm(*MINIMAL, "--set", wrong)
    assert refused.returncode != 0
    assert word in refused.stderr


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [("http://collector:4318", 4318), ("https://otel.example/v1", 443), ("http://[::1]/x", 80)],
)
def test_traces_get_out_when_they_are_sent(render, endpoint: str, port: int) -> None:
    documents = render(*MINIMAL, "--set", f"settings.tracing_endpoint={endpoint}")
    (policy,) = of_kind(documents, "NetworkPolicy")
    assert [{"protocol": "TCP", "port": port}] in [to["ports"] for to in policy["spec"]["egress"]]


def test_no_secret_is_made_when_rendered(render) -> None:
    for values in CI:
        assert not of_kind(render("-f", values), "Secret")


def test_generated_files_are_current_when_values_or_settings_change() -> None:
    stale = [path.name for path, text in generated().items() if path.read_text() != text]
    assert stale == [], "run `make chart`"


def test_every_value_is_told_of_when_listed() -> None:
    assert undocumented() == []


def test_the_schema_is_one_when_checked() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    settings = schema["properties"]["settings"]["properties"]
    assert settings.keys() | OWNED == Settings.model_fields.keys()
    assert not settings.keys() & OWNED


@pytest.fixture
def notes(helm_program: str, tmp_path: Path) -> Callable[..., str]:
    """The notes; Helm shows them only where there is a cluster, so they are rendered as a file."""
    chart = shutil.copytree(CHART, tmp_path / "chart")
    (chart / "templates" / "NOTES.txt").rename(chart / "NOTES.txt")
    (chart / "templates" / "notes.yaml").write_text(
        'notes: |\n{{ tpl (.Files.Get "NOTES.txt") . | indent 2 }}'
    )

    def show(*arguments: str | Path) -> str:
        command = [helm_program, "template", "release-1", chart, "--kube-version", "1.34.0"]
        command += ["--show-only", "templates/notes.yaml", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        text: str = YAML(typ="safe").load(done.stdout)["notes"]
        return text

    return show


@every_values_file
def test_notes_say_what_next_when_installed(notes, values: Path) -> None:
    assert "helm -n default test release-1" in notes("-f", values)


def test_notes_warn_when_scrapes_would_be_shut_out(notes) -> None:
    watched = (*MINIMAL, "--set", "monitoring.podMonitor.enabled=true")
    assert "may scrape" in notes(*watched)
    assert "may scrape" not in notes(*watched, "--set", "networkPolicy.enabled=false")
    assert "may scrape" not in notes(*MINIMAL)


def test_notes_say_what_a_replay_does_when_one_is_run(notes) -> None:
    assert "hands over" in notes("-f", BY_NAME["replay"])
    dry = notes(*MINIMAL, "--set", "replay.job.enabled=true")
    assert "A replay runs;" in dry
    assert "replay" not in notes(*MINIMAL)


def test_notes_warn_when_passwords_travel_in_the_clear(notes) -> None:
    assert "in the clear" in notes("-f", BY_NAME["sasl-job"])
    assert "in the clear" not in notes("-f", BY_NAME["strimzi-keda"])
