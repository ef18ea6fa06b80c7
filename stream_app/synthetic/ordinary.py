"""Claims the service has no business with: nearly all of them.

A few thousand claims are drawn and written once, with places left for ids and dates; after that
one bytes-format call makes a claim, so that millions can be had in seconds.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

import orjson

from stream_app.synthetic import catalog
from stream_app.synthetic.npi import synthetic_npi

POOL, SMALL_POOL = 4096, 256
"""Claims and dates drawn beforehand: powers of two, and fewer for a small population."""
LARGE_SHARE = 0.05

# Stand-ins for what differs in each claim, replaced by format fields once the JSON is written.
EVENT, AT, CLAIM, MEMBER, RECEIVED, DAY = "@event@", "@at@", "@claim@", "@member@", "@rcv@", "@day@"

_CODES = [code for code, *_ in catalog.PROCEDURES]
_CODE_WEIGHTS = [weight for _, weight, *_ in catalog.PROCEDURES]
_CHARGES = {code: (charge, place) for code, _, charge, place in catalog.PROCEDURES}
_DIAGNOSES = [code for code, _ in catalog.DIAGNOSES]
_DIAGNOSIS_WEIGHTS = [weight for _, weight in catalog.DIAGNOSES]
_LOB = [name for name, _ in catalog.LINES_OF_BUSINESS]
_LOB_WEIGHTS = [weight for _, weight in catalog.LINES_OF_BUSINESS]
_LINE_COUNTS, _LINE_COUNT_WEIGHTS = (1, 2, 3, 4, 5, 6), (30, 28, 20, 11, 7, 4)


class Dates(NamedTuple):
    """When a service was given, received and adjudicated, as they stand in the JSON."""

    service: bytes
    received: bytes
    occurred: bytes


class Template(NamedTuple):
    """A claim with places for event number, time, claim number, member number and dates."""

    form: bytes
    days: int
    """How many times the service date stands in it."""

    def fill(self, number: int, member: int, dates: Dates) -> bytes:
        """The claim numbered `number`."""
        return self.form % (
            number, dates.occurred, number, member, dates.received, *(dates.service,) * self.days,
        )  # fmt: skip


def ids(seed: int, kind: str) -> str:
    """What every id of a kind begins with; the seed keeps two populations apart."""
    return f"SYN{seed}-{kind}-"


def claim_frame(rng: Random, diagnoses: Sequence[str]) -> dict[str, Any]:
    """A claim without its service lines, as a platform sends it, with stand-ins."""
    return {
        "event_id": EVENT,
        "occurred_at": AT,
        "claim_id": CLAIM,
        "claim_version": 1,
        "claim_frequency_code": "1",
        "member_id": MEMBER,
        "line_of_business": rng.choices(_LOB, _LOB_WEIGHTS)[0],
        "plan_id": rng.choice(catalog.PLANS),
        "state": rng.choice(catalog.STATES),
        "claim_type": "professional",
        "billing_provider": _provider(rng),
        "rendering_provider": _provider(rng),
        "received_date": RECEIVED,
        "patient_control_number": f"PCN{rng.randrange(10**10):010d}",
        "diagnoses": list(diagnoses),
    }


def ordinary_line(rng: Random, number: int, diagnoses: int) -> dict[str, Any]:
    """A service line out of scope that points at some of the claim's diagnoses."""
    code = rng.choices(_CODES, _CODE_WEIGHTS)[0]
    charge, place = _CHARGES[code]
    pointed = sorted(rng.sample(range(1, diagnoses + 1), min(diagnoses, rng.randint(1, 3))))
    return {
        "line_number": number,
        "procedure_code": code,
        **({"modifiers": [rng.choice(catalog.MODIFIERS)]} if rng.random() < 0.2 else {}),
        "service_date": DAY,
        "diagnosis_pointers": pointed,
        "units": rng.choice((1, 1, 1, 1, 2, 3)),
        "charge_amount": round(charge * rng.uniform(0.7, 1.6), 2),
        "place_of_service": place,
    }


def ordinary_claim(rng: Random, lines: int) -> dict[str, Any]:
    """A whole claim out of scope, with stand-ins."""
    wanted = min(12, 1 + int(rng.expovariate(0.6)))
    diagnoses = list(dict.fromkeys(rng.choices(_DIAGNOSES, _DIAGNOSIS_WEIGHTS, k=wanted)))
    claim = claim_frame(rng, diagnoses)
    claim["service_lines"] = [ordinary_line(rng, n, len(diagnoses)) for n in range(1, lines + 1)]
    claim["total_charge_amount"] = total_charge(claim["service_lines"])
    return claim


def total_charge(lines: Sequence[dict[str, Any]]) -> float:
    """What the lines cost together, in dollars."""
    return float(round(sum(line["charge_amount"] for line in lines), 2))


def templates(rng: Random, seed: int, count: int) -> list[Template]:
    """The pool ordinary claims are made from; one in twenty is much larger than the rest."""
    pool = []
    for _ in range(count):
        if rng.random() < LARGE_SHARE:
            lines = rng.randint(8, 45)
        else:
            lines = rng.choices(_LINE_COUNTS, _LINE_COUNT_WEIGHTS)[0]
        pool.append(template(ordinary_claim(rng, lines), seed))
    return pool


def near_misses(rng: Random, seed: int) -> list[Template]:
    """Claims out of scope that hold what the scan looks for, so that only decoding tells."""
    pool = []
    for twist in _TWISTS:
        for _ in range(4):
            claim = ordinary_claim(rng, rng.randint(1, 4))
            twist(claim)
            pool.append(template(claim, seed, escape=twist is _accented_name))
    return pool


def template(claim: dict[str, Any], seed: int, *, escape: bool = False) -> Template:
    """Writes `claim` as JSON, its stand-ins turned into format fields.

    With `escape`, letters beyond ASCII are written as JSON escapes, as some producers do.
    """
    text = json.dumps(claim).encode() if escape else orjson.dumps(claim)
    text = text.replace(b"%", b"%%")
    fields = {
        EVENT: f"{ids(seed, 'E')}%010d", AT: "%b", CLAIM: f"{ids(seed, 'C')}%09d",
        MEMBER: f"{ids(seed, 'M')}%08d", RECEIVED: "%b", DAY: "%b",
    }  # fmt: skip
    days = text.count(DAY.encode())
    for stand_in, field in fields.items():
        text = text.replace(stand_in.encode(), field.encode())
    return Template(text, days)


def calendar(rng: Random, start: date, end: date, count: int) -> list[Dates]:
    """Dates to draw from: services between `start` and `end`, adjudicated days or weeks later."""
    span = (end - start).days + 1
    return [dates(rng, start + timedelta(rng.randrange(span))) for _ in range(count)]


def dates(rng: Random, service: date) -> Dates:
    """The dates around one service."""
    received = service + timedelta(1 + int(rng.expovariate(0.15)))
    return Dates(
        service.isoformat().encode(),
        received.isoformat().encode(),
        timestamp(rng, received + timedelta(rng.randint(0, 6))).encode(),
    )


def timestamp(rng: Random, day: date) -> str:
    """An RFC 3339 time on that day: mostly UTC, sometimes local with an offset."""
    drawn = rng.getrandbits(40)
    hour, minute, second = drawn % 24, (drawn >> 8) % 60, (drawn >> 16) % 60
    zone = ("Z", "Z", "Z", "Z", "Z", "Z", "-05:00", "+00:00")[(drawn >> 24) & 7]
    return f"{day}T{hour:02d}:{minute:02d}:{second:02d}.{(drawn >> 27) % 1000:03d}{zone}"


def _provider(rng: Random) -> dict[str, str]:
    number = int(rng.random() * 9_000)
    return {
        "npi": synthetic_npi(number),
        "taxonomy": catalog.TAXONOMIES[number % len(catalog.TAXONOMIES)],
        "name": f"Synthetic Care {number:05d}",
    }


def _charge(claim: dict[str, Any]) -> None:
    claim["service_lines"][0]["charge_amount"] = 38242.5
    claim["total_charge_amount"] = total_charge(claim["service_lines"])


def _invoice(claim: dict[str, Any]) -> None:
    claim["invoice"] = {"batch": "86999", "page": 38242}


def _denied_code(claim: dict[str, Any]) -> None:
    claim["remarks"] = "prior authorization for 38242 was withdrawn, not performed"


def _accented_name(claim: dict[str, Any]) -> None:
    claim["billing_provider"]["name"] = "Synthetic Clinique Ste-Hélène"


def _mentioned(claim: dict[str, Any]) -> None:
    claim["program"] = {"donor_lymphocyte_registry": False}


_TWISTS = (_charge, _invoice, _denied_code, _accented_name, _mentioned)
