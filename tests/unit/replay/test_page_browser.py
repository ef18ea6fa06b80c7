"""The page in a real browser, by keyboard alone: Debian's `chromium`, where there is one."""

import pytest

from stream_app.replay.diff import report
from stream_app.replay.page import page
from tests.unit.replay.chromium import PROGRAM, browsing
from tests.unit.replay.rows import APPROVE, DENY, FACTS, PEND, decided, line, plain, row

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (Debian: chromium)")

HOSTILE = "</script><img src=x onerror=\"document.title='run'\">"
MADE = (
    *[plain(PEND, APPROVE, claim_id=f"claim-{number}") for number in range(1, 13)],
    *[plain(DENY, APPROVE, claim_id=f"denied-{number}") for number in range(2)],
    plain(None, PEND, claim_id="new", line_of_business=None),
    row(
        decided(line(PEND, "DONOR_UNKNOWN")),
        decided(line(PEND)),
        claim_id=HOSTILE,
        line_of_business=HOSTILE,
        service_month="2023-07",
    ),
    plain(APPROVE, APPROVE),
)
SHOWN = "[...document.querySelectorAll('#claims tbody tr')].filter((row) => !row.hidden)"
FIRST = f"{SHOWN}[0].dataset.claim"


@pytest.fixture
async def tab(tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page(report(MADE, FACTS)), encoding="utf-8")
    async with browsing(file.as_uri(), tmp_path / "profile") as tab:
        yield tab
        assert tab.complaints == []
        assert [each for each in tab.requests if not each.startswith("data:")] == [file.as_uri()]


async def count(tab):
    assert await tab.look("document.getElementById('shown').textContent") == (
        f"{await tab.look(f'{SHOWN}.length')} of 16 listed claims shown"
    )
    return await tab.look(f"{SHOWN}.length")


async def test_claims_are_filtered_by_what_is_typed_and_chosen(tab):
    assert await count(tab) == 16

    await tab.tab_to("at.id === 'f-text'")
    await tab.write("donor_UNKNOWN")
    assert (await count(tab), await tab.look(FIRST)) == (1, HOSTILE)

    await tab.tab_to("at.id === 'f-all'")
    await tab.press("Enter")
    assert await count(tab) == 16


async def test_a_choice_narrows_the_table_when_made_by_arrow_key(tab):
    await tab.tab_to("at.id === 'f-before'")
    await tab.press("ArrowDown")

    assert await tab.look("document.getElementById('f-before').value") == "deny"
    assert await count(tab) == 2


async def test_claims_are_sorted_as_people_count_and_the_head_says_so(tab):
    head = "document.querySelector('th[data-sort=claim]')"
    await tab.tab_to("at.closest('th[data-sort=claim]')")

    await tab.press("Enter")
    assert await tab.look(f"{head}.getAttribute('aria-sort')") == "ascending"
    order = await tab.look(f"{SHOWN}.map((row) => row.dataset.claim)")
    assert order.index("claim-2") < order.index("claim-10") < order.index("denied-0")

    await tab.press(" ")
    assert await tab.look(f"{head}.getAttribute('aria-sort')") == "descending"
    assert await tab.look(f"{SHOWN}.map((row) => row.dataset.claim)") == order[::-1]
    assert await tab.look("document.querySelectorAll('[aria-sort]').length") == 1
    assert await tab.look("document.activeElement.closest('th').dataset.sort") == "claim"


async def test_a_cell_of_the_matrix_leads_to_its_claims(tab):
    await tab.tab_to("at.className === 'show' && at.textContent.includes('◆ 12')")
    await tab.press("Enter")

    assert await count(tab) == 12
    assert await tab.look("document.activeElement.id") == "f-before"
    assert await tab.look("document.getElementById('f-after').value") == "approve"


async def test_claims_without_a_decision_or_a_line_of_business_can_be_asked_for(tab):
    options = "[...document.getElementById('{}').options].map((each) => each.text)"
    assert "no decision" in await tab.look(options.format("f-before"))
    assert "not given" in await tab.look(options.format("f-business"))

    undecided = "at.parentElement.dataset.before === 'no decision'"
    await tab.tab_to(f"at.className === 'show' && {undecided}")
    await tab.press("Enter")
    assert (await count(tab), await tab.look(FIRST)) == (1, "new")


async def test_the_focus_can_be_seen_wherever_a_key_leads(tab):
    unseen = "at !== document.body && getComputedStyle(at).outlineStyle === 'none'"
    with pytest.raises(AssertionError, match="no key leads"):
        await tab.tab_to(unseen)


@pytest.mark.parametrize("width", [1280, 400])
async def test_the_page_itself_is_never_wider_than_the_screen(tab, width):
    await tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )

    root = "document.documentElement"
    assert await tab.look(f"{root}.scrollWidth <= {root}.clientWidth")
    assert await tab.look("innerWidth") == width


async def test_nothing_from_data_runs_when_it_looks_like_a_script(tab):
    assert "run" not in await tab.look("document.title")
    assert await tab.look("document.images.length") == 0
    assert await tab.look("document.scripts.length") == 1
