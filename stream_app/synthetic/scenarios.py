"""The in-scope stories a population is made of, read from scenarios.yaml beside this file."""

from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from ruamel.yaml import YAML

from stream_app.domain.claim import SpecifiedAs
from stream_app.domain.decision import Outcome

LISTED = (
    "C92.01", "C92.02", "C91.01", "C91.02", "C92.10", "C92.12", "C90.00", "C83.30",
    "C81.90", "C84.A1", "C91.Z0", "C92.A1", "Z94.84", "Z94.81", "Z85.6",
)  # fmt: skip
"""Codes that both versions list and that were valid on every day between them."""

DLI = "38242"


class Era(StrEnum):
    """Which version of the guideline is in force on the day of service."""

    ANY = "any"
    BEFORE = "before any"
    FIRST = "2023-06-28"
    SECOND = "2024-10-01"


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """A service line in scope."""

    code: str = DLI
    diagnoses: tuple[str, ...] = LISTED
    """One of them is drawn, unless `all_diagnoses`."""
    all_diagnoses: bool = False
    description: str | None = None
    specified_as: SpecifiedAs | None = None
    donor: str | None = "D"
    days: int = 1


class Transplant(Struct, frozen=True, forbid_unknown_fields=True):
    """A record of the member's history."""

    type: str | None = "allogeneic"
    status: str | None = "performed"
    day: int | None = -240
    """Counted from the day of service."""
    indication: str | None = "C92.10"
    necessary: bool | None = True
    donor: str | None = "D"
    was: "Transplant | None" = None
    """What an older event says of it; it may arrive after the newer one and must not win."""
    retracted: bool = False


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A member, a claim and the decision that must come of it once everything has arrived."""

    name: str
    outcome: Outcome | None
    """None: the claim stands without a decision."""
    reasons: tuple[str, ...]
    """Codes of all lines in line order."""
    lines: tuple[Line, ...] = (Line(),)
    history: tuple[Transplant, ...] = ()
    era: Era = Era.ANY
    on: date | None = None
    """A fixed day of service."""
    earlier: tuple[Line, ...] = ()
    """Lines of claim version 1; then `lines` are those of version 2."""
    earlier_arrives_last: bool = False
    frequency: str = "1"
    weight: int = 1


@cache
def scenarios() -> tuple[Scenario, ...]:
    """The whole table."""
    rows = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return msgspec.convert(rows, tuple[Scenario, ...])
