"""Claims and histories to measure with: the truth about them is known by construction.

Compact JSON of 910 bytes, as a platform would send it. One claim in so many carries an in-scope
code; ids and charges hold digits enough that a code also stands inside some longer number now
and then, which a search must not fall for.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct

MEMBERS = 20_000
"""Members with a history; every in-scope claim is of one of them."""

_HEAD = (
    b'{"event_id":"evt-%010d-%08x","occurred_at":"2025-03-%02dT%02d:%02d:%02d.%03dZ",'
    b'"claim_id":"CLM%012d","claim_version":1,"claim_frequency_code":"1","member_id":"%b",'
    b'"line_of_business":"commercial","plan_id":"PLN-%03d","state":"CO",'
    b'"claim_type":"professional","billing_provider":{"npi":"%010d","taxonomy":"207RH0003X"},'
    b'"received_date":"2025-02-%02d","patient_control_number":"PCN%010d",'
    b'"diagnoses":["C92.01","%b"],"replaced_procedure_codes":null,"service_lines":['
)
_SLIM_HEAD = (
    b'{"event_id":"e%d-%x","occurred_at":"2025-03-%02dT%02d:%02d:%02d.%03dZ","claim_id":"CLM%012d",'
    b'"member_id":"%b","diagnoses":["C92.01","%b"],"service_lines":['
)
"""Of claims too small for all that: nothing but what the contract asks for."""
_SLIM_LINE = b'{"line_number":%d,"procedure_code":"%b","service_date":"2025-01-%02d","donor_id":%b}'
_SLIM_TAIL = b'],"remarks":"%b"}'
_FULL_BYTES = 760
_LINE = (
    b'{"line_number":%d,"procedure_code":"%b","service_date":"2025-01-%02d",'
    b'"diagnosis_pointers":[1,2],"procedure_description":null,"specified_as":null,'
    b'"donor_id":%b,"units":1,"charge_amount":%d.%02d,"place_of_service":"22"}'
)
_TAIL = b'],"total_charge_amount":%d.%02d,"remarks":"%b"}'
_CODES = (b"99213", b"99214", b"85025", b"80053", b"36415", b"96413", b"J9271", b"38221")
_DONOR = b'"DNR-1"'
_DIAGNOSES = (b"Z94.84", b"E11.9", b"I10", b"D64.9", b"R50.9", b"Z51.11")
_WORDS = b"claim received by clearinghouse and forwarded to the payer for adjudication; "


class Shape(Struct, frozen=True):
    """One kind of data to measure on.

    Attributes:
        name: how the results call it.
        one_in: one claim in so many is in scope; 0: none.
        codec: of the record batches.
        batch_records: records a batch.
        claim_bytes: size of one value, on average.
        partitions: of the claims topic.
    """

    name: str
    one_in: int = 10_000
    codec: str = "lz4"
    batch_records: int = 650
    claim_bytes: int = 910
    partitions: int = 4

    def holds(self, number: int) -> bool:
        """Whether the claim with this number is in scope."""
        return bool(self.one_in) and number % self.one_in == self.one_in // 2

    def truth(self, count: int) -> set[str]:
        """The ids of the in-scope claims among the first `count`."""
        if not self.one_in:
            return set()
        return {claim_id(number) for number in range(self.one_in // 2, count, self.one_in)}


class Keyed(NamedTuple):
    """A record to produce."""

    key: bytes
    value: bytes
    partition: int


def claim_id(number: int) -> str:
    """The id of the claim with this number."""
    return f"CLM{number:012d}"


def member(number: int) -> bytes:
    """The id of a member. Those below `MEMBERS` have a history."""
    return b"MBR%09d" % number


def partition_of(key: bytes, partitions: int) -> int:
    """Where a member's claims and history lie: the same for both, as one-hop peers need it."""
    return crc32(key) % partitions


def claims(shape: Shape, count: int, seed: int = 1) -> Iterator[Keyed]:
    """The first `count` claims of a shape, keyed by member."""
    rng = Random(seed)
    bits = rng.getrandbits
    write = _full if shape.claim_bytes >= _FULL_BYTES else _slim
    lines = max(1, round((shape.claim_bytes - 640) / 212))
    room = shape.claim_bytes - (544 + 211 * lines if write is _full else 281)
    remarks = (_WORDS * (room // len(_WORDS) + 1))[: max(0, room)]
    for number in range(count):
        in_scope = shape.holds(number)
        who = member(number // max(1, shape.one_in) % MEMBERS if in_scope else bits(27))
        codes = [
            b"38242" if in_scope else _CODES[bits(3)],
            *[_CODES[bits(3)] for _ in range(lines - 1)],
        ]
        value = write(number, who, codes, bits(62), remarks)
        yield Keyed(who, value, partition_of(who, shape.partitions))


def _full(number: int, who: bytes, codes: list[bytes], noise: int, remarks: bytes) -> bytes:
    head = _HEAD % (
        number,
        noise & 0xFFFFFFFF,
        1 + noise % 28,
        noise % 24,
        noise % 60,
        noise % 59,
        noise % 1000,
        number,
        who,
        noise % 200,
        1_000_000_000 + noise % 999_999_999,
        1 + noise % 28,
        noise % 10_000_000_000,
        _DIAGNOSES[noise % 6],
    )
    lines = [
        _LINE
        % (
            place + 1,
            code,
            1 + noise % 28,
            _DONOR if code == b"38242" else b"null",
            100 + (noise >> place) % 90_000,
            noise % 100,
        )
        for place, code in enumerate(codes)
    ]
    return head + b",".join(lines) + _TAIL % (noise % 100_000, noise % 100, remarks)


def _slim(number: int, who: bytes, codes: list[bytes], noise: int, remarks: bytes) -> bytes:
    head = _SLIM_HEAD % (
        number,
        noise & 0xFFFFFFFF,
        1 + noise % 28,
        noise % 24,
        noise % 60,
        noise % 59,
        noise % 1000,
        number,
        who,
        _DIAGNOSES[noise % 6],
    )
    donor = _DONOR if codes[0] == b"38242" else b"null"
    return head + _SLIM_LINE % (1, codes[0], 1 + noise % 28, donor) + _SLIM_TAIL % remarks


def histories(partitions: int) -> Iterator[Keyed]:
    """One transplant for every member that has a history."""
    for number in range(MEMBERS):
        who = member(number)
        value = (
            b'{"event_id":"hist-%09d","occurred_at":"2024-07-01T00:00:00Z","member_id":"%b",'
            b'"transplant_id":"TX%09d","operation":"upsert","transplant":{"type":"allogeneic",'
            b'"status":"performed","conditioning":"myeloablative","transplant_date":"2024-06-01",'
            b'"indication":"C92.00","medically_necessary":true,"donor_id":"DNR-1"}}'
        ) % (number, who, number)
        yield Keyed(who, value, partition_of(who, partitions))
