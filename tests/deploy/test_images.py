"""Dockerfile and compose.yaml, as far as that goes without Docker: nobody has built them here."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stream_app.cli.main import run
from stream_app.settings import Settings
from stream_app.settings.load import load_settings


@pytest.fixture
def dockerfile(repo: Path) -> str:
    return (repo / "Dockerfile").read_text().replace("\\\n", " ")


@pytest.fixture
def services(repo: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = YAML(typ="safe").load(repo / "compose.yaml")["services"]
    return found


def test_the_image_is_small_and_unprivileged_when_built(dockerfile: str) -> None:
    stages = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert stages == ["${BASE}", "${BASE}"]
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-\w+$", dockerfile, re.MULTILINE)
    last = dockerfile.rsplit("FROM ", 1)[1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["python", "-m", "stream_app"\]$', last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/livez" in last
    assert "pip" not in last
    assert "--require-hashes" in dockerfile


def test_what_is_copied_exists_and_is_not_ignored_when_built(repo: Path, dockerfile: str) -> None:
    allowed = re.findall(r"^!(\S+)", (repo / ".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    locks = [copied[0].replace("${LOCK}", lock) for lock in ("runtime", "tracing")]
    assert [*locks, *copied[1:]] == allowed
    assert all((repo / name).exists() for name in allowed)
    assert re.search(r"^ARG LOCK=runtime$", dockerfile, re.MULTILINE)


def test_the_settings_are_ours_when_the_image_sets_them(dockerfile: str) -> None:
    named = re.findall(r"CG_TRANS_03_([A-Z_]+)=", dockerfile)
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_every_image_is_pinned_when_composed(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        name, _, tag = service["image"].rpartition(":")
        assert name
        assert tag == "dev" if "build" in service else re.search(r"\d+\.\d+\.\d+$", tag)


def test_every_mounted_file_exists_when_composed(
    repo: Path, services: dict[str, dict[str, Any]]
) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    sources = [mount.split(":")[0] for mount in mounts]
    assert [one for one in sources if one.startswith(".") and not (repo / one).exists()] == []
    assert len([one for one in sources if one.startswith(".")]) == 5


def test_nothing_listens_beyond_this_machine_when_composed(
    services: dict[str, dict[str, Any]],
) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", ["topics", "worker"])
def test_the_service_takes_its_environment_when_composed(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    settings = load_settings(environ=services[name]["environment"]).settings
    assert settings.bootstrap_servers == "kafka:9092"
    assert settings.replication_factor == 1


def test_the_command_is_one_of_ours_when_composed(
    services: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        run([*services["topics"]["command"], "--help"])
    assert done.value.code == 0


def test_prometheus_takes_its_configuration_when_composed(
    repo: Path, promtool: str, tmp_path: Path
) -> None:
    """Laid out as compose.yaml mounts it."""
    config = tmp_path / "prometheus.yml"
    config.write_text((repo / "deploy/compose/prometheus.yaml").read_text())
    (tmp_path / "rules").symlink_to(repo / "deploy/helm/cg-trans-03/rules")
    done = subprocess.run(
        [promtool, "check", "config", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 rule files" in done.stdout or "cg-trans-03.yaml" in done.stdout
