"""ICD-10-CM codes as text: normalising and shape. Which codes exist is policy data."""

from typing import NewType

Icd10Code = NewType("Icd10Code", str)
"""Upper case, undotted, no blanks: `C9210`."""
