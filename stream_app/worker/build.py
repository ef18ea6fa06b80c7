"""From settings to the Faust apps of a role."""

from stream_app import metrics
from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_policies
from stream_app.policy.load_applicability import load_applicability
from stream_app.settings import Settings
from stream_app.tracing import Tracer, new_tracer
from stream_app.worker.adjudicate_app import adjudicate_app
from stream_app.worker.claim_scan import ClaimScan
from stream_app.worker.faust_app import HopApp
from stream_app.worker.history_first import HistoryFirst
from stream_app.worker.hop import Hop
from stream_app.worker.sample_check import SampleCheck
from stream_app.worker.scope_app import scope_app

ROLES = ("scope", "adjudicate")


def new_hop(name: str, settings: Settings, tracer: Tracer | None = None) -> Hop:
    """The shared state of one hop, with the limits that the settings give it."""
    metrics.announce_hop(name)
    return Hop(
        name=name,
        tracer=tracer,
        max_in_flight_bytes=settings.max_in_flight_bytes,
        settle_seconds=settings.shutdown_timeout_seconds,
        fetch_max_bytes=settings.fetch_max_bytes,
        fetch_max_partition_bytes=settings.fetch_max_partition_bytes,
        fetch_max_wait_ms=settings.fetch_max_wait_ms,
    )


def build_apps(settings: Settings, roles: tuple[str, ...] = ROLES) -> list[HopApp]:
    """The apps of these roles.

    Raises:
        UsageError: the policy or applicability files are not as they must be, or traces are asked
            for and the extra that sends them is not installed.
    """
    apps = []
    tracer = new_tracer(settings)
    if "scope" in roles:
        metrics.announce((settings.claims_topic, settings.history_in_topic))
        hop = new_hop("scope", settings, tracer)
        hop.scan = ClaimScan(
            settings.claims_topic,
            settings.scan,
            settings.scan_sample_rate,
            SampleCheck().submit,
            settings.scan_threads,
        )
        apps.append(scope_app(settings, hop))
    if "adjudicate" in roles:
        metrics.announce((settings.in_scope_topic, settings.history_topic))
        policies = load_policies(settings.policy_dir)
        decider = Decider(
            policies,
            load_applicability(settings.applicability_file),
            settings.decision,
        )
        for version in policies.versions:
            metrics.POLICY_VERSION.labels(version.version).info({"sha256": version.hash})
        hop = new_hop("adjudicate", settings, tracer)
        hop.history_first = HistoryFirst(settings.in_scope_topic, settings.history_topic)
        apps.append(adjudicate_app(settings, hop, decider))
    return apps
