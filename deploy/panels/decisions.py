"""Decisions: what was decided, why, and what waits."""

from deploy.panels.panel import Panel

# Not a number until a worker has counted for the first time, which compares as false; and always 0
# where there is nothing to count.
_COUNTED = '>= 0 and on (instance) cg_trans_03_ready{hop="adjudicate",$W}'

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
        "Pended",
        "Claims whose decision in force is a pend. They wait for documents or for a person.",
        "short",
        ((f"sum(cg_trans_03_pended_claims{{$W}} {_COUNTED})", "pended"),),
    ),
    Panel(
        "Longest pended",
        "For how long the claim that has been pended longest has been known to the service.",
        "s",
        ((f"max(cg_trans_03_oldest_pend_seconds{{$W}} {_COUNTED})", "longest pended"),),
    ),
    Panel(
        "Policy in force",
        "Workers that decide by each version of the guideline, with the first of its hash: two "
        "hashes of one version are two policies, and right only during a rollout.",
        "short",
        (
            (
                (
                    "count by (version, content) (label_replace("
                    "cg_trans_03_policy_version_info{$W}, "
                    '"content", "$1", "sha256", "(.{8}).*"))'
                ),
                "{{version}} {{content}}",
            ),
        ),
        "stat",
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
