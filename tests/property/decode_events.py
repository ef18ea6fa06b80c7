"""Events to decode: valid ones, spoilt ones, and by the book what should become of a claim."""

import copy
import json
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.property.from_schema import anything

Json = Any

BLANKS = [chr(code) for code in range(0x3001) if chr(code).isspace()]
blank = st.text(st.sampled_from(BLANKS), max_size=3)
text = st.text(max_size=12)
absent = st.none() | blank
dates = st.dates(date(2023, 1, 1), date(2025, 12, 31)).map(date.isoformat)
codes = st.sampled_from(["C92.10", "c9210", "D45", "C86.0", "z94.84", "C84.A1", "A00", "M1A.0111"])
diagnoses = st.tuples(blank, codes, blank).map("".join)
date_times = st.builds(
    "{}T{:02}:{:02}:{:02}{}{}".format,
    st.dates().map(date.isoformat),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.from_regex(r"(\.[0-9]{1,12})?", fullmatch=True),
    st.from_regex(r"[Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]", fullmatch=True),
)
numbers = st.integers(1, 2**53 - 1) | st.integers(1, 30).map(float)
specified = st.sampled_from(["genetic_modification", "collection", "cryopreservation"]).map(
    "donor_lymphocyte_{}".format
)


lines = st.fixed_dictionaries(
    {
        "line_number": st.integers(1, 9) | numbers,
        "procedure_code": st.sampled_from(["38242", "86999", "99213", "J9999", "38242X"]),
        "service_date": dates,
    },
    optional={
        "service_date_end": absent | dates,
        "diagnosis_pointers": st.none() | st.lists(st.sampled_from([1, 2, 1.0, 3]), max_size=4),
        "procedure_description": absent | text,
        "specified_as": absent | specified,
        "donor_id": absent | text,
        "modifiers": anything,
        "units": anything,
        "charge_amount": anything,
    },
)
claims = st.fixed_dictionaries(
    {
        "event_id": st.text(min_size=1, max_size=128),
        "occurred_at": date_times,
        "claim_id": st.text(min_size=1, max_size=64),
        "member_id": st.text(min_size=1, max_size=64),
        "diagnoses": st.lists(diagnoses, min_size=1, max_size=5),
        "service_lines": st.lists(lines, min_size=1, max_size=4),
    },
    optional={
        "claim_version": st.none() | numbers,
        "claim_frequency_code": absent | st.sampled_from(["1", "7", "8"]),
        "line_of_business": absent | text,
        "plan_id": absent | text,
        "state": absent | text,
        "replaced_procedure_codes": st.none() | st.lists(st.sampled_from(["38242", "99213", ""])),
        "provider": anything,
    },
)
transplants = st.fixed_dictionaries(
    {},
    optional={
        "type": absent | st.sampled_from(["allogeneic", "autologous", "syngeneic", "unknown"]),
        "status": absent | st.sampled_from(["performed", "planned", "cancelled"]),
        "conditioning": anything,
        "transplant_date": absent | dates,
        "indication": absent | text,
        "medically_necessary": st.none() | st.booleans(),
        "donor_id": absent | text,
        "source": anything,
    },
)
histories = st.fixed_dictionaries(
    {
        "event_id": st.text(min_size=1, max_size=128),
        "occurred_at": date_times,
        "member_id": st.text(min_size=1, max_size=64),
        "transplant_id": st.text(min_size=1, max_size=128),
        "transplant": transplants,
    },
    optional={"operation": absent | st.sampled_from(["upsert", "retract"])},
)

NASTY = st.one_of(
    st.sampled_from(
        [
            *(None, True, False, 0, 1, -1, 1.0, 1.5, -0.0, 2**53 - 1, 2**53, 2**53 + 0.0, 2**64),
            *(
                38242,
                86999,
                38242.0,
                "38242",
                " 38242",
                "38242\u3000",
                "86999\n",
                "\uff13\uff18\uff12\uff14\uff12",
            ),
            *("", " ", "\t\n", "\u2003\u3000", "\u200b", "\ufeff", "\x00", "\x1c", "\x85"),
            *("2024-02-29", "2023-02-29", "20240229", "2024-02-29\n", "0000-01-01", "2024-2-9"),
            *("9999-12-31", "2024-02-29T00:00:00Z", "2024-W01-1", "٢٠٢٤-01-01", "2024-13-01"),
            *("2016-12-31T23:59:60Z", "2016-12-31T22:59:60Z", "2017-01-01T00:59:60.5+01:00"),
            *("2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "2024-01-01t24:00:00z", "now"),
            *("2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00Z"),
            *("2024-01-01T00:00:00Z\n", "0000-01-01T00:00:00Z", "2024-01-01T00:00:00-00:00"),
            *("1", "5", "7", "8", "8 ", "retract", "RETRACT", "upsert", "allogeneic", "planned"),
            *("donor_lymphocyte_collection", "Donor_Lymphocyte_Collection", "collection"),
            *(
                "C92.",
                "C9.2",
                ".C92",
                "C92.10.",
                "C92..1",
                "C92.1012",
                "C92.10123",
                "\u013112",
                "\u017f12",
            ),
            *("x" * 48, "x" * 49, "x" * 64, "x" * 65, "\U0001f600" * 128, "x" * 129),
            *([], {}, [[]], [None], ["C92.10"], ["38242"], [1], [1.0], [9], ["C92.10"] * 26),
        ]
    ),
    anything,
    text,
)


@st.composite
def spoilt(draw: st.DrawFn, events: st.SearchStrategy[Json]) -> Json:
    """An event with up to three places replaced, left out, repeated or named otherwise."""
    event = copy.deepcopy(draw(events))
    for _ in range(draw(st.integers(1, 3))):
        parent, key = draw(st.sampled_from(_places(event) or [(None, None)]))
        if parent is None:
            return draw(NASTY)
        spoil = draw(st.sampled_from(["replace", "replace", "remove", "repeat", "rename"]))
        if spoil == "replace":
            parent[key] = draw(NASTY)
        elif spoil == "remove":
            del parent[key]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        elif spoil == "rename":
            parent[draw(st.sampled_from([key.upper(), f" {key}", "service_date"]))] = parent.pop(
                key
            )
    return event


def _places(event: Json) -> list[tuple[Any, Any]]:
    if isinstance(event, dict):
        pairs = list(event.items())
    elif isinstance(event, list):
        pairs = list(enumerate(event))
    else:
        return []
    here = [(event, key) for key, _ in pairs]
    return here + [place for _, value in pairs for place in _places(value)]


@st.composite
def written(draw: st.DrawFn, events: st.SearchStrategy[Json]) -> tuple[Json, bytes]:
    """An event and one of the ways to write it, as the standard library reads it back."""
    event = draw(events)
    value = json.dumps(
        event,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, None, 1])),
        separators=draw(st.sampled_from([None, (",", ":")])),
    ).encode()
    if draw(st.booleans()):
        value = b"\x00" + draw(st.binary(min_size=4, max_size=4)) + value
    return event, value


def in_scope(event: dict[str, Json]) -> bool:
    """2-events.md: a line's code reads, trimmed, as one of the two, or it has a specified_as; or
    there are replaced_procedure_codes."""

    def given(value: Json) -> bool:
        return value not in (None, [], {}) and str(value).strip() != ""

    sent = event.get("service_lines")
    candidates = sent if isinstance(sent, list) else [sent]
    return given(event.get("replaced_procedure_codes")) or any(
        given(line.get("specified_as"))
        or (
            isinstance(line.get("procedure_code"), (str, int))
            and str(line["procedure_code"]).strip() in ("38242", "86999")
        )
        for line in candidates
        if isinstance(line, dict)
    )


def contradicts_itself(event: dict[str, Json]) -> bool:
    """Rule 0, of an event that fits the schema."""
    sent = event["service_lines"]
    numbers = [line["line_number"] for line in sent]
    return len(set(numbers)) < len(numbers) or any(
        any(pointer > len(event["diagnoses"]) for pointer in line.get("diagnosis_pointers") or [])
        or "0" < (line.get("service_date_end") or "").strip() < line["service_date"]
        for line in sent
    )
