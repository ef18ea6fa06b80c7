"""The examples of decision and drift events: what the service says of the examples of claims.

`python -m tests.contract.decision_examples` writes them anew after the rules or texts changed.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from stream_app.domain.decision import Decision, Outcome, Trigger
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import encode_decision, encode_drift
from stream_app.pipeline.enrich import MemberHistory
from stream_app.pipeline.redecide import reasons_of
from stream_app.pipeline.remember import LastDecision
from stream_app.policy.load import load_policies
from tests.contract.contracts import CLAIM, EXAMPLES, HISTORY

_WIDTH = 100

CASES = {
    (Outcome.APPROVE, "infusion"): ("infusion", ["performed"]),
    (Outcome.APPROVE, "cryopreservation"): ("cryopreservation", ["performed"]),
    (Outcome.DENY, "infusion-after-autologous-transplant"): ("infusion", ["autologous"]),
    (Outcome.DENY, "genetic-modification"): ("genetic-modification", []),
    (Outcome.PEND, "infusion-without-history"): ("infusion", []),
    (Outcome.PEND, "infusion-after-planned-transplant"): ("infusion", ["planned"]),
}
"""Outcome and name of each example: the claim and the history events that it was decided from."""


REPLAYED = {(Outcome.APPROVE, "infusion-replayed"): ("infusion", ["performed"], [])}
"""As above, and the history that it was decided by before."""

DRIFTS = {
    "denied-now": ("infusion", ["autologous"]),
    "over": ("infusion", ["performed"]),
    "replayed": ("infusion", []),
}
"""Name of each example of drift: the claim, approved, and the history that it now has."""

_SENT: dict[str, Any] = {
    "source": {"topic": CLAIM, "partition": 3, "offset": 1042},
    "evaluated_at": "2024-11-05T10:11:14.250Z",
}
_DECIDER = Decider(load_policies())


_REPLAY_ID = "8a0f3a9e-6d0b-4a53-9a54-0d6c4a1d7e21"


def made() -> Iterator[tuple[Path, dict[str, Any]]]:
    """File and content of every valid example of a decision."""
    for (outcome, name), case in CASES.items():
        value = encode_decision(
            decided(*case), trigger=Trigger.CLAIM, supersedes=None, replay_id=None, **_SENT
        )
        yield EXAMPLES / f"cg-trans-03.{outcome.value}/v1/valid/{name}.json", json.loads(value)
    for (outcome, name), (claim, history, before) in REPLAYED.items():
        value = encode_decision(
            decided(claim, history),
            trigger=Trigger.REPLAY,
            supersedes=decided(claim, before).decision_id,
            replay_id=_REPLAY_ID,
            **_SENT,
        )
        yield EXAMPLES / f"cg-trans-03.{outcome.value}/v1/valid/{name}.json", json.loads(value)


def made_of_drift() -> Iterator[tuple[Path, dict[str, Any]]]:
    """File and content of every valid example of drift."""
    for name in DRIFTS:
        replayed = {"trigger": Trigger.REPLAY, "replay_id": _REPLAY_ID}
        why = replayed if name == "replayed" else {"trigger": Trigger.HISTORY_UPDATE}
        value = encode_drift(*drifted(name), **why, **_SENT)
        yield EXAMPLES / f"cg-trans-03.history-drift/v1/valid/{name}.json", json.loads(value)


def drifted(name: str = "denied-now") -> tuple[LastDecision, Decision]:
    """An approval, and what would be decided now."""
    claim_name, history = DRIFTS[name]
    approval = decided(claim_name, ["performed"])
    assert approval.decision is Outcome.APPROVE
    last = LastDecision(
        approval.decision_id, approval.decision, reasons_of(approval), approval.claim_version
    )
    return last, decided(claim_name, history)


def decided(claim_name: str, events: list[str]) -> Decision:
    """The decision on an example claim with example history."""
    claim = decode_claim((EXAMPLES / CLAIM / "v1/valid" / f"{claim_name}.json").read_bytes())
    assert claim is not None
    history = MemberHistory()
    for event in events:
        path = EXAMPLES / HISTORY / "v1/valid" / f"{event}.json"
        history.apply(decode_history(path.read_bytes()))
    decision = _DECIDER.decide(claim, history.on_file())
    assert decision is not None
    return decision


def formatted(value: Any, indent: int = 0, before: int = 0) -> str:
    """JSON that stays on a line where it fits."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or indent + before + len(line) < _WIDTH:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, list):
        inner = [pad + formatted(each, indent + 2) for each in value]
        return "[\n" + ",\n".join(inner) + "\n" + " " * indent + "]"
    inner = [
        f"{pad}{json.dumps(key)}: {formatted(each, indent + 2, len(key) + 4)}"
        for key, each in value.items()
    ]
    return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"


if __name__ == "__main__":
    for path, event in chain(made(), made_of_drift()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(formatted(event) + "\n", encoding="utf-8")
