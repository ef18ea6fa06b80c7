"""Synthetic provider numbers."""

import pytest

from stream_app.synthetic.npi import PREFIX, luhn_check_digit, synthetic_npi


def luhn_sum(digits: str) -> int:
    """Luhn's sum as the standard describes it, written the other way round than ours."""
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled)


def test_check_digit_is_the_known_one_when_number_is_the_standards_own_example() -> None:
    """The NPI standard works out 123456789 to the check digit 3."""
    assert luhn_check_digit(PREFIX + "123456789") == 3


@pytest.mark.parametrize("number", [0, 1, 7, 99, 12345, 8_999, 38_242, 99_999_999])
def test_npi_checks_out_when_summed_independently(number: int) -> None:
    """Ten digits, the sum over prefix and number divisible by ten."""
    npi = synthetic_npi(number)
    assert len(npi) == 10
    assert npi.isdigit()
    assert luhn_sum(PREFIX + npi) % 10 == 0


def test_npi_cannot_be_a_real_providers() -> None:
    """Numbers given out so far begin with 1."""
    assert synthetic_npi(5).startswith("2")


def test_luhn_notices_when_one_digit_is_wrong() -> None:
    """The test's own sum must be able to fail."""
    npi = synthetic_npi(12345)
    wrong = npi[:4] + str((int(npi[4]) + 1) % 10) + npi[5:]
    assert luhn_sum(PREFIX + wrong) % 10 != 0
