"""The scan's edges, one by one."""

import random
import struct
from collections import Counter

import cramjam
import pytest
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.util import calc_crc32c
from google_crc32c import value as crc32c

from stream_app.pipeline.scope import PROCEDURE_CODES
from stream_app.worker.scan import BatchScanner, PlainScanner, Sampler, read_all
from stream_app.worker.scan.search import NEEDLES
from tests.property.scan_batches import CODECS, NO_TEXT, Log, Rec, fetched, seal, v2_batch

CLAIM = b'{"service_lines":[{"procedure_code":"99213"}],"claim_id":"c"}'
IN_SCOPE = CLAIM.replace(b"99213", b"38242")

both = pytest.mark.parametrize("scanner", [BatchScanner(), PlainScanner()], ids=["fast", "plain"])


def batch_of(*values: bytes | None, codec: str = "none", base: int = 0) -> bytes:
    return v2_batch([Rec(value) for value in values], base, codec=CODECS[codec])[0]


@pytest.mark.parametrize("codec", CODECS)
def test_batch_is_skipped_when_nothing_in_it_is_in_scope(codec: str):
    """Its records are counted and none is located."""
    batch = batch_of(*[CLAIM] * 500, codec=codec)
    result = BatchScanner().scan(fetched(batch))
    assert (result.seen, result.records, result.to_offset) == (500, [], 500)
    assert (result.batches, result.skipped_batches, result.plain_batches) == (1, 1, 0)
    assert result.wire_bytes == len(batch)


@pytest.mark.parametrize("at", [0, 137, 299], ids=["first", "amid", "last"])
@pytest.mark.parametrize("codec", CODECS)
def test_only_the_claim_in_scope_is_delivered_when_it_lies_among_others(codec: str, at: int):
    values = [CLAIM] * 300
    values[at] = IN_SCOPE
    result = BatchScanner().scan(fetched(batch_of(*values, codec=codec)))
    assert [(one.offset, one.value) for one in result.records] == [(at, IN_SCOPE)]
    assert (result.seen, result.skipped_batches, result.plain_batches) == (300, 0, 0)


def test_batch_is_skipped_when_a_code_stands_inside_longer_numbers_only():
    """The usual false hit must not cost a walk through the batch."""
    values = [CLAIM.replace(b'"c"', b'"%d38242%d"' % (n, n)) for n in range(1, 200, 2)]
    result = BatchScanner().scan(fetched(batch_of(*values, codec="lz4")))
    assert (result.seen, result.records) == (100, [])
    assert result.skipped_batches == 1


@both
@pytest.mark.parametrize("code", sorted(PROCEDURE_CODES))
@pytest.mark.parametrize("neighbour", range(128))
def test_code_is_found_when_framing_around_the_value_looks_like_text(
    scanner, code: str, neighbour: int
):
    """The length before a value and the number of headers behind it may be letters as bytes."""
    for size in (5, neighbour // 2):
        value = code.encode() + b" " * max(0, size - 5)
        turned = value[5:] + value[:5]
        headers = (("", b""),) * (neighbour // 2)
        for one in (value, turned):
            batch, _ = v2_batch([Rec(CLAIM), Rec(one, b"k", headers), Rec(CLAIM)], 0)
            assert [found.offset for found in scanner.scan(fetched(batch)).records] == [1]


@both
def test_claim_is_left_out_when_a_code_stands_in_key_or_headers_only(scanner):
    batch, _ = v2_batch([Rec(CLAIM, b"38242", (("86999", b"38242"),))], 0)
    assert scanner.scan(fetched(batch)).records == []


def no_text_batch() -> bytes:
    """One claim in scope, one out of scope; offsets 0 to 7 and 9 were compacted away."""
    headers = ((NO_TEXT, b"v"),)
    return v2_batch([Rec(IN_SCOPE, headers=headers, gap=8), Rec(CLAIM, gap=1)], 0)[0]


@both
@pytest.mark.parametrize("position", [0, 5], ids=["from its start", "from its middle"])
def test_claim_is_delivered_when_a_header_name_is_no_text(scanner, position: int):
    """Kafka lets any bytes be a name; aiokafka's own reader raises and would block for ever.

    Nor may that reader be asked how many records are left of a compacted batch.
    """
    result = scanner.scan(fetched(no_text_batch(), position))
    (record,) = result.records
    assert record.headers == (("\ufffd" * 3, b"v"),)
    assert (record.offset, result.seen, result.to_offset) == (8, 2, 11)
    assert result.plain_batches == 0


def test_all_records_are_read_when_a_header_name_is_no_text():
    """Topics that are not scanned go the same way."""
    assert [record.offset for record in read_all(fetched(no_text_batch(), 5))] == [8, 10]


def test_every_record_is_read_when_header_names_are_text():
    """By aiokafka then, whose reader is faster over all records."""
    batch, _ = v2_batch([Rec(IN_SCOPE, headers=(("n", b"v"),)), Rec(None)], 3)
    records = read_all(fetched(batch, 3))
    assert [(r.offset, r.value, tuple(r.headers)) for r in records] == [
        (3, IN_SCOPE, (("n", b"v"),)),
        (4, None, ()),
    ]


@both
def test_scan_raises_when_a_bit_of_the_records_has_flipped(scanner):
    batch = bytearray(batch_of(*[CLAIM] * 5))
    batch[100] ^= 4
    with pytest.raises(CorruptRecordException):
        scanner.scan(fetched(bytes(batch)))


def test_scan_reads_on_when_checksums_are_not_to_be_checked():
    batch = bytearray(batch_of(IN_SCOPE))
    batch[17] ^= 4  # the checksum itself
    (record,) = BatchScanner().scan(fetched(bytes(batch), check_crcs=False)).records
    assert record.value == IN_SCOPE


@both
def test_scan_raises_when_lengths_do_not_add_up_though_the_checksum_fits(scanner):
    batch = bytearray(batch_of(IN_SCOPE, IN_SCOPE))
    batch[61] ^= 2  # the first record's length
    with pytest.raises(CorruptRecordException):
        scanner.scan(fetched(seal(batch, 0)))


@both
@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_scan_raises_when_compressed_data_ends_early_though_the_checksum_fits(scanner, codec: str):
    batch = bytearray(batch_of(*[CLAIM] * 50, codec=codec))[:-12]
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    with pytest.raises((CorruptRecordException, cramjam.DecompressionError, EOFError)):
        scanner.scan(fetched(seal(batch, 0)))


@both
def test_scan_raises_when_the_codec_is_unknown(scanner):
    batch = bytearray(batch_of(IN_SCOPE))
    batch[22] |= 7
    with pytest.raises(UnsupportedCodecError):
        scanner.scan(fetched(seal(batch, 0)))


@both
def test_nothing_moves_when_no_batch_is_whole(scanner):
    result = scanner.scan(fetched(batch_of(CLAIM, base=7)[:-1], 7))
    assert (result.from_offset, result.to_offset, result.seen) == (7, 7, 0)


@both
def test_position_moves_when_only_a_marker_was_fetched(scanner):
    log = Log(next_offset=41)
    log.append_marker(9, abort=True)
    result = scanner.scan(log.fetch(41, read_committed=True))
    assert (result.to_offset, result.seen, result.batches, result.plain_batches) == (42, 0, 0, 0)


@pytest.mark.parametrize("linked", [False, True], ids=["independent", "linked"])
@pytest.mark.parametrize("checksum", [False, True], ids=["bare", "checksum"])
@pytest.mark.parametrize("stored", [False, True], ids=["packed", "incompressible"])
def test_lz4_frame_is_read_when_its_producer_made_it_in_another_way(
    linked: bool, checksum: bool, stored: bool
):
    """Blocks that lean on each other, a checksum behind them, blocks stored as they are."""
    noise = random.Random(2).randbytes(200_000) if stored else b"x" * 200_000
    batch = bytearray(batch_of(noise, IN_SCOPE))
    packer = cramjam.lz4.Compressor(level=1, content_checksum=checksum, block_linked=linked)
    packer.compress(bytes(batch[61:]))
    batch[61:] = bytes(packer.finish())
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    batch[22] |= CODECS["lz4"]
    result = BatchScanner().scan(fetched(seal(batch, 0)))
    assert [one.value for one in result.records] == [IN_SCOPE]
    assert result.plain_batches == 0


def test_lz4_frame_is_read_when_its_blocks_are_large():
    """Producers choose between 64 KiB and 4 MiB a block."""
    batch = bytearray(batch_of(CLAIM * 4000, IN_SCOPE))
    block = cramjam.lz4.compress_block(bytes(batch[61:]), store_size=False)
    header = struct.pack("<IBBB", 0x184D2204, 0x60, 0x70, 0x73)
    batch[61:] = header + struct.pack("<I", len(block)) + bytes(block) + bytes(4)
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    batch[22] |= CODECS["lz4"]
    result = BatchScanner().scan(fetched(seal(batch, 0)))
    assert [one.value for one in result.records] == [IN_SCOPE]
    assert result.plain_batches == 0


@pytest.mark.parametrize("flags", [0x00, 0x04, 0x10, 0x14], ids=hex)
@pytest.mark.parametrize("kind", [0x40, 0x60], ids=["linked", "independent"])
def test_lz4_frame_is_read_when_it_holds_one_block(kind: int, flags: int):
    """A checksum of the content (4) and of each block (16) may stand behind it."""
    batch = bytearray(batch_of(*[CLAIM] * 9, IN_SCOPE))
    block = bytes(cramjam.lz4.compress_block(bytes(batch[61:]), store_size=False))
    block_sum = b"sum1" if flags & 0x10 else b""
    content_sum = b"sum2" if flags & 0x04 else b""
    header = struct.pack("<IBBBI", 0x184D2204, kind | flags, 0x40, 0x3F, len(block))
    batch[61:] = header + block + block_sum + bytes(4) + content_sum
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    batch[22] |= CODECS["lz4"]
    result = BatchScanner().scan(fetched(seal(batch, 0)))
    assert [one.value for one in result.records] == [IN_SCOPE]
    assert result.plain_batches == 0


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_all_frames_are_read_when_a_payload_has_several(codec: str):
    """What the frame behind the first one holds would otherwise be passed over unseen."""
    batch = bytearray(batch_of(*[CLAIM] * 50, IN_SCOPE))
    records, packer = bytes(batch[61:]), getattr(cramjam, codec)
    batch[61:] = bytes(packer.compress(records[:700])) + bytes(packer.compress(records[700:]))
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    batch[22] |= CODECS[codec]
    result = BatchScanner().scan(fetched(seal(batch, 0)))
    assert [one.value for one in result.records] == [IN_SCOPE]
    assert result.plain_batches == 0


def test_large_batch_is_read_when_it_does_not_fit_the_scratch_memory():
    for codec in ("lz4", "zstd"):
        batch = batch_of(b" " * 9_000_000, IN_SCOPE, codec=codec)
        result = BatchScanner().scan(fetched(batch))
        assert [one.offset for one in result.records] == [1]
        assert result.plain_batches == 0


def test_records_outlive_the_scan_when_memory_is_used_again():
    scanner = BatchScanner()
    first = scanner.scan(fetched(batch_of(*[IN_SCOPE] * 50, codec="lz4"))).records
    second = scanner.scan(fetched(batch_of(*[b"#" * len(IN_SCOPE)] * 40, codec="lz4")))
    assert (second.skipped_batches, second.records) == (1, [])
    assert {one.value for one in first} == {IN_SCOPE}


def test_no_needle_hides_another_when_matches_may_not_overlap():
    """The automaton reports matches that do not overlap: no needle may begin inside another."""
    for one in NEEDLES:
        for other in NEEDLES:
            for shift in range(0 if one != other else 1, len(one)):
                rest = one[shift:]
                assert not rest.startswith(other), (one, other)
                assert not other.startswith(rest), (one, other)


def test_needles_are_four_so_that_the_automaton_is_vectorised():
    """With fewer it falls back to a slower search; what they are is the predicate's business."""
    assert len(NEEDLES) == 4


def test_checksums_of_both_libraries_agree_when_bytes_are_any():
    data = random.Random(3).randbytes(10_000)
    assert crc32c(data) == calc_crc32c(data)


def test_samples_are_skipped_records_only_when_every_record_may_be_drawn():
    values = [IN_SCOPE, CLAIM, None] * 40
    scanner = BatchScanner(Sampler(rate=1, per_second=1e9))
    samples = [
        sample for _ in range(50) for sample in scanner.scan(fetched(batch_of(*values))).samples
    ]
    assert samples
    assert {sample.value for sample in samples} <= {CLAIM, None}


def draws(sampler: Sampler, skipped: int, partition: int) -> bool:
    """One fetch of one batch."""
    sampler.begin(partition)
    return sampler.draws(skipped)


def test_sampling_stays_within_its_budget_when_the_backlog_is_long():
    now = [0.0]
    sampler = Sampler(rate=1, per_second=5, clock=lambda: now[0], rng=random.Random(4))
    drawn = 0
    for second in range(100):
        now[0] = float(second)
        drawn += sum(draws(sampler, 650, 0) for _ in range(1000))
    assert 495 <= drawn <= 505


def test_sampling_draws_its_share_when_there_is_budget():
    sampler = Sampler(rate=0.01, per_second=1e9, rng=random.Random(5))
    drawn = sum(draws(sampler, 1, 0) for _ in range(100_000))
    assert 800 < drawn < 1200


def test_nothing_is_sampled_when_the_rate_is_zero():
    now = [0.0]
    sampler = Sampler(rate=0, clock=lambda: now[0])
    for _ in range(1000):
        now[0] += 60
        assert not draws(sampler, 10**6, 0)


def test_nothing_is_drawn_when_nothing_was_skipped():
    now = [0.0]
    sampler = Sampler(rate=1, clock=lambda: now[0])
    for _ in range(100):
        now[0] += 60
        assert not draws(sampler, 0, 0)


def test_every_partition_is_sampled_when_it_brings_a_trickle_only():
    """Where a share of the records alone would draw nothing for hours."""
    now = [0.0]
    sampler = Sampler(rate=0.0001, clock=lambda: now[0], rng=random.Random(6))
    drawn = Counter[int]()
    for second in range(60):
        now[0] = float(second)
        for partition in range(12):
            drawn[partition] += draws(sampler, 1, partition)
    assert set(drawn) == set(range(12))
    assert min(drawn.values()) > 25


@pytest.mark.parametrize("rate", [5, 1_000, 1_000_000], ids=lambda rate: f"{rate}-a-second")
@pytest.mark.parametrize("partitions", [1, 12, 200])
def test_producer_gone_wrong_is_met_within_a_minute_when_it_sends_one_claim_in_twenty(
    rate: int, partitions: int
):
    """At a trickle and at full speed; the clock is the test's own. At most 25 looks a second."""
    met, looked = [], 0
    for seed in range(3):
        rng, now = random.Random(seed), [0.0]
        sampler = Sampler(rate=0.0001, clock=lambda now=now: now[0], rng=rng)
        wrong = 0
        for second in range(60):
            for partition in range(partitions):
                now[0] = second + partition / partitions
                share = rate / partitions
                count = int(share) + (rng.random() < share % 1)
                for batch in range(0, count, 650):
                    drawn = draws(sampler, min(650, count - batch), partition)
                    looked += drawn
                    wrong += drawn and rng.random() < 0.05
        met.append(wrong > 0)
    assert all(met)
    assert looked <= 3 * 61 * 25
