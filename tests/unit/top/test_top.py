"""The command, against workers over real HTTP."""

import re
import socket
from collections.abc import Iterator
from datetime import datetime

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from stream_app.cli.main import main
from stream_app.top.alarms import alarms
from stream_app.top.frame import frame
from stream_app.top.live import Workers
from tests.unit.top.workers import FakeWorker

NOW = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001

ALL = """\
cg_trans_03_records_read_total{topic="claims.adjudication",partition="0"} 1e6
cg_trans_03_read_bytes_total{topic="claims.adjudication",partition="0"} 5e8
cg_trans_03_claims_skipped_total{partition="0"} 999900
cg_trans_03_claims_in_scope_total 100
cg_trans_03_decisions_total{decision="approve",trigger="claim"} 40
cg_trans_03_decisions_total{decision="deny",trigger="claim"} 30
cg_trans_03_decisions_total{decision="pend",trigger="claim"} 20
cg_trans_03_dead_letters_total{topic="claims.adjudication",reason="NOT_JSON"} 3
cg_trans_03_lag_records{topic="a.rather.long.name.of.a.topic.that.goes.on",partition="0"} 12345678
cg_trans_03_waiting_seconds{topic="a.rather.long.name.of.a.topic.that.goes.on",partition="0"} 3
cg_trans_03_lag_records{topic="cg-trans-03.in-scope",partition="0"} 0
cg_trans_03_waiting_seconds{topic="cg-trans-03.in-scope",partition="0"} 0
cg_trans_03_ready{hop="scope"} 1
cg_trans_03_ready{hop="adjudicate"} 1
cg_trans_03_assigned_partitions{hop="scope"} 12
cg_trans_03_assigned_partitions{hop="adjudicate"} 24
cg_trans_03_rebalances_total{hop="scope"} 1
cg_trans_03_rebalances_total{hop="adjudicate"} 1
cg_trans_03_table_rows{table="claims"} 1000
cg_trans_03_table_bytes{table="claims"} 2000000
cg_trans_03_table_rows{table="history"} 500
cg_trans_03_table_bytes{table="history"} 100000
cg_trans_03_pended_claims 20
cg_trans_03_oldest_pend_seconds 7200
"""


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    worker = FakeWorker(ALL)
    yield worker
    worker.close()


def top(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["top", "--once", "--interval", "0.2", *arguments])


def picture(worker: FakeWorker, width: int = 80) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(frame(Workers([worker.url]).look(), NOW))
    return captured.get()


def test_a_picture_fits_when_the_terminal_is_80_by_24(worker: FakeWorker) -> None:
    lines = picture(worker).splitlines()
    assert len(lines) <= 23
    assert all(len(line) <= 80 for line in lines)


def test_figures_stand_in_the_picture_when_a_worker_answers(worker: FakeWorker) -> None:
    text = picture(worker)
    assert "All well." in text
    for expected in ("approve", "12,345,678", "2.0 h", "1/1", "2.0 MB", "a.rather.long"):
        assert expected in text
    assert re.search(r"1 worker\b", text)


def test_one_picture_is_printed_without_colour_when_there_is_no_terminal(
    worker: FakeWorker,
) -> None:
    result = top("--url", worker.url)
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert result.output.count("cg-trans-03") >= 1
    assert all(len(line) <= 80 for line in result.output.splitlines())


@pytest.mark.parametrize("tail", ["", "/", "/metrics", "/metrics/"])
def test_a_url_is_taken_when_it_has_a_usual_tail(worker: FakeWorker, tail: str) -> None:
    assert top("--url", worker.url + tail).exit_code == 0


def test_one_line_says_so_when_nothing_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = top("--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "no worker answers" in result.output
    assert "connection refused" in result.output
    assert len(result.output.splitlines()) == 1


def test_one_line_says_so_when_something_else_answers(worker: FakeWorker) -> None:
    worker.metrics = "process_cpu_seconds_total 1\n"
    assert "is no worker of cg-trans-03" in top("--url", worker.url).output
    worker.metrics = "<html>{"
    result = top("--url", worker.url)
    assert result.exit_code == 1
    assert "not with metrics" in result.output


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9464", "ftp://h:1", "http://", "file:///etc/passwd", "http://u:p@h:1", ""]
)
def test_a_url_is_refused_when_it_is_none(url: str) -> None:
    result = top("--url", url)
    assert result.exit_code == 2
    assert "--url must be like" in result.output
    assert "u:p" not in result.output


def test_url_is_asked_for_when_the_port_is_anyones() -> None:
    result = top("--settings", "metrics_port=0")
    assert result.exit_code == 2
    assert "say --url" in result.output


def test_the_settings_say_where_when_nobody_does(worker: FakeWorker) -> None:
    port = worker.server_port
    for host in ("127.0.0.1", "0.0.0.0"):
        result = top("--settings", f"metrics_port={port}", "--settings", f"metrics_host={host}")
        assert result.exit_code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('cg_trans_03_waiting_seconds{topic="t",partition="1"} 90', "records of t have been wait"),
        ("cg_trans_03_stalled_seconds 70", "got nothing done for 70 s"),
        ('cg_trans_03_records_lost_total{topic="t"} 5', "5 record(s) lost to retention"),
        ('cg_trans_03_recovery_remaining_records{table="claims"} 9', "recovers claims: 9 records"),
        ('cg_trans_03_producer_errors_total{hop="scope"} 1', "1 batch(es) that the broker"),
        ('cg_trans_03_skipped_samples_total{verdict="in_scope"} 1', "the scan overlooked 1"),
        ('cg_trans_03_skipped_samples_total{verdict="NOT_JSON"} 2', "2 sampled claim(s) out of"),
        ("cg_trans_03_oldest_pend_seconds 4e6", "pended for 46 d"),
    ],
)
def test_an_alarm_says_what_is_wrong_when_it_is(worker: FakeWorker, change: str, said: str) -> None:
    name = re.split(r"[ {]", change)[0]
    worker.metrics += change + "\n"
    if name == "cg_trans_03_oldest_pend_seconds":
        worker.metrics = worker.metrics.replace("oldest_pend_seconds 7200\n", "ignored 0\n")
    (line,) = alarms(Workers([worker.url]).look())
    assert said in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('dead_letters_total{topic="t",reason="NOT_JSON"}', "2 new dead letter(s): NOT_JSON"),
        ('producer_retries_total{hop="scope"}', "2 batch(es) just had to be sent once more"),
        ('history_drift_total{decision="deny"}', "2 approval(s) just found to differ"),
    ],
)
def test_an_alarm_is_about_what_is_new_when_old_ones_are_known(
    worker: FakeWorker, name: str, said: str
) -> None:
    worker.metrics += f"cg_trans_03_{name} 5\n"
    workers = Workers([worker.url])
    assert alarms(workers.look()) == []
    worker.metrics = worker.metrics.replace(f"{name} 5", f"{name} 7")
    (line,) = alarms(workers.look())
    assert said in line
    assert alarms(workers.look()) == []


def test_probes_are_alarms_when_they_fail(worker: FakeWorker) -> None:
    worker.live, worker.ready = "records are waiting", "scope: waiting for partitions"
    lines = alarms(Workers([worker.url]).look())
    assert any("is stuck: records are waiting" in line for line in lines)
    assert any("is not ready: scope: waiting" in line for line in lines)


def test_the_rest_is_shown_when_one_of_several_is_silent(worker: FakeWorker) -> None:
    gone = FakeWorker(ALL)
    gone.close()
    result = top("--url", worker.url, "--url", gone.url)
    assert result.exit_code == 0
    assert "1 of 2 workers" in result.output
    assert "connection refused" in result.output


def test_an_alarm_is_raised_when_workers_hold_different_policies(worker: FakeWorker) -> None:
    version = 'cg_trans_03_policy_version_info{version="2024-10-01",sha256="%s"} 1\n'
    other = FakeWorker(ALL + version % "bb")
    try:
        worker.metrics += version % "aa"
        (line,) = alarms(Workers([worker.url, other.url]).look())
    finally:
        other.close()
    assert "different contents of guideline version 2024-10-01" in line


def test_a_terminal_is_not_told_what_to_do_when_a_label_holds_codes(worker: FakeWorker) -> None:
    worker.metrics += 'cg_trans_03_lag_records{topic="a\x1b[2Jb[red]c",partition="0"} 1\n'
    text = picture(worker, width=200)
    assert "\x1b" not in text
    assert "b[red]c" in text


def test_the_most_are_left_out_and_counted_when_there_are_many_alarms(worker: FakeWorker) -> None:
    for number in range(9):
        worker.metrics += f'cg_trans_03_waiting_seconds{{topic="t{number}",partition="0"}} 99\n'
    text = picture(worker)
    assert "and 6 more" in text
    assert text.count("\n!") + text.startswith("!") == 4
