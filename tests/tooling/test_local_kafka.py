"""The broker that tests and the demo run on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from stream_app.errors import UsageError
from stream_app.local_kafka import broker as broker_module
from stream_app.local_kafka import jars, start, status, stop
from stream_app.local_kafka.broker import Broker
from tests.conftest import MakeTopic


async def test_a_record_comes_back_when_written_to_a_fresh_topic(
    kafka: str, make_topic: MakeTopic
) -> None:
    topic = make_topic("echo", partitions=3, compression_type="lz4")
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(topic, b"value", key=b"key", partition=2)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer:
        record = await consumer.getone()
    assert (record.partition, record.key, record.value) == (2, b"key", b"value")
