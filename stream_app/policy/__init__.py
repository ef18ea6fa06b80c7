"""The guideline as data: its published versions, the reason codes, the ICD-10-CM table."""
