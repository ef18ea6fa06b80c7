"""The command line: what it refuses, in one line and with exit code 2, before it connects."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from stream_app.cli.main import main


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["replay", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--from", "yesterday"], "must be a time"),
        (["--from", "2025-01-02", "--to", "2025-01-01"], "--from must lie before --to"),
        (["--from", "5", "--to", "3"], "--from must lie before --to"),
        (["--from", "0:5,1:9", "--to", "0:5,1:2"], "--from must lie before --to"),
        (["--decision", "Aprove"], "is it approve?"),
        (["--reason", "DONOR_UNKOWN"], "is it DONOR_UNKNOWN?"),
        (["--member", "@nowhere"], "No such file"),
        (["--member", ""], "1 to 64 characters"),
        (["--history", "as-of"], "must be 'now', or 'as-of' and a time"),
        (["--history", "as-of", "noon"], "must be 'now', or 'as-of' and a time"),
        (["--history", "2025-01-01"], "must be 'now', or 'as-of' and a time"),
        (["--emit", "--history", "as-of", "2025-01-01"], "--emit goes without --history"),
        (["--emit", "--policy-version", "2024-10-01"], "--emit goes without --policy-version"),
        (["--emit", "--policy-dir", "."], "--emit goes without --policy-dir"),
        (["--emit", "--dry-run"], "contradict each other"),
        (["--policy-version", "1999-01-01"], "there are 2023-06-28, 2024-10-01"),
        (["--rate", "0"], "--rate"),
    ],
)
def test_it_is_refused_in_one_line_when_asked_wrongly(arguments, word):
    code, printed = run(*arguments)
    assert code == 2
    (line,) = [line for line in printed.splitlines() if line]
    assert word in line


def test_file_of_values_is_refused_when_it_is_empty(tmp_path: Path):
    """No value at all would ask for every claim."""
    (tmp_path / "ids").write_text("\n \n", encoding="utf-8")
    code, printed = run("--claim", f"@{tmp_path}/ids")
    assert (code, "holds no value" in printed) == (2, True)
