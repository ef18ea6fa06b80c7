"""All that is held of the guideline, from its files.

One file per published version; a version more is a file more. All faults of all files are
reported at once.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from stream_app.policy.faults import Fault, FaultList
from stream_app.policy.icd10cm import load_icd10_table
from stream_app.policy.load_applicability import load_applicability
from stream_app.policy.load_reasons import load_reasons
from stream_app.policy.load_version import VersionFile
from stream_app.policy.model import Policies

__all__ = ["load_applicability", "load_policies"]

_HERE = Path(__file__).parent
_DAY = timedelta(days=1)


def load_policies(directory: Path | None = None) -> Policies:
    """The guideline's versions.

    Args:
        directory: where the version files lie; by default those shipped with the service.

    Raises:
        PolicyError: some file cannot be used; names every fault of every file.
    """
    faults = FaultList()
    directory = directory or _HERE / "cg_trans_03"
    table = load_icd10_table()
    reasons, reasons_hash = load_reasons(_HERE / "reasons.yaml", faults)
    files = [VersionFile(path, faults) for path in sorted(directory.glob("*.yaml"))]
    if not files:
        faults.append(Fault(directory.name, 0, "", "holds no version file (*.yaml)"))
    files = sorted(files, key=lambda file: file.effective_from)
    ends = _last_days([file for file in files if file.is_dated])
    versions = tuple(file.build(table, ends.get(file.effective_from)) for file in files)
    faults.raise_if_any()
    return Policies(versions=versions, reasons=reasons, reasons_hash=reasons_hash, icd10cm=table)


def _last_days(files: Sequence[VersionFile]) -> dict[date, date | None]:
    """The last day of each version by its first: as its file says, or the day before the next.

    Args:
        files: in order of their first days.
    """
    ends = {file.effective_from: file.effective_through for file in files}
    for file, following in pairwise(files):
        if file.effective_from == following.effective_from:
            following.fields["effective_from"].fault(f"overlaps {file.name}: same first day")
        elif file.effective_through is None:
            ends[file.effective_from] = following.effective_from - _DAY
        elif file.effective_through >= following.effective_from:
            following.fields["effective_from"].fault(f"overlaps {file.name}")
        elif file.effective_through + _DAY < following.effective_from:
            following.fields["effective_from"].fault(f"leaves a gap behind {file.name}")
    return ends
