"""Systems taking turns on full topics: which on what, how often; medians and ratios."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

import click
import msgspec
from msgspec.structs import replace

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster
from benchmarks.measure import Result, measure
from benchmarks.report import Report, gathered, table
from benchmarks.systems import SYSTEMS

OURS = "cg-trans-03"


class Throughput(msgspec.Struct, frozen=True):
    """Systems on data.

    Attributes:
        counts: claims for each shape and system. The slower a system, the fewer, or nobody would
            wait; but enough to last for seconds and to hold some twenty claims in scope.
        rounds: how often; in each round every system has its turn.
        fewer_rounds: of those that take too long for all.
        warm_ups: rounds on the first data beforehand, not counted. A broker that has just started
            compiles its own code for half a minute, on a core that the fastest system would use.
        title: of the report.
    """

    counts: Mapping[Shape, Mapping[str, int]]
    rounds: int = 3
    fewer_rounds: Mapping[str, int] = {}
    warm_ups: int = 0
    title: str = "Throughput"

    def narrowed(
        self, systems: Sequence[str], shapes: Sequence[str], rounds: int | None
    ) -> "Throughput":
        """The same with some of the systems and shapes only."""
        check_names(shapes, [shape.name for shape in self.counts])
        counts = {
            shape: {name: n for name, n in of.items() if not systems or name in systems}
            for shape, of in self.counts.items()
            if not shapes or shape.name in shapes
        }
        fewer = {} if rounds else self.fewer_rounds
        return replace(self, counts=counts, rounds=rounds or self.rounds, fewer_rounds=fewer)

    def run(self, cluster: Cluster) -> Report:
        """Measure; prints each result as it comes."""
        results, whole = gathered(self.measured(cluster))
        lines = summarize(results)
        return Report(
            self.title,
            as_markdown(lines),
            {"lines": msgspec.to_builtins(lines), "results": msgspec.to_builtins(results)},
            faults(results),
            is_whole=whole,
        )

    def measured(self, cluster: Cluster) -> Iterator[Result]:
        """One result for each system, shape and round."""
        for shape, counts in list(self.counts.items())[:1]:
            for _ in range(self.warm_ups):
                for name, count in counts.items():
                    if name not in self.fewer_rounds:
                        click.echo(f"warming up: {name}")
                        measure(cluster, SYSTEMS[name], shape, count)
        for shape, counts in self.counts.items():
            for round_ in range(self.rounds):
                for name, count in counts.items():
                    if round_ < self.fewer_rounds.get(name, self.rounds):
                        result = measure(cluster, SYSTEMS[name], shape, count)
                        click.echo(_told(result, round_))
                        yield result
            for count in set(counts.values()):
                cluster.drop(shape, count)


def check_names(asked: Sequence[str], known: Sequence[str]) -> None:
    """Refuse what is not there to be measured.

    Raises:
        click.UsageError: it names what there is.
    """
    for name in asked:
        if name not in known:
            raise click.UsageError(f"--shape {name}: there is {', '.join(map(repr, known))}")


def _told(result: Result, round_: int) -> str:
    return (
        f"{result.shape:>24}  round {round_ + 1}  {result.system:<26}"
        f"{result.claims_per_second:>12,.0f}/s"
        f"{result.second_half_per_second:>12,.0f}/s 2nd half"
        f"{result.cpu_us_per_claim:>9.2f} us CPU"
        f"{result.peak_rss_mb:>7.0f} MB"
        f"{result.free_cores:>6.2f} cores free"
        f"  {'ok' if result.is_right else 'WRONG: ' + result.fault}"
    )


def must_be_right(name: str) -> bool:
    """Whether a system's wrong work fails the run."""
    return name not in SYSTEMS or SYSTEMS[name].must_be_right


def faults(results: list[Result]) -> list[str]:
    """Wrong work of those whose work must be right."""
    return [
        result.fault for result in results if not result.is_right and must_be_right(result.system)
    ]


class Line(msgspec.Struct):
    """One system on one shape: medians over the rounds."""

    shape: str
    system: str
    claims_per_second: float
    second_half_per_second: float
    cpu_us_per_claim: float
    broker_us_per_claim: float
    free_cores: float
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

    measured = set(Result.__struct_fields__) & set(Line.__struct_fields__) - {"shape", "system"}
    return Line(
        shape=results[0].shape,
        system=results[0].system,
        **{name: middle(name) for name in measured},
        to_best_peer=0.0,
        is_right=all(result.is_right for result in results),
        lost=max(result.missing for result in results),
        rounds=len(results),
    )


_HEAD = (
    *("system", "claims/s", "second half", "CPU µs/claim", "broker's", "free cores"),
    *("peak RSS MB", "to best peer", "work", "rounds"),
)


def as_markdown(lines: list[Line]) -> str:
    """A table for each shape."""
    parts = [
        f"## {shape}\n\n{table(_HEAD, [_row(line) for line in lines if line.shape == shape])}"
        for shape in dict.fromkeys(line.shape for line in lines)
    ]
    return "\n".join(parts) + (
        "\nMedians of rounds in which all took turns. The ratio is to the fastest peer, its second"
        " half (JIT warm) if that is faster. Broker's: CPU µs that the broker spent for a claim."
        " Free cores: how much of the machine nobody used meanwhile.\n"
    )


def _row(line: Line) -> tuple[object, ...]:
    return (
        f"**{line.system}**" if line.system == OURS else line.system,
        f"{line.claims_per_second:,.0f}",
        f"{line.second_half_per_second:,.0f}",
        f"{line.cpu_us_per_claim:.2f}",
        f"{line.broker_us_per_claim:.2f}",
        f"{line.free_cores:.2f}",
        f"{line.peak_rss_mb:.0f}",
        line.ratio,
        line.work,
        line.rounds,
    )
