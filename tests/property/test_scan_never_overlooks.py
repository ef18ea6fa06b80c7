"""Whatever JSON the full decoder finds in scope passes the scan, however it is spelt.

Two spellings are left out on purpose, since nothing in their bytes points at the guideline
(`stream_app.pipeline.scope` says so): a `specified_as` that is not of the contract, and
`replaced_procedure_codes` of other codes only. `event` makes neither.
"""

import random

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.pipeline.scope import is_in_scope
from stream_app.worker.scan import BatchScanner
from tests.property.scan_batches import CODECS, Rec, fetched, v2_batch
from tests.property.scan_strategies import event, spell

SCANNER = BatchScanner()


@settings(max_examples=500)
@given(st.integers(0, 2**32), st.sampled_from(list(CODECS.values())))
def test_scan_delivers_the_claim_when_the_decoder_finds_it_in_scope(seed: int, codec: int):
    """Whitespace, key order, escapes in codes and keys, numbers, padding, Confluent framing."""
    rng = random.Random(seed)
    values = [spell(event(rng), rng) for _ in range(rng.randrange(1, 30))]
    batch, _ = v2_batch([Rec(value) for value in values], 0, codec=codec)

    delivered = {record.offset for record in SCANNER.scan(fetched(batch)).records}

    for offset, value in enumerate(values):
        text = value[5:] if value.startswith(b"\0") else value
        if is_in_scope(orjson.loads(text)):
            assert offset in delivered, value


def test_generated_claims_reach_both_sides_when_many_are_drawn():
    """The test above would prove nothing if its claims were all in scope, or none."""
    found = [is_in_scope(event(random.Random(seed))) for seed in range(300)]
    assert 30 < sum(found) < 270
