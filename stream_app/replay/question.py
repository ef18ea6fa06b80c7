"""What a job is asked: which claims, by which policy, with which history."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from stream_app import __version__
from stream_app.domain.decision import Outcome
from stream_app.errors import UsageError
from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_applicability, load_policies
from stream_app.policy.model import Policies
from stream_app.replay.bounds import Bounds
from stream_app.replay.compared import ComparedDecision
from stream_app.replay.diff_model import PolicyUsed, Selection
from stream_app.settings import Settings


class Question(Struct, frozen=True, kw_only=True):
    """As the command line puts it."""

    source: Literal["in-scope", "core"] = "in-scope"
    start: str | None = None
    """As given, for the report; `bounds` is what counts."""
    end: str | None = None
    bounds: Bounds = Bounds()
    members: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    decisions: frozenset[Outcome] = frozenset()
    """Of what stands; empty: whichever, and claims that were never decided."""
    reasons: frozenset[str] = frozenset()
    """The same; one of them on one of the claim's lines."""
    policy_version: str | None = None
    policy_dir: Path | None = None
    as_of: int | None = None
    """Milliseconds since the epoch; None: what is on file now."""
    history: str | None = None
    """The same as given."""

    def asks_for(self, before: ComparedDecision | None) -> bool:
        """Whether a claim is asked for by what was decided of it."""
        if not self.decisions and not self.reasons:
            return True
        if before is None:
            return False
        if self.decisions and before.decision not in self.decisions:
            return False
        return not self.reasons or any(
            code in self.reasons for line in before.lines for code in line.reasons
        )

    def selection(self) -> Selection:
        """The same for the report: of ids only how many."""
        return Selection(
            start=self.start,
            end=self.end,
            members=len(self.members),
            claims=len(self.claims),
            decisions=tuple(sorted(self.decisions)),
            reasons=tuple(sorted(self.reasons)),
        )


class Basis(Struct, frozen=True):
    """What is decided by."""

    decider: Decider
    kind: Literal["in-force", "pinned", "draft"]
    versions: tuple[PolicyUsed, ...]
    settings: dict[str, str]
    """Those that change outcomes."""
    identity: str
    """Differs where any of it does."""


def basis_of(question: Question, settings: Settings) -> Basis:
    """Reads the policy and the applicability file.

    Raises:
        UsageError: one of them cannot be used, or there is no such version.
    """
    policies = load_policies(question.policy_dir or settings.policy_dir)
    if question.policy_version is not None:
        policies = _pinned(policies, question.policy_version)
    applicability = load_applicability(settings.applicability_file)
    named = {name: str(value) for name, value in msgspec.to_builtins(settings.decision).items()}
    if settings.applicability_file is not None:
        content = settings.applicability_file.read_bytes()
        named["applicability_file"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    pinned = question.policy_version is not None
    versions = tuple(
        PolicyUsed(
            version=version.version,
            sha256=version.hash,
            effective_from=version.effective_from.isoformat(),
            effective_through=None
            if version.effective_through is None
            else version.effective_through.isoformat(),
        )
        for version in policies.versions
    )
    return Basis(
        decider=Decider(policies, applicability, settings.decision),
        kind="pinned" if pinned else "draft" if question.policy_dir else "in-force",
        versions=versions,
        settings=named,
        identity=_digest([*map(msgspec.to_builtins, versions), named, policies.reasons_hash]),
    )


def _pinned(policies: Policies, version: str) -> Policies:
    try:
        return policies.pinned(version)
    except KeyError:
        held = ", ".join(each.version for each in policies.versions)
        raise UsageError(f"no version {version} is held; there are {held}") from None


def decision_topics(settings: Settings) -> tuple[str, ...]:
    """Where what was decided is read."""
    if settings.shadow:
        return (settings.shadow_topic,)
    return (settings.approve_topic, settings.deny_topic, settings.pend_topic)


def source_topic(question: Question, settings: Settings) -> str:
    """Where claims are read."""
    return settings.claims_topic if question.source == "core" else settings.in_scope_topic


def parameters(question: Question, basis: Basis, settings: Settings) -> Mapping[str, str]:
    """What makes a job the one that it is, by the options' names; of ids only a digest."""
    return {
        "cluster and topics": _digest(
            [source_topic(question, settings), settings.history_topic, *decision_topics(settings)]
        ),
        "--source": question.source,
        "--from": question.start or "",
        "--to": question.end or "",
        "--member": _digest(sorted(question.members)),
        "--claim": _digest(sorted(question.claims)),
        "--decision": ",".join(sorted(question.decisions)),
        "--reason": ",".join(sorted(question.reasons)),
        "--policy-version": question.policy_version or "",
        "--policy-dir": "draft" if question.policy_dir else "",
        "--history": question.history or "now",
        "what is decided by (policy, settings)": basis.identity,
        "version of this software": __version__,
    }


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
