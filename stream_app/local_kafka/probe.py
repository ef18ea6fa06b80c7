"""Ask a cluster a real question: a port that is open says little about the broker behind it."""

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

PROBE_SECONDS = 5.0


def answers(bootstrap_servers: str, **client: Any) -> bool:
    """Say whether some broker answers a metadata request.

    Args:
        bootstrap_servers: the brokers to ask.
        client: what aiokafka's clients need besides, for a cluster that is not in the clear.
    """
    if not any(_port_open(server) for server in bootstrap_servers.split(",")):
        return False
    servers = [server.strip() for server in bootstrap_servers.split(",")]
    # A thread of its own: the caller may be inside a running event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _has_brokers(servers, client)).result()


async def _has_brokers(servers: list[str], client: dict[str, Any]) -> bool:
    # A broker that is still starting is no error worth a line of aiokafka's log.
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(
        bootstrap_servers=servers, request_timeout_ms=int(PROBE_SECONDS * 1000), **client
    )
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):  # TimeoutError is an OSError
        return False
    finally:
        await admin.close()
        logger.setLevel(level)


def _port_open(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_SECONDS):
            return True
    except (OSError, ValueError):
        return False
