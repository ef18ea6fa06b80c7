"""What holds for every file of the repository."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

# Spelt in pieces, so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "repo.maven" + ".apache.org",
    "repo1.maven" + ".org",
    "proxy.go" + "lang.org",
    "sum.go" + "lang.org",
    "crates" + ".io",
    "deb.de" + "bian.org",
    "security.de" + "bian.org",
]
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:root|work|home|Users|opt/wheels)/[\w.]")


def tracked(repo: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repo, capture_output=True, text=True, check=True
    )
    return [repo / name for name in listed.stdout.split("\0") if name and (repo / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def test_no_file_names_a_package_registry_when_tracked(repo: Path) -> None:
    """Whoever installs decides where from."""
    hits = [
        f"{path.relative_to(repo)}: {host}"
        for path in tracked(repo)
        for host in REGISTRY_HOSTS
        if host in text_of(path).lower()
    ]
    assert hits == []


def test_no_file_holds_a_path_of_one_machine_when_tracked(repo: Path) -> None:
    hits = [
        f"{path.relative_to(repo)}: {found.group()}…"
        for path in tracked(repo)
        if (found := MACHINE_PATHS.search(text_of(path)))
    ]
    assert hits == []


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_package_is_pinned_and_hashed_when_locked(repo: Path, name: str) -> None:
    lock = (repo / "requirements" / name).read_text().replace("\\\n", " ")
    lines = [line for line in lock.splitlines() if line.strip()]
    loose = [
        line.split()[0]
        for line in lines
        if not re.match(
            r"[a-z0-9._-]+(\[[\w,]+\])?==\S+( ; .*?)?(\s+--hash=sha256:[0-9a-f]{64})+$", line
        )
    ]
    assert len(lines) > 20
    assert loose == []
    assert "://" not in lock


def test_the_service_gets_the_versions_that_were_tested_when_installed(repo: Path) -> None:
    """The run-time lock is a part of the lock that tests run with."""

    def pins(name: str) -> set[str]:
        lock = (repo / "requirements" / name).read_text()
        return set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", lock, re.MULTILINE))

    assert pins("runtime.txt") < pins("dev.txt")
    assert {"faust-streaming==0.15.3", "aiokafka==0.14.0"} < pins("runtime.txt")
    assert not [pin for pin in pins("runtime.txt") if pin.startswith(("pytest=", "mypy=", "ruff="))]


@pytest.mark.parametrize("room", ["domain", "rules", "pipeline"])
def test_no_code_asks_for_the_time_when_it_decides(repo: Path, room: str) -> None:
    """Import rules cannot see `datetime.now()`: the clock comes in as a value."""
    asked = [
        f"{path.name}:{node.lineno}"
        for path in (repo / "stream_app" / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}
    ]
    assert asked == []


def test_ci_runs_the_same_tests_as_a_developer_when_called(repo: Path) -> None:
    script = (repo / ".ci" / "run").read_text()
    assert re.search(r"^make test", script, re.MULTILINE)


def test_data_files_come_along_when_the_wheel_is_built(repo: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=repo,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    data = {
        str(path.relative_to(repo))
        for path in tracked(repo)
        if path.is_relative_to(repo / "stream_app")
    }
    assert {"stream_app/py.typed", "stream_app/local_kafka/pom.xml"} < packed
    assert data - packed == set()


def test_the_lock_is_current_when_a_dependency_is_added(repo: Path) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    for name, wanted in {
        "runtime.txt": project["dependencies"],
        "dev.txt": project["dependencies"] + project["optional-dependencies"]["dev"],
    }.items():
        lock = (repo / "requirements" / name).read_text()
        locked = set(re.findall(r"^([a-z0-9-]+)==", lock.replace(".", "-"), re.MULTILINE))
        named = {re.split(r"[\[=<>~!; ]", one)[0].replace(".", "-").lower() for one in wanted}
        assert named - locked == set(), "run `make lock`"
