"""The real program: pipes, exit codes, signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = (sys.executable, "-m", "stream_app")
HISTORY, CLAIMS = "examples/history.jsonl", "examples/claims.jsonl"


def program(*args: str, **how: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *args], cwd=ROOT, capture_output=True, timeout=60, check=False, **how
    )


def test_pipeline_of_commands_works(tmp_path: Path) -> None:
    """generate | adjudicate, decisions on one stream and words on the other."""
    history = tmp_path / "history.jsonl"
    made = program("generate", "--claims", "500", "--incidence", "0.2", "--claims-file", "-",
                   "--history-file", str(history))  # fmt: skip
    assert made.returncode == 0
    done = program("adjudicate", "--history", str(history), "-", input=made.stdout)
    assert done.returncode == 0
    assert all(json.loads(line)["guideline"] == "CG-TRANS-03" for line in done.stdout.splitlines())
    assert b"claims: 500 read" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_program_ends_quietly_when_its_reader_goes_away() -> None:
    """As `| head -1` does: no traceback."""
    with subprocess.Popen(
        [*PROGRAM, "generate", "--claims", "100000", "--claims-file", "-"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 141


def test_output_is_left_alone_when_the_program_is_interrupted(tmp_path: Path) -> None:
    """Ctrl-C: exit 130, no half-written file, no traceback."""
    out = tmp_path / "claims.jsonl"
    with subprocess.Popen(
        [*PROGRAM, "generate", "--claims", "90000000", "--claims-file", str(out)],
        cwd=ROOT, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
        assert running.stderr is not None
        assert b"Traceback" not in running.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_devices_are_written_to_and_never_replaced() -> None:
    """/dev/null stays a device; /dev/stdout is standard output."""
    done = program("adjudicate", "--history", "/dev/null", CLAIMS, "--output", "/dev/null")
    assert (done.returncode, done.stdout) == (0, b"")
    assert not Path("/dev/null").is_file()


def test_marks_are_plain_when_the_output_is_ascii() -> None:
    """A terminal without Unicode still gets its explanation."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = program("explain", "examples/claim-deny.json", "--history", HISTORY, env=environment)
    assert done.returncode == 0
    assert b"-   same donor" in done.stdout


@pytest.mark.parametrize("command", ["adjudicate", "explain", "policy", "generate"])
def test_help_tells_by_example(command: str) -> None:
    """Every subcommand has a help text that fits a terminal."""
    done = program(command, "--help", env=os.environ | {"COLUMNS": "100"})
    assert done.returncode == 0
    assert b"Usage: cg-trans-03" in done.stdout
    assert max(map(len, done.stdout.decode().splitlines())) <= 100
