"""The examples of decision events: what the service decides of the examples of claims.

`python -m tests.contract.decision_examples` writes them anew after the rules or texts changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stream_app.domain.decision import Outcome, Trigger
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import encode_decision
from stream_app.pipeline.enrich import MemberHistory
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


def made() -> Iterator[tuple[Path, dict[str, Any]]]:
    """File and content of every valid example of a decision."""
    decider = Decider(load_policies())
    for (outcome, name), (claim_name, events) in CASES.items():
        claim = decode_claim((EXAMPLES / CLAIM / "v1/valid" / f"{claim_name}.json").read_bytes())
        assert claim is not None
        history = MemberHistory()
        for event in events:
            path = EXAMPLES / HISTORY / "v1/valid" / f"{event}.json"
            history.apply(decode_history(path.read_bytes()))
        decision = decider.decide(claim, history.on_file())
        assert decision is not None
        value = encode_decision(
            decision,
            trigger=Trigger.CLAIM,
            supersedes=None,
            replay_id=None,
            source={"topic": CLAIM, "partition": 3, "offset": 1042},
            evaluated_at="2024-11-05T10:11:14.250Z",
        )
        yield EXAMPLES / f"cg-trans-03.{outcome.value}/v1/valid/{name}.json", json.loads(value)


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
    for path, event in made():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(formatted(event) + "\n", encoding="utf-8")
