"""`topics create` and `topics check`, and a worker that refuses what does not fit."""

from typing import Any

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from stream_app.worker.topics import topic_specs
from tests.integration.conftest import MakeSystem
from tests.integration.harness import System

FAULTS: dict[str, tuple[str, dict[str, str], str]] = {
    "clean-up of a compacted topic": (
        "history_topic",
        {"cleanup.policy": "delete"},
        "cleanup.policy is delete, must be compact",
    ),
    "clean-up of the replay source": (
        "in_scope_topic",
        {"cleanup.policy": "compact"},
        "cleanup.policy is compact, must be delete",
    ),
    "retention of the replay source": (
        "in_scope_topic",
        {"retention.ms": "604800000"},
        "retention.ms is 604800000, must be -1",
    ),
    "retention of decisions": (
        "approve_topic",
        {"retention.ms": "1000"},
        "retention.ms is 1000, must be 34560000000",
    ),
    "size of a changelog": (
        "changelog",
        {"max.message.bytes": "1000"},
        "max.message.bytes is 1000, below 2097152",
    ),
    "size of an inbound topic": (
        "claims_topic",
        {"max.message.bytes": "5000000"},
        "lets records of 5000000 bytes in",
    ),
}


def _admin(system: System) -> AdminClient:
    return AdminClient({"bootstrap.servers": system.settings.bootstrap_servers})


def _configure(system: System, topic: str, config: dict[str, str]) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in config.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = _admin(system)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)


async def _run(system: System, *arguments: str, **extra: str) -> tuple[int, str]:
    process = system.launch(*arguments, **extra)
    code = await process.ended()
    system.workers.remove(process)
    return code, process.log


def _topic(system: System, name: str) -> str:
    if name == "changelog":
        return f"{system.settings.adjudicate_group}-history-changelog"
    found: str = getattr(system.settings, name)
    return found


async def test_check_is_content_when_topics_were_created(make_system: MakeSystem) -> None:
    system = await make_system(topics=False)
    specs = topic_specs(system.settings)
    code, said = await _run(system, "topics", "create", "--inputs")
    assert code == 0, said
    assert said.count("created ") == len(specs)
    assert await _run(system, "topics", "check") == (0, "the topics are as the worker needs them\n")
    code, said = await _run(system, "topics", "create", "--inputs")
    assert (code, said) == (0, f"0 created, {len(specs)} left alone\n")


async def test_inbound_topics_are_left_to_the_platform_when_creating(
    make_system: MakeSystem,
) -> None:
    system = await make_system(topics=False)
    code, said = await _run(system, "topics", "create")
    assert code == 0, said
    code, said = await _run(system, "topics", "check")
    assert code == 1
    for name in (system.settings.claims_topic, system.settings.history_in_topic):
        assert f"{name}: missing" in said


@pytest.mark.parametrize("command", [("topics", "check"), ("worker",)])
async def test_every_missing_topic_is_named_when_there_are_none(
    make_system: MakeSystem, command: tuple[str, ...]
) -> None:
    system = await make_system(topics=False)
    code, said = await _run(system, *command)
    assert code == 1
    for spec in topic_specs(system.settings):
        assert f"{spec.name}: missing; run `cg-trans-03 topics create`" in said
    assert "Traceback" not in said


async def test_worker_refuses_and_says_all_when_topics_are_not_as_needed(system: System) -> None:
    for name, config, _ in FAULTS.values():
        _configure(system, _topic(system, name), config)
    for command in [("topics", "check"), ("worker",)]:
        code, said = await _run(system, *command)
        assert code == 1
        for what, (name, _, words) in FAULTS.items():
            if what == "retention of the replay source":
                assert f"{_topic(system, name)}: {words}" in said
            else:
                assert any(
                    line.split("error: ")[-1].startswith(f"{_topic(system, name)}: ")
                    and words in line
                    for line in said.splitlines()
                ), (what, said)
        assert "Traceback" not in said


@pytest.mark.parametrize("which", ["in_scope_topic", "changelog", "dead_letter_topic"])
async def test_worker_refuses_when_a_topic_has_another_partition_count(
    make_system: MakeSystem, which: str
) -> None:
    system = await make_system(partitions=2)
    topic = _topic(system, which)
    admin = _admin(system)
    for future in admin.create_partitions([NewPartitions(topic, 3)]).values():
        future.result(30)
    code, said = await _run(system, "worker")
    assert code == 1
    assert f"{topic}: has 3 partitions, the setting `partitions` says 2" in said
    assert "Traceback" not in said


async def test_message_is_one_line_and_clear_when_no_cluster_answers(
    make_system: MakeSystem,
) -> None:
    system = await make_system(topics=False)
    for command in [("topics", "check"), ("topics", "create"), ("worker",)]:
        extra: Any = {"CG_TRANS_03_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
        code, said = await _run(system, *command, **extra)
        assert code == 1
        assert "127.0.0.1:1 did not answer" in said
        assert "Traceback" not in said
