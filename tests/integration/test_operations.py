"""The procedures of docs/operations.md, carried out on a real broker."""

import shutil
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin import NewPartitions
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

import stream_app.policy
from stream_app.pipeline.decide import Decider
from stream_app.worker.topics import claims_changelog, create_topics, history_changelog
from tests.integration.conftest import MakeSystem
from tests.integration.events import claim, history, new_member
from tests.integration.harness import System
from tests.integration.load import Load

LastWords = dict[bytes, str]
"""Claim to the id of the decision that stands."""


async def last_words(system: System) -> LastWords:
    """As README.md tells consumers: the highest version, then the latest evaluation."""
    outs = sorted(
        await system.decisions(),
        key=lambda out: (out.event["claim_version"], out.event["evaluated_at"]),
    )
    return {out.record.key: out.event["decision_id"] for out in outs}


def delete_topics(system: System, *topics: str) -> None:
    admin = admin_of(system)
    done(admin.delete_topics(list(topics), operation_timeout=30))


def reset(system: System, group: str, topic: str) -> None:
    """Set a stopped group to the beginning of a topic.

    The same as `kafka-consumer-groups --reset-offsets --to-earliest --topic … --execute`.
    """
    admin = admin_of(system)
    partitions = admin.list_topics(topic, timeout=30).topics[topic].partitions
    places = [TopicPartition(topic, partition) for partition in partitions]
    found = admin.list_offsets(dict.fromkeys(places, OffsetSpec.earliest()))
    places = [
        TopicPartition(tp.topic, tp.partition, f.result(60).offset) for tp, f in found.items()
    ]
    done(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)]))


def admin_of(system: System) -> AdminClient:
    """Keep it until all is done: what it was asked for is given up when it goes."""
    return AdminClient({"bootstrap.servers": system.settings.bootstrap_servers})


def done(futures: dict[Any, Future[Any]]) -> None:
    for future in futures.values():
        future.result(60)


async def decided(system: System, load: Load) -> LastWords:
    """Feed everything, wait until it is done, stop."""
    worker = await system.start()
    await load.feed_histories()
    await load.feed_claims()
    await load.holds()
    assert await worker.stop() == 0
    return await last_words(system)


async def goes_on(system: System) -> None:
    """History that comes late still finds the claim it is about, and a new claim its history."""
    member = new_member()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    await system.histories(history(member))
    pended, approved = await system.decided(member.claim_id, 2)
    assert (pended.event["decision"], approved.event["decision"]) == ("pend", "approve")
    assert approved.event["supersedes"] == pended.event["decision_id"]


async def test_new_partitions_are_read_when_the_core_topic_grows(system: System) -> None:
    s = system.settings
    old = await system.start("scope")
    await system.start("adjudicate")
    async with system._admin() as admin:
        await admin.create_partitions({s.claims_topic: NewPartitions(5)})
    # What is written there before anybody knows of the partition must not be passed over.
    member, producer = new_member(), await system.producer()
    event = claim(member)
    await producer.client.force_metadata_update()
    await producer.send_and_wait(s.claims_topic, orjson.dumps(event), partition=4)
    # A worker looks for new partitions every five minutes; a rollout is quicker.
    await system.start("scope")
    assert await old.stop() == 0
    await system.decided(member.claim_id)
    await system.settled()


async def test_a_new_version_decides_when_it_is_rolled_out(
    make_system: MakeSystem, tmp_path: Path
) -> None:
    """One worker after the other, while claims come in: no stop, and nothing decided twice."""
    system = await make_system()
    policies = tmp_path / "policies"
    packaged = Path(stream_app.policy.__file__).parent / "cg_trans_03"
    shutil.copytree(packaged, policies, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    latest = (packaged / "2024-10-01.yaml").read_text()
    changed = latest.replace('"2024-10-01" ', '"2025-06-01" ').replace(
        "effective_from: 2024-10-01", "effective_from: 2025-06-01"
    )
    assert changed.count("2025-06-01") == 2
    (policies / "2025-06-01.yaml").write_text(changed)

    def version(out: Any) -> str:
        (line,) = out.event["lines"]
        found: str = line["policy_version"]
        return found

    old = await system.start()
    before = new_member()
    await system.claims(claim(before))
    (first,) = await system.decided(before.claim_id)
    await system.start(CG_TRANS_03_POLICY_DIR=str(policies))
    assert await old.stop() == 0
    earlier, later = new_member(), new_member()
    line = claim(later)["service_lines"][0] | {"service_date": "2025-06-01"}
    await system.claims(claim(earlier), claim(later, service_lines=[line]))
    (same,) = await system.decided(earlier.claim_id)
    (other,) = await system.decided(later.claim_id)
    assert [version(out) for out in (first, same, other)] == [
        "2024-10-01", "2024-10-01", "2025-06-01",
    ]  # fmt: skip
    await system.settled()
    assert len(await system.decisions_of(before.claim_id)) == 1


@pytest.mark.parametrize(
    ("lost", "source"),
    [("in_scope_topic", "claims_topic"), ("history_topic", "history_in_topic")],
)
async def test_every_decision_stands_when_an_internal_topic_is_lost(
    system: System, decider: Decider, lost: str, source: str
) -> None:
    """Filled again from an inbound topic: nothing is decided otherwise, and nothing again."""
    s = system.settings
    topic = getattr(s, lost)
    load = Load.of(system, decider, seed=51, claims=400)
    stood = await decided(system, load)
    count = len(await system.decisions())
    held = {out.record.key for out in await system.read(topic)}
    assert len(held) > 50
    delete_topics(system, topic)
    await create_topics(s)
    reset(system, s.scope_group, getattr(s, source))
    await system.start()
    await goes_on(system)
    await system.settled()
    words = await last_words(system)
    assert {key: words[key] for key in stood} == stood
    assert len(await system.decisions()) == count + 2
    assert held < {out.record.key for out in await fresh(system, topic)}


async def test_every_decision_comes_out_the_same_when_the_changelogs_are_lost(
    make_system: MakeSystem, tmp_path: Path, decider: Decider
) -> None:
    """The tables are made anew from the in-scope and the history topic, which hold everything.

    Were claims not held back until history is on file, some would be approved by half of it.
    """
    data = tmp_path / "data"
    system = await make_system(data_dir=data)
    s = system.settings
    stood = await decided(system, Load.of(system, decider, seed=52, claims=400))
    delete_topics(system, history_changelog(s), claims_changelog(s))
    shutil.rmtree(data)
    await create_topics(s)
    reset(system, s.adjudicate_group, s.in_scope_topic)
    reset(system, s.adjudicate_group, s.history_topic)
    await system.start()
    await system.settled()
    assert await last_words(system) == stood
    await goes_on(system)


async def test_every_decision_comes_out_the_same_when_our_partitions_are_more(
    make_system: MakeSystem, decider: Decider
) -> None:
    """New internal topics and new groups beside the old, filled from the inbound topics."""
    first = await make_system()
    s = first.settings
    stood = await decided(first, Load.of(first, decider, seed=53, claims=400))
    kept = ("claims_topic", "history_in_topic", "approve_topic", "deny_topic", "pend_topic")
    kept += ("dead_letter_topic", "history_drift_topic", "shadow_topic")
    names = {name: getattr(s, name) for name in kept}
    second = await make_system(topics=False, **names, partitions=9)
    # Who reads the outputs goes by versions and times, not by the order across partitions.
    outputs = [names[name] for name in kept[2:]]
    async with second._admin() as admin:
        await admin.create_partitions({topic: NewPartitions(9) for topic in outputs})
    await create_topics(second.settings)
    await second.start("scope")
    await second.settled("scope")
    await second.start("adjudicate")
    await second.settled()
    words = await last_words(second)
    assert words == stood
    await goes_on(second)


async def fresh(system: System, topic: str) -> list[Any]:
    """Read a topic that was made anew under the name of another."""
    tap = system._taps.pop(topic, None)
    if tap is not None:
        await tap.stop()
    system._read.pop(topic, None)
    return await system.read(topic)
