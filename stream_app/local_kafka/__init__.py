"""A real Apache Kafka on this machine, for the demo, the tests and a first look.

One broker in KRaft mode on a free loopback port; its jars come through Maven once, its data
lies in a folder of its own, and it is ended by process id. Not for production.
"""

from stream_app.local_kafka.broker import Broker, Running, local_kafka, start, status, stop
from stream_app.local_kafka.jars import java_classpath

__all__ = ["Broker", "Running", "java_classpath", "local_kafka", "start", "status", "stop"]
