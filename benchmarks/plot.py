"""Draws throughput.json. Runs in the peers' environment, where matplotlib is.

Arguments: the file, the path of the plots without an ending.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl  # type: ignore[import-not-found]

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib import ticker

OURS = "cg-trans-03"
COLORS = {True: "#0b6e4f", False: "#8d99ae"}


def main(source: str, target: str) -> None:
    data = json.loads(Path(source).read_text())
    lines = data["lines"]
    shapes = list(dict.fromkeys(line["shape"] for line in lines))
    mpl.rcParams["svg.hashsalt"] = "cg-trans-03"  # the same numbers, the same file
    figure, axes = plt.subplots(1, len(shapes), figsize=(5.2 * len(shapes), 3.6), squeeze=False)
    for axis, shape in zip(axes[0], shapes, strict=True):
        rows = [line for line in reversed(lines) if line["shape"] == shape]
        values = [line["claims_per_second"] for line in rows]
        bars = axis.barh(
            [line["system"] for line in rows],
            values,
            color=[COLORS[line["system"].startswith(OURS)] for line in rows],
        )
        labels = [
            f"{value / 1000:,.0f} k" if value >= 10_000 else f"{value / 1000:,.1f} k"
            for value in values
        ]
        axis.bar_label(bars, labels, padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.set_xlim(min(values) / 2, max(values) * 4)
        axis.set_title(
            f"{shape} in scope" if shape in {"all", "1 in 100", "1 in 10,000"} else shape,
            fontsize=10,
        )
        axis.set_xlabel("claims/s, one process, log scale", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    around = data["environment"]
    figure.text(
        0.005, 0.005, f"{around['machine']} · {around['broker']} · {around['date']}", fontsize=6
    )
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(f"{target}.svg", metadata={"Date": None})
    figure.savefig(f"{target}.png", dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
