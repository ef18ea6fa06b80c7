"""AsyncAPI's own JSON Schema, from its npm package: fetched once into .cache, then read from there.

`python -m tests.contract.asyncapi_specs` fetches it ahead, for tests without a network.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

PINNED = Path(__file__).parent / "asyncapi"
CACHE = Path(__file__).parents[2] / ".cache" / "asyncapi"
_LOCK = "package-lock.json"


class NpmMissing(Exception):
    """There is no npm to fetch the package with, and it was not fetched before."""


def asyncapi_schema(version: str) -> dict[str, Any]:
    """The published schema of an AsyncAPI version.

    Raises:
        NpmMissing: npm is not installed.
        subprocess.CalledProcessError: npm could not fetch the package.
    """
    fetch()
    schema = CACHE / "node_modules/@asyncapi/specs/schemas" / f"{version}.json"
    return json.loads(schema.read_text(encoding="utf-8"))


def fetch() -> None:
    """Install the pinned package, unless the very same is there already."""
    installed = CACHE / "node_modules" / _LOCK
    if installed.exists() and installed.read_bytes() == (PINNED / _LOCK).read_bytes():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NpmMissing("npm is not installed; on Debian: apt-get install npm")
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", _LOCK):
        shutil.copy(PINNED / name, CACHE / name)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=CACHE,
        check=True,
        timeout=150,
    )
    # Last, so that an installation cut short is not taken for a whole one.
    shutil.copy(PINNED / _LOCK, installed)


if __name__ == "__main__":
    fetch()
