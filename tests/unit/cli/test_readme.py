"""The README says what the service does."""

import re
from pathlib import Path

from stream_app.cli.main import COMMANDS
from stream_app.policy.load import load_policies
from stream_app.settings import Settings

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
BY_SETTING = {"QUALIFYING_TRANSPLANT_NOT_FOUND", "ADVERSE_DETERMINATION_REVIEW"}


def test_decision_table_has_every_reason_with_its_outcome_and_section() -> None:
    """One row a section; the two that settings bring about stand with the settings."""
    rows = [line for line in README.splitlines() if line.startswith("|")]
    for code, row in load_policies().reasons.items():
        (line,) = [line for line in rows if f"`{code}`" in line]
        if code not in BY_SETTING:
            assert f"| {row.outcome} |" in line
            assert line.endswith(f"| {row.reason.section} |")


def test_links_lead_somewhere() -> None:
    """Every relative one."""
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_settings_and_defaults_are_the_real_ones() -> None:
    """Those of the table."""
    table = README.split("## Settings")[1].split("## ")[0]
    named = re.findall(r"^\| `(\w+)` \| `(\w+)`", table, re.MULTILINE)
    assert len(named) == 4
    settings = Settings()
    assert {name: getattr(settings, name) for name, _ in named} == dict(named)


def test_commands_are_real() -> None:
    """None is named that does not exist."""
    named = set(re.findall(r"cg-trans-03 ([a-z]+)", README))
    assert named <= set(COMMANDS)


def test_excerpt_is_what_explain_prints() -> None:
    """But for the lines left out."""
    excerpt = README.split("Line 1, code", 1)[1].split("```")[0]
    golden = Path(__file__).with_name("golden") / "explain-pend.txt"
    printed = golden.read_text("utf-8").splitlines()
    lines = [line for line in excerpt.splitlines()[1:] if line.strip() != "..."]
    assert len(lines) > 7
    assert [line for line in lines if line not in printed] == []
