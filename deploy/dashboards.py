"""The Grafana dashboards, as data: what to show, in which unit, and what it tells."""

from typing import Any, NamedTuple

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WHERE = 'namespace=~"$namespace"'


class Panel(NamedTuple):
    """One panel. `$W` in an expression stands for the dashboard's label filters."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    """Expression and legend."""
    kind: str = "timeseries"
    width: int = 8


CORE = (
    Panel(
        "Oldest record waiting",
        "How long the oldest record that is not done has waited, worst partition of each topic. "
        "The objective is 60 s in 99.5 % of the time.",
        "s",
        (("max by (topic) (cg_trans_03_waiting_seconds{$W})", "{{topic}}"),),
    ),
    Panel(
        "Late, share of time (1 h)",
        "Share of the partitions' time with a record waiting for more than 60 s. Above 7.2 % the "
        "fast burn alert fires.",
        "percentunit",
        (("cg_trans_03:late:ratio1h{$W}", "{{topic}}"),),
    ),
    Panel(
        "Lag",
        "Records behind the end of the topics that are not done.",
        "short",
        (("sum by (topic) (cg_trans_03_lag_records{$W})", "{{topic}}"),),
    ),
    Panel(
        "Records read",
        "Claims a second, those included that are passed over without being parsed.",
        "reqps",
        (
            (
                "sum by (topic) (rate(cg_trans_03_records_read_total{$W}[$__rate_interval]))",
                "{{topic}}",
            ),
        ),
    ),
    Panel(
        "Bytes read",
        "Record batches as they came over the wire, compressed.",
        "Bps",
        (
            (
                "sum by (topic) (rate(cg_trans_03_read_bytes_total{$W}[$__rate_interval]))",
                "{{topic}}",
            ),
        ),
    ),
    Panel(
        "Claims in scope",
        "Share of the claims read that were forwarded to be decided. A sudden fall to nothing "
        "may mean that the scan overlooks claims.",
        "percentunit",
        (
            (
                (
                    "sum(rate(cg_trans_03_claims_in_scope_total{$W}[$__rate_interval])) "
                    "/ sum(rate(cg_trans_03_records_read_total{$W}[$__rate_interval]))"
                ),
                "in scope",
            ),
        ),
    ),
    Panel(
        "Batches of claims",
        "Record batches read, skipped whole, and left to the slower plain reader.",
        "ops",
        (
            ("sum(rate(cg_trans_03_batches_read_total{$W}[$__rate_interval]))", "read"),
            ("sum(rate(cg_trans_03_batches_skipped_total{$W}[$__rate_interval]))", "skipped whole"),
            ("sum(rate(cg_trans_03_batches_plain_total{$W}[$__rate_interval]))", "plain"),
        ),
    ),
    Panel(
        "Claims passed over",
        "Claims in which the scan found nothing, and those that it let through for nothing.",
        "reqps",
        (
            ("sum(rate(cg_trans_03_claims_skipped_total{$W}[$__rate_interval]))", "passed over"),
            (
                "sum(rate(cg_trans_03_claims_out_of_scope_total{$W}[$__rate_interval]))",
                "out of scope after all",
            ),
        ),
    ),
    Panel(
        "Sampled claims that were passed over",
        "A second look at a few. in_scope must stay 0; codes in capitals break the contract.",
        "ops",
        (
            (
                "sum by (verdict) (rate(cg_trans_03_skipped_samples_total{$W}[$__rate_interval]))",
                "{{verdict}}",
            ),
        ),
    ),
    Panel(
        "Records lost",
        "Records that retention deleted before they were read. Must be 0.",
        "short",
        (("sum(increase(cg_trans_03_records_lost_total{$W}[$__range]))", "lost"),),
        "stat",
    ),
    Panel(
        "Hops ready",
        "Workers of each hop that have their partitions and tables.",
        "short",
        (("sum by (hop) (cg_trans_03_ready{$W})", "{{hop}}"),),
        "stat",
    ),
    Panel(
        "Version",
        "Versions of the service that are running; more than one only during a rollout.",
        "short",
        (("count by (version) (cg_trans_03_build_info{$W})", "{{version}}"),),
        "stat",
    ),
    Panel(
        "Partitions assigned",
        "By hop. It must come to all partitions of the topics that the hop reads.",
        "short",
        (("sum by (hop) (cg_trans_03_assigned_partitions{$W})", "{{hop}}"),),
    ),
    Panel(
        "Rebalances",
        "Rebalances finished; each stops all reading of the hop for a moment.",
        "short",
        (
            (
                "sum by (hop) (increase(cg_trans_03_rebalances_total{$W}[$__rate_interval]))",
                "{{hop}}",
            ),
        ),
    ),
    Panel(
        "Stalled",
        "For how long a worker has had records waiting and did none. At 120 s it is started anew.",
        "s",
        (("max by (instance) (cg_trans_03_stalled_seconds{$W})", "{{instance}}"),),
    ),
    Panel(
        "In flight",
        "Bytes of records handed out and not yet done; reading pauses at max_in_flight_bytes.",
        "bytes",
        (("sum by (hop) (cg_trans_03_in_flight_bytes{$W})", "{{hop}}"),),
    ),
    Panel(
        "CPU",
        "Cores used by each worker.",
        "short",
        (
            (
                (
                    "rate(process_cpu_seconds_total{$W}[$__rate_interval]) "
                    "and on (instance) cg_trans_03_build_info{$W}"
                ),
                "{{instance}}",
            ),
        ),
    ),
    Panel(
        "Memory",
        "Resident memory of each worker.",
        "bytes",
        (
            (
                "process_resident_memory_bytes{$W} and on (instance) cg_trans_03_build_info{$W}",
                "{{instance}}",
            ),
        ),
    ),
)

DECISIONS = (
    Panel(
        "Decisions",
        "Decisions acknowledged by the broker, a second.",
        "reqps",
        (
            (
                "sum by (decision) (rate(cg_trans_03_decisions_total{$W}[$__rate_interval]))",
                "{{decision}}",
            ),
        ),
    ),
    Panel(
        "Outcomes, share of a day",
        "The mix of outcomes over the last 24 hours, and that of the week before.",
        "percentunit",
        (
            ("cg_trans_03:decision_share:ratio1d{$W}", "{{decision}}"),
            (
                "avg_over_time(cg_trans_03:decision_share:ratio1d{$W}[7d] offset 1d)",
                "{{decision}}, week before",
            ),
        ),
    ),
    Panel(
        "Decisions by trigger",
        "What made the service decide.",
        "reqps",
        (
            (
                "sum by (trigger) (rate(cg_trans_03_decisions_total{$W}[$__rate_interval]))",
                "{{trigger}}",
            ),
        ),
    ),
    Panel(
        "Reasons",
        "First reason of each decided line, in the range shown; the ten most frequent.",
        "short",
        (
            (
                (
                    "topk(10, sum by (reason) "
                    "(increase(cg_trans_03_decision_reasons_total{$W}[$__range])))"
                ),
                "{{reason}}",
            ),
        ),
        "bargauge",
        12,
    ),
    Panel(
        "Guideline versions",
        "Lines by the guideline version that was in force on their date of service.",
        "reqps",
        (
            (
                (
                    "sum by (policy_version) "
                    "(rate(cg_trans_03_decision_reasons_total{$W}[$__rate_interval]))"
                ),
                "{{policy_version}}",
            ),
        ),
        width=12,
    ),
    Panel(
        "Time to a decision",
        "From the claim record's timestamp to the broker's acknowledgement of its decision.",
        "s",
        tuple(
            (
                (
                    f"histogram_quantile({quantile}, sum by (le) "
                    "(rate(cg_trans_03_decision_latency_seconds_bucket{$W}[$__rate_interval])))"
                ),
                legend,
            )
            for quantile, legend in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
        ),
    ),
    Panel(
        "Claims without a decision",
        "In-scope claims that got none, and why: void, an older version, delivered before, or no "
        "line that the guideline applies to.",
        "reqps",
        (
            (
                (
                    "sum by (why) "
                    "(rate(cg_trans_03_claims_without_decision_total{$W}[$__rate_interval]))"
                ),
                "{{why}}",
            ),
        ),
    ),
    Panel(
        "Dead letters",
        "Events that could not be used, by topic and reason, in the range shown.",
        "short",
        (
            (
                "sum by (topic, reason) (increase(cg_trans_03_dead_letters_total{$W}[$__range]))",
                "{{topic}} {{reason}}",
            ),
        ),
        "bargauge",
    ),
    Panel(
        "History events",
        "What became of transplant history events.",
        "reqps",
        (
            (
                "sum by (result) (rate(cg_trans_03_history_events_total{$W}[$__rate_interval]))",
                "{{result}}",
            ),
        ),
    ),
    Panel(
        "Late history",
        "Remembered claims decided again because history changed, and approvals that would not "
        "be given any more (by the outcome now).",
        "short",
        (
            (
                "sum(increase(cg_trans_03_claims_decided_again_total{$W}[$__rate_interval]))",
                "decided again",
            ),
            (
                (
                    "sum by (decision) "
                    "(increase(cg_trans_03_history_drift_total{$W}[$__rate_interval]))"
                ),
                "approved, now {{decision}}",
            ),
        ),
    ),
    Panel(
        "In shadow",
        "Workers whose decisions go to the shadow topic alone.",
        "short",
        (("sum(cg_trans_03_shadow{$W})", "in shadow"),),
        "stat",
    ),
    Panel(
        "Claims forgotten",
        "Remembered claims dropped because of their age or number; history that arrives later "
        "cannot change their decisions.",
        "short",
        (("sum(increase(cg_trans_03_claims_forgotten_total{$W}[$__rate_interval]))", "forgotten"),),
    ),
)


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its file name."""
    return {
        "core": _dashboard("core", "CG-TRANS-03: core", CORE),
        "decisions": _dashboard("decisions", "CG-TRANS-03: decisions", DECISIONS),
    }


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    shown, x, y = [], 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > 24:
            x, y = 0, y + 8
        shown.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": 8}))
        x += panel.width
    return {
        "uid": f"cg-trans-03-{uid}",
        "title": title,
        "tags": ["cg-trans-03"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _VARIABLES},
        "panels": shown,
    }


_VARIABLES: list[dict[str, Any]] = [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
    {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _DATASOURCE,
        "query": "label_values(cg_trans_03_build_info, namespace)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        # Where Prometheus gives no namespace, such as on a laptop, all means none, too.
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    },
]


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    instant = "$__range" in panel.queries[0][0] or panel.kind == "stat"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _DATASOURCE,
                "expr": expression.replace("$W", _WHERE),
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }
