"""Every metric of the service, declared in one place.

Prefix `cg_trans_03_`, base units, `_total` for counters. Labels are topics, partitions, outcomes
and codes: bounded, and never anything that a payload can choose.

A labelled counter does not exist before its first event, and `increase()` does not see that event.
So whatever is alarmed on begins at 0: `announce` and the end of this module see to that.

Faust's own metrics (`faust.sensors.prometheus`) are left out, deliberately: they count messages and
events, and one message here is a whole batch; they name tables, agents and topics by labels of
their own; and they cost an entry in a dictionary a message. What of them makes sense stands below
under its own name: batches, stages, rebalances, assigned partitions, table rows, producer errors.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

from stream_app import __version__
from stream_app.domain.decision import Outcome, Trigger
from stream_app.errors import DeadLetterReason

# One more series for every counter and histogram, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

BUILD = Info("cg_trans_03_build", "Version of the service.")
BUILD.info({"version": __version__})
POLICY_VERSION = Info(
    "cg_trans_03_policy_version",
    "The versions of the guideline that this worker decides by, with the hash of their content: "
    "it must be the same on every worker.",
    ["version"],
)


class BatchHistogram(Histogram):
    """A histogram that takes what a whole batch brought at a tenth of the cost of one by one."""

    def observe_all(self, values: Sequence[float]) -> None:
        """Count every value, as `observe` would."""
        found = Tally(bisect_left(self._upper_bounds, value) for value in values)
        for bucket, count in found.items():
            self._buckets[bucket].inc(count)
        self._sum.inc(sum(values))


# -- reading ------------------------------------------------------------------------------

RECORDS_READ = Counter(
    "cg_trans_03_records_read",
    "Records read, skipped ones included.",
    ["topic", "partition"],
)
BYTES_READ = Counter(
    "cg_trans_03_read_bytes",
    "Bytes of record batches read, skipped ones included; as they came over the wire.",
    ["topic", "partition"],
)
BATCHES_READ = Counter("cg_trans_03_batches_read", "Record batches of claims read.", ["partition"])
BATCHES_SKIPPED = Counter(
    "cg_trans_03_batches_skipped",
    "Record batches of claims that were skipped whole.",
    ["partition"],
)
BATCHES_PLAIN = Counter(
    "cg_trans_03_batches_plain",
    "Record batches of claims that the fast scan left to aiokafka's own reader.",
    ["partition"],
)
SAMPLES = Counter(
    "cg_trans_03_skipped_samples",
    "Skipped claims that were decoded all the same: ok, no_value, in_scope (the scan was "
    "wrong), or the reason code of what is malformed.",
    ["verdict"],
)
CLAIMS_SKIPPED = Counter(
    "cg_trans_03_claims_skipped",
    "Claims that the scan found nothing in, never parsed.",
    ["partition"],
)
RECORDS_LOST = Counter(
    "cg_trans_03_records_lost",
    "Records that retention deleted before they were read. Must stay 0.",
    ["topic"],
)
LAG = Gauge(
    "cg_trans_03_lag_records",
    "Records behind the end of the partition that are not done yet.",
    ["topic", "partition"],
)
WAITING = Gauge(
    "cg_trans_03_waiting_seconds",
    "For how long this worker has known of the oldest record that is not done; 0 where all are. "
    "By the clock of the worker, not by what producers say.",
    ["topic", "partition"],
)
STALLED = Gauge(
    "cg_trans_03_stalled_seconds",
    "For how long records have been waiting without any being done. /livez fails at 120.",
)
READY = Gauge(
    "cg_trans_03_ready",
    "1 once the hop has its partitions and has recovered its tables, else 0.",
    ["hop"],
)
IN_FLIGHT = Gauge(
    "cg_trans_03_in_flight_bytes",
    "Bytes of records handed out and not yet done.",
    ["hop"],
)
BATCH_RECORDS = Histogram(
    "cg_trans_03_batch_records",
    "Records of the batches that a hop works on; of claims only those that may be in scope.",
    ["hop"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
STAGE_SECONDS = Histogram(
    "cg_trans_03_stage_seconds",
    "What a batch spends its time on. scan: looking for claims in what one fetch brought of a "
    "partition; decide: decoding, deciding and encoding (in the scope hop: decoding and copying); "
    "acknowledge: waiting for the broker's word; store: writing the member rows, their changelog "
    "acknowledged.",
    ["hop", "stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REBALANCES = Counter("cg_trans_03_rebalances", "Rebalances finished.", ["hop"])
ASSIGNED = Gauge("cg_trans_03_assigned_partitions", "Stream partitions assigned.", ["hop"])

# -- what became of it --------------------------------------------------------------------

CLAIMS_IN_SCOPE = Counter("cg_trans_03_claims_in_scope", "Claims forwarded to be decided.")
CLAIMS_OUT_OF_SCOPE = Counter(
    "cg_trans_03_claims_out_of_scope",
    "Claims that the scan let through and the decoder found out of scope.",
)
CLAIMS_WITHOUT_DECISION = Counter(
    "cg_trans_03_claims_without_decision",
    "In-scope claims that got no decision: void, older, redelivered, not_applicable, other_mode.",
    ["why"],
)
DECISIONS = Counter(
    "cg_trans_03_decisions",
    "Decisions acknowledged by the broker.",
    ["decision", "trigger"],
)
REASONS = Counter(
    "cg_trans_03_decision_reasons",
    "First reason of each decided line.",
    ["reason", "policy_version"],
)
DEAD_LETTERS = Counter(
    "cg_trans_03_dead_letters",
    "Events filed in the dead-letter topic.",
    ["topic", "reason"],
)
HISTORY_EVENTS = Counter(
    "cg_trans_03_history_events",
    "History events: applied, stale, erased, unknown_member.",
    ["result"],
)
DECISION_LATENCY = BatchHistogram(
    "cg_trans_03_decision_latency_seconds",
    "From the claim record's timestamp to the broker's acknowledgement of its decision.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
CLAIMS_FORGOTTEN = Counter(
    "cg_trans_03_claims_forgotten",
    "Remembered claims dropped because of their age, their number or the length of their row. "
    "Late history does not reach them any more.",
)
CLAIMS_DECIDED_AGAIN = Counter(
    "cg_trans_03_claims_decided_again",
    "Remembered claims decided again because their member's history changed, most of them to "
    "the same end; `decisions` counts what was sent because of it.",
)
HISTORY_DRIFT = Counter(
    "cg_trans_03_history_drift",
    "Approvals reported to differ from what would be decided now, by the outcome now; approve: "
    "the difference is over.",
    ["decision"],
)
PENDED = Gauge(
    "cg_trans_03_pended_claims",
    "Remembered claims whose decision in force is a pend, of this worker's partitions: the sum "
    "over the workers is all of them. Counted in the background; NaN until the first count is "
    "through.",
)
OLDEST_PEND = Gauge(
    "cg_trans_03_oldest_pend_seconds",
    "For how long the longest pended of these claims has been known to this service; 0 where none "
    "is pended. NaN until the first count is through.",
)
SHADOW = Gauge("cg_trans_03_shadow", "1 where decisions go to the shadow topic alone.")

# -- tables and producers -----------------------------------------------------------------

TABLE_ROWS = Gauge(
    "cg_trans_03_table_rows",
    "Rows of a table, one a member, of this worker's partitions; as last counted in the "
    "background.",
    ["table"],
)
TABLE_BYTES = Gauge(
    "cg_trans_03_table_bytes",
    "Bytes of the keys and values of these rows.",
    ["table"],
)
RECOVERY_REMAINING = Gauge(
    "cg_trans_03_recovery_remaining_records",
    "Offsets of the table's changelog that are still to be read before the worker is ready.",
    ["table"],
)
PRODUCER_ERRORS = Counter(
    "cg_trans_03_producer_errors",
    "Record batches that the producer gave up on. The worker stops, commits nothing of them and is "
    "started anew.",
    ["hop"],
)
PRODUCER_RETRIES = Counter(
    "cg_trans_03_producer_retries",
    "Record batches that had to be sent once more: the leader moved, or a broker did not answer.",
    ["hop"],
)

# -- replay: served by the job while it runs ----------------------------------------------

REPLAY_RECORDS = Counter(
    "cg_trans_03_replay_records",
    "Records read by a replay job, of claims and of history.",
)
REPLAY_CLAIMS = Counter("cg_trans_03_replay_claims", "Claims that a replay job decided again.")
REPLAY_CHANGES = Counter(
    "cg_trans_03_replay_changes",
    "Claims that a replay job found to be decided otherwise now; `none`: no decision.",
    ["before", "after"],
)
REPLAY_HANDED_OVER = Counter(
    "cg_trans_03_replay_handed_over",
    "Claims that a replay job handed to their owner to be decided again.",
)
REPLAY_PROGRESS = Gauge(
    "cg_trans_03_replay_progress_ratio",
    "How much of its bounds a replay job has read, 0 to 1; 0 where none runs in this process.",
)

# -- from 0 on ----------------------------------------------------------------------------

for _outcome in Outcome:
    for _trigger in Trigger:
        DECISIONS.labels(_outcome.value, _trigger.value)
    HISTORY_DRIFT.labels(_outcome.value)
for _verdict in ("ok", "no_value", "in_scope", *(reason.value for reason in DeadLetterReason)):
    SAMPLES.labels(_verdict)


def announce(topics: Iterable[str]) -> None:
    """Let the counters of these input topics begin at 0."""
    for topic in topics:
        RECORDS_LOST.labels(topic)
        for reason in DeadLetterReason:
            DEAD_LETTERS.labels(topic, reason.value)


def announce_hop(hop: str) -> None:
    """Let the counters of this hop begin at 0."""
    REBALANCES.labels(hop)
    PRODUCER_ERRORS.labels(hop)
    PRODUCER_RETRIES.labels(hop)
