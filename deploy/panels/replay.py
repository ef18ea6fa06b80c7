"""Replays: how far a job is, and what it finds. It is scraped only while it runs."""

from deploy.panels.panel import Panel

# Workers serve these series, too, at 0.
_RUNNING = "(cg_trans_03_replay_progress_ratio{$W} > 0)"


def _rate(counter: str) -> str:
    return (
        f"sum by (instance) (rate({counter}{{$W}}[$__rate_interval]) and on (instance) {_RUNNING})"
    )


REPLAY = (
    Panel(
        "Progress",
        "How far each job is with reading, comparing and handing over.",
        "percentunit",
        ((f"max by (instance) {_RUNNING}", "{{instance}}"),),
    ),
    Panel(
        "Time to go",
        "At the speed of now; no line while nothing is read.",
        "s",
        (
            (
                (
                    f"max by (instance) ((1 - {_RUNNING}) / "
                    "(deriv(cg_trans_03_replay_progress_ratio{$W}[$__rate_interval]) > 0))"
                ),
                "{{instance}}",
            ),
        ),
    ),
    Panel(
        "Records read",
        "In-scope claims, history and decisions, a second.",
        "reqps",
        ((_rate("cg_trans_03_replay_records_total"), "{{instance}}"),),
    ),
    Panel(
        "Claims decided again",
        "A second. Nothing is sent by that: it is compared.",
        "reqps",
        ((_rate("cg_trans_03_replay_claims_total"), "{{instance}}"),),
    ),
    Panel(
        "Changes found",
        "Claims that would be decided otherwise now, by what they were and would be, since the "
        "jobs began.",
        "short",
        (
            (
                "sum by (before, after) (cg_trans_03_replay_changes_total{$W})",
                "{{before}} to {{after}}",
            ),
        ),
        "bargauge",
    ),
    Panel(
        "Changes, share of claims",
        "A policy change meant to touch a few claims and found to touch many is worth a stop.",
        "percentunit",
        (
            (
                (
                    "sum(cg_trans_03_replay_changes_total{$W}) "
                    "/ (sum(cg_trans_03_replay_claims_total{$W}) > 0)"
                ),
                "changed",
            ),
        ),
    ),
    Panel(
        "Handed over",
        "Claims handed to their owner to be decided again, by a job that was told to.",
        "reqps",
        ((_rate("cg_trans_03_replay_handed_over_total"), "{{instance}}"),),
    ),
    Panel(
        "Decisions by replay",
        "What the owners made of the claims handed over; the same outcome is not sent again.",
        "reqps",
        (
            (
                (
                    "sum by (decision) (rate("
                    'cg_trans_03_decisions_total{trigger="replay",$W}[$__rate_interval]))'
                ),
                "{{decision}}",
            ),
        ),
    ),
    Panel(
        "Memory of the jobs",
        "Resident memory. It is flat whatever the bounds: what is read lies on disk.",
        "bytes",
        (
            (
                f"process_resident_memory_bytes{{$W}} and on (instance) {_RUNNING}",
                "{{instance}}",
            ),
        ),
    ),
)
