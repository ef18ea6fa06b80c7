"""Running subcommands in this process, and small inputs for them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stream_app.cli.main import main

EXAMPLES = Path(__file__).parents[3] / "examples"
Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs `cg-trans-03` with arguments; the result holds stdout, stderr and the exit code."""

    def run_with(*args: object, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)

    return run_with


@pytest.fixture
def claim() -> dict[str, Any]:
    """A claim in scope that pends for want of a donor."""
    return json.loads((EXAMPLES / "claim-pend.json").read_text())


@pytest.fixture
def history() -> Path:
    return EXAMPLES / "history.jsonl"


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of one JSON object a line."""

    def write(*values: object, name: str = "claims.jsonl", end: bytes = b"\n") -> Path:
        path = tmp_path / name
        path.write_bytes(
            b"".join(
                (value if isinstance(value, bytes) else json.dumps(value).encode()) + end
                for value in values
            )
        )
        return path

    return write
