"""A worker that never gets a changelog record: `python -m tests.integration.stuck_recovery worker`.

And that loses patience with it within seconds.
"""

from typing import Any

from faust.types import TP

from stream_app.cli.main import run
from stream_app.worker import transport, unready

fetched = transport.ConsumerThread._fetched


def but_changelogs(self: Any, consumer: Any, wanted: set[TP]) -> list[TP]:
    return [tp for tp in fetched(self, consumer, wanted) if not self.consumer._is_changelog_tp(tp)]


if __name__ == "__main__":
    transport.ConsumerThread._fetched = but_changelogs  # type: ignore[method-assign]
    unready.RECOVERY_SECONDS = 2.0
    run()
