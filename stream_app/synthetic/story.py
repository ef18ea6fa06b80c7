"""From a scenario to events: a member, histories and claims with ids, dates and some noise."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

import orjson

from stream_app.synthetic import catalog, ordinary
from stream_app.synthetic.event import Event, Kind, Stream
from stream_app.synthetic.scenarios import DLI, Line, Scenario, Transplant

REDELIVERED, SHOUTED, REARRANGED, ESCAPED = 0.05, 0.1, 0.08, 0.04
"""How often an event comes twice, a code or donor id comes in odd spelling, a claim is written
with blanks, and a claim hides a digit of a code behind a JSON escape."""
LATE_HISTORY = 0.3
"""How often a member's history arrives only after the claim."""
FRAMES = 256
REACH = 24
"""How far, counted in in-scope claims, the events of one story lie from its first claim."""

_CONDITIONING = ("myeloablative", "non-myeloablative", "unknown")
_SOURCES = ("registry", "prior-authorization", "claim")


class Timed(NamedTuple):
    """An event and when it arrives, counted in stories."""

    at: float
    event: Event


class Story(NamedTuple):
    """Everything that happens to one member."""

    scenario: Scenario
    claim_id: str
    events: list[Timed]
    decides: bool
    """Whether some claim event, read in order of arrival, calls for a decision."""

    def claims(self) -> int:
        """How many claim events it has."""
        return sum(timed.event.stream is Stream.CLAIMS for timed in self.events)


class Storyteller:
    """Makes stories; the same random source and seed make the same ones."""

    def __init__(self, rng: Random, seed: int, first_member: int) -> None:
        self._rng = rng
        self._seed = seed
        self._first_member = first_member
        self._events = 0
        self._frames = [ordinary.claim_frame(rng, ()) for _ in range(FRAMES)]
        self._lines = [ordinary.ordinary_line(rng, 1, 1) for _ in range(FRAMES)]
        for frame in self._frames:
            frame["rendering_provider"]["taxonomy"] = catalog.TRANSPLANT_TAXONOMY

    def tell(self, scenario: Scenario, number: int, service: date, *, once: bool = False) -> Story:
        """Tells the story numbered `number`.

        With `once` no claim event is redelivered: there are as many as the scenario has.
        """
        member = f"{ordinary.ids(self._seed, 'M')}{self._first_member + number:08d}"
        claim_id = f"{ordinary.ids(self._seed, 'C')}9{number:08d}"
        history = self._history(scenario, number, member, service)
        events = [Timed(number + at, event) for at, event in history]
        decides = False
        for at, event, calls in self._claims(scenario, claim_id, member, service, once=once):
            events.append(Timed(number + at, event))
            decides = decides or calls
        return Story(scenario, claim_id, events, decides)

    def _claims(
        self, scenario: Scenario, claim_id: str, member: str, service: date, *, once: bool
    ) -> Iterator[tuple[float, Event, bool]]:
        rng = self._rng
        received = service + timedelta(rng.randint(2, 20))
        last = self.claim(scenario.lines, claim_id, member, service, received + timedelta(9))
        last["claim_frequency_code"] = scenario.frequency
        calls = scenario.outcome is not None
        if scenario.earlier:
            first = self.claim(scenario.earlier, claim_id, member, service, received)
            last["claim_version"] = 2
            if not scenario.lines and scenario.frequency == "7":
                last["replaced_procedure_codes"] = sorted({line.code for line in scenario.earlier})
            elif not scenario.lines or scenario.frequency == "8":
                last["service_lines"] = first["service_lines"]
            late = scenario.earlier_arrives_last
            yield rng.uniform(1, REACH) if late else 0.0, self._claim_event(first), not late
            yield 0.0 if late else rng.uniform(1, REACH), self._claim_event(last), calls
            return
        event = self._claim_event(last)
        yield 0.0, event, calls
        if not once and rng.random() < REDELIVERED:
            yield rng.uniform(0.5, REACH), event, calls

    def claim(
        self, lines: Sequence[Line], claim_id: str, member: str, service: date, received: date
    ) -> dict[str, Any]:
        """A claim with those in-scope lines among ordinary ones, as a JSON object."""
        rng = self._rng
        drawn = [self._diagnoses(line) for line in lines]
        beside = [rng.choice(catalog.DIAGNOSES)[0] for _ in range(rng.getrandbits(1) + (not lines))]
        diagnoses = list(dict.fromkeys(code for codes in drawn for code in codes)) + beside
        first = {"service_date": service.isoformat()}
        written = [rng.choice(self._lines) | first for _ in range(rng.getrandbits(1) + (not lines))]
        for line, codes in zip(lines, drawn, strict=True):
            pointers = [diagnoses.index(code) + 1 for code in codes]
            written.append(first | self._line(line, pointers, service, member))
        for number, line_written in enumerate(written, 1):
            line_written["line_number"] = number
        return rng.choice(self._frames) | {
            "event_id": self._next_event_id(),
            "occurred_at": ordinary.timestamp(rng, received),
            "claim_id": claim_id,
            "member_id": member,
            "received_date": received.isoformat(),
            "diagnoses": [self._spelled(code) for code in diagnoses],
            "service_lines": written,
            "total_charge_amount": ordinary.total_charge(written),
        }

    def _line(self, line: Line, pointers: list[int], service: date, member: str) -> dict[str, Any]:
        most = 5200 if line.code == DLI else 2400
        written: dict[str, Any] = {
            "line_number": 0,
            "procedure_code": line.code,
            "diagnosis_pointers": pointers,
            "units": 1,
            "charge_amount": round(most * self._rng.uniform(0.4, 1), 2),
            "place_of_service": "22",
            "procedure_description": line.description,
            "specified_as": line.specified_as and line.specified_as.value,
            "donor_id": self._donor(line.donor, member),
        }
        if line.days > 1:
            written["service_date_end"] = (service + timedelta(line.days - 1)).isoformat()
        return written

    def _history(
        self, scenario: Scenario, number: int, member: str, service: date
    ) -> Iterator[tuple[float, Event]]:
        rng = self._rng
        late = rng.random() < LATE_HISTORY
        for index, transplant in enumerate(scenario.history):
            record_id = f"{ordinary.ids(self._seed, 'T')}{number:07d}-{index}"
            known = max(service, date(2020, 1, 1)) - timedelta(rng.randint(0, 40))
            steps = [self.upsert(member, record_id, transplant, service, known)]
            if transplant.was is not None:
                older = known - timedelta(rng.randint(2, 90))
                steps.append(self.upsert(member, record_id, transplant.was, service, older))
            if transplant.retracted:
                later = known + timedelta(3)
                steps.append(self._event(member, record_id, later, operation="retract"))
            for value in steps:
                event = Event(Stream.HISTORY, record_id.encode(), orjson.dumps(value), Kind.HISTORY)
                for _ in range(2 if rng.random() < REDELIVERED else 1):
                    yield rng.uniform(0.5, REACH) if late else -rng.uniform(0.5, REACH), event

    def upsert(
        self, member: str, record_id: str, transplant: Transplant, service: date, known: date
    ) -> dict[str, Any]:
        """What a source says of a transplant, as a history event that is a JSON object."""
        day = None if transplant.day is None else service + timedelta(transplant.day)
        record = {
            "type": transplant.type,
            "status": transplant.status,
            "conditioning": self._rng.choice(_CONDITIONING),
            "transplant_date": day and day.isoformat(),
            "indication": transplant.indication and self._spelled(transplant.indication),
            "medically_necessary": transplant.necessary,
            "donor_id": self._donor(transplant.donor, member),
            "source": self._rng.choice(_SOURCES),
        }
        return self._event(member, record_id, known, operation="upsert", transplant=record)

    def _event(self, member: str, record_id: str, day: date, **rest: Any) -> dict[str, Any]:
        head = {
            "event_id": self._next_event_id(),
            "occurred_at": ordinary.timestamp(self._rng, day),
            "member_id": member,
            "transplant_id": record_id,
        }
        return head | rest

    def _claim_event(self, claim: dict[str, Any]) -> Event:
        value = orjson.dumps(claim)
        draw = self._rng.random()
        if draw < REARRANGED:
            value = json.dumps(dict(reversed(claim.items()))).encode()
        elif draw < REARRANGED + ESCAPED:
            value = value.replace(b'"38242"', b'"\\u00338242"')
        return Event(Stream.CLAIMS, claim["claim_id"].encode(), value, Kind.IN_SCOPE)

    def _diagnoses(self, line: Line) -> list[str]:
        return list(line.diagnoses) if line.all_diagnoses else [self._rng.choice(line.diagnoses)]

    def _donor(self, donor: str | None, member: str) -> str | None:
        if donor is None:
            return None
        donor_id = f"{member}-DONOR-{donor}"
        return f" {donor_id.lower()} " if self._rng.random() < SHOUTED else donor_id

    def _spelled(self, code: str) -> str:
        if self._rng.random() >= SHOUTED:
            return code
        return self._rng.choice((code.lower(), code.replace(".", ""), f" {code}"))

    def _next_event_id(self) -> str:
        self._events += 1
        return f"{ordinary.ids(self._seed, 'E')}S{self._events:09d}"
