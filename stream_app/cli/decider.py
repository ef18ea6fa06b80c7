"""The decider that the settings ask for: the same one the worker builds."""

from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_applicability, load_policies
from stream_app.settings import Settings


def build_decider(settings: Settings) -> Decider:
    """Reads policy and applicability files.

    Raises:
        UsageError: one of them cannot be used; names every fault.
    """
    return Decider(
        load_policies(settings.policy_dir),
        load_applicability(settings.applicability_file),
        settings.decision,
    )
