"""Writing results so that a file is either whole or as it was before."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stream_app.errors import UsageError

STANDARD = "-"


@contextmanager
def open_output(name: str) -> Iterator[BinaryIO]:
    """Opens a file for writing; `-` is standard output.

    A regular file takes its name only once everything is written; a pipe or device is written to
    as it is.

    Raises:
        UsageError: it cannot be written to.
    """
    if name == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name}: is a folder; name a file to write to")
    special = path.exists() and not path.is_file()
    target = path if special else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        stream = target.open("wb")
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror}") from None
    try:
        with stream:
            yield stream
        if not special:
            target.replace(path)
    except BaseException:
        if not special:
            target.unlink(missing_ok=True)
        raise
