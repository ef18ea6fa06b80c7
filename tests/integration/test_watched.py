"""What those who watch a worker rely on: all metrics, counts of state, probes, traces in logs."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import prometheus_client
import pytest

from stream_app import metrics
from tests.integration.events import TRACEPARENT, claim, history, new_member, out_of_scope
from tests.integration.harness import System, Worker
from tests.integration.test_planted_bugs import refuse_rows

TRACE = TRACEPARENT.decode().split("-")[1]


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_pends_are_all_counted_when_workers_come_and_go(
    make_system: Any, tmp_path: Path, store: str
) -> None:
    """By two workers as by one, and after a restart, whatever the store."""
    on_disk = {"data_dir": tmp_path / "data"} if store == "rocksdb" else {}
    system: System = await make_system(**on_disk)
    first = await system.start()
    pended, approved, voided = ([new_member() for _ in range(number)] for number in (12, 3, 2))
    await system.histories(*(history(member) for member in approved))
    await system.settled()
    await system.claims(*(claim(member) for member in [*pended, *approved, *voided]))
    for member in [*pended, *approved, *voided]:
        await system.decided(member.claim_id)
    await system.claims(
        *(claim(member, claim_version=2, claim_frequency_code="8") for member in voided)
    )
    await system.settled()

    def counted(*workers: Worker) -> bool:
        rows = [{"table": "claims"}, {"table": "history"}]
        return [
            sum(worker.total("pended_claims") for worker in workers),
            *(sum(worker.total("table_rows", **row) for worker in workers) for row in rows),
        ] == [12, 17, 3]

    await system.until(lambda: asyncio.to_thread(counted, first), "one worker counts all")
    assert 0 < first.total("oldest_pend_seconds") < 3600
    assert first.total("table_bytes", table="claims") > 17 * 100
    folder = {"CG_TRANS_03_DATA_DIR": str(tmp_path / "second")} if on_disk else {}
    second = await system.start(**folder)
    await system.until(lambda: asyncio.to_thread(counted, first, second), "two count as many")
    assert await first.stop() == 0
    await system.until(lambda: asyncio.to_thread(counted, second), "the one that is left does")
    assert await second.stop() == 0
    third = await system.start()
    await system.until(lambda: asyncio.to_thread(counted, third), "so does one started anew")


async def test_worker_is_not_alive_when_its_recovery_reads_nothing(system: System) -> None:
    worker = await system.start()
    member = new_member()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    await system.settled()
    assert await worker.stop() == 0
    stuck = system.launch("worker", module="tests.integration.stuck_recovery")
    await system.until(lambda: stuck.port, "the health port is named")

    def complains() -> bool:
        return "changelog records are left" in stuck.get("/livez")[1]

    await system.until(lambda: asyncio.to_thread(complains), "it fails its liveness probe")
    assert stuck.get("/livez")[0] == stuck.get("/readyz")[0] == 503
    assert stuck.total("recovery_remaining_records", table="claims") > 0
    await stuck.kill()
    await system.start()


async def test_logs_lead_to_the_trace_when_a_record_is_filed_or_fails(system: System) -> None:
    worker = await system.start()
    (sent,) = await system.claims(b'"38242" is no claim', headers=[("traceparent", TRACEPARENT)])
    await system.settled()
    (line,) = (line for line in worker.lines if "dead letter" in line["message"])
    assert line["trace_id"] == TRACE
    assert (line["partition"], line["offset"]) == (sent.partition, sent.offset)
    assert (line["topic"], line["reason"]) == (system.settings.claims_topic, "NOT_JSON")
    await refuse_rows(system, 10)
    event = orjson.dumps(history(new_member()))
    await system.feed(
        system.settings.history_in_topic, [(b"k", event)], [("traceparent", TRACEPARENT)]
    )
    assert await worker.ended() == 1
    (line,) = (line for line in worker.lines if "failed with" in line["message"])
    assert (line["trace_id"], line["hop"]) == (TRACE, "adjudicate")
    system.workers.remove(worker)


async def test_every_metric_has_data_when_a_worker_is_scraped(system: System) -> None:
    """Whatever is declared: nothing may be named that never shows."""
    worker = await system.start(CG_TRANS_03_SCAN_SAMPLE_RATE="1.0")
    member, unknown = new_member(), new_member()
    event = claim(member)
    await system.histories(history(member))
    await system.settled()
    await system.claims(event, event, claim(unknown), out_of_scope(1), b'"38242" is no claim')
    await system.decided(member.claim_id)
    await system.settled()
    declared = {
        metric._name.removeprefix("cg_trans_03_")
        for name, metric in vars(metrics).items()
        if isinstance(metric, prometheus_client.metrics.MetricWrapperBase)
        # Told of by a replay job, each change under the outcomes that it found.
        and not name.startswith("REPLAY_")
    }

    def silent() -> set[str]:
        shown = worker.metrics().keys()
        endings = ("", "_total", "_info", "_count")
        return {name for name in declared if not any(name + end in shown for end in endings)}

    async def all_shown() -> bool:
        left = await asyncio.to_thread(silent)
        missing[:] = sorted(left)
        return not left

    missing: list[str] = []
    try:
        await system.until(all_shown, "every metric is shown")
    except AssertionError:
        pytest.fail(f"never shown: {missing}")
    for hop, stages in {
        "scope": ("scan", "decide", "acknowledge"),
        "adjudicate": ("decide", "acknowledge", "store"),
    }.items():
        for stage in stages:
            assert worker.total("stage_seconds_count", hop=hop, stage=stage) > 0, (hop, stage)
    in_scope = len(await system.read(system.settings.in_scope_topic))
    assert worker.total("batch_records_sum", hop="adjudicate") >= in_scope
    assert worker.total("producer_errors_total") == 0
    assert worker.total("recovery_remaining_records") == 0
