"""Coverage-guided fuzzing of the decoder, beyond what hypothesis draws.

Needs atheris, which is no development dependency (Linux only, for some Pythons only):
`pip install atheris`, then `python tests/fuzz/fuzz_decode.py -max_total_time=60`. Starts from the
examples beside the schemas. Whatever the decoder does but decode or raise MalformedEvent ends the
run and leaves the input in `.cache/fuzz`.
"""

import shutil
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / ".cache" / "fuzz"

with atheris.instrument_imports(include=["stream_app"]):
    from stream_app.errors import DeadLetterReason, MalformedEvent
    from stream_app.pipeline.decode import decode_claim, decode_history
    from stream_app.pipeline.scope import may_be_in_scope


def try_one(value: bytes) -> None:
    """Decode one input as a claim and as a history event."""
    try:
        claim = decode_claim(value)
    except MalformedEvent as malformed:
        check(malformed)
    else:
        assert claim is None or not claim.lines or may_be_in_scope(value)
    try:
        decode_history(value)
    except MalformedEvent as malformed:
        check(malformed)


def check(malformed: MalformedEvent) -> None:
    """A fault names its reason and holds on to no other error, which could hold the event."""
    assert malformed.reason in DeadLetterReason
    assert malformed.__context__ is None


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    corpus = FINDINGS / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for example in (ROOT / "schemas" / "examples").glob("*/v1/*/*.json"):
        shutil.copy(example, corpus / f"{example.parts[-4]}-{example.name}")
    atheris.Setup([*sys.argv, f"-artifact_prefix={FINDINGS}/", str(corpus)], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
