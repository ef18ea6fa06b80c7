"""Issue 5's invariant, over every order of arrival, with crashes in between.

For each claim, the last decision equals what deciding afresh over everything would give, or the
claim is an approval reported as drift with that fresh outcome. It is lost where a claim is
forgotten or the settings change, and a replay brings it back.
"""

from collections.abc import Sequence
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Decision, Outcome, Trigger
from stream_app.domain.history import HistoryEvent, Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.pipeline.adjudication import Adjudication, Bounds, Rules, Silent, Told
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.enrich import MemberHistory, standing_key
from stream_app.pipeline.handover import HandedOver
from stream_app.pipeline.redecide import reasons_of
from stream_app.pipeline.remember import LastDecision, MemberClaims, Source
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings

R = TypeVar("R", MemberHistory, MemberClaims)

POLICIES = load_policies()
DECIDERS = [
    Decider(POLICIES),
    Decider(POLICIES, settings=DecisionSettings(missing_donor="presume_same")),
]
BOUNDS = Bounds(36_500, 1_000, 1_000_000)
REPLAY = "00000000-0000-4000-8000-000000000000"
NOW = Instant(30_000_000, 0)
SOURCE = Source("claims", 0, 0)
SERVICE = date(2025, 3, 10)


class Stored(Generic[R]):
    """A table's rows as bytes, and what a batch changes of them until it is stored."""

    def __init__(self, new: type[R]) -> None:
        self._new = new
        self.stored: dict[str, bytes] = {}
        self._touched: dict[str, R | None] = {}
        self._changed: set[str] = set()

    def __getitem__(self, member_id: str) -> R:
        row = self.known(member_id)
        if row is None:
            row = self._touched[member_id] = self._new()
        return row

    def known(self, member_id: str) -> R | None:
        if member_id not in self._touched and member_id in self.stored:
            self._touched[member_id] = self._new.from_bytes(self.stored[member_id])
        return self._touched.get(member_id)

    def put(self, member_id: str, row: R) -> None:
        self._touched[member_id] = row
        self._changed.add(member_id)

    def erase(self, member_id: str) -> None:
        self._touched[member_id] = None
        self._changed.add(member_id)

    def end(self, *, store: bool) -> None:
        for member_id in self._changed if store else ():
            row = self._touched[member_id]
            if row is None:
                self.stored.pop(member_id, None)
            else:
                self.stored[member_id] = row.to_bytes()
        self._touched.clear()
        self._changed.clear()


class Tables:
    def __init__(self) -> None:
        self.history = Stored(MemberHistory)
        self.claims = Stored(MemberClaims)


class Copy(NamedTuple):
    """A claim that a replay hands over."""

    claim: Claim
    handed_over: HandedOver


ERASURE = "erasure"
Arrival = Claim | HistoryEvent | str

claims = st.builds(
    lambda number, minute, claim_id, version, frequency, lines: Claim(
        f"e{number}", Instant(minute, 0), claim_id, "M", lines, version, frequency
    ),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from("AB"),
    st.integers(1, 2),
    st.sampled_from([ClaimFrequency.ORIGINAL] * 4 + [ClaimFrequency.VOID]),
    st.sampled_from(
        [
            (ServiceLine(1, "38242", SERVICE, (Icd10Code("C9210"),), donor_id="D1"),),
            (ServiceLine(1, "38242", SERVICE, (Icd10Code("C9210"),), donor_id="D1"),),
            (
                ServiceLine(1, "38242", SERVICE, (Icd10Code("C9210"),), donor_id="D1"),
                ServiceLine(2, "38242", SERVICE, (Icd10Code("C9210"),)),
            ),
            (ServiceLine(1, "38242", SERVICE, (Icd10Code("I10"),)),),
            (),
        ]
    ),
)
transplants = st.builds(
    Transplant,
    transplant_id=st.just(""),
    type=st.sampled_from([TransplantType.ALLOGENEIC] * 3 + [TransplantType.AUTOLOGOUS, None]),
    status=st.sampled_from([TransplantStatus.PERFORMED] * 3 + [TransplantStatus.PLANNED]),
    conditioning=st.sampled_from(["myeloablative", None]),
    transplant_date=st.just(date(2024, 6, 1)),
    indication=st.sampled_from(["C92.10", "C92.10", "D61.9"]),
    medically_necessary=st.sampled_from([True, True, True, False, None]),
    donor_id=st.sampled_from(["D1", "D1", "D2"]),
)
histories = st.builds(
    lambda number, minute, transplant_id, transplant: HistoryEvent(
        f"h{number}",
        Instant(minute, 0),
        "M",
        transplant_id,
        None
        if transplant is None
        else Transplant(
            transplant_id,
            *[getattr(transplant, name) for name in Transplant.__struct_fields__[1:]],
        ),
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(["T1", "T1", "T2"]),
    st.one_of(transplants, transplants, transplants, st.none()),
)


class LateHistory(RuleBasedStateMachine):
    """A worker's second hop with one member, and somebody who reads all that it tells."""

    @initialize()
    def begin(self) -> None:
        self.tables = Tables()
        self.arrived: list[Arrival] = []
        self.first_said: dict[tuple[str, str, Instant], Arrival] = {}
        self.decisions: dict[str, list[Told]] = {}
        self.drift: dict[str, Told] = {}
        self.heard = 0
        self.crashed = False
        self.decider = DECIDERS[0]
        self.handed_over: list[Copy] = []
        self.ever_forgotten: set[str] = set()
        self.unsure: set[str] = set()

    @rule(claim=claims)
    def a_claim_arrives(self, claim: Claim) -> None:
        self.run([self.truthful(claim)])

    @rule(event=histories)
    def a_history_arrives(self, event: HistoryEvent) -> None:
        self.run([self.truthful(event)])

    @rule(events=st.lists(histories | st.just(ERASURE), min_size=2, max_size=4))
    def histories_arrive_in_one_batch(self, events: list[Arrival]) -> None:
        self.run([self.truthful(event) for event in events])

    @rule(events=st.lists(claims, min_size=2, max_size=4))
    def claims_arrive_in_one_batch(self, events: list[Claim]) -> None:
        self.run([self.truthful(event) for event in events])

    @rule()
    def the_member_is_erased(self) -> None:
        self.run([ERASURE])

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def something_comes_again(self, data: st.DataObject) -> None:
        self.run([data.draw(st.sampled_from(self.arrived))])

    @rule(
        events=st.lists(histories | st.just(ERASURE), min_size=1, max_size=3),
        claims_stored=st.booleans(),
        together=st.booleans(),
    )
    def the_worker_dies_on_a_batch_of_histories(
        self, events: list[Arrival], claims_stored: bool, together: bool
    ) -> None:
        events = [self.truthful(event) for event in events]
        self.process(events)
        self.tables.claims.end(store=claims_stored)
        self.tables.history.end(store=False)
        self.crashed = True
        for batch in [events] if together else [[event] for event in events]:
            self.run(batch)

    @rule(events=st.lists(claims, min_size=1, max_size=3))
    def the_worker_dies_on_a_batch_of_claims(self, events: list[Claim]) -> None:
        sent: list[Arrival] = [self.truthful(event) for event in events]
        self.process(sent)
        self.tables.claims.end(store=False)
        self.tables.history.end(store=False)
        self.crashed = True
        self.run(sent)

    @precondition(lambda self: self.standing())
    @rule(data=st.data())
    def a_claim_is_forgotten(self, data: st.DataObject) -> None:
        """With it goes what a replay has read: nothing that old is handed over any more."""
        claim_id = data.draw(st.sampled_from(sorted(self.standing())))
        row = self.tables.claims["M"]
        kept = [each for each in row.all() if each.claim.claim_id != claim_id]
        self.tables.claims.end(store=False)
        row = MemberClaims()
        for each in kept:
            row.remember(each)
        self.tables.claims.stored["M"] = row.to_bytes()
        self.ever_forgotten.add(claim_id)
        self.unsure.add(claim_id)
        self.drift.pop(claim_id, None)
        self.handed_over = [each for each in self.handed_over if each.claim.claim_id != claim_id]

    @rule()
    def the_settings_change(self) -> None:
        self.decider = DECIDERS[1 - DECIDERS.index(self.decider)]
        self.unsure |= set(self.standing())

    @precondition(lambda self: self.standing())
    @rule(data=st.data())
    def a_replay_reads_a_claim(self, data: st.DataObject) -> None:
        """Any event of a claim that is remembered, else the one that stands."""
        claim = data.draw(st.sampled_from([e for e in self.arrived if isinstance(e, Claim)]))
        if claim.claim_id in self.ever_forgotten:
            claim = self.standing()[claim.claim_id]
        self.handed_over.append(self.copy_of(claim))

    @precondition(lambda self: self.handed_over)
    @rule(data=st.data())
    def a_claim_is_handed_over_late_or_once_more(self, data: st.DataObject) -> None:
        self.replay([data.draw(st.sampled_from(self.handed_over))])

    @rule(worker_dies=st.booleans())
    def a_replay_hands_all_claims_over(self, worker_dies: bool) -> None:
        copies = [self.copy_of(claim) for claim in self.standing().values()]
        if worker_dies:
            self.process(copies)
            self.tables.claims.end(store=False)
            self.crashed = True
        for claim_id in self.replay(copies):
            self.unsure.discard(claim_id)
        heard = self.heard
        self.replay([self.copy_of(claim) for claim in self.standing().values()])
        self.replay(copies)
        assert self.heard == heard

    def replay(self, copies: list[Copy]) -> list[str]:
        self.process(copies)
        self.tables.claims.end(store=True)
        return [copy.claim.claim_id for copy in copies]

    def copy_of(self, claim: Claim) -> Copy:
        """As a replay job makes it: with the decision that consumers take to stand."""
        last = self.stands(claim.claim_id)
        standing = None
        if last is not None:
            standing = LastDecision(
                last.decision_id, last.decision, reasons_of(last), last.claim_version
            )
        return Copy(claim, HandedOver(REPLAY, standing))

    def stands(self, claim_id: str) -> Decision | None:
        """Which decision stands to those who read them: highest version, then the latest."""
        said = [told.decision for told in self.decisions.get(claim_id, ())]
        return max(reversed(said), key=lambda decision: decision.claim_version, default=None)

    def standing(self) -> dict[str, Claim]:
        """The event of each claim that stands."""
        standing: dict[str, Claim] = {}
        for event in self.arrived:
            if isinstance(event, Claim):
                rival = standing.get(event.claim_id, event)
                standing[event.claim_id] = max(rival, event, key=standing_key)
        return standing

    def truthful(self, event: Arrival) -> Arrival:
        """An id names one thing only: what was said first under it is what was meant."""
        if isinstance(event, str):
            return event
        kind = event.claim_id if isinstance(event, Claim) else event.transplant_id
        version = event.claim_version if isinstance(event, Claim) else 0
        key = (f"{kind}/{version}", event.event_id, event.occurred_at)
        return self.first_said.setdefault(key, event)

    def run(self, batch: list[Arrival]) -> None:
        self.process(batch)
        self.arrived += batch
        self.tables.claims.end(store=True)
        self.tables.history.end(store=True)

    def process(self, batch: Sequence[Arrival | Copy]) -> None:
        step = Adjudication(Rules(self.decider, BOUNDS), self.tables, NOW)
        for event in batch:
            if isinstance(event, Claim):
                told = step.claim(event, SOURCE, None)
                if not isinstance(told, Silent):
                    assert told.trigger is Trigger.CLAIM
                    self.hear(told)
            elif isinstance(event, Copy):
                remembered = self.tables.claims["M"].get(event.claim.claim_id)
                told = step.claim(event.claim, SOURCE, None, event.handed_over)
                if not isinstance(told, Silent):
                    assert (told.trigger, told.replay_id) == (Trigger.REPLAY, REPLAY)
                    if remembered is None:
                        self.stands_in_for_what_was_forgotten(event.handed_over.standing, told)
                    self.hear(told)
            elif isinstance(event, HistoryEvent):
                step.history(event)
            else:
                step.erase("M")
        for told in step.late():
            assert told.trigger is Trigger.HISTORY_UPDATE
            self.hear(told)

    def stands_in_for_what_was_forgotten(self, standing: LastDecision | None, told: Told) -> None:
        last = None if standing is None else standing.decision_id
        if told.approval is not None:
            assert told.approval.decision_id == last
            return
        assert told.supersedes == last
        if standing is not None and standing.outcome is Outcome.APPROVE:
            same_version = standing.claim_version == told.decision.claim_version
            assert not same_version or told.decision.decision is Outcome.APPROVE

    def hear(self, told: Told) -> None:
        self.heard += 1
        claim_id = told.decision.claim_id
        said = self.decisions.setdefault(claim_id, [])
        last = self.stands(claim_id)
        certain = not self.crashed and claim_id not in self.ever_forgotten
        if told.approval is not None:
            assert told.approval.outcome is Outcome.APPROVE
            assert last is not None
            if certain or told.trigger is Trigger.REPLAY:
                assert told.approval.decision_id == last.decision_id
            self.drift[claim_id] = told
            return
        assert told.supersedes != told.decision.decision_id
        if certain:
            assert told.supersedes == (last and last.decision_id)
        if last is not None and told.trigger is not Trigger.CLAIM and certain:
            same_version = last.claim_version == told.decision.claim_version
            taken_back = told.decision.decision is not Outcome.APPROVE
            assert not (last.decision is Outcome.APPROVE and same_version and taken_back)
        self.drift.pop(claim_id, None)
        said.append(told)

    @invariant()
    def last_word_is_what_deciding_afresh_would_give(self) -> None:
        known = MemberHistory()
        for event in self.arrived:
            if isinstance(event, HistoryEvent):
                known.apply(event)
            elif event == ERASURE:
                known = MemberHistory()
        for claim_id, claim in self.standing().items():
            fresh = self.decider.decide(claim, known.on_file())
            if fresh is not None and claim_id not in self.unsure:
                self.holds(claim_id, fresh)

    def holds(self, claim_id: str, fresh: Decision) -> None:
        last = self.stands(claim_id)
        assert last is not None
        assert last.claim_version == fresh.claim_version
        drift = self.drift.get(claim_id)
        if drift is not None and drift.approval is not None:
            # What is said of an approval that does not stand is nothing to anybody.
            drift = drift if drift.approval.decision_id == last.decision_id else None
        if outcome(last) == outcome(fresh):
            assert drift is None or drift.decision.decision is Outcome.APPROVE
            return
        assert last.decision is Outcome.APPROVE
        assert drift is not None
        assert outcome(drift.decision) == outcome(fresh)


def outcome(decision: Decision) -> tuple[Outcome, tuple[tuple[str, ...], ...]]:
    return decision.decision, reasons_of(decision)


LateHistory.TestCase.settings = settings(max_examples=250, stateful_step_count=25)
test_last_decision_is_the_fresh_one_or_an_approval_with_drift = LateHistory.TestCase
