"""What a worker shows: one port, exact numbers, and nothing of anybody's claim."""

import asyncio
import re
from pathlib import Path

import orjson
import pytest

from stream_app.pipeline.decide import Decider
from tests.integration.events import Member, claim, history, new_member, out_of_scope
from tests.integration.harness import System, Worker
from tests.integration.load import Load
from tests.integration.test_planted_bugs import refuse_rows

CANARY = "Zyx-Kanarienvogel"


def _listening(pid: int) -> list[tuple[str, int]]:
    """Addresses on which a process listens, from /proc."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


async def test_only_the_metrics_port_listens_and_on_loopback_when_ready(system: System) -> None:
    worker = await system.start()
    assert _listening(worker.pid) == [("0100007F", worker.port)]
    assert worker.get("/livez") == (200, "ok\n")
    assert worker.get("/readyz") == (200, "ok\n")
    assert worker.get("/table/history")[0] == 404


async def test_worker_is_alive_but_not_ready_when_it_has_not_recovered(system: System) -> None:
    worker = system.launch("worker")
    await system.until(lambda: worker.port, "the health port is named")
    probed = worker.get("/livez")[0], worker.get("/readyz")[0]
    assert probed in {(200, 503), (200, 200)}
    await worker.ready()


@pytest.mark.both_scans
async def test_numbers_are_exact_when_everything_is_done(system: System, decider: Decider) -> None:
    s = system.settings
    worker = await system.start()
    load = Load.of(system, decider, seed=41, claims=3000)
    await load.feed_histories()
    await load.feed_claims()
    await load.holds()
    fed = sum((await system.ends(s.claims_topic)).values())
    letters = await system.dead_letters()
    in_scope = await system.read(s.in_scope_topic)
    decisions = await system.decisions()
    assert worker.total("records_read_total", topic=s.claims_topic) == fed == load.truth.claims
    assert worker.total("claims_in_scope_total") == len(in_scope)
    passed = worker.total("claims_skipped_total") + worker.total("claims_out_of_scope_total")
    filed = worker.total("dead_letters_total", topic=s.claims_topic)
    assert passed + filed + len(in_scope) == fed
    assert worker.total("dead_letters_total") == len(letters)
    for topic, outcome in [
        (s.approve_topic, "approve"),
        (s.deny_topic, "deny"),
        (s.pend_topic, "pend"),
    ]:
        sent = len(await system.read(topic))
        assert worker.total("decisions_total", decision=outcome) == sent
    assert worker.total("decision_latency_seconds_count") == len(decisions)
    assert worker.total("claims_without_decision_total") == len(in_scope) - len(decisions)
    await system.until(lambda: worker.total("lag_records") == 0, "the lag is seen to be gone")
    assert worker.total("in_flight_bytes") == 0
    assert worker.total("records_lost_total") == 0


@pytest.mark.both_scans
async def test_lost_records_are_counted_when_retention_was_faster(system: System) -> None:
    """Deleted while the worker was away, and while it was running but could not read."""
    s = system.settings
    admin_worker = await system.start("scope")
    await system.feed(s.claims_topic, [(b"k", out_of_scope(n)) for n in range(50)])
    await system.settled("scope")
    assert await admin_worker.stop() == 0
    await system.feed(s.claims_topic, [(b"k", out_of_scope(n)) for n in range(30)])
    await _delete_all(system, s.claims_topic)
    worker = await system.start()
    assert worker.total("records_lost_total", topic=s.claims_topic) == 30
    worker.freeze()
    await system.feed(s.claims_topic, [(b"k", out_of_scope(0))])  # may still be on its way to it
    await system.feed(s.claims_topic, [(b"k", out_of_scope(n)) for n in range(20)])
    await _delete_all(system, s.claims_topic)
    member = new_member()
    await system.feed(s.claims_topic, [(b"k", orjson.dumps(claim(member)))])
    worker.thaw()
    await system.decided(member.claim_id)
    await system.settled()
    lost = worker.total("records_lost_total", topic=s.claims_topic) - 30
    assert lost >= 20
    assert worker.total("records_read_total", topic=s.claims_topic) + lost == 22
    assert any("deleted by retention" in line["message"] for line in worker.lines)


async def test_nothing_of_a_claim_shows_when_all_is_logged_and_the_worker_crashes(
    system: System,
) -> None:
    """A canary in every field that a payload fills; then a crash in each hop's hands."""
    s = system.settings
    worker = await system.start(CG_TRANS_03_LOG_LEVEL="DEBUG")
    member = Member(f"M-{CANARY}", f"C-{CANARY}", f"T-{CANARY}")
    event = claim(member, event_id=f"E-{CANARY}", plan_id=CANARY, state=CANARY)
    event["service_lines"][0] |= {"procedure_description": CANARY, "donor_id": CANARY}
    record = history(member, event_id=f"H-{CANARY}", transplant={"donor_id": CANARY})
    await system.histories(record)
    await system.settled()
    await system.claims(event, event, event | {"claim_version": 2})
    await system.decided(member.claim_id, 2)
    broken = [
        f'"{CANARY} 38242'.encode(),
        orjson.dumps([CANARY, "38242"]),
        orjson.dumps(event | {"diagnoses": [CANARY]}),
        orjson.dumps(event | {"occurred_at": CANARY}),
        orjson.dumps(event | {"claim_frequency_code": CANARY}),
        orjson.dumps(
            event | {CANARY: 1, "service_lines": [{CANARY: 1, "procedure_code": "38242"}]}
        ),
        orjson.dumps(event).replace(b'"38242"', f'"38242", "{CANARY}": \xff'.encode("latin-1")),
    ]
    await system.feed(s.claims_topic, [(CANARY.encode(), value) for value in broken])
    await system.feed(
        s.history_in_topic,
        [
            (CANARY.encode(), orjson.dumps(record | {"transplant": CANARY})),
            (f"{CANARY}-unknown".encode(), None),
            (b"\xff" + CANARY.encode(), None),
        ],
    )

    async def filed() -> bool:
        return len(await system.dead_letters()) == len(broken) + 2

    await system.until(filed, "all that is broken is filed")
    await system.settled()
    await asyncio.sleep(1.2)  # let the watch take stock once more
    _shows_nothing(worker)
    assert CANARY not in worker.get("/metrics")[1]
    outs = [*await system.decisions(), *await system.dead_letters()]
    outs += await system.read(s.in_scope_topic, s.history_topic)
    for out in outs:
        assert CANARY not in repr(out.record.headers)
    await refuse_rows(system, 10)
    other = Member(f"M2-{CANARY}", f"C2-{CANARY}", f"T2-{CANARY}")
    await system.histories(history(other, event_id=f"H2-{CANARY}"))
    assert await worker.ended() == 1
    _shows_nothing(worker)
    system.workers.remove(worker)


def _shows_nothing(worker: Worker) -> None:
    log = worker.log
    assert CANARY.lower() not in log.lower()
    assert not re.search(r"kanarien", log, re.IGNORECASE)
    assert worker.lines, "it did log"


async def _delete_all(system: System, topic: str) -> None:
    async with system._admin() as admin:
        from aiokafka.admin import RecordsToDelete

        ends = await system.ends(topic)
        await admin.delete_records(
            {tp: RecordsToDelete(before_offset=end) for tp, end in ends.items() if end}
        )
