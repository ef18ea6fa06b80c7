"""`python -m deploy.tools`: make ready the tools that the tests of deploy/ use, where possible.

Helm and kube-score are built once from the Go module proxy into .cache (some minutes). promtool and
Prometheus are Debian's package `prometheus`, which `.ci/run` installs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_CACHE = Path(__file__).parent.parent / ".cache"


class Tool(NamedTuple):
    """A program of one Go module, in its one tested version."""

    name: str
    package: str
    version: str

    @property
    def program(self) -> Path:
        """Where it is, once it has been built."""
        return _CACHE / self.name / self.version / self.name

    @property
    def built(self) -> bool:
        return self.program.is_file()

    def build(self) -> None:
        """Build it from its Go module unless that has been done.

        Raises:
            subprocess.CalledProcessError: it cannot be built.
        """
        go = shutil.which("go")
        if self.built or go is None:
            return
        self.program.parent.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "GOBIN": str(self.program.parent),
            "CGO_ENABLED": "0",
            "GOFLAGS": "-trimpath",
            "GOTOOLCHAIN": "local",  # a toolchain is nothing to fetch on the way
        }
        module = f"{self.package}@{self.version}"
        subprocess.run([go, "install", module], env=environment, check=True)


HELM = Tool("helm", "helm.sh/helm/v3/cmd/helm", "v3.22.0")
KUBE_SCORE = Tool("kube-score", "github.com/zegl/kube-score/cmd/kube-score", "v1.20.0")


def main() -> None:
    for tool in (HELM, KUBE_SCORE):
        if not tool.built:
            sys.stderr.write(f"building {tool.name} once, from the Go module proxy\n")
        try:
            tool.build()
        except subprocess.CalledProcessError:
            if os.environ.get("CI") == "true":
                raise
            sys.stderr.write(f"{tool.name} could not be built: this Go may be too old\n")
        if not tool.built:
            sys.stderr.write(f"no {tool.name} here: the tests that need it will be skipped\n")


if __name__ == "__main__":
    main()
