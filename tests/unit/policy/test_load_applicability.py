"""Applicability files: the documented format loads, what is malformed is refused."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from stream_app.policy.applicability import Applicability, Precedence
from stream_app.policy.faults import PolicyError
from stream_app.policy.load import load_applicability
from tests.unit.policy.test_load_policies import FAULT

EXAMPLE = Path(__file__).parents[3] / "docs" / "applicability.example.yaml"
MALFORMED = Path(__file__).parent / "malformed_applicability"


@pytest.mark.parametrize("path", sorted(MALFORMED.iterdir()), ids=lambda path: path.stem)
def test_file_is_refused_with_every_fault_when_malformed(path: Path) -> None:
    expected = Counter(
        (number, problem)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := FAULT.search(line))
        for problem in match[1].split(" | ")
    )
    with pytest.raises(PolicyError) as caught:
        load_applicability(path)
    assert Counter((fault.line, fault.problem) for fault in caught.value.faults) == expected


def test_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"^nowhere\.yaml: cannot be read: No such file"):
        load_applicability(tmp_path / "nowhere.yaml")


def test_guideline_is_adopted_everywhere_without_a_file() -> None:
    assert load_applicability(None) == Applicability()
    standing = Applicability().standing("commercial", "P", "NY", date(2025, 1, 1))
    assert (standing.adopted, standing.takes_precedence) == (True, ())
    assert standing.adverse_determination is None


def test_example_says_what_its_comments_say() -> None:
    example = load_applicability(EXAMPLE)
    day = date(2025, 6, 30)
    assert not example.standing(None, "plan-0042", None, day).adopted
    assert example.standing(None, "PLAN-0043", None, day).adopted
    law = example.standing("commercial", None, "NY", day)
    assert law.takes_precedence == (Precedence.STATE_LAW,)
    assert example.standing("commercial", None, "NY", date(2025, 7, 1)).takes_precedence == ()
    assert example.standing(None, None, "NY", day).takes_precedence == ()
    assert example.standing(None, None, "CA", day).adverse_determination == "review"
