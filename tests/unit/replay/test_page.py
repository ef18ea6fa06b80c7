"""The page says what the report says, to everybody, and nothing in it runs but its own script."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest

from stream_app.domain.vocabulary import ReasonCode
from stream_app.replay import page as page_module
from stream_app.replay.compared import Compared
from stream_app.replay.diff import report
from stream_app.replay.diff_model import PolicyUsed, Selection
from stream_app.replay.page import page
from tests.unit.replay.rows import APPROVE, DENY, FACTS, PEND, decided, line, plain, row
from tests.unit.replay.sample import sample

HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'><!--{{ 7*7 }}&amp;"
VOID = {"meta", "link", "input", "br", "img", "base"}


class Elements(HTMLParser):
    """Every element with its attributes, in order, and the page's text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = ""
        self.raw: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._raw = tag
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self._raw = ""

    def handle_data(self, data):
        if self._raw:
            self.raw[self._raw] = self.raw.get(self._raw, "") + data
        else:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def shown(*made: Compared, facts=FACTS, **more) -> Elements:
    elements = Elements(page(report(made, facts, **more)))
    elements.text = " ".join(elements.text.replace("\u00a0", " ").split())
    return elements


MIXED = (
    *[plain(PEND, APPROVE, claim_id=f"a-{number}") for number in range(3)],
    *[plain(DENY, APPROVE, claim_id=f"b-{number}") for number in range(2)],
    plain(APPROVE, DENY, claim_id="c"),
    plain(None, PEND, claim_id="d", line_of_business=None),
    plain(DENY, None, claim_id="e", service_month="2023-07"),
    row(decided(line(PEND, "DONOR_UNKNOWN")), decided(line(PEND)), claim_id="f"),
    *[plain(APPROVE, APPROVE) for _ in range(11)],
)


def test_says_in_words_what_was_found():
    found = shown(*MIXED)

    assert "Of 20 claims, 9 (45.0 %) would be decided otherwise" in found.text
    for words in (
        "3 pended claims would be approved",
        "2 denials would be approved",
        "1 approval would be denied",
        "1 claim without a decision would pend",
        "1 denial would no longer be decided",
        "1 pended claim would stay so, for other reasons",
    ):
        assert words in found.text
    assert "They did for all 20 claims." in found.text


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ((), "No claim was found within what was asked for"),
        ((plain(PEND, PEND),), "Of 1 claim, none would be decided otherwise"),
        ((plain(PEND, PEND), plain(PEND, DENY)), "Of 2 claims, 1 (50.0 %) would be"),
        ((plain(PEND, DENY),), "Of 1 claim, 1 (100 %) would be decided otherwise"),
    ],
)
def test_headline_follows_the_numbers(made, words):
    assert words in shown(*made).text


def test_a_percentage_is_never_rounded_to_nothing_or_all():
    few = shown(plain(PEND, DENY), *[plain(PEND, PEND)] * 1999)
    most = shown(plain(PEND, PEND), *[plain(PEND, DENY)] * 1999)

    assert "1 (under 0.1 %)" in few.text
    assert "1,999 (over 99.9 %)" in most.text


def test_why_is_told_in_the_reasons_own_sentences():
    found = shown(row(decided(line(PEND, "DONOR_UNKNOWN")), decided(line(DENY, "NEW_CODE"))))

    assert "The donor of the lymphocytes or of the transplant is not on file. DONOR_UNKNOWN" in (
        found.text
    )
    assert "NEW_CODE" in found.text
    assert set(page_module._reason_texts()) == set(ReasonCode)


def test_a_population_decided_by_another_version_is_told_of_by_cause():
    found = report(sample(600), FACTS)
    elements = shown(*sample(600))

    causes = {each.cause: each.claims for each in found.causes}
    assert causes["policy"] > 0
    assert causes["history"] > 0
    assert "would be decided otherwise · CG-TRANS-03 replay" in elements.text
    assert sum("data-claim" in attributes for attributes in elements.all("tr")) == found.changed


def test_what_was_asked_is_told():
    facts = msgspec.structs.replace(
        FACTS,
        selection=Selection(
            start="2024-01-01", end="2024-12-31", members=2, claims=1, decisions=(DENY,)
        ),
        history_as_of="2024-06-01T00:00:00Z",
        claims_moved_on=3,
        policy="pinned",
        policy_versions=(
            PolicyUsed(
                version="2023-06-28",
                sha256="ab" * 32,
                effective_from="0001-01-01",
                effective_through=None,
            ),
        ),
    )

    text = shown(*MIXED, facts=facts).text

    for words in (
        "from 2024-01-01 to 2024-12-31",
        "those of 2 members named; 1 claim named; decided before: deny",
        "version 2023-06-28, whatever the date of service",
        "3 claims whose event within these bounds stands no longer",
        "as it was known at 2024-06-01T00:00:00Z",
        "ab" * 32,
        "missing_donor pend",
    ):
        assert words in text


def test_what_was_sent_is_told_when_it_is_no_dry_run():
    facts = msgspec.structs.replace(FACTS, handed_over=9)

    assert "dry run: nothing was sent" in shown(*MIXED).text
    assert "9 claims handed over" in shown(*MIXED, facts=facts).text
    assert "nothing was sent" not in shown(*MIXED, facts=facts).text


def test_reader_is_warned_first_of_all_when_deciding_twice_gave_two_answers():
    found = shown(*MIXED, plain(PEND, PEND, reproducible=False, partition=3, offset=41))

    assert "Do not rely on this report yet. 1 claim gave two different ids" in found.text
    assert "partition 3, offset 41" in found.text
    assert "They did for all" not in found.text


def test_reader_is_told_when_not_all_changes_are_listed():
    found = shown(*MIXED, most_changes=6)

    assert "6 of 9 changed claims, some of every kind of change" in found.text
    assert sum("data-claim" in attributes for attributes in found.all("tr")) == 6


def test_nothing_from_data_becomes_markup_when_it_looks_like_markup():
    facts = msgspec.structs.replace(
        FACTS,
        replay_id=HOSTILE,
        topic=HOSTILE,
        decision_topics=(HOSTILE,),
        software_version=HOSTILE,
        selection=Selection(start=HOSTILE, end=HOSTILE, reasons=(HOSTILE,)),
        settings={HOSTILE: HOSTILE},
        history_as_of=HOSTILE,
        policy_versions=(
            PolicyUsed(
                version=HOSTILE, sha256=HOSTILE, effective_from=HOSTILE, effective_through=HOSTILE
            ),
        ),
    )
    made = row(
        decided(line(PEND, HOSTILE, version=HOSTILE)),
        decided(line(DENY, HOSTILE, "X", version=HOSTILE)),
        claim_id=HOSTILE,
        line_of_business=HOSTILE,
        service_month=HOSTILE,
        topic=HOSTILE,
        reproducible=False,
    )

    hostile, tame = shown(made, facts=facts), shown(*MIXED)

    assert hostile.open == []
    assert len(hostile.all("script")) == len(hostile.all("style")) == 1
    assert hostile.all("img") == []
    assert hostile.raw == tame.raw
    assert {tag for tag, _ in hostile.found} <= {tag for tag, _ in tame.found}
    assert not [
        name for _, attributes in hostile.found for name in attributes if name.startswith("on")
    ]
    assert HOSTILE in hostile.text
    assert HOSTILE in [attributes.get("data-claim") for attributes in hostile.all("tr")]


def test_the_page_asks_nothing_of_any_network():
    found = shown(*MIXED)

    asked = [
        value
        for _, attributes in found.found
        for name, value in attributes.items()
        if name in {"href", "src", "srcset", "action", "data", "poster", "xlink:href"}
    ]
    assert [value for value in asked if not value.startswith("#")] == ["data:,"]
    assert "url(" not in found.raw["style"]
    assert "@import" not in found.raw["style"]
    assert not re.search(r"fetch|XMLHttp|import\(|WebSocket|innerHTML", found.raw["script"])


def test_the_browser_is_told_to_run_only_what_the_page_came_with():
    found = shown(*MIXED)

    (policy,) = [
        attributes["content"]
        for attributes in found.all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    allowed = dict(each.strip().split(" ", 1) for each in policy.split(";"))

    def hashed(part: str) -> str:
        return f"'sha256-{b64encode(sha256(found.raw[part].encode()).digest()).decode()}'"

    assert allowed == {
        "default-src": "'none'",
        "style-src": hashed("style"),
        "script-src": hashed("script"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [attributes for _, attributes in found.found if "style" in attributes]


@pytest.mark.parametrize("made", [MIXED, (), MIXED[-1:]], ids=["changes", "empty", "unchanged"])
def test_structure_serves_those_who_do_not_see_the_page(made):
    found = shown(*made)
    ids = [attributes["id"] for _, attributes in found.found if "id" in attributes]

    assert len(ids) == len(set(ids))
    assert len(found.all("main")) == len(found.all("h1")) == 1
    assert found.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in found.found if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(found.all("caption")) == len(found.all("table"))
    assert all("scope" in attributes for attributes in found.all("th"))
    labelled = {attributes["for"] for attributes in found.all("label")}
    for tag, attributes in found.found:
        if tag in {"input", "select"}:
            assert attributes["id"] in labelled
        for name in ("aria-labelledby", "href", "for"):
            target = attributes.get(name)
            if target and not target.startswith("data:"):
                assert target.removeprefix("#") in ids


def test_the_table_is_whole_and_shows_no_dead_controls_when_no_script_runs():
    found = shown(*MIXED)

    assert sum("data-claim" in attributes for attributes in found.all("tr")) == 9
    assert [attributes for attributes in found.all("form") if "hidden" not in attributes] == []
    # The only button lies in the hidden form; those in heads and matrix are made by the script.
    assert len(found.all("button")) == 1


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def palettes():
    style = page_module._text("page.css")
    light, dark = re.findall(r":root \{(.*?--ground.*?)\}", style, re.DOTALL)[:2]
    return [
        pytest.param(dict(re.findall(r"--([\w-]+): (#\w{6});", each)), id=name)
        for name, each in (("light", light), ("dark", dark))
    ]


@pytest.mark.parametrize("palette", palettes())
def test_text_stands_out_from_what_lies_behind_it(palette):
    """WCAG 2.2, 1.4.3 (text) and 1.4.11 (edges of controls, bars and outcomes)."""
    text = [
        *[(ink, ground) for ink in ("ink", "quiet") for ground in ("ground", "raised")],
        ("link", "ground"),
        ("fine", "ground"),
        ("mark", "mark-ground"),
        ("ink", "mark-ground"),
        ("mark", "ground"),
        ("alarm", "alarm-ground"),
    ]
    edges = ["edge", "bar-edge", "focus", "mark"]
    for one, other in text:
        assert contrast(palette[one], palette[other]) >= 4.5, (one, other)
    for name in edges:
        assert contrast(palette[name], palette["ground"]) >= 3, name
