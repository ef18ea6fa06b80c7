"""`generate`: files that `adjudicate` agrees with."""

import json
from pathlib import Path

import pytest

SMALL = ("--claims", "2000", "--incidence", "0.1", "--poison", "0.02")


def test_adjudicate_decides_what_the_truth_file_says(run, tmp_path) -> None:
    """Decisions, reasons and the number of dead letters of a whole generated folder."""
    folder = tmp_path / "made" / "here"
    made = run("generate", "--seed", "9", *SMALL, "--out-dir", folder)
    assert made.exit_code == 0
    truth = json.loads((folder / "truth.json").read_text())
    dead = tmp_path / "dead.jsonl"
    result = run(
        "adjudicate", "--history", folder / "history.jsonl", folder / "claims.jsonl",
        "--dead-letters", dead,
    )  # fmt: skip
    decided = {d["claim_id"]: d for d in map(json.loads, result.stdout.splitlines())}
    expected = {c: e for c, e in truth["in_scope"].items() if e["decision"]}
    assert set(decided) == set(expected)
    for claim_id, decision in decided.items():
        codes = [reason["code"] for line in decision["lines"] for reason in line["reasons"]]
        assert (decision["decision"], codes) == (
            expected[claim_id]["decision"],
            expected[claim_id]["reasons"],
        )
    letters = dead.read_text("utf-8").splitlines()
    assert len(letters) == len(truth["malformed"]["claims"]) + len(truth["malformed"]["history"])


def test_files_are_the_same_when_seed_is_the_same(run, tmp_path) -> None:
    """All three of them."""
    for name in ("a", "b"):
        run("generate", "--seed", "3", *SMALL, "--out-dir", tmp_path / name)
    for name in ("claims.jsonl", "history.jsonl", "truth.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_lines_carry_keys_when_that_is_asked_for(run) -> None:
    """As kcat -K and the console producer read them."""
    result = run("generate", "--claims", "20", "--claims-file", "-", "--format", "keyed")
    for line in result.stdout.splitlines():
        key, value = line.split("\t", 1)
        assert json.loads(value)["claim_id"] == key
    assert "20 claim events" in result.stderr


def test_days_of_service_lie_where_they_are_asked_to(run) -> None:
    """Both ends included."""
    days = ("--start", "2024-10-01", "--end", "2024-10-01")
    result = run("generate", "--claims", "20", *days, "--claims-file", "-")
    assert result.stdout.count('"service_date":"2024-10-01"') >= 20


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ((), "say where to write"),
        (("--claims", "-5", "--claims-file", "-"), "claims must be between"),
        (("--claims", "many", "--claims-file", "-"), "many"),
        (("--incidence", "2", "--claims-file", "-"), "incidence must be a share"),
        (("--start", "yesterday", "--claims-file", "-"), "yesterday"),
        (("--claims-file", "-", "--history-file", "-"), "must go to different files"),
        (("--claims-file", "no/such/file"), "no/such/file: cannot be written"),
        (("--out-dir", "file"), "file: cannot be made a folder"),
        (("--format", "xml", "--claims-file", "-"), "xml"),
    ],
)
def test_fault_is_one_clear_line_when_the_call_is_wrong(
    run, tmp_path, monkeypatch, args, fault
) -> None:
    """Exit 2, nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    result = run("generate", *args)
    assert result.exit_code == 2
    assert fault in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
