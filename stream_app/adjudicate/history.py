"""Reading transplant histories from a file."""

from collections.abc import Callable

from stream_app.adjudicate.dead_letters import DeadLetter
from stream_app.adjudicate.lines import InputFile, InputLine, whole
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decode import decode_history
from stream_app.pipeline.enrich import MemberHistory


def read_history(
    file: InputFile,
    refuse: Callable[[DeadLetter], None],
    progress: Callable[[InputFile, InputLine], None] = lambda _file, _line: None,
) -> dict[str, MemberHistory]:
    """Applies every event of a file, in whatever order they stand.

    Args:
        file: history events, one a line.
        refuse: takes each line that cannot be used.
        progress: is told of each line.

    Returns:
        What is known by member id.
    """
    members: dict[str, MemberHistory] = {}
    for line in file.lines():
        progress(file, line)
        try:
            event = decode_history(whole(line))
        except MalformedEvent as error:
            refuse(DeadLetter.of(file.name, line, error))
            continue
        members.setdefault(event.member_id, MemberHistory()).apply(event)
    return members
