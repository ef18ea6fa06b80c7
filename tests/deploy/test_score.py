"""kube-score over everything that the chart makes; what it may not ask for, the chart explains."""

import json
import subprocess
from pathlib import Path

import pytest

from deploy.values import CHART

CI = sorted((CHART / "ci").glob("*-values.yaml"))
# A values file that switches a guard off hears of it, and is meant to.
SWITCHED_OFF = {
    "hpa-memory-mtls-values.yaml": {"pod-networkpolicy", "deployment-has-poddisruptionbudget"},
}
EXPLAINED = {
    "container-resources",
    "container-image-pull-policy",
    "deployment-has-host-podantiaffinity",
    "statefulset-has-host-podantiaffinity",
}
"""Exceptions in the chart's annotations: each with its reason in `cg.unscored`."""


def faults(kube_score: str, manifests: str, *options: str) -> set[tuple[str, str]]:
    """What it finds fault with: the object, the check."""
    done = subprocess.run(
        [kube_score, "score", "--output-format", "json", *options, "-"],
        input=manifests,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        (scored["object_name"], check["check"]["id"])
        for scored in json.loads(done.stdout)
        for check in scored["checks"] or []
        if not check["skipped"] and check["grade"] < 10
    }


@pytest.mark.parametrize("values", CI, ids=lambda path: path.name)
def test_nothing_is_found_fault_with_when_scored(run_helm, kube_score: str, values: Path) -> None:
    manifests = run_helm("-f", values).stdout
    found = faults(kube_score, manifests)
    assert {check for _, check in found} == SWITCHED_OFF.get(values.name, set())


def test_each_exception_is_needed_and_explained_when_made(run_helm, kube_score: str) -> None:
    manifests = run_helm("-f", CHART / "ci" / "replay-values.yaml").stdout
    without = manifests.replace("kube-score/ignore:", "unheard-of/ignore:")
    assert {check for _, check in faults(kube_score, without)} == EXPLAINED
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    reasons = helpers.partition('define "cg.unscored"')[2].partition("kube-score/ignore")[0]
    assert all(f"# {check}: " in reasons for check in EXPLAINED if "podantiaffinity" not in check)
    assert "topologySpreadConstraints" in reasons
