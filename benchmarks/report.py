"""The results as people read them: tables, the raw numbers beside them, a picture."""

import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct, field

from benchmarks.setup import HERE, PEER_PYTHON

_Row = TypeVar("_Row")


class Report(Struct):
    """What a plan came to.

    Attributes:
        title: of the whole.
        text: in Markdown.
        numbers: all of them, for `plot.py` and for whoever wants to reckon.
        faults: wrong work, a line each.
        has_picture: whether `plot.py` knows how to draw it.
        is_whole: whether all was measured.
    """

    title: str
    text: str
    numbers: dict[str, Any]
    faults: list[str] = field(default_factory=list)
    has_picture: bool = True
    is_whole: bool = True


def gathered(rows: Iterable[_Row]) -> tuple[list[_Row], bool]:
    """What is measured one after the other, and whether that was all.

    An interruption ends it; what there is by then is not thrown away.
    """
    there: list[_Row] = []
    try:
        for row in rows:
            there.append(row)  # noqa: PERF402  (an extend would lose what came before)
    except KeyboardInterrupt:
        return there, False
    return there, True


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, its first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def keep(report: Report, folder: Path | None, name: str) -> None:
    """Print a report; with a folder, keep it there with the numbers and a picture."""
    around = environment()
    facts = "".join(f"- {key}: {value}\n" for key, value in around.items())
    part = "" if report.is_whole else "\nInterrupted: not all was measured.\n"
    text = f"# {report.title}\n\n{facts}{part}\n{report.text}"
    click.echo("\n" + text)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)
    raw = folder / f"{name}.json"
    raw.write_text(json.dumps({"environment": around, **report.numbers}, indent=1) + "\n")
    if report.has_picture:
        draw(raw)


def draw(raw: Path) -> None:
    """Draw the numbers of a report beside them."""
    plot = [str(PEER_PYTHON), str(HERE / "plot.py"), str(raw), str(raw.with_suffix(""))]
    subprocess.run(plot, check=True)


def environment() -> dict[str, str]:
    """Machine, versions, date."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = Path("/proc/meminfo").read_text().split()[1]
    packages = ("faust-streaming", "aiokafka", "confluent-kafka", "ahocorasick-rs", "orjson")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
        "machine": f"{cpu}, {_cores()} cores, {int(memory) / 2**20:.0f} GB; broker on the same one",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "broker": f"Apache Kafka {_kafka_version()}",
    }


def _cores() -> int:
    return len(
        [1 for line in Path("/proc/cpuinfo").read_text().splitlines() if "processor" in line]
    )


def _commit() -> str:
    asked = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _kafka_version() -> str:
    pom = (HERE / "peers" / "kafka_streams" / "pom.xml").read_text()
    return pom.partition("<kafka.version>")[2].partition("<")[0]
