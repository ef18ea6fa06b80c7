"""Quix Streams: a streaming data frame over the raw bytes, with the same prefilter.

Arguments: bootstrap servers, claims topic, history topic, output topic, group.
"""

import sys
import tempfile

import orjson
from decision import decide, may_matter
from librdkafka_history import read_history
from quixstreams import Application


def main(servers: str, claims: str, history_topic: str, output: str, group: str) -> None:
    history = read_history(servers, history_topic)
    app = Application(
        broker_address=servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=tempfile.mkdtemp(),
        consumer_extra_config={
            "fetch.queue.backoff.ms": 2,
            "queued.min.messages": 100_000,
            "max.partition.fetch.bytes": 8_388_608,
        },
        producer_extra_config={"compression.type": "lz4", "linger.ms": 20},
        loglevel="WARNING",
    )
    source = app.topic(claims, value_deserializer="bytes", key_deserializer="bytes")
    sink = app.topic(output, value_serializer="bytes", key_serializer="bytes")
    frame = app.dataframe(source)
    frame = frame[frame.apply(may_matter)]
    frame = frame.apply(lambda value: decide(value, history))
    frame = frame.filter(lambda decision: decision is not None)
    frame = frame.apply(lambda decision: decision[1])
    frame.to_topic(sink, key=lambda value: orjson.loads(value)["claim_id"].encode())
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
