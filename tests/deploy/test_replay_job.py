"""A replay as a Job and as a CronJob: what the chart makes of them, and how they end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.values import CHART

MINIMAL = ("-f", CHART / "ci" / "minimal-values.yaml")
REPLAY = ("-f", CHART / "ci" / "replay-values.yaml")


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] == kind]


def replay_job(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (job,) = (one for one in of_kind(documents, "Job") if "-replay-" in one["metadata"]["name"])
    return job


def container(job: dict[str, Any]) -> dict[str, Any]:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def test_nothing_is_replayed_when_nobody_asks_for_it(render) -> None:
    documents = render(*MINIMAL)
    assert [one for one in documents if "replay" in one["metadata"]["name"]] == []
    (template,) = of_kind(render(*MINIMAL, "--set", "replay.cronJob.enabled=true"), "CronJob")
    assert template["spec"]["suspend"] is True


def test_arguments_arrive_as_they_were_given_when_rendered(render) -> None:
    arguments = container(replay_job(render(*REPLAY)))["args"]
    assert arguments[:3] == ["replay", "--job", "/var/lib/cg-trans-03/$(JOB_NAME)"]
    assert arguments[3:] == ["--from", "2026-10-01T00:00:00Z", "--decision", "deny", "--emit"]


def test_another_job_is_made_when_anything_of_it_changes(render) -> None:
    """A Job is immutable: an upgrade that tried to change one would fail."""

    def name(*more: str) -> str:
        found: str = replay_job(render(*REPLAY, *more))["metadata"]["name"]
        return found

    first = name()
    assert name() == first
    others = [
        name("--set", "image.tag=2.0"),
        name("--set", "settings.history=partial"),
        name("--set", "replay.job.arguments={--emit}"),
    ]
    assert len({first, *others}) == 4


def test_only_what_may_succeed_is_tried_again_when_a_replay_fails(render) -> None:
    job = replay_job(render(*REPLAY))
    drained, wrong = job["spec"]["podFailurePolicy"]["rules"]
    assert drained["action"] == "Ignore"
    assert wrong["action"] == "FailJob"
    assert wrong["onExitCodes"]["values"] == [2]
    assert wrong["onExitCodes"]["containerName"] == container(job)["name"]
    # What a failure policy asks for.
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert job["spec"]["podReplacementPolicy"] == "Failed"


@pytest.mark.parametrize(("code", "seen"), [(0, 0), (3, 0), (2, 2), (1, 1), (141, 141)])
def test_the_job_succeeds_when_the_replay_found_changes(
    render, tmp_path: Path, code: int, seen: int
) -> None:
    """The container's own command, with a stand-in for the service that ends so."""
    package = tmp_path / "stream_app" / "cli"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "main.py").write_text(
        "import sys\n"
        "def run(arguments):\n"
        "    assert arguments[0] == 'replay', arguments\n"
        f"    sys.exit({code})\n"
    )
    ran = container(replay_job(render(*REPLAY)))
    command = [sys.executable, *ran["command"][1:], *ran["args"]]
    assert ran["command"][0] == "python"
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == seen


def test_the_command_is_the_service_s_own_when_started_as_rendered(render, repo: Path) -> None:
    ran = container(replay_job(render(*REPLAY)))
    command = [sys.executable, *ran["command"][1:], *ran["args"], "--no-such-option"]
    done = subprocess.run(command, cwd=repo, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--no-such-option" in done.stderr, done.stderr


def test_every_attempt_finds_the_same_folder_when_tried_again(render) -> None:
    for values, kind in ((REPLAY, "persistentVolumeClaim"), (MINIMAL, "emptyDir")):
        more = ("--set", "replay.job.enabled=true,replay.volume.persistent=false")
        job = replay_job(render(*values, *(more if kind == "emptyDir" else ())))
        (jobs,) = (
            one for one in job["spec"]["template"]["spec"]["volumes"] if one["name"] == "jobs"
        )
        assert kind in jobs
        (name,) = (one for one in container(job)["env"] if one["name"] == "JOB_NAME")
        # Unlike the pod's own name it is that of every attempt.
        assert "job-name" in name["valueFrom"]["fieldRef"]["fieldPath"]
        (mount,) = (one for one in container(job)["volumeMounts"] if one["name"] == "jobs")
        assert container(job)["args"][2] == f"{mount['mountPath']}/$(JOB_NAME)"


def test_there_is_room_for_the_folder_when_it_goes_with_the_pod(render) -> None:
    """The kubelet counts an emptyDir against the pod's limit of ephemeral storage."""
    more = ("--set", "replay.job.enabled=true,replay.volume.persistent=false")
    resources = container(replay_job(render(*MINIMAL, *more)))["resources"]
    assert resources["limits"]["ephemeral-storage"] == "10Gi"
    assert resources["limits"]["memory"] == "1Gi"
    assert resources["requests"]["ephemeral-storage"] == "10Gi"


@pytest.mark.parametrize(
    ("arguments", "reads", "writes"),
    [
        ("", {"in-scope", "history", "approve", "deny", "pend"}, set()),
        ("--emit", {"in-scope", "history", "approve", "deny", "pend"}, {"in-scope"}),
        (
            "--source,core",
            {"in-scope", "history", "approve", "deny", "pend", "claims.adjudication"},
            set(),
        ),
    ],
)
def test_it_may_write_only_when_it_is_to_hand_over(
    render, arguments: str, reads: set[str], writes: set[str]
) -> None:
    (user,) = (
        one
        for one in of_kind(
            render(*REPLAY, "--set", f"replay.job.arguments={{{arguments}}}"), "KafkaUser"
        )
        if one["metadata"]["name"] == "release-1-replay"
    )
    rights: dict[str, set[str]] = {"Read": set(), "Write": set()}
    for acl in user["spec"]["authorization"]["acls"]:
        assert acl["resource"]["type"] == "topic", "it reads without a group"
        for right in rights.keys() & set(acl["operations"]):
            rights[right].add(acl["resource"]["name"].removeprefix("cg-trans-03."))
    assert rights == {"Read": reads, "Write": writes}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("replay.job.arguments={--job,/tmp}", "arguments"),
        ("replay.job.arguments=--emit", "arguments"),
        ("replay.cronJob.arguments={--metrics-port=1}", "arguments"),
        ("replay.cronJob.schedule=weekly", "schedule"),
        ("replay.retries=-1", "retries"),
        ("replay.cronjob.enabled=true", "cronjob"),
    ],
)
def test_a_slip_is_refused_when_a_replay_is_rendered(run_helm, wrong: str, word: str) -> None:
    refused = run_helm(*MINIMAL, "--set", wrong)
    assert refused.returncode != 0
    assert word in refused.stderr
