"""What is asked of a cluster that is not ours."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stream_app.errors import CgTrans03Error
from stream_app.settings import Settings
from stream_app.worker.credentials import client_options
from stream_app.worker.topics import topic_specs


async def brokers_of(settings: Settings) -> int:
    """How many brokers a cluster has.

    Raises:
        CgTrans03Error: it does not answer.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError) as failure:
        raise CgTrans03Error(
            f"the cluster at {settings.bootstrap_servers} does not answer "
            f"({type(failure).__name__}); unset KAFKA_BOOTSTRAP_SERVERS to have one started"
        ) from None
    finally:
        await admin.close()


async def delete_topics(settings: Settings) -> None:
    """Delete every topic of a run."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        present = set(await admin.list_topics())
        ours = [spec.name for spec in topic_specs(settings) if spec.name in present]
        if ours:
            await admin.delete_topics(ours)
    finally:
        await admin.close()
