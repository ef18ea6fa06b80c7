"""Where the guideline is adopted and what comes before it, from a file of the operator's.

Format, by example: docs/applicability.example.yaml.
"""

from pathlib import Path

from stream_app.policy.applicability import (
    AdverseDetermination,
    Applicability,
    ApplicabilityRow,
    Precedence,
)
from stream_app.policy.faults import FaultList
from stream_app.policy.strict_yaml import Item, read_yaml

_MATCHED = ("line_of_business", "plan_id", "state", "effective_from", "effective_through")
_SAID = ("adopted", "takes_precedence", "adverse_determination")


def load_applicability(path: Path | None = None) -> Applicability:
    """The applicability rows.

    Args:
        path: the file; None: adopted everywhere, nothing takes precedence.

    Raises:
        PolicyError: the file cannot be used; names every fault in it.
    """
    if path is None:
        return Applicability()
    faults = FaultList()
    fields = read_yaml(path, faults).mapping(["rows"], optional=["adopted_by_default"])
    default = fields["adopted_by_default"]
    applicability = Applicability(
        rows=tuple(_row(item) for item in fields["rows"].sequence(at_least=0)),
        adopted_by_default=default.yes_or_no() if default.given else True,
    )
    faults.raise_if_any()
    return applicability


def _row(item: Item) -> ApplicabilityRow:
    fields = item.mapping(["because"], optional=(*_MATCHED, *_SAID))
    fields["because"].text()
    given = {name: fields[name] for name in (*_MATCHED, *_SAID) if fields[name].given}
    if not any(name in given for name in _SAID):
        item.fault("says nothing: give one of " + ", ".join(_SAID))
    begins = given["effective_from"].day() if "effective_from" in given else None
    ends = given["effective_through"].day() if "effective_through" in given else None
    if begins and ends and begins > ends:
        given["effective_through"].fault("reversed: before effective_from")
    return ApplicabilityRow(
        line_of_business=_code(given, "line_of_business"),
        plan_id=_code(given, "plan_id"),
        state=_code(given, "state"),
        effective_from=begins,
        effective_through=ends,
        adopted=given["adopted"].yes_or_no() if "adopted" in given else None,
        takes_precedence=(
            given["takes_precedence"].choice(Precedence) if "takes_precedence" in given else None
        ),
        adverse_determination=(
            given["adverse_determination"].choice(AdverseDetermination)
            if "adverse_determination" in given
            else None
        ),
    )


def _code(given: dict[str, Item], name: str) -> str | None:
    return given[name].quoted() if name in given else None
