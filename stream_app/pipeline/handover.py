"""The header by which a replay hands a claim over to its owner: which job, and what it saw."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.remember import LastDecision

HEADER = "cg_trans_03.replay"

ReplayId = Annotated[
    str, Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]


class HandedOver(Struct, frozen=True):
    """Why a copy of a claim event that was read before lies in the in-scope topic once more."""

    replay_id: ReplayId
    """Of the job, a UUID."""
    standing: LastDecision | None
    """The decision that stands as far as the job could read; it counts where the owner does not
    remember the claim any more."""
    shadow: bool = False
    """Whether the job compared with shadow decisions. A live worker and one in shadow mode read
    the same topic, and what is handed over to one is nothing to the other."""

    def to_header(self) -> tuple[str, bytes]:
        """The header of the copy."""
        return HEADER, _encoder.encode(self)

    @classmethod
    def from_header(cls, value: bytes) -> "HandedOver":
        """What a header says.

        Raises:
            MalformedEvent: it is none of ours. The claim cannot be taken for a new one instead:
                it has been decided before, and an approval could be taken back.
        """
        try:
            return _decoder.decode(value)
        except msgspec.MsgspecError:
            raise MalformedEvent(DeadLetterReason.SCHEMA_VIOLATION, f"header {HEADER}") from None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(HandedOver)
