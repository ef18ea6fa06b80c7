"""One picture of the figures, 80 columns by 24 lines at the least."""

import math
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream_app.domain.decision import Outcome
from stream_app.top.alarms import alarms
from stream_app.top.figures import Figures, Look
from stream_app.top.words import number, percent, seconds, size

_ALARMS_SHOWN = 4
_HEADING = "bold cyan"
_STAGES = (
    ("scope", "scan"),
    ("scope", "decide"),
    ("scope", "acknowledge"),
    ("adjudicate", "decide"),
    ("adjudicate", "acknowledge"),
    ("adjudicate", "store"),
)


def frame(looks: Sequence[Look], at: datetime, *, hint: str = "") -> RenderableType:
    """The picture.

    Args:
        looks: one a worker.
        at: when, for the title.
        hint: how to leave.
    """
    figures = Figures(looks)
    return Group(
        _title(looks, figures, at, hint),
        _alarms(alarms(looks)),
        _flow(figures),
        _side_by_side(_decisions(figures), _topics(figures)),
        _side_by_side(_stages(figures), Group(_hops(figures), _tables(figures))),
    )


def _title(looks: Sequence[Look], figures: Figures, at: datetime, hint: str) -> Text:
    answering, asked = len(figures.looks), len(looks)
    workers = f"{answering} worker{'' if answering == 1 else 's'}"
    if answering < asked:
        workers = f"{answering} of {asked} workers"
    title = Text("cg-trans-03", "bold")
    title.append(f"  {workers}  {at:%H:%M:%S}", "default not bold")
    if figures.largest("shadow") == 1:
        title.append("  SHADOW MODE", "bold magenta")
    title.append(f"  {hint}", "dim")
    return title


def _alarms(lines: Sequence[str]) -> Text:
    if not lines:
        return Text("All well.\n", "green")
    shown = list(lines[:_ALARMS_SHOWN])
    if len(lines) > _ALARMS_SHOWN:
        shown[-1] = f"and {len(lines) - _ALARMS_SHOWN + 1} more"
    return Text("\n".join(f"! {line}" for line in shown) + "\n", "bold red")


def _flow(figures: Figures) -> RenderableType:
    columns = {
        "claims/s": number(figures.rate("records_read_total")),
        "read/s": size(figures.rate("read_bytes_total")),
        "skipped": percent(figures.share("claims_skipped_total", "records_read_total")),
        "in scope/s": number(figures.rate("claims_in_scope_total")),
        "decided/s": number(figures.rate("decisions_total")),
        "dead letters": number(figures.total("dead_letters_total")),
        "pended": _counted(figures.total("pended_claims")),
        "oldest": seconds(figures.largest("oldest_pend_seconds")),
    }
    table = _table(*columns, right=tuple(columns), widths=False)
    table.expand = True
    table.add_row(*columns.values())
    return Group(table, Text())


def _counted(count: float) -> str:
    return "counting" if math.isnan(count) else number(count)


def _decisions(figures: Figures) -> RenderableType:
    table = _table("decisions", "/s", "all", right=("/s", "all"))
    for outcome in Outcome:
        of = {"decision": outcome.value}
        table.add_row(
            outcome.value,
            number(figures.rate("decisions_total", **of)),
            number(figures.total("decisions_total", **of)),
        )
    table.add_row(
        "drift",
        number(figures.rate("history_drift_total")),
        number(figures.total("history_drift_total")),
    )
    return table


def _topics(figures: Figures) -> RenderableType:
    table = _table("waiting in", "lag", "oldest", right=("lag", "oldest"))
    for topic in figures.labels("lag_records", "topic"):
        table.add_row(
            Text(topic),
            number(figures.total("lag_records", topic=topic)),
            seconds(figures.largest("waiting_seconds", topic=topic)),
        )
    return table


def _stages(figures: Figures) -> RenderableType:
    table = _table("stage of a batch", "p50", "p99", right=("p50", "p99"))
    for hop, stage in _STAGES:
        table.add_row(
            f"{hop} {stage}",
            seconds(figures.quantile(0.5, "stage_seconds", hop=hop, stage=stage)),
            seconds(figures.quantile(0.99, "stage_seconds", hop=hop, stage=stage)),
        )
    table.add_row(
        "claim to decision",
        seconds(figures.quantile(0.5, "decision_latency_seconds")),
        seconds(figures.quantile(0.99, "decision_latency_seconds")),
    )
    return table


def _hops(figures: Figures) -> RenderableType:
    right = ("partitions", "rebalances")
    table = _table("hop", "ready", *right, right=right)
    for hop in figures.labels("ready", "hop"):
        ready = [sample.value for look in figures.looks for sample in look.now.of("ready", hop=hop)]
        table.add_row(
            Text(hop),
            f"{sum(ready):.0f}/{len(ready)}",
            number(figures.total("assigned_partitions", hop=hop)),
            number(figures.total("rebalances_total", hop=hop)),
        )
    return Group(table, Text())


def _tables(figures: Figures) -> RenderableType:
    right = ("rows", "bytes", "to recover")
    table = _table("table", *right, right=right)
    for name in figures.labels("table_rows", "table"):
        table.add_row(
            Text(name),  # not a str, in which brackets would mean colours
            number(figures.total("table_rows", table=name)),
            size(figures.total("table_bytes", table=name)),
            number(figures.total("recovery_remaining_records", table=name)),
        )
    return table


def _table(*headings: str, right: Sequence[str], widths: bool = True) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=widths, header_style=_HEADING
    )
    for heading in headings:
        if heading in right:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(
                heading, no_wrap=True, overflow="ellipsis", ratio=1 if widths else None
            )
    return table


def _side_by_side(left: RenderableType, right: RenderableType) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=37)  # of 80 columns what the longest lines need
    grid.add_column(ratio=41)
    grid.add_row(left, right)
    return Group(grid, Text())
