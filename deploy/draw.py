"""Draws what `deploy/pictures.py` saw. Runs in the benchmarks' environment, where matplotlib is.

Arguments: the file with what was seen, the folder for the pictures.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, MaxNLocator

_COLUMNS, _ROW_HEIGHT = 24, 8
_STEP = 2
"""Seconds between two points."""
_MOST_IN_LEGEND = 6
_BASES = {"bytes": (1024, "B"), "Bps": (1024, "B/s"), "reqps": (1000, "/s"), "ops": (1000, "/s")}
_INK, _FAINT = "#24292f", "#6e7781"


def main(source: str, folder: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update(
        {
            "font.size": 8,
            "axes.titlesize": 9,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.edgecolor": "#d0d7de",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.labelcolor": _FAINT,
            "text.color": _INK,
            "xtick.color": _FAINT,
            "ytick.color": _FAINT,
            "axes.prop_cycle": mpl.cycler(
                color=[
                    "#0b6e4f", "#c8553d", "#2f6db5", "#b7950b",
                    "#7d3c98", "#5d6d7e", "#117a65", "#a04000",
                ]
            ),
        }
    )  # fmt: skip
    for name, dashboard in json.loads(Path(source).read_text()).items():
        _draw(dashboard, target / f"{name}.png")


def _draw(dashboard: dict[str, Any], file: Path) -> None:
    rows = max(panel["place"]["y"] for panel in dashboard["panels"]) // _ROW_HEIGHT + 1
    figure = plt.figure(figsize=(15, 2.35 * rows + 0.4))
    grid = figure.add_gridspec(rows, _COLUMNS, wspace=8, hspace=0.55)
    for panel in dashboard["panels"]:
        at = panel["place"]
        axis = figure.add_subplot(grid[at["y"] // _ROW_HEIGHT, at["x"] : at["x"] + at["w"]])
        axis.set_title(panel["title"])
        kinds = {"stat": _stat, "bargauge": _bars}
        panel["series"] = [one for one in panel["series"] if one["points"]]
        if panel["series"]:
            kinds.get(panel["kind"], _lines)(axis, panel)
        else:
            axis.axis("off")
            axis.text(0.5, 0.5, "no data", ha="center", va="center", color=_FAINT, fontsize=11)
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.04, right=0.99, top=1 - 0.65 / height, bottom=0.4 / height)
    title = {"fontsize": 13, "fontweight": "bold", "ha": "left", "va": "top"}
    figure.text(0.04, 1 - 0.1 / height, dashboard["title"], **title)
    figure.savefig(file, dpi=75, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def _lines(axis: Any, panel: dict[str, Any]) -> None:
    shown = sorted(panel["series"], key=lambda one: -max(value for _, value in one["points"]))
    scale, word = _scale(shown, panel["unit"])
    for number, one in enumerate(shown):
        times, values = _with_gaps(one["points"])
        label = one["legend"] if number < _MOST_IN_LEGEND else None
        # Not clipped, so that a line at 0 is seen.
        axis.plot(times, [v / scale for v in values], linewidth=1.3, label=label, clip_on=False)
    if not any(value > 0 for one in shown for _, value in one["points"]):
        axis.set_ylim(top=1)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_locator(MaxNLocator(4))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}{word}"))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:.0f} s"))
    axis.grid(axis="y", color="#eaeef2")
    more = len(shown) - _MOST_IN_LEGEND
    axis.legend(
        frameon=False,
        fontsize=6.5,
        loc="upper left",
        bbox_to_anchor=(0, -0.12),
        ncols=3 if len(shown) > 1 else 1,
        columnspacing=1,
        handlelength=1.2,
        labelspacing=0.2,
        title=f"and {more} more" if more > 0 else None,
        title_fontsize=6.5,
        borderaxespad=0,
    )


def _bars(axis: Any, panel: dict[str, Any]) -> None:
    shown = sorted(panel["series"], key=lambda one: one["points"][-1][1])
    # Of what begins at 0 for the alerts' sake, only what is not 0 says something.
    shown = [one for one in shown if one["points"][-1][1] > 0][-10:] or shown[:1]
    axis.barh(range(len(shown)), [one["points"][-1][1] for one in shown], height=0.25)
    for number, one in enumerate(shown):
        # Above its bar: long names would stand in the neighbouring panel.
        text = f"{one['legend']}  {_written(one['points'][-1][1], panel['unit'])}"
        axis.text(0, number + 0.16, text, fontsize=6.5, va="bottom")
    axis.set_ylim(-0.5, max(len(shown), 4) - 0.2)
    axis.axis("off")


def _stat(axis: Any, panel: dict[str, Any]) -> None:
    axis.axis("off")
    for number, one in enumerate(panel["series"][:4]):
        y = 0.8 - number * 0.28
        value = _written(one["points"][-1][1], panel["unit"])
        axis.text(0.02, y, value, fontsize=15, fontweight="bold", color="#0b6e4f", va="center")
        axis.text(0.22, y, one["legend"], fontsize=8.5, color=_FAINT, va="center")


def _with_gaps(points: list[list[float]]) -> tuple[list[float], list[float]]:
    """Times and values, parted where nothing was seen for a while."""
    times: list[float] = []
    values: list[float] = []
    for at, value in points:
        if times and at - times[-1] > 3 * _STEP:
            times.append(at)
            values.append(math.nan)
        times.append(at)
        values.append(value)
    return times, values


def _scale(shown: list[dict[str, Any]], unit: str) -> tuple[float, str]:
    """What to divide a panel's values by, and what to write behind them."""
    most = max(value for one in shown for _, value in one["points"])
    if unit == "percentunit":
        return 0.01, " %"
    if unit == "s":
        return (60, " min") if most >= 180 else (1, " s") if most >= 1 else (0.001, " ms")
    base, word = _BASES.get(unit, (1000, ""))
    scale = 1
    prefixes = ["", "k", "M", "G"]
    while most >= base * scale and len(prefixes) > 1:
        scale *= base
        prefixes.pop(0)
    return scale, f" {prefixes[0]}{word}".rstrip()


def _written(value: float, unit: str) -> str:
    """A single number as Grafana would write it."""
    scale, word = _scale([{"points": [(0.0, value)]}], unit)
    return f"{value / scale:.3g}{word}"


if __name__ == "__main__":
    main(*sys.argv[1:])
