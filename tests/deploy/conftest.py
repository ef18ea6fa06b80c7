"""Rendering the chart with the real Helm."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deploy.tools import HELM, KUBE_SCORE, Tool
from deploy.values import CHART

Render = Callable[..., list[dict[str, Any]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a tool, so that `make test-unit` can leave it out."""
    for item in items:
        if {"helm_program", "kube_score", "promtool", "prometheus"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.deploy)


def skip_or_fail(what: str) -> None:
    """A developer may do without a tool; CI may not."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def built(tool: Tool) -> str:
    if not tool.built:
        skip_or_fail(f"no {tool.name}: run `make deploy-tools` where there is Go")
    return str(tool.program)


@pytest.fixture(scope="session")
def helm_program() -> str:
    return built(HELM)


@pytest.fixture(scope="session")
def kube_score() -> str:
    return built(KUBE_SCORE)


@pytest.fixture(scope="session")
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        skip_or_fail("no promtool: on Debian: apt-get install prometheus")
    return str(program)


@pytest.fixture(scope="session")
def run_helm(helm_program: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [helm_program, "template", "release-1", CHART, "--namespace", "claims"]
        if "--kube-version" not in arguments:
            command += ["--kube-version", "1.34.0"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def render(run_helm: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """All documents that the chart makes of these arguments."""

    def rendered(*arguments: str | Path) -> list[dict[str, Any]]:
        done = run_helm(*arguments)
        assert done.returncode == 0, done.stderr
        loaded = YAML(typ="safe", pure=True).load_all(done.stdout)
        return [document for document in loaded if document]

    return rendered
