"""A broker that grants only what the chart's KafkaUsers ask for: it is enough, and no more."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from ruamel.yaml import YAML

from deploy.tools import HELM
from deploy.values import CHART
from stream_app.local_kafka import broker
from stream_app.local_kafka.server_properties import HOST, Secured, free_ports
from stream_app.settings import Settings
from stream_app.worker.topics import topic_specs
from tests.deploy.conftest import built
from tests.integration.events import claim, history, new_member
from tests.integration.harness import System, Worker

pytestmark = pytest.mark.integration

PASSWORD = "one for all"
OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
Rights = dict[str, list[dict[str, Any]]]
"""User to its ACLs, as a KafkaUser states them."""


@pytest.fixture(scope="module")
def rights() -> Rights:
    """What the chart asks for, and what docs/operations.md says that making topics takes."""
    values = CHART / "ci" / "replay-values.yaml"
    command = [built(HELM), "template", "release-1", CHART, "--values", values]
    command += ["--kube-version", "1.34.0"]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    documents = YAML(typ="safe", pure=True).load_all(made)
    users = [one for one in documents if one and one["kind"] == "KafkaUser"]
    found = {user["metadata"]["name"]: user["spec"]["authorization"]["acls"] for user in users}
    found["topics"] = [
        {
            "resource": {"type": "topic", "name": spec.name},
            "operations": ["Describe", "DescribeConfigs", *(() if spec.inbound else ("Create",))],
        }
        for spec in topic_specs(Settings())
    ]
    return found


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, rights: Rights) -> Iterator[tuple[str, str]]:
    """Two ways to one broker: the open one of its owner, and the one where users log in."""
    (port,) = free_ports(1)
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    secured = Secured(
        [("SASL_PLAINTEXT", port)],
        {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": login,
        },
    )
    folder = tmp_path_factory.mktemp("kafka-with-rights")
    started = broker.start(folder, die_with_parent=True, secured=secured)
    try:
        grant(started.bootstrap_servers, rights)
        yield started.bootstrap_servers, f"{HOST}:{port}"
    finally:
        broker.stop(folder)


def grant(bootstrap_servers: str, rights: Rights) -> None:
    """Give each user a password and its rights, and nothing else."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    logins = [UserScramCredentialUpsertion(user, info, PASSWORD.encode()) for user in rights]
    kinds = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
    acls = [
        AclBinding(
            kinds[acl["resource"]["type"]],
            acl["resource"]["name"],
            ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            OPERATIONS[operation],
            AclPermissionType.ALLOW,
        )
        for user, given in rights.items()
        for acl in given
        for operation in acl["operations"]
    ]
    futures = [*admin.alter_user_scram_credentials(logins).values()]
    futures += admin.create_acls(acls).values()
    for future in futures:
        future.result(30)


@pytest.fixture
async def guarded(doors: tuple[str, str], tmp_path: Path) -> AsyncIterator[System]:
    """A system under the default names, its own topics made by a user who may."""
    defaults = {
        name: field.default
        for name, field in Settings.model_fields.items()
        if name.endswith(("_topic", "_group"))
    }
    system = await System.create(doors[0], "rights", tmp_path, topics=False, **defaults)
    try:
        for name in (system.settings.claims_topic, system.settings.history_in_topic):
            await system.make_topic(name, 3, **{"max.message.bytes": "1048576"})
        assert await as_user(system, doors[1], "topics", "topics", "create").ended() == 0
        yield system
    finally:
        await system.close()


def as_user(system: System, door: str, user: str, *arguments: str) -> Worker:
    return system.launch(
        *arguments,
        CG_TRANS_03_BOOTSTRAP_SERVERS=door,
        CG_TRANS_03_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        CG_TRANS_03_SASL_MECHANISM="SCRAM-SHA-512",
        CG_TRANS_03_SASL_USERNAME=user,
        CG_TRANS_03_SASL_PASSWORD=PASSWORD,
    )


def client_of(door: str, user: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": door,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": PASSWORD,
    }


def may_write(door: str, user: str, topic: str) -> bool:
    """Send one record and hear what the broker says."""
    producer, heard = Producer(client_of(door, user)), []
    producer.produce(topic, b"{}", b"key", on_delivery=lambda error, _: heard.append(error))
    producer.flush(30)
    (error,) = heard
    assert error is None or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    return error is None


async def may_read(door: str, user: str, topic: str) -> bool:
    """Fetch from one partition without a group, as a replay does."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=door,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=user,
        sasl_plain_password=PASSWORD,
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        await consumer.getmany(timeout_ms=500)
    except TopicAuthorizationFailedError:
        return False
    else:
        return True
    finally:
        await consumer.stop()


async def test_each_role_can_do_its_work_and_nothing_else_when_rights_are_the_chart_s(
    guarded: System, doors: tuple[str, str]
) -> None:
    s, door = guarded.settings, doors[1]
    scope = as_user(guarded, door, "release-1-scope", "worker", "--role", "scope")
    adjudicate = as_user(guarded, door, "release-1-adjudicate", "worker", "--role", "adjudicate")
    await scope.ready()
    await adjudicate.ready()

    # Every way that leads to a topic: each outcome, a dead letter of each hop, drift, an erasure.
    approved, pended = new_member(), new_member()
    await guarded.histories(history(approved))
    await guarded.settled()
    denied = claim(new_member(), diagnoses=["E11.9"])
    await guarded.claims(claim(approved), claim(pended), denied, b'"38242" is no claim')
    await guarded.histories(b"no history")
    await guarded.settled()
    topics = {out.topic for out in await guarded.read(*guarded.output_topics)}
    assert topics == set(guarded.output_topics)
    retracted = history(approved, operation="retract", occurred_at="2025-03-02T00:00:00Z")
    await guarded.histories(retracted)
    await guarded.until(lambda: guarded.read(s.history_drift_topic), "drift is told")
    await guarded.feed(s.history_in_topic, [(approved.member_id.encode(), None)])
    await guarded.settled()
    assert {scope.running, adjudicate.running} == {True}
    assert (await scope.stop(), await adjudicate.stop()) == (0, 0)

    # The approval has lost its ground: a change, handed over.
    before = sum((await guarded.ends(s.in_scope_topic)).values())
    job = ("replay", "--job", str(guarded.folder / "job"), "--emit")
    assert await as_user(guarded, door, "release-1-replay", *job).ended() == 3, guarded.tails()
    assert sum((await guarded.ends(s.in_scope_topic)).values()) == before + 1

    stranger = as_user(guarded, door, "release-1-replay", "worker", "--role", "scope")
    assert await stranger.ended() == 1
    # Kafka hides what one may not describe.
    assert f"{s.claims_topic}: missing; run `cg-trans-03 topics create`, or let" in stranger.log

    decided = {s.approve_topic, s.deny_topic, s.pend_topic, s.history_drift_topic}
    everything = {spec.name for spec in topic_specs(s)}
    writes = {
        "release-1-scope": {s.in_scope_topic, s.history_topic, s.dead_letter_topic},
        "release-1-replay": {s.in_scope_topic},
    }
    for user, allowed in writes.items():
        assert {topic for topic in everything if may_write(door, user, topic)} == allowed
    for topic in {s.claims_topic, s.history_in_topic, s.in_scope_topic, s.shadow_topic}:
        assert not may_write(door, "release-1-adjudicate", topic)
    assert not await may_read(door, "release-1-scope", s.in_scope_topic)
    assert not await may_read(door, "release-1-adjudicate", s.claims_topic)
    for topic in decided:
        assert not await may_read(door, "release-1-adjudicate", topic)
    for topic in decided - {s.history_drift_topic}:
        assert await may_read(door, "release-1-replay", topic)
