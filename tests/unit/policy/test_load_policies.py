"""Version files: what is shipped loads, what is malformed is refused with all its faults."""

import re
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.history import Transplant, TransplantType
from stream_app.domain.instant import Instant
from stream_app.errors import UsageError
from stream_app.pipeline.decide import Decider
from stream_app.policy import load
from stream_app.policy.faults import PolicyError
from stream_app.policy.load import load_policies
from stream_app.policy.model import GuidelineVersion

SHIPPED = Path(load.__file__).parent / "cg_trans_03"
MALFORMED = Path(__file__).parent / "malformed"
FAULT = re.compile(r"#\s*fault: (.*)$")

POLICIES = load_policies()


def expected_faults(folder: Path) -> Counter[tuple[str, int, str]]:
    """Faults are written behind the line that they are in, set off by bars if several."""
    return Counter(
        (path.name, number, problem)
        for path in folder.glob("*.yaml")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := FAULT.search(line))
        for problem in match[1].split(" | ")
    )


@pytest.mark.parametrize("folder", sorted(MALFORMED.iterdir()), ids=lambda folder: folder.name)
def test_version_files_are_refused_with_every_fault_when_malformed(folder: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policies(folder)
    found = Counter((fault.file, fault.line, fault.problem) for fault in caught.value.faults)
    assert found == (expected_faults(folder) or Counter([("2030-01-01.yaml", 0, "is empty")]))


def test_error_names_file_line_and_field_when_a_file_is_malformed() -> None:
    with pytest.raises(UsageError) as caught:
        load_policies(MALFORMED / "many_faults")
    assert str(caught.value).splitlines()[:2] == [
        '2030-01-01.yaml:2: guideline: must be "CG-TRANS-03"',
        "2030-01-01.yaml:8: services[0].procedure_code: must be quoted text",
    ]


def test_folder_is_refused_when_it_holds_no_version(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="holds no version file"):
        load_policies(tmp_path)


def test_file_is_refused_when_it_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "2030-01-01.yaml").write_bytes(b'guideline: "\xff"')
    with pytest.raises(PolicyError, match=r"^2030-01-01\.yaml: not valid YAML"):
        load_policies(tmp_path)


def test_shipped_versions_have_their_dates() -> None:
    dates = [(v.version, v.effective_from, v.effective_through) for v in POLICIES.versions]
    assert dates == [
        ("2023-06-28", date(2023, 6, 28), date(2024, 9, 30)),
        ("2024-10-01", date(2024, 10, 1), None),
    ]


def ranges(version: GuidelineVersion) -> set[tuple[str, str]]:
    return {(row.first, row.last) for row in version.diagnosis_ranges}


def test_shipped_versions_differ_in_four_rows_only() -> None:
    """The history section of 10/01/2024 names three; C81.9A came with the same edition."""
    old, new = POLICIES.versions
    assert ranges(old) - ranges(new) == {
        ("C8100", "C8199"),
        ("C8400", "C8499"),
        ("C860", "C866"),
        ("C880", "C889"),
    }
    assert ranges(new) - ranges(old) == {
        ("C8100", "C819A"),
        ("C8400", "C849A"),
        ("C8600", "C8661"),
        ("C8800", "C8891"),
    }
    assert old.services == new.services
    assert old.hematologic_malignancies == new.hematologic_malignancies
    assert old.undetermined_malignancies == new.undetermined_malignancies
    assert old.description_phrases == new.description_phrases


THIRD = """
  - first: "C93.00"
    last: "C93.92"
    title: "Monocytic leukemia"
    category: "C93"
    section: "Coding > Donor lymphocyte infusion"
"""


def test_third_version_is_a_file_and_no_code(tmp_path: Path) -> None:
    for path in SHIPPED.iterdir():
        shutil.copy(path, tmp_path)
    text = (SHIPPED / "2024-10-01.yaml").read_text()
    text = text.replace("2024-10-01", "2026-10-01")
    text = text.replace("\nhematologic_malignancies:", THIRD + "\nhematologic_malignancies:")
    (tmp_path / "2026-10-01.yaml").write_text(text)

    policies = load_policies(tmp_path)

    assert [version.version for version in policies.versions][2:] == ["2026-10-01"]
    assert policies.versions[1].effective_through == date(2026, 9, 30)
    assert policies.versions[1].hash == POLICIES.versions[1].hash, "old decisions keep their ids"
    transplant = Transplant(
        transplant_id="T",
        type=TransplantType.ALLOGENEIC,
        transplant_date=date(2020, 1, 1),
        indication="C93.10",
        medically_necessary=True,
        donor_id="D1",
    )
    outcomes = {}
    for day in (date(2026, 9, 30), date(2026, 10, 1)):
        line = ServiceLine(1, "38242", day, ("C9310",), donor_id="D1")
        claim = Claim("event", Instant(0, 0), "claim", "member", (line,))
        decision = Decider(policies).decide(claim, [transplant])
        assert decision is not None
        outcomes[decision.lines[0].policy_version] = decision.decision
    assert outcomes == {"2024-10-01": "pend", "2026-10-01": "approve"}


def test_hash_stays_when_only_comments_layout_and_key_order_change(tmp_path: Path) -> None:
    text = (SHIPPED / "2024-10-01.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    head = lines.index("sections:")
    reordered = lines[head:] + [line for line in lines[:head] if line]
    (tmp_path / "2024-10-01.yaml").write_text("\n\n".join(reordered))
    (version,) = load_policies(tmp_path).versions
    assert version.hash == POLICIES.versions[1].hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('last: "C90.32"', 'last: "C90.31"'),
        ('title: "Lymphoid leukemia"', 'title: "Leukemia, lymphoid"'),
        ('"never"', '"never", "nor"'),
        ("effective_from: 2024-10-01 ", "effective_from: 2024-10-02 "),
    ],
)
def test_hash_changes_when_the_content_does(tmp_path: Path, old: str, new: str) -> None:
    text = (SHIPPED / "2024-10-01.yaml").read_text()
    assert old in text
    (tmp_path / "2024-10-01.yaml").write_text(text.replace(old, new))
    (version,) = load_policies(tmp_path).versions
    assert version.hash != POLICIES.versions[1].hash


def test_no_version_is_in_force_behind_the_last_day_of_the_last() -> None:
    last = replace(POLICIES.versions[1], effective_through=date(2025, 12, 31))
    policies = replace(POLICIES, versions=(POLICIES.versions[0], last))
    assert policies.in_force(date(2025, 12, 31)) is last
    assert policies.in_force(date(2026, 1, 1)) is None
