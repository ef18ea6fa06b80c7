"""What must hold of a finished run. Findings speak in counts: no id ever leaves this module."""

from collections.abc import Iterator

from msgspec import Struct

from stream_app.demo.acts import Acts
from stream_app.demo.tally import Received, Tally, standing
from stream_app.domain.decision import Trigger
from stream_app.synthetic import Stream
from stream_app.synthetic.event import Malformed


class Finding(Struct, frozen=True):
    """One thing that must hold, and what was found."""

    holds: bool
    what: str
    found: str


def check(acts: Acts, tally: Tally) -> list[Finding]:
    """Compares what came out with what went in and with what the generator foretold."""
    return [
        _nothing_lost(acts, tally),
        _nothing_made_up(acts, tally),
        *_malformed_filed(acts, tally),
        _one_id_each(tally),
        _in_place(tally),
        _as_foretold(acts, tally),
        _late_as_foretold(acts, tally),
    ]


def late_outcomes(acts: Acts, tally: Tally) -> tuple[int, int]:
    """Of the decided claims whose history came late: (all, those that it decided again)."""
    told = _late(acts) & tally.decisions.keys()
    again = sum(
        any(one.event.trigger is Trigger.HISTORY_UPDATE for one in tally.decisions[claim])
        for claim in told
    )
    return len(told), again


def _nothing_lost(acts: Acts, tally: Tally) -> Finding:
    fed = _calling(acts)
    lost = fed - _came_out(tally)
    decided, filed = (
        len(fed & tally.decisions.keys()),
        len(fed - tally.decisions.keys()) - len(lost),
    )
    found = f"{len(fed):,} in = {decided:,} decided + {filed:,} dead letters"
    return Finding(
        not lost,
        "nothing lost",
        found + (f"; {len(lost):,} LOST" if lost else ""),
    )


def _nothing_made_up(acts: Acts, tally: Tally) -> Finding:
    made_up = len(_came_out(tally) - _calling(acts))
    silent = len(acts.truth.standing.keys() - acts.truth.decided)
    found = f"{made_up:,} others; {silent:,} void or not applicable"
    return Finding(not made_up, "nothing made up", found)


def _malformed_filed(acts: Acts, tally: Tally) -> Iterator[Finding]:
    for stream, expected in (
        (Stream.CLAIMS, _seen(acts.truth.malformed_claims)),
        (Stream.HISTORY, _seen(acts.truth.malformed_history)),
    ):
        right = sum(
            set(tally.dead_letters.get((stream, key), ())) == {one.reason.value}
            for key, one in expected.items()
        )
        what = "claims" if stream is Stream.CLAIMS else "histories"
        others = sum(of is stream and key not in expected for of, key in tally.dead_letters)
        found = f"{right:,} of {len(expected):,}" + (f"; {others:,} others filed" if others else "")
        yield Finding(
            right == len(expected) and not others,
            f"bad {what} filed by their reason",
            found,
        )


def _one_id_each(tally: Tally) -> Finding:
    """The same claim version decided on the same facts must bear the same id."""
    broken = sum(_at_odds(received) for received in tally.decisions.values())
    ids = {one.event.decision_id for each in tally.decisions.values() for one in each}
    found = f"{tally.events:,} events, {len(ids):,} ids"
    return Finding(
        not broken,
        "copies share an id, chains are whole",
        found + (f"; {broken:,} claims at odds" if broken else ""),
    )


def _in_place(tally: Tally) -> Finding:
    misplaced = sum(one.misplaced for each in tally.decisions.values() for one in each)
    return Finding(
        not misplaced,
        "on the outcome's topic, by claim",
        f"{tally.events - misplaced:,} of {tally.events:,}",
    )


def _as_foretold(acts: Acts, tally: Tally) -> Finding:
    claims = [
        claim
        for claim in acts.truth.decided - acts.late_claims
        if acts.truth.standing[claim].outcome is not None
    ]
    right = sum(_foretold(acts, tally, claim) for claim in claims)
    return Finding(
        right == len(claims),
        "outcome and reasons as foretold",
        f"{right:,} of {len(claims):,} with known history",
    )


def _late_as_foretold(acts: Acts, tally: Tally) -> Finding:
    """What history says late counts as much: the last decision is the one foretold.

    No claim of the population is approved on what late history takes back, so that none ends as
    an approval with drift.
    """
    claims = _late(acts)
    right = sum(_foretold(acts, tally, claim) for claim in claims)
    return Finding(
        right == len(claims),
        "late history made good",
        f"{right:,} of {len(claims):,} claims end as foretold",
    )


def _late(acts: Acts) -> set[str]:
    truth = acts.truth
    return {
        claim
        for claim in acts.late_claims & truth.decided
        if truth.standing[claim].outcome is not None
    }


def _at_odds(received: list[Received]) -> bool:
    """Whether one claim version was decided differently without new facts, or a chain is broken."""
    by_version: dict[int, set[str]] = {}
    for one in received:
        if one.event.trigger is Trigger.CLAIM:
            by_version.setdefault(one.event.claim_version, set()).add(one.event.decision_id)
    return any(len(ids) > 1 for ids in by_version.values()) or standing(received) is None


def _foretold(acts: Acts, tally: Tally, claim: str) -> bool:
    scenario = acts.truth.standing[claim]
    final = standing(tally.decisions.get(claim, []))
    if final is None:
        return False
    return final.decision is scenario.outcome and final.reasons == scenario.reasons


def _calling(acts: Acts) -> set[str]:
    """Claims that must end as a decision or as a dead letter."""
    malformed = _seen(acts.truth.malformed_claims)
    return acts.truth.decided | {key.decode() for key in malformed}


def _came_out(tally: Tally) -> set[str]:
    filed = {key.decode() for stream, key in tally.dead_letters if stream is Stream.CLAIMS}
    return tally.decisions.keys() | filed


def _seen(malformed: dict[bytes, Malformed]) -> dict[bytes, Malformed]:
    """Those that are read at all: what the scan finds nothing in is never parsed."""
    return {key: one for key, one in malformed.items() if one.scan_sees}
