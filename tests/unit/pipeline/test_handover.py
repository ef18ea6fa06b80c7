"""The header on claims that a replay hands over."""

import re

import pytest
from ruamel.yaml import YAML

from stream_app.domain.decision import Outcome
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.handover import HEADER, HandedOver
from stream_app.pipeline.remember import LastDecision

REPLAY_ID = "8a0f3a9e-6d0b-4a53-9a54-0d6c4a1d7e21"
STANDING = LastDecision("d", Outcome.DENY, (("A", "B"), ("C",)), 3, shadow=True)


@pytest.mark.parametrize("standing", [None, STANDING])
def test_header_says_what_was_put_in_when_read_again(standing: LastDecision | None, repo) -> None:
    handed_over = HandedOver(REPLAY_ID, standing, shadow=True)
    name, value = handed_over.to_header()
    assert name == HEADER
    assert HandedOver.from_header(value) == handed_over
    asyncapi = YAML(typ="safe").load(repo / "schemas/asyncapi.yaml")
    described = asyncapi["components"]["schemas"]["copiedClaim"]["properties"][HEADER]
    assert re.search(described["pattern"], value.decode())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"replay_id":"%s"}' % REPLAY_ID.encode(),
        b'{"replay_id":"a member\'s id","standing":null}',
        b'{"replay_id":"%s","standing":{}}' % REPLAY_ID.encode(),
        b'{"replay_id":"%s","standing":["d","maybe",[],1,false]}' % REPLAY_ID.encode(),
        b'{"replay_id":"%s","standing":["d","deny",[1],1,false]}' % REPLAY_ID.encode(),
    ],
)
def test_header_is_refused_and_not_repeated_when_it_is_none_of_ours(value: bytes) -> None:
    with pytest.raises(MalformedEvent) as refused:
        HandedOver.from_header(value)
    assert refused.value.reason is DeadLetterReason.SCHEMA_VIOLATION
    assert str(refused.value) == "SCHEMA_VIOLATION at header cg_trans_03.replay"
