"""`verify`: decisions that were made from files, redone; the rest needs Kafka."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def decisions(run, history: Path, tmp_path: Path) -> Path:
    """Three decisions that `adjudicate` made of the examples."""
    file = tmp_path / "decisions.jsonl"
    result = run(
        "adjudicate", "--history", history, history.with_name("claims.jsonl"), "--output", file
    )
    assert result.exit_code == 0
    return file


def test_decisions_are_the_same_when_nothing_has_changed(run, history, decisions) -> None:
    result = run("verify", decisions, "--history", history)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["same"] * 3
    assert result.stderr == "3 decisions: 3 the same, 0 not\n"


def test_one_decision_is_read_when_it_is_laid_out_over_lines(
    run, history, decisions, tmp_path
) -> None:
    one = json.loads(decisions.read_text(encoding="utf-8").splitlines()[0])
    laid_out = tmp_path / "one.json"
    laid_out.write_text("\n" + json.dumps(one, indent=2), encoding="utf-8")
    result = run("verify", laid_out, "--history", history, "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert (said["same"], said["decision_id"]) == (True, one["decision_id"])


def test_it_is_said_what_differs_and_nobody_is_named_when_it_does(run, history, decisions) -> None:
    result = run(
        "verify", decisions, "--history", history, "--settings", "adverse_determination=review"
    )
    assert result.exit_code == 3
    denied = json.loads(decisions.read_text(encoding="utf-8").splitlines()[1])
    assert result.stdout.splitlines()[1] == (
        f"differs  {denied['decision_id']}  was deny, now pend; line 1: was deny, now pend; "
        "line 1: for DONOR_MISMATCH, now ADVERSE_DETERMINATION_REVIEW, DONOR_MISMATCH"
    )
    for line in decisions.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        assert event["member_id"] not in result.output
        assert event["claim_id"] not in result.output


def test_claim_is_gone_when_another_stands_in_its_line(run, history, decisions) -> None:
    events = [json.loads(line) for line in decisions.read_text(encoding="utf-8").splitlines()]
    events[0]["source"]["line"], events[1]["source"]["line"] = 2, 999
    decisions.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    result = run("verify", decisions, "--history", history, "--json")
    assert result.exit_code == 3
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [[each["what"] for each in one["differences"]] for one in said] == [
        ["claim"],
        ["claim"],
        [],
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty; it must hold a decision event as JSON"),
        ("what?", "line 1: is not JSON"),
        ("[{}]", "holds a JSON array"),
        ("{}", "line 1: is no decision event; see $"),
        ('{"claim_id": "secret"}', "line 1: is no decision event; see $"),
    ],
)
def test_file_is_refused_in_one_line_when_it_holds_no_decision(
    run, tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "decision.json"
    file.write_text(text, encoding="utf-8")
    result = run("verify", file)
    assert result.exit_code == 2
    assert why in result.stderr
    assert "secret" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_second_line_is_named_when_it_is_no_decision(run, history, decisions) -> None:
    with decisions.open("a", encoding="utf-8") as file:
        file.write("\n{}\n")
    result = run("verify", decisions, "--history", history)
    assert result.exit_code == 2
    assert "line 5: is no decision event" in result.stderr


def test_histories_are_asked_for_when_decisions_were_made_from_files(run, decisions) -> None:
    result = run("verify", decisions)
    assert result.exit_code == 2
    assert "--history" in result.stderr


def test_histories_are_refused_when_all_decisions_were_made_from_kafka(run, history, repo) -> None:
    example = repo / "schemas/examples/cg-trans-03.pend/v1/valid/infusion-without-history.json"
    result = run("verify", example, "--history", history)
    assert result.exit_code == 2
    assert "--history is for decisions that were made from files" in result.stderr


def test_it_failed_in_one_line_when_the_cluster_does_not_answer(run, repo) -> None:
    example = repo / "schemas/examples/cg-trans-03.pend/v1/valid/infusion-without-history.json"
    result = run("verify", example, "--settings", "bootstrap_servers=127.0.0.1:1")
    assert result.exit_code == 1
    assert "is KAFKA_BOOTSTRAP_SERVERS right?" in result.stderr
