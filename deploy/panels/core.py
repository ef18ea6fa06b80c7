"""The core: is everything read, in time, and by whom."""

from deploy.panels.panel import Panel

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
        "Stages",
        "What batches spend their time on, of each second. Those of several partitions overlap; "
        "acknowledge is waiting for the broker.",
        "percentunit",
        (
            (
                "sum by (hop, stage) (rate(cg_trans_03_stage_seconds_sum{$W}[$__rate_interval]))",
                "{{hop}} {{stage}}",
            ),
        ),
    ),
    Panel(
        "Stages, slowest batches",
        "How long a stage takes in the slowest twentieth of the batches.",
        "s",
        (
            (
                (
                    "histogram_quantile(0.95, sum by (le, hop, stage) "
                    "(rate(cg_trans_03_stage_seconds_bucket{$W}[$__rate_interval])))"
                ),
                "{{hop}} {{stage}}",
            ),
        ),
    ),
    Panel(
        "Records a batch",
        "Mean size of the batches that a hop works on; of claims only those that may be in scope.",
        "short",
        (
            (
                (
                    "sum by (hop) (rate(cg_trans_03_batch_records_sum{$W}[$__rate_interval])) "
                    "/ sum by (hop) (rate(cg_trans_03_batch_records_count{$W}[$__rate_interval]))"
                ),
                "{{hop}}",
            ),
        ),
    ),
    Panel(
        "Members on file",
        "Rows of the tables, one a member; on RocksDB its own estimate.",
        "short",
        (("sum by (table) (cg_trans_03_table_rows{$W})", "{{table}}"),),
    ),
    Panel(
        "Size of the tables",
        "In memory keys and values; on RocksDB files and write buffers.",
        "bytes",
        (("sum by (table) (cg_trans_03_table_bytes{$W})", "{{table}}"),),
    ),
    Panel(
        "Recovery",
        "Changelog records that workers have still to read before they are ready. Falls to 0.",
        "short",
        (
            (
                "sum by (instance, table) (cg_trans_03_recovery_remaining_records{$W})",
                "{{instance}} {{table}}",
            ),
        ),
    ),
    Panel(
        "Sending",
        "Record batches sent once more, and given up on; each of these stops its worker.",
        "short",
        (
            (
                (
                    "sum by (hop) "
                    "(increase(cg_trans_03_producer_retries_total{$W}[$__rate_interval]))"
                ),
                "{{hop}}, sent once more",
            ),
            (
                "sum by (hop) (increase(cg_trans_03_producer_errors_total{$W}[$__rate_interval]))",
                "{{hop}}, given up",
            ),
        ),
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
