"""Get the jars: by Maven from `pom.xml`, once for each version of that file, then never again."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from stream_app.errors import UsageError

POM = Path(__file__).with_name("pom.xml")

JAVA_MISSING = (
    "java 17 or later is needed to run a local Kafka; on Debian: "
    "apt-get install openjdk-17-jre-headless (or default-jre-headless)"
)
MAVEN_MISSING = "mvn is needed once, to get Kafka's jars; on Debian: apt-get install maven"


def cache_folder() -> Path:
    """Return this user's folder for the jars of exactly this `pom.xml`."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return root / "cg-trans-03" / f"kafka-jars-{digest}"


def java() -> str:
    """Return the java command.

    Raises:
        UsageError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = (home and shutil.which("java", path=Path(home) / "bin")) or shutil.which("java")
    if not found:
        raise UsageError(JAVA_MISSING)
    return found


def java_classpath() -> str:
    """Return a class path with the broker and the Java client, fetching the jars if need be.

    Raises:
        UsageError: java or mvn is missing, or Maven could not get the jars.
    """
    java()
    folder = cache_folder()
    if not folder.is_dir():
        _resolve(folder)
    return f"{folder}/*"


def _resolve(folder: Path) -> None:
    """Fill `folder` in one step, so that an interrupted download leaves nothing behind."""
    maven = shutil.which("mvn")
    if not maven:
        raise UsageError(MAVEN_MISSING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        jars = Path(scratch) / "jars"
        # Offline first: it answers within seconds when Maven's own cache holds everything.
        done = _copy_dependencies([maven, "--offline"], jars)
        if done.returncode != 0:
            done = _copy_dependencies([maven], jars)
        if done.returncode != 0:
            raise UsageError(f"Maven could not get Kafka's jars: {_first_error(done.stdout)}")
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was quicker, with the same jars
                raise


def _copy_dependencies(maven: list[str], jars: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *maven,
            "--batch-mode",
            "--quiet",
            f"--file={POM}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={jars}",
            "-DincludeScope=runtime",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _first_error(output: str) -> str:
    lines = [line.partition("ERROR]")[2].strip() for line in output.splitlines()]
    return next((line for line in lines if line), "it gave no reason")
