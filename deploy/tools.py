"""`python -m deploy.tools`: make ready the tools that the tests of deploy/ use, where possible.

Helm is built once from the Go module proxy into .cache (some minutes). promtool and Prometheus are
Debian's package `prometheus`, which `.ci/run` installs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HELM_VERSION = "v3.22.0"
_FOLDER = Path(__file__).parent.parent / ".cache" / "helm" / HELM_VERSION


def helm() -> Path | None:
    """The Helm that the tests use, if it has been built."""
    program = _FOLDER / "helm"
    return program if program.is_file() else None


def build_helm() -> None:
    """Build Helm from its Go module unless that has been done.

    Raises:
        subprocess.CalledProcessError: it cannot be built.
    """
    go = shutil.which("go")
    if helm() is not None or go is None:
        return
    _FOLDER.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "GOBIN": str(_FOLDER),
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath",
        "GOTOOLCHAIN": "local",  # a toolchain is nothing to fetch on the way
    }
    module = f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"
    subprocess.run([go, "install", module], env=environment, check=True)


if __name__ == "__main__":
    if helm() is None:
        sys.stderr.write("building Helm once, from the Go module proxy; this takes some minutes\n")
    try:
        build_helm()
    except subprocess.CalledProcessError:
        if os.environ.get("CI") == "true":
            raise
        sys.stderr.write("Helm could not be built: this Go may be too old\n")
    if helm() is None:
        sys.stderr.write("no Helm here: the tests that render the chart will be skipped\n")
