"""The reason codes' texts, sections and X12 codes, from their file."""

import re
from collections.abc import Mapping
from pathlib import Path

from stream_app.domain.decision import Adjustment, ClaimStatus, Outcome, Reason
from stream_app.domain.vocabulary import ReasonCode
from stream_app.policy.faults import FaultList
from stream_app.policy.load_version import content_hash
from stream_app.policy.model import ReasonRow
from stream_app.policy.strict_yaml import Fields, Item, read_yaml

_GROUP = re.compile(r"CO|OA|PI|PR|CR")
_CARC = re.compile(r"[0-9]{1,3}|[A-Z][0-9]{1,2}")
_RARC = re.compile(r"(?:M|N|MA)[0-9]{1,3}")
_CATEGORY = re.compile(r"P[0-9]")


def load_reasons(path: Path, faults: FaultList) -> tuple[Mapping[ReasonCode, ReasonRow], str]:
    """One row for every reason code, and the hash of them all."""
    rows: dict[ReasonCode, ReasonRow] = {}
    listing = read_yaml(path, faults).mapping(["reasons"])["reasons"]
    for item in listing.sequence():
        fields = item.mapping(
            ("code", "outcome", "text", "section"), optional=("adjustment", "claim_status")
        )
        code = fields["code"].choice(ReasonCode)
        if code is None:
            continue
        if code in rows:
            fields["code"].fault("given twice")
        rows[code] = _row(item, fields, code)
    for code in ReasonCode:
        if listing.given and code not in rows:
            listing.fault(f"lacks {code}")
    return rows, content_hash(rows)


def _row(item: Item, fields: Fields, code: ReasonCode) -> ReasonRow:
    outcome = fields["outcome"].choice(Outcome) or Outcome.PEND
    adjustment, status = fields["adjustment"], fields["claim_status"]
    if adjustment.given is (outcome is Outcome.APPROVE):
        item.fault("denials and pends have an adjustment, approvals have none")
    if status.given is not (outcome is Outcome.PEND):
        item.fault("pends have a claim status, and nothing else has")
    return ReasonRow(
        reason=Reason(
            code=code.value, text=fields["text"].text(), section=fields["section"].text()
        ),
        outcome=outcome,
        adjustment=_adjustment(adjustment) if adjustment.given else None,
        claim_status=ClaimStatus(category=_code(status, _CATEGORY)) if status.given else None,
    )


def _adjustment(item: Item) -> Adjustment:
    fields = item.mapping(("group", "carc"), optional=["rarc"])
    return Adjustment(
        group=_code(fields["group"], _GROUP),
        carc=_code(fields["carc"], _CARC),
        rarc=tuple(_code(rarc, _RARC) for rarc in fields["rarc"].sequence()),
    )


def _code(item: Item, shape: re.Pattern[str]) -> str:
    code = item.quoted()
    if code and not shape.fullmatch(code):
        item.fault("is no code of this kind")
    return code
