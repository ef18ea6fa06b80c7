"""What an operator may choose about the decisions themselves (not about how the service runs)."""

from typing import Literal

from msgspec import Struct

AdverseDetermination = Literal["emit", "review"]


class DecisionSettings(Struct, frozen=True):
    """Choices that change outcomes; part of what a decision id is made of."""

    missing_donor: Literal["pend", "presume_same"] = "pend"
    """A donor id missing on either side: unknown, or taken as the same donor."""

    history: Literal["complete", "partial"] = "complete"
    """Whether a member's record holds every transplant. If partial, an earlier or allogeneic
    transplant may have gone unrecorded, and its absence denies nothing."""

    unlisted_hematologic_diagnosis: Literal["pend", "deny"] = "pend"
    """A hematologic malignancy that the coding section does not list."""

    adverse_determination: AdverseDetermination = "emit"
    """Send denials as denials, or to a clinician first."""
