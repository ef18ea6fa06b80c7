import sys

import pytest

from stream_app.demo.failure import DemoFailure
from stream_app.demo.place import local_place
from stream_app.demo.process import LOG_LINES, WorkerProcess


@pytest.fixture
def worker(tmp_path):
    worker = WorkerProcess(local_place(tmp_path, "127.0.0.1:1"))
    yield worker
    worker.stop()


def test_a_worker_that_ended_is_told_with_the_end_of_its_log(worker, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    worker.start(outlive_us=True)
    lines = [f"line {number}\n" for number in range(100)]
    worker._place.worker_log.write_text("".join(lines))

    with pytest.raises(DemoFailure, match="exit code 1") as failure:
        worker.wait_ready()

    told = str(failure.value).splitlines()[1:]
    assert [line.strip() for line in told] == [line.strip() for line in lines[-LOG_LINES:]]


def test_stopping_is_harmless_when_it_never_started(worker):
    assert worker.stop() is None
