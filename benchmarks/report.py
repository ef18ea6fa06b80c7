"""The results as people read them: a table, the raw numbers beside it, a plot."""

import json
import platform
import statistics
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
import msgspec

from benchmarks.measure import Result
from benchmarks.setup import HERE, PEER_PYTHON

OURS = "cg-trans-03"


class Line(msgspec.Struct):
    """One system on one shape: medians over the rounds."""

    shape: str
    system: str
    claims_per_second: float
    second_half_per_second: float
    cpu_us_per_claim: float
    peak_rss_mb: float
    to_best_peer: float
    is_right: bool
    lost: int
    rounds: int

    @property
    def ratio(self) -> str:
        """To the best peer; blank where no peer was measured."""
        return f"{self.to_best_peer:.2f}" if self.to_best_peer else ""

    @property
    def work(self) -> str:
        """In a word, whether it did what it was to do."""
        if self.is_right:
            return "exact"
        return f"lost {self.lost}" if self.lost else "wrong"


def summarize(results: list[Result]) -> list[Line]:
    """Medians, fastest first within a shape."""
    lines = []
    for shape in dict.fromkeys(result.shape for result in results):
        of_shape = [result for result in results if result.shape == shape]
        medians = {
            name: _median([one for one in of_shape if one.system == name])
            for name in dict.fromkeys(one.system for one in of_shape)
        }
        peers = [
            max(line.claims_per_second, line.second_half_per_second)
            for name, line in medians.items()
            if not name.startswith(OURS)
        ]
        best = max(peers, default=0.0)
        for line in medians.values():
            line.to_best_peer = line.claims_per_second / best if best else 0.0
        lines += sorted(medians.values(), key=lambda line: -line.claims_per_second)
    return lines


def _median(results: list[Result]) -> Line:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(result, name) for result in results))

    return Line(
        shape=results[0].shape,
        system=results[0].system,
        claims_per_second=middle("claims_per_second"),
        second_half_per_second=middle("second_half_per_second"),
        cpu_us_per_claim=middle("cpu_us_per_claim"),
        peak_rss_mb=middle("peak_rss_mb"),
        to_best_peer=0.0,
        is_right=all(result.is_right for result in results),
        lost=max(result.missing for result in results),
        rounds=len(results),
    )


def as_markdown(lines: list[Line], environment: dict[str, str]) -> str:
    """The table, with what it was measured on."""
    parts = ["# Measured", "", *(f"- {key}: {value}" for key, value in environment.items()), ""]
    for shape in dict.fromkeys(line.shape for line in lines):
        parts += [
            f"## {shape}",
            "",
            "| system | claims/s | second half | CPU µs/claim | peak RSS MB | to best | work |",
            "|---|--:|--:|--:|--:|--:|---|",
        ]
        for line in lines:
            if line.shape == shape:
                name = f"**{line.system}**" if line.system == OURS else line.system
                parts.append(
                    f"| {name} | {line.claims_per_second:,.0f} |"
                    f" {line.second_half_per_second:,.0f} | {line.cpu_us_per_claim:.2f} |"
                    f" {line.peak_rss_mb:.0f} | {line.ratio} |"
                    f" {line.work} |"
                )
        parts.append("")
    parts.append(
        f"Medians of {max(line.rounds for line in lines)} rounds in which all took turns. The "
        "ratio is to the fastest peer, its second half (JIT warm) if that is faster."
    )
    return "\n".join(parts) + "\n"


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


def write_report(results: list[Result], folder: Path | None, name: str) -> None:
    """Print the table; with a folder, keep it there with the numbers and a plot."""
    if not results:
        return
    lines, around = summarize(results), environment()
    table = as_markdown(lines, around)
    click.echo("\n" + table)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(table)
    numbers = {
        "environment": around,
        "lines": msgspec.to_builtins(lines),
        "results": msgspec.to_builtins(results),
    }
    raw = folder / f"{name}.json"
    raw.write_text(json.dumps(numbers, indent=1) + "\n")
    subprocess.run(
        [str(PEER_PYTHON), str(HERE / "plot.py"), str(raw), str(folder / name)], check=True
    )
