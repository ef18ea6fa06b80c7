"""`explain`: why, for people and machines."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from stream_app.cli import explain as explain_command

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("outcome", ["approve", "deny", "pend"])
def test_explanation_is_as_reviewed(run, history, outcome: str) -> None:
    """One claim of each outcome. After a change on purpose, from the top of the repository:

    cg-trans-03 explain examples/claim-pend.json --history examples/history.jsonl
        > tests/unit/cli/golden/explain-pend.txt
    """
    result = run("explain", history.with_name(f"claim-{outcome}.json"), "--history", history)
    assert result.exit_code == 0
    assert result.stdout == (GOLDEN / f"explain-{outcome}.txt").read_text("utf-8")
    assert result.stderr == ""


def test_json_holds_decision_and_smallest_sets(run, history) -> None:
    """The decision as in its event, and each set with the field that answers it."""
    claim = history.with_name("claim-pend.json")
    result = run("explain", claim, "--history", history, "--json")
    explained = json.loads(result.stdout)
    assert explained["status"] == "decided"
    assert explained["decision"]["decision"] == "pend"
    assert [line["line_number"] for line in explained["decision"]["lines"]] == [1, 2]
    of_line_1 = explained["would_change"]["lines"][0]
    assert {s["to"]: [f["field"] for f in s["facts"]] for s in of_line_1["smallest_sets"]} == {
        "approve": ["claim: donor_id of line 1"],
        "deny": ["claim: donor_id of line 1"],
    }
    to_approve = explained["would_change"]["claim"]["smallest_sets"][0]
    assert (to_approve["to"], len(to_approve["facts"])) == ("approve", 2)


def test_decision_is_the_one_adjudicate_makes(run, history) -> None:
    """Down to its id."""
    decided = run("adjudicate", "--history", history, history.with_name("claims.jsonl")).stdout
    ids = {d["claim_id"]: d["decision_id"] for d in map(json.loads, decided.splitlines())}
    for outcome in ("approve", "deny", "pend"):
        claim = history.with_name(f"claim-{outcome}.json")
        result = run("explain", claim, "--history", history, "--json")
        explained = json.loads(result.stdout)["decision"]
        assert ids[explained["claim_id"]] == explained["decision_id"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"claim_version": "1"}, "malformed", "MALFORMED  SCHEMA_VIOLATION at $.claim_version"),
        ({"claim_frequency_code": "8"}, "void", "VOID"),
        ({"service_lines": [{"procedure_code": "99213"}]}, "out_of_scope", "OUT OF SCOPE"),
        (
            {
                "service_lines": [
                    {
                        "line_number": 1,
                        "procedure_code": "86999",
                        "service_date": "2024-11-05",
                        "procedure_description": "therapeutic apheresis",
                    }
                ]
            },
            "not_applicable",
            "Its description speaks of a service that the guideline does not.",
        ),
    ],
)
def test_claims_without_a_decision_are_told_apart(
    run, history, claim, lines, fields, status, words
) -> None:
    """With a word of their own, and exit 0."""
    file = lines(claim | fields)
    result = run("explain", file, "--history", history)
    assert result.exit_code == 0
    assert words in result.stdout
    assert json.loads(run("explain", file, "--json").stdout)["status"] == status


def test_not_adopted_is_said_when_the_plan_did_not_adopt_it(
    run, history, claim, lines, tmp_path
) -> None:
    """By the applicability file."""
    file = tmp_path / "applicability.yaml"
    file.write_text('rows:\n  - state: "OH"\n    adopted: no\n    because: "a test"\n')
    result = run(
        "explain", lines(claim), "--history", history, "--settings", f"applicability_file={file}"
    )
    assert result.stdout.count("The plan has not adopted the guideline on that date.") == 2


def test_claim_is_read_when_it_comes_on_one_line_or_standard_input(run, history, claim) -> None:
    """Also with a byte order mark and CRLF."""
    value = b"\xef\xbb\xbf" + json.dumps(claim).encode() + b"\r\n"
    result = run("explain", "-", "--history", history, stdin=value)
    assert "PEND  by CG-TRANS-03" in result.stdout


def test_history_is_taken_as_empty_when_none_is_given(run, claim, lines) -> None:
    """And that is said."""
    result = run("explain", lines(claim))
    assert "No transplant of the member is on file." in result.stdout
    assert "no --history was given" in result.stderr


def test_bad_history_lines_are_reported_and_left_out(run, history, claim, lines) -> None:
    """By line number."""
    bad = lines(b"nonsense", name="bad.jsonl")
    result = run("explain", lines(claim), "--history", bad)
    assert f"{bad}:1: NOT_JSON (left out)" in result.stderr


def test_values_cannot_steer_the_terminal(run, history, claim, lines) -> None:
    """An id with escape sequences or markup in it is shown as text."""
    claim["claim_id"] = "\x1b[2J[red]id"
    result = run("explain", lines(claim), "--history", history)
    assert "\x1b" not in result.stdout
    assert "[red]id" in result.stdout


def test_colour_is_used_on_a_terminal_only(run, history, monkeypatch) -> None:
    """Plain when piped (the golden files), coloured for people."""
    terminal = Console(force_terminal=True, color_system="standard", width=100, markup=False)
    monkeypatch.setattr(explain_command, "_console", lambda: terminal)
    claim = history.with_name("claim-deny.json")
    assert "\x1b[1;31mDENY" in run("explain", claim, "--history", history).stdout


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b'{"a": 1}\n{"a": 2}\n', "holds several lines of JSON; explain takes one claim"),
        (b"\x1f\x8b\x08", "is compressed (gzip)"),
    ],
)
def test_fault_is_one_clear_line_when_the_claim_file_is_wrong(
    run, history, tmp_path, content: bytes, fault: str
) -> None:
    """Exit 2."""
    file = tmp_path / "claim.json"
    file.write_bytes(content)
    result = run("explain", file, "--history", history)
    assert result.exit_code == 2
    assert f"{file}: {fault}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (("none.json",), "none.json: no such file"),
        ((".",), ".: is a folder"),
        (("-", "--history", "-"), "cannot both come from standard input"),
        ((), "Missing argument 'CLAIM'"),
    ],
)
def test_fault_is_one_clear_line_when_the_call_is_wrong(
    run, tmp_path, monkeypatch, args, fault
) -> None:
    """Exit 2."""
    monkeypatch.chdir(tmp_path)
    result = run("explain", *args)
    assert result.exit_code == 2
    assert fault in result.stderr
    assert len(result.stderr.splitlines()) == 1
