"""`adjudicate`: files in, decisions and dead letters out."""

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from stream_app.adjudicate import lines as lines_module

SCHEMAS = Path(__file__).parents[3] / "schemas"
BOM = b"\xef\xbb\xbf"
AT = "2025-01-31T12:00:00Z"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def decisions(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_decisions_come_in_input_order_with_their_lines(run, history) -> None:
    """The examples: three decisions, one claim out of scope, one dead letter."""
    claims = history.with_name("claims.jsonl")
    result = run("adjudicate", "--history", history, claims)
    assert result.exit_code == 0
    found = decisions(result.stdout)
    assert [(d["decision"], d["source"]) for d in found] == [
        ("approve", {"file": str(claims), "line": 1}),
        ("deny", {"file": str(claims), "line": 2}),
        ("pend", {"file": str(claims), "line": 3}),
    ]
    assert {(d["trigger"], d["supersedes"], d["replay_id"]) for d in found} == {
        ("claim", None, None)
    }
    assert f"{claims}:5: INCONSISTENT at $.service_lines[0].diagnosis_pointers[0]" in result.stderr
    assert "claims: 5 read: 1 out of scope, 3 in scope, 1 dead letters" in result.stderr


def test_decisions_fit_their_schema(run, history) -> None:
    """The same contract as on the topic."""
    schema = json.loads((SCHEMAS / "decision.v1.schema.json").read_text())
    result = run("adjudicate", "--history", history, history.with_name("claims.jsonl"))
    for decision in decisions(result.stdout):
        jsonschema_rs.validate(schema, decision)


def test_output_is_the_same_when_time_is_given(run, history) -> None:
    """Byte for byte."""
    claims = history.with_name("claims.jsonl")
    args = ("adjudicate", "--history", history, claims, "--evaluated-at", AT)
    first, second = run(*args), run(*args)
    assert first.stdout == second.stdout
    assert all(d["evaluated_at"] == AT for d in decisions(first.stdout))


def test_history_order_and_repetition_do_not_matter(run, history, claim, lines, tmp_path) -> None:
    """All of it is applied before the first claim is decided."""
    events = history.read_bytes().splitlines()
    shuffled = tmp_path / "history.jsonl"
    shuffled.write_bytes(b"\n".join([*reversed(events), *events]))
    claims = lines(claim)
    args = ("--evaluated-at", AT, claims)
    expected = run("adjudicate", "--history", history, *args).stdout
    assert run("adjudicate", "--history", shuffled, *args).stdout == expected


def test_only_the_event_that_stands_is_decided_when_a_claim_comes_again(
    run, history, claim, lines
) -> None:
    """The greatest version, wherever it stands in the file; a redelivery changes nothing."""
    newer = claim | {"claim_version": 2, "claim_frequency_code": "7"}
    other = claim | {"claim_id": "other"}
    claims = lines(newer, claim, other, newer)
    result = run("adjudicate", "--history", history, claims)
    found = [(d["claim_id"], d["claim_version"], d["source"]["line"]) for d in
             decisions(result.stdout)]  # fmt: skip
    assert found == [(claim["claim_id"], 2, 1), ("other", 1, 3)]
    assert "2 replaced or repeated" in result.stderr


def test_void_leaves_no_decision_when_it_stands(run, history, claim, lines) -> None:
    """And is counted."""
    void = claim | {"claim_version": 2, "claim_frequency_code": "8"}
    result = run("adjudicate", "--history", history, lines(claim, void))
    assert result.stdout == ""
    assert "1 replaced or repeated, 1 void" in result.stderr


def test_dead_letters_hold_the_original_and_fit_their_schema(
    run, history, claim, lines, tmp_path
) -> None:
    """Also of bytes that no JSON string can hold, and of history lines."""
    schema = json.loads((SCHEMAS / "dead-letter-line.v1.schema.json").read_text())
    latin = json.dumps(claim).encode().replace(b"example-member", b"example-m\xe9mber")
    cut = json.dumps(claim).encode()[:-1]
    bad_history = lines(b'{"event_id": 1}', b"", b"nonsense", name="history.jsonl")
    dead = tmp_path / "dead.jsonl"
    result = run("adjudicate", "--history", bad_history, lines(latin, cut), "--dead-letters", dead)
    assert result.exit_code == 0
    letters = decisions(dead.read_text("utf-8"))
    for letter in letters:
        jsonschema_rs.validate(schema, letter)
    assert [(Path(d["file"]).name, d["line"], d["reason"]) for d in letters] == [
        ("history.jsonl", 1, "SCHEMA_VIOLATION"),
        ("history.jsonl", 3, "NOT_JSON"),
        ("claims.jsonl", 1, "NOT_JSON"),
        ("claims.jsonl", 2, "NOT_JSON"),
    ]
    assert base64.b64decode(letters[2]["value_base64"]) == latin
    assert "\N{REPLACEMENT CHARACTER}" in letters[2]["value"]
    assert letters[3]["value"] == cut.decode()
    assert "value_base64" not in letters[3]
    assert "are the two files swapped?" in result.stderr


def test_no_value_of_an_event_is_reported(run, history, claim, lines) -> None:
    """Standard error ends in logs."""
    bad = claim | {"member_id": "CANARY-MEMBER", "claim_version": "CANARY"}
    result = run("adjudicate", "--history", history, lines(bad, b"CANARY"))
    assert "CANARY" not in result.stderr
    assert "SCHEMA_VIOLATION at $.claim_version" in result.stderr


def test_reports_are_cut_short_when_there_are_many(run, history, lines) -> None:
    """The rest is counted."""
    result = run("adjudicate", "--history", history, lines(*[b"x"] * 30))
    assert result.stderr.count(": NOT_JSON") == 20
    assert "... and 10 more dead letters" in result.stderr
    assert "--dead-letters FILE" in result.stderr


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (b"", b"\r\n"),
        (b"\xef\xbb\xbf", b"\n"),
        (b"\n  \n", b"\n\n"),
        (b"\xef\xbb\xbf\r\n", b"\r\n"),
    ],
    ids=["crlf", "byte order mark", "blank lines", "all of it"],
)
def test_lines_are_read_when_files_come_from_elsewhere(
    run, history, claim, tmp_path, start: bytes, end: bytes
) -> None:
    """Windows, editors and careless scripts do no harm."""
    claims = tmp_path / "claims.jsonl"
    claims.write_bytes(start + json.dumps(claim).encode() + end)
    result = run("adjudicate", "--history", history, claims)
    assert result.exit_code == 0
    line = 1 + start.count(b"\n")
    assert [d["source"]["line"] for d in decisions(result.stdout)] == [line]


def test_last_line_is_read_when_its_end_is_missing(run, history, claim, lines) -> None:
    """A file cut off behind its last brace is whole."""
    result = run("adjudicate", "--history", history, lines(claim, end=b""))
    assert len(decisions(result.stdout)) == 1


def test_nothing_happens_when_files_are_empty(run, lines) -> None:
    """Empty is not an error."""
    empty, none = lines(name="empty.jsonl"), lines(name="none.jsonl")
    result = run("adjudicate", "--history", none, empty)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "claims: 0 read" in result.stderr


def test_line_is_a_dead_letter_when_it_is_beyond_all_size(
    run, history, claim, lines, tmp_path, monkeypatch
) -> None:
    """Its beginning is kept and the next line is read."""
    monkeypatch.setattr(lines_module, "LONGEST_LINE", 8_000)
    huge = json.dumps(claim | {"note": "x" * 30_000}).encode()
    dead = tmp_path / "dead.jsonl"
    result = run("adjudicate", "--history", history, lines(huge, claim), "--dead-letters", dead)
    (letter,) = decisions(dead.read_text())
    assert (letter["line"], letter["reason"]) == (1, "TOO_LARGE")
    assert letter["size"] == len(huge)
    assert huge.decode().startswith(letter["value"])
    assert [d["source"]["line"] for d in decisions(result.stdout)] == [2]


def test_bytes_that_are_no_text_are_dead_letters(run, history, tmp_path) -> None:
    """A binary file neither crashes nor is believed."""
    noise = tmp_path / "noise.bin"
    noise.write_bytes(bytes(range(128, 256)) * 50 + bytes(range(128)))
    dead = tmp_path / "dead.jsonl"
    result = run("adjudicate", "--history", history, noise, "--dead-letters", dead)
    assert result.exit_code == 0
    kept = decisions(dead.read_text("utf-8"))
    assert {letter["reason"] for letter in kept} == {"NOT_JSON"}


def test_standard_input_and_output_stand_for_files(run, history, claim, tmp_path) -> None:
    """As `-`."""
    out = tmp_path / "out.jsonl"
    value = json.dumps(claim).encode()
    result = run("adjudicate", "--history", history, "-", "--output", out, stdin=value)
    assert result.stdout == ""
    assert [d["source"] for d in decisions(out.read_text())] == [{"file": "-", "line": 1}]


def test_settings_change_decisions(run, history, claim, lines, tmp_path) -> None:
    """By key and by file."""
    claim["service_lines"] = claim["service_lines"][:1]
    claims = lines(claim)
    file = tmp_path / "settings.toml"
    file.write_text('missing_donor = "presume_same"\n')
    for given in ("missing_donor=presume_same", file):
        result = run("adjudicate", "--history", history, claims, "--settings", given)
        assert [d["decision"] for d in decisions(result.stdout)] == ["approve"]


def bad(*args: object) -> tuple[object, ...]:
    return args


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (bad("none.jsonl"), "Missing option '--history'"),
        (bad("--history", "H", "none.jsonl"), "none.jsonl: no such file"),
        (bad("--history", "none.jsonl", "C"), "none.jsonl: no such file"),
        (bad("--history", "H", "."), ".: is a folder"),
        (bad("--history", "H", "--history", "H", "C"), "--history may be given once"),
        (bad("--history", "-", "-"), "cannot both come from standard input"),
        (bad("--history", "H", "H"), "must be different files"),
        (bad("--history", "H", "C", "--output", "C"), "must be different files"),
        (bad("--history", "H", "C", "--dead-letters", "-"), "cannot both go to standard output"),
        (bad("--history", "H", "C", "--output", "no/such/x"), "no/such/x: cannot be written"),
        (bad("--history", "H", "C", "--output", "."), ".: is a folder"),
        (bad("--history", "H", "C", "--settings", "missing_doner=pend"), "did you mean"),
        (bad("--history", "H", "C", "--settings", "history=some"), "history"),
        (bad("--history", "H", "C", "--settings", "none.toml"), "none.toml: No such file"),
        (bad("--history", "H", "C", "--evaluated-at", "yesterday"), "must be a time such as"),
        (bad("--history", "H", "C", "--settings", "policy_dir=."), "holds no version file"),
        (bad("--history", "H", "C", "C"), "unexpected extra argument"),
    ],
)
def test_fault_is_one_clear_line_when_the_call_is_wrong(  # noqa: PLR0917 - fixtures
    run, history, claim, lines, tmp_path, monkeypatch, args, fault
) -> None:
    """Exit 2, one line, nothing on standard output, no file left behind."""
    monkeypatch.chdir(tmp_path)
    names = {"H": str(history), "C": str(lines(claim))}
    result = run("adjudicate", *(names.get(arg, arg) for arg in args))
    assert result.exit_code == 2
    assert fault in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert names_in(tmp_path) == ["claims.jsonl"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\x1f\x8b\x08\x00", "is compressed (gzip)"),
        (b"\x28\xb5\x2f\xfd\x00", "is compressed (zstd)"),
        (b"PK\x03\x04", "is a ZIP archive"),
        ('{"a":1}'.encode("utf-16"), "is UTF-16"),
    ],
)
def test_fault_names_the_format_when_a_file_is_no_text(
    run, history, tmp_path, content: bytes, fault: str
) -> None:
    """Every line of it would be a dead letter otherwise."""
    path = tmp_path / "claims"
    path.write_bytes(content)
    out = tmp_path / "out.jsonl"
    result = run("adjudicate", "--history", history, path, "--output", out)
    assert result.exit_code == 2
    assert f"{path}: {fault}" in result.stderr
    assert not out.exists()


def test_hint_is_given_when_a_file_is_pretty_printed(run, history, claim, tmp_path) -> None:
    """The commonest slip: a JSON document instead of lines."""
    path = tmp_path / "claims.json"
    path.write_text(json.dumps([claim], indent=2))
    result = run("adjudicate", "--history", history, path)
    assert "one JSON object a line is expected; 'jq -c" in result.stderr


def test_output_stays_as_it_was_when_reading_fails(run, history, claim, lines, tmp_path) -> None:
    """A file is replaced only by a whole one."""
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    zipped = tmp_path / "claims"
    zipped.write_bytes(b"PK\x03\x04")
    assert run("adjudicate", "--history", history, zipped, "--output", out).exit_code == 2
    assert out.read_text() == "precious\n"
    assert run("adjudicate", "--history", history, lines(claim), "--output", out).exit_code == 0
    assert json.loads(out.read_text())["decision"] == "pend"
    assert names_in(tmp_path) == ["claims", "claims.jsonl", "out.jsonl"]
