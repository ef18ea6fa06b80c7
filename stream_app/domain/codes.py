"""ICD-10-CM codes as text: normalising and shape. Which codes exist is policy data."""

import re
from typing import NewType

Icd10Code = NewType("Icd10Code", str)
"""Upper case, undotted, no blanks: `C9210`."""

CATEGORY_LENGTH = 3
"""Characters of a category, the heading that a code's dot follows: `C92` of `C92.10`."""

# Spelt out for ASCII, since `upper` and IGNORECASE turn some letters beyond it into letters within.
_INDICATION = re.compile(r"([A-Qa-q][0-9][0-9A-Za-z])(?:\.?([0-9A-Za-z]{1,4}))?")
_PUBLISHED = re.compile(r"([A-Z][0-9][0-9A-Z])(?:\.([0-9A-Z]{1,4}))?")


def dotted(code: Icd10Code) -> str:
    """The code as the classification prints it: `C92.10`, `D45`."""
    head, tail = code[:CATEGORY_LENGTH], code[CATEGORY_LENGTH:]
    return f"{head}.{tail}" if tail else head


def published_code(text: str) -> Icd10Code | None:
    """The code in a text spelt exactly as the classification prints it, else None."""
    match = _PUBLISHED.fullmatch(text)
    return Icd10Code(match[1] + (match[2] or "")) if match else None


def indication_code(text: str) -> Icd10Code | None:
    """The disease code A00-Q99 in free text, else None.

    Factors, external causes, ICD-9 and words do not name a disease and so say nothing of what a
    transplant treated. The shape alone is judged: a header such as `C92` names one, too.
    """
    match = _INDICATION.fullmatch(text.strip())
    return Icd10Code((match[1] + (match[2] or "")).upper()) if match else None
