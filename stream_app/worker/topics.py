"""The topics the service needs: what they must be, creating them, checking them."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from stream_app.errors import CgTrans03Error
from stream_app.settings import Settings
from stream_app.worker.credentials import client_options

_DAY_MS = 86_400_000


class TopicMismatch(CgTrans03Error):
    """The cluster's topics are not as the worker needs them; one line per fault."""


@dataclass(frozen=True)
class TopicSpec:
    """One topic as the service needs it."""

    name: str
    partitions: int | None
    """None: any number, the topic is the platform's."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Only what matters to the service; compared with the broker's value."""
    inbound: bool = False
    """Whether it belongs to the platform and is only read."""


def history_changelog(settings: Settings) -> str:
    """Faust's name for the changelog of the history table."""
    return f"{settings.adjudicate_group}-history-changelog"


def claims_changelog(settings: Settings) -> str:
    """Faust's name for the changelog of the table of remembered claims."""
    return f"{settings.adjudicate_group}-claims-changelog"


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Every topic of the service, inputs first.

    In-scope, history and both changelogs share one partition count: they are one member's shard.
    """
    sizes = {"max.message.bytes": str(settings.max_message_bytes)}
    compacted = {**sizes, "cleanup.policy": "compact"}
    for_ever = {**sizes, "cleanup.policy": "delete", "retention.ms": "-1"}
    kept = {
        **sizes,
        "cleanup.policy": "delete",
        "retention.ms": str(settings.retention_days * _DAY_MS),
    }
    outputs = (
        settings.approve_topic,
        settings.deny_topic,
        settings.pend_topic,
        settings.history_drift_topic,
        settings.shadow_topic,
        settings.dead_letter_topic,
    )
    shards = settings.partitions
    return [
        TopicSpec(settings.claims_topic, None, inbound=True),
        TopicSpec(settings.history_in_topic, None, inbound=True),
        TopicSpec(settings.in_scope_topic, shards, for_ever),
        TopicSpec(settings.history_topic, shards, compacted),
        TopicSpec(history_changelog(settings), shards, compacted),
        TopicSpec(claims_changelog(settings), shards, compacted),
        *(TopicSpec(name, shards, kept) for name in outputs),
    ]


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        yield admin
    except KafkaError as failure:
        raise CgTrans03Error(
            f"the cluster at {settings.bootstrap_servers} did not answer as it should "
            f"({type(failure).__name__}); is KAFKA_BOOTSTRAP_SERVERS right?"
        ) from None
    finally:
        await admin.close()


async def create_topics(settings: Settings, *, inputs: bool = False) -> list[str]:
    """Create what is missing; what exists is left alone (`check_topics` compares it).

    Args:
        settings: names, counts, sizes and the cluster.
        inputs: also create the two inbound topics, which are the platform's in production.

    Returns:
        The names that were created.

    Raises:
        CgTrans03Error: the broker refused one.
    """
    async with _admin(settings) as admin:
        existing = set(await admin.list_topics())
        wanted = [
            spec
            for spec in topic_specs(settings)
            if spec.name not in existing and (inputs or not spec.inbound)
        ]
        if not wanted:
            return []
        response = await admin.create_topics(
            [
                NewTopic(
                    name=spec.name,
                    num_partitions=spec.partitions or settings.partitions,
                    replication_factor=settings.replication_factor,
                    topic_configs=dict(spec.config) or sizes_of(settings),
                )
                for spec in wanted
            ]
        )
        for name, code, message in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise CgTrans03Error(f"topic {name} was not created: {message or error.__name__}")
        return [spec.name for spec in wanted]


def sizes_of(settings: Settings) -> dict[str, str]:
    """The configuration of an inbound topic that we create for a laptop or a test."""
    return {"max.message.bytes": str(settings.max_claim_bytes)}


async def check_topics(settings: Settings) -> None:
    """Compare the cluster's topics with what the worker needs.

    Raises:
        TopicMismatch: every fault, one a line, with what to do.
    """
    async with _admin(settings) as admin:
        specs = topic_specs(settings)
        existing = set(await admin.list_topics())
        present = [spec for spec in specs if spec.name in existing]
        partitions = await _partition_counts(admin, [spec.name for spec in present])
        configs = await _configs(admin, [spec.name for spec in present])
    # Kafka hides a topic from a user who may not describe it.
    hidden = "" if settings.security_protocol == "PLAINTEXT" else ", or let this user Describe it"
    faults = [
        f"{spec.name}: missing; run `cg-trans-03 topics create`{hidden}"
        for spec in specs
        if spec.name not in existing
    ]
    for spec in present:
        faults += _faults(spec, partitions[spec.name], configs[spec.name], settings)
    if faults:
        raise TopicMismatch("\n".join(faults))


def _faults(
    spec: TopicSpec, partitions: int, config: Mapping[str, str], settings: Settings
) -> Iterable[str]:
    if spec.partitions is not None and partitions != spec.partitions:
        yield (
            f"{spec.name}: has {partitions} partitions, the setting `partitions` says "
            f"{spec.partitions}; set CG_TRANS_03_PARTITIONS={partitions} or make the topic anew"
        )
    for name, wanted in spec.config.items():
        if name == "max.message.bytes":
            if int(config[name]) < int(wanted):
                yield (
                    f"{spec.name}: {name} is {config[name]}, below {wanted}: the largest claim "
                    "plus its headers would not fit"
                )
        elif config.get(name) != wanted:
            yield f"{spec.name}: {name} is {config.get(name)}, must be {wanted}"
    if spec.inbound and int(config["max.message.bytes"]) > settings.max_claim_bytes:
        yield (
            f"{spec.name}: lets records of {config['max.message.bytes']} bytes in, the setting "
            f"`max_claim_bytes` says {settings.max_claim_bytes}; a record above it could not be "
            "forwarded: set CG_TRANS_03_MAX_CLAIM_BYTES and raise the sizes of our topics"
        )


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    described = await admin.describe_topics(names) if names else []
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for resource in response.resources:
            name, entries = resource[3], resource[4]
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
