"""The demo as a caller sees it: a process with an exit code, output, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

COMMAND = [sys.executable, "-m", "stream_app", "demo", "--claims", "5000", "--incidence", "0.02"]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "KAFKA_BOOTSTRAP_SERVERS"}
    return kept | {"TMPDIR": str(tmp_path)} | more


def test_it_ends_by_itself_with_everything_checked_when_a_cluster_is_given(kafka, tmp_path):
    done = subprocess.run(
        COMMAND,
        env=environment(tmp_path, KAFKA_BOOTSTRAP_SERVERS=kafka),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "All of it holds" in done.stdout
    assert "✗ nothing" not in done.stdout
    for outcome in ("approved", "denied", "pended"):
        assert f"One that is {outcome}, explained" in done.stdout
    assert list(tmp_path.iterdir()) == []
    left = asyncio.run(_topics(kafka))
    assert [topic for topic in left if topic.startswith("cg-trans-03-demo-")] == []


@pytest.mark.integration
def test_nothing_is_left_behind_when_it_is_interrupted(tmp_path):
    with subprocess.Popen(
        COMMAND, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        seen = ""
        while not seen.startswith("history"):
            seen = demo.stdout.readline()
            assert seen, "it ended before it was interrupted"
        folder = next(tmp_path.glob("cg-trans-03-demo-*"))
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(60) == 130

    assert list(tmp_path.iterdir()) == []
    assert not _mentioned_by_a_process(str(folder))


async def _topics(kafka: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


def _mentioned_by_a_process(text: str) -> bool:
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in command.read_bytes():
                return True
        except OSError:
            continue
    return False
