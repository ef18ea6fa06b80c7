"""Faust as its documentation has it: an agent on the claims, a Table with the history.

Arguments: bootstrap servers, claims topic, history topic, output topic, group; then "load" to
fill the table and end.
"""

import os
import signal
import sys
import tempfile

import faust
from decision import decide, may_matter, row

MEMBERS = 20_000


def build(
    servers: str, claims: str, history_topic: str, output: str, group: str, *mode: str
) -> faust.App:
    app = faust.App(
        group,
        broker=f"kafka://{servers}",
        store="memory://",
        datadir=tempfile.mkdtemp(),
        topic_partitions=4,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        producer_linger=int(os.environ.get("LINGER_MS", "20")) / 1000,
        producer_compression_type="lz4",
        consumer_max_fetch_size=4_194_304,
    )
    histories = app.topic(history_topic, key_serializer="raw", value_serializer="raw")
    arriving = app.topic(claims, key_serializer="raw", value_serializer="raw")
    decisions = app.topic(output, key_serializer="raw", value_serializer="raw")
    table = app.Table("history", partitions=4, default=dict)

    @app.agent(histories)
    async def remember(stream: faust.Stream) -> None:
        count = 0
        async for value in stream:
            member, transplant = row(value)
            table[member] = transplant
            count += 1
            if mode and count == MEMBERS:
                app.loop.call_later(5.0, os.kill, os.getpid(), signal.SIGTERM)

    if not mode:

        @app.agent(arriving)
        async def adjudicate(stream: faust.Stream) -> None:
            async for value in stream:
                if may_matter(value):
                    decision = decide(value, table)
                    if decision is not None:
                        await decisions.send(key=decision[0], value=decision[1])

    return app


if __name__ == "__main__":
    app = build(*sys.argv[1:])
    faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()
