"""What the peers need: a Python environment of their own, and Kafka Streams through Maven."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench"
_VENV = CACHE / "venv"
PEER_PYTHON = _VENV / "bin" / "python"
_STREAMS = HERE / "peers" / "kafka_streams"
_CLASSES = CACHE / "kafka-streams"


def prepare() -> None:
    """Make what is missing."""
    _peer_environment()
    kafka_streams_classpath()


def _peer_environment() -> None:
    stamp = _VENV / ".requirements"
    wanted = (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _run([sys.executable, "-m", "venv", str(_VENV)])
    pip = [str(PEER_PYTHON), "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "install", "--quiet", "--require-hashes", "-r", str(HERE / "requirements.txt")])
    stamp.write_text(wanted)


def kafka_streams_classpath() -> str:
    """Where the compiled peer and its jars lie; compiles it when its source has changed."""
    source = _STREAMS / "ClaimFilter.java"
    compiled = _CLASSES / "ClaimFilter.class"
    jars = _CLASSES / "jars"
    classpath = f"{_CLASSES}:{jars}/*"
    if not jars.is_dir():
        maven = shutil.which("mvn")
        if maven is None:
            raise SystemExit("error: mvn not found; on Debian: apt-get install maven")
        scratch = _CLASSES / "jars.part"
        _run(
            [
                *(maven, "--batch-mode", "--quiet", f"--file={_STREAMS / 'pom.xml'}"),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={scratch}",
                "-DincludeScope=runtime",
            ]
        )
        scratch.rename(jars)
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        _run(["javac", "-cp", classpath, "-d", str(_CLASSES), str(source)])
    return classpath


def lock() -> None:
    """Pin the peers' Python packages anew."""
    _run(
        [
            *(str(Path(sys.executable).with_name("uv")), "pip", "compile"),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-config"),
            *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
            *("--quiet", "--output-file", str(HERE / "requirements.txt")),
            str(HERE / "requirements.in"),
        ]
    )


def _run(command: list[str]) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command[:4])} ...\n{done.stdout}{done.stderr}")
