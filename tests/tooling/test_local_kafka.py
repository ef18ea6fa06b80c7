"""The broker that tests and the demo run on: it answers, and it never outlives its purpose."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner

from stream_app.cli.main import main
from stream_app.errors import CgTrans03Error, UsageError
from stream_app.local_kafka import Broker, jars, start, status, stop
from stream_app.local_kafka.broker import _command_line
from tests.conftest import MakeTopic


async def test_a_record_comes_back_when_written_to_a_fresh_topic(
    kafka: str, make_topic: MakeTopic
) -> None:
    topic = make_topic("echo", partitions=3, compression_type="lz4")
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(topic, b"value", key=b"key", partition=2)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer:
        record = await consumer.getone()
    assert (record.partition, record.key, record.value) == (2, b"key", b"value")


@pytest.mark.integration
@pytest.mark.skipif("KAFKA_BOOTSTRAP_SERVERS" in os.environ, reason="runs on a given cluster")
def test_up_status_and_down_agree_when_called_one_after_the_other(tmp_path: Path) -> None:
    """One life of a broker by the command line: up twice, data kept over a restart, down."""
    cli = CliRunner()
    data = ["--data", str(tmp_path)]

    first = cli.invoke(main, ["kafka", "up", *data])
    assert first.exit_code == 0, first.stderr
    again = json.loads(cli.invoke(main, ["kafka", "up", *data, "--json"]).stdout)
    assert again["bootstrap_servers"] == first.stdout.strip()
    assert cli.invoke(main, ["kafka", "status", *data]).exit_code == 0
    other_port = cli.invoke(main, ["kafka", "up", *data, "--port", "1"])
    assert (other_port.exit_code, "already runs" in other_port.stderr) == (2, True)

    assert cli.invoke(main, ["kafka", "down", *data]).stderr == "Kafka is down\n"
    assert _command_line(again["pid"]) == ""
    gone = cli.invoke(main, ["kafka", "status", *data])
    assert (gone.exit_code, gone.stdout) == (3, "not running\n")
    assert (tmp_path / "logs").is_dir()
    assert cli.invoke(main, ["kafka", "down", *data, "--delete"]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_the_broker_dies_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    """An interrupted test run leaves nothing behind, even when it could not clean up."""
    script = (
        "import sys, time; from pathlib import Path; from stream_app.local_kafka import start\n"
        "print(start(Path(sys.argv[1]), die_with_parent=True).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert "kafka.Kafka" in _command_line(pid)
        parent.send_signal(signal.SIGKILL)
    for _ in range(200):
        if not _command_line(pid):
            break
        time.sleep(0.05)
    assert _command_line(pid) == ""
    assert status(tmp_path).broker is None


def test_a_clear_word_is_given_when_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="is taken"):
            start(tmp_path, port=taken.getsockname()[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_the_log_is_named_and_nothing_runs_on_when_the_broker_does_not_come_up(
    tmp_path: Path,
) -> None:
    """The data of another cluster is what a broker refuses to start on."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=x\n")
    with pytest.raises(CgTrans03Error, match=r"broker\.log"):
        start(tmp_path)
    assert not (tmp_path / "broker.json").exists()


def test_a_stranger_is_left_alone_when_its_process_id_stands_in_an_old_record(
    tmp_path: Path,
) -> None:
    """After a reboot the recorded id may belong to anybody: here, to this very test."""
    old = Broker(bootstrap_servers="127.0.0.1:1", pid=os.getpid(), instance="0" * 32)
    (tmp_path / "broker.json").write_text(
        json.dumps({"bootstrap_servers": "127.0.0.1:1", "pid": os.getpid(), "instance": "0" * 32})
    )
    assert not old.is_alive()
    assert status(tmp_path).broker is None
    assert stop(tmp_path) is False
    assert not (tmp_path / "broker.json").exists()


def test_a_clear_word_is_given_when_the_record_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text("{")
    with pytest.raises(UsageError, match="not a record of a broker"):
        status(tmp_path)


def test_debian_packages_are_named_when_java_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="default-jre-headless"):
        jars.java_classpath()


def _fake_tools(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    for name, body in scripts.items():
        tool = folder / name
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def test_the_debian_package_is_named_when_maven_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_tools(tmp_path, monkeypatch, java="exit 0")
    with pytest.raises(UsageError, match="apt-get install maven"):
        jars.java_classpath()


def test_maven_is_asked_once_when_the_jars_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline the second time: the folder of the jars is all that is looked at."""
    mvn = 'echo asked >> "$0.log"; for a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done'
    _fake_tools(tmp_path, monkeypatch, java="exit 0", mvn=f"{mvn}; /bin/mkdir -p $d")
    classpath = jars.java_classpath()
    assert jars.java_classpath() == classpath
    assert (tmp_path / "mvn.log").read_text() == "asked\n"


def test_mavens_reason_is_passed_on_and_nothing_is_kept_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_tools(tmp_path, monkeypatch, java="exit 0", mvn="echo '[ERROR] no route'; exit 1")
    with pytest.raises(UsageError, match="no route"):
        jars.java_classpath()
    assert not jars.cache_folder().exists()


def test_a_given_cluster_is_used_when_the_environment_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    result = CliRunner().invoke(main, ["kafka", "up", "--data", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "127.0.0.1:1\n")
    assert "nothing started" in result.stderr
    assert list(tmp_path.iterdir()) == []
    unanswered = CliRunner().invoke(main, ["kafka", "status"])
    assert (unanswered.exit_code, "does not answer" in unanswered.stdout) == (1, True)
