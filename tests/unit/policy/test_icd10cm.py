"""The ICD-10-CM table, held against PyPI's simple-icd-10-cm (April 2026 release)."""

import warnings
from datetime import date

import pytest

from stream_app.domain.codes import Icd10Code, dotted, indication_code, published_code
from stream_app.policy.icd10cm import load_icd10_table

with warnings.catch_warnings():
    # The package reads its data in a way that newer Pythons frown upon.
    warnings.simplefilter("ignore", DeprecationWarning)
    import simple_icd_10_cm as icd

TABLE = load_icd10_table()
RELEASE = date(2026, 4, 1)
CATEGORIES = sorted({row.code[:3] for row in TABLE.rows})


def released(category: str) -> list[str]:
    """The billable codes of a category in the package's order, which is tabular."""
    return [code for code in icd.get_descendants(category) or [category] if icd.is_leaf(code)]


def test_valid_codes_are_those_of_the_release_in_its_order() -> None:
    ours = [dotted(row.code) for row in TABLE.rows if row.valid_on(RELEASE)]
    in_release_order = sorted(
        (code for category in CATEGORIES for code in released(category)), key=icd.get_index
    )
    assert ours == in_release_order


@pytest.mark.parametrize(
    "block", ["C81-C96", "D45-D47", "Z85", "Z94"], ids=lambda block: f"block {block}"
)
def test_table_has_every_category_of_its_blocks(block: str) -> None:
    first, last = block[:3], block[-3:]
    in_release = {
        code
        for code in icd.get_all_codes()
        if len(code) == 3 and icd.is_category(code) and first <= code <= last
    }
    assert in_release <= set(CATEGORIES)


def test_retired_codes_are_headers_in_the_release() -> None:
    retired = [row for row in TABLE.rows if row.valid_through]
    assert retired
    for row in retired:
        assert icd.is_valid_item(dotted(row.code))
        assert not icd.is_leaf(dotted(row.code))


def test_positions_are_those_of_the_rows() -> None:
    assert [row.position for row in TABLE.rows] == list(range(1, len(TABLE.rows) + 1))
    assert len({row.code for row in TABLE.rows}) == len(TABLE.rows)


def test_lettered_subcategories_stand_before_ninety() -> None:
    for letter, ninety in (("C84A0", "C8490"), ("C84Z0", "C8490"), ("C91A0", "C9190")):
        assert TABLE[Icd10Code(letter)].position < TABLE[Icd10Code(ninety)].position


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("C92.10", "C9210"),
        ("D45", "D45"),
        ("C92.", None),
        ("C9210", None),
        ("c92.10", None),
        ("C92.10 ", None),
        ("C9.210", None),
    ],
)
def test_published_code_is_read_only_when_spelt_as_printed(text: str, code: str | None) -> None:
    assert published_code(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" c9210\t", "C9210"),
        ("C92.10", "C9210"),
        ("C92", "C92"),
        ("Q99.9", "Q999"),
        ("R00.0", None),
        ("Z94.84", None),
        ("C9", None),
        ("C92.", None),
        ("C92..1", None),
        ("E879.0", None),
        ("205.10", None),
        ("C92.10 AML", None),
        ("C92.12345", None),
        ("\u212792.10", None),
        ("C9\u0662", None),
        ("", None),
    ],
)
def test_indication_is_a_disease_code_only_when_shaped_like_one(
    text: str, code: str | None
) -> None:
    assert indication_code(text) == code
