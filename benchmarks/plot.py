"""Draws a report's numbers. Runs in the peers' environment, where matplotlib is.

Arguments: the file, the path of the pictures without an ending.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib import ticker

OURS = "cg-trans-03"
COLORS = {True: "#0b6e4f", False: "#8d99ae"}
_SMALL = 8


def bars(lines: list[Any]) -> Any:
    """Throughput: a panel a shape, a bar a system."""
    shapes = list(dict.fromkeys(line["shape"] for line in lines))
    figure, axes = plt.subplots(1, len(shapes), figsize=(5.2 * len(shapes), 3.6), squeeze=False)
    for axis, shape in zip(axes[0], shapes, strict=True):
        rows = [line for line in reversed(lines) if line["shape"] == shape]
        values = [line["claims_per_second"] for line in rows]
        drawn = axis.barh(
            [line["system"] for line in rows],
            values,
            color=[COLORS[line["system"].startswith(OURS)] for line in rows],
        )
        axis.bar_label(drawn, list(map(thousands, values)), padding=3, fontsize=_SMALL)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.set_xlim(min(values) / 2, max(values) * 4)
        named = shape in {"all", "1 in 100", "1 in 10,000"}
        axis.set_title(f"{shape} in scope" if named else shape, fontsize=10)
        axis.set_xlabel("claims/s, log scale", fontsize=_SMALL)
        tidy(axis)
    return figure


def panels(curves: list[Any]) -> Any:
    """Costs: a column a factor; claims a second above, CPU a claim below."""
    figure, axes = plt.subplots(2, len(curves), figsize=(2.9 * len(curves), 5.4), squeeze=False)
    for column, curve in enumerate(curves):
        values = list(dict.fromkeys(point["value"] for point in curve["points"]))
        for row, (measure, unit) in enumerate(
            (("claims_per_second", "claims/s"), ("cpu_us_per_claim", "CPU µs/claim"))
        ):
            axis = axes[row][column]
            systems = dict.fromkeys(point["result"]["system"] for point in curve["points"])
            highest = 0.0
            for system in systems:
                points = [one for one in curve["points"] if one["result"]["system"] == system]
                heights = [point["result"][measure] for point in points]
                highest = max(highest, *heights)
                places = [values.index(point["value"]) for point in points]
                style = "-o" if system == OURS else "--s"
                axis.plot(
                    places,
                    heights,
                    style,
                    color=COLORS[system == OURS],
                    markersize=4,
                    linewidth=1.5,
                    label=system,
                )
            axis.set_xticks(range(len(values)), [short(value) for value in values])
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda y, _: short(y)))
            axis.yaxis.set_minor_formatter(ticker.NullFormatter())
            axis.grid(axis="y", which="both", color="#e6e6e6", linewidth=0.5)
            axis.set_axisbelow(True)
            if row == 0:
                axis.set_title(curve["title"], fontsize=10)
            if column == 0:
                axis.set_ylabel(f"{unit}, log scale", fontsize=_SMALL)
            if len(systems) > 1:
                axis.legend(fontsize=7, frameon=False)
            tidy(axis)
    share_heights(axes)
    return figure


def share_heights(axes: Any) -> None:
    """One scale a row, so that factors can be compared by eye."""
    for row in axes:
        limits = [axis.get_ylim() for axis in row]
        for axis in row:
            axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def series(numbers: Any) -> Any:
    """Memory over time, from nothing up."""
    figure, axis = plt.subplots(figsize=(7.5, 2.8))
    times, heights = zip(*numbers["series"], strict=True)
    axis.plot(times, heights, color=COLORS[True], linewidth=1.5)
    axis.set_ylim(0, max(heights) * 1.25)
    axis.set_xlim(0, times[-1])
    axis.set_xlabel("seconds", fontsize=_SMALL)
    axis.set_ylabel("resident memory, MB", fontsize=_SMALL)
    claims = numbers["result"]["claims"] / 1e6
    axis.set_title(f"{claims:,.0f} million claims of backlog, one worker", fontsize=10)
    tidy(axis)
    return figure


def tidy(axis: Any) -> None:
    axis.tick_params(labelsize=_SMALL)
    axis.spines[["top", "right"]].set_visible(False)


def thousands(value: float) -> str:
    return f"{value / 1000:,.0f} k" if value >= 10_000 else f"{value / 1000:,.1f} k"


def short(value: float | str) -> str:
    """As few letters as tell the number."""
    if isinstance(value, str):
        return value
    if value < 1:
        return f"{value:g}"
    size = min(2, int(math.log10(value) // 3)) if value >= 10_000 else 0
    return f"{value / 1000**size:,g}{('', ' k', ' M')[size]}"


def main(source: str, target: str) -> None:
    data = json.loads(Path(source).read_text())
    mpl.rcParams["svg.hashsalt"] = "cg-trans-03"  # the same numbers, the same file
    if "lines" in data:
        figure = bars(data["lines"])
    elif "curves" in data:
        figure = panels(data["curves"])
    else:
        figure = series(data)
    around = data["environment"]
    figure.text(
        0.005, 0.005, f"{around['machine']} · {around['broker']} · {around['date']}", fontsize=6
    )
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(f"{target}.svg", metadata={"Date": None})
    figure.savefig(f"{target}.png", dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
