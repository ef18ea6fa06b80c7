"""`policy`: what is held of the guideline."""

import json

import pytest


def test_versions_are_listed_with_their_dates(run) -> None:
    """For people and for machines."""
    text = run("policy", "list").stdout.splitlines()
    assert text[1].split()[:4] == ["2023-06-28", "2023-06-28", "2024-09-30", "13"]
    assert text[2].split()[:4] == ["2024-10-01", "2024-10-01", "open", "13"]
    listed = json.loads(run("policy", "list", "--json").stdout)
    assert [each["effective_through"] for each in listed] == ["2024-09-30", None]


def test_version_is_shown_with_criteria_ranges_and_phrases(run) -> None:
    """Enough to hold it against the published text."""
    text = run("policy", "show", "2023-06-28").stdout
    for words in (
        "dates of service: 2023-06-28 through 2024-09-30",
        "code 38242",
        "same donor",
        "medically necessary: never",
        "C86.0-C86.6",
        "D47.1",
        "lymphocytes: lymphocyte",
    ):
        assert words in text
    shown = json.loads(run("policy", "show", "2023-06-28", "--json").stdout)
    assert shown["version"] == "2023-06-28"
    assert len(shown["diagnosis_ranges"]) == 13


def test_difference_names_ranges_and_codes(run) -> None:
    """What the new ranges come to on the first day of the new version."""
    found = json.loads(run("policy", "diff", "2023-06-28", "2024-10-01", "--json").stdout)
    assert found["ranges_removed"] == [
        "C81.00-C81.99", "C84.00-C84.99", "C86.0-C86.6", "C88.0-C88.9",
    ]  # fmt: skip
    assert found["ranges_added"] == [
        "C81.00-C81.9A", "C84.00-C84.9A", "C86.00-C86.61", "C88.00-C88.91",
    ]  # fmt: skip
    assert found["codes_gained"] == ["C81.9A", "C84.9A", "C86.60", "C86.61", "C88.90", "C88.91"]
    assert found["codes_lost"] == []
    text = run("policy", "diff", "2023-06-28", "2024-10-01").stdout
    assert "  + C81.9A" in text
    assert "services, malignancies and phrases: unchanged" in text


def test_difference_looks_at_another_date_when_one_is_given(run) -> None:
    """On the last day of the old version the old codes are the valid ones."""
    on = ("--on", "2024-09-30", "--json")
    found = json.loads(run("policy", "diff", "2023-06-28", "2024-10-01", *on).stdout)
    assert found["codes_gained"] == []
    assert "C86.0" in found["codes_lost"]


def test_difference_is_empty_when_both_are_the_same(run) -> None:
    """A version does not differ from itself."""
    text = run("policy", "diff", "2024-10-01", "2024-10-01").stdout
    assert text.count(": none") == 4


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (("show", "2024-10-1"), "did you mean 2024-10-01?"),
        (("show", "nonsense"), "there are 2023-06-28, 2024-10-01"),
        (("diff", "2023-06-28", "x"), "no version 'x' is held"),
        (("diff", "2023-06-28", "2024-10-01", "--on", "soon"), "soon"),
        (("list", "--settings", "policy_dir=."), "holds no version file"),
    ],
)
def test_fault_is_one_clear_line_when_the_call_is_wrong(
    run, tmp_path, monkeypatch, args, fault
) -> None:
    """Exit 2."""
    monkeypatch.chdir(tmp_path)
    result = run("policy", *args)
    assert result.exit_code == 2
    assert fault in result.stderr
    assert len(result.stderr.splitlines()) == 1
