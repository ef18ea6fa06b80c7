"""Rules 6 and 7: what a line's description says."""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from stream_app.policy.model import DescriptionPhrases, Phrases
from stream_app.policy.phrases import phrase_finder, words

# Descriptions repeat; long ones are read anew, so that what the cache holds stays small.
_CACHED_TEXT = 256


class Meaning(Struct, frozen=True):
    """What a description says."""

    blank: bool
    """No word in it."""
    says_genetic_modification: bool
    """In so many words, negated or not (rule 5)."""
    says_modified_cells: bool
    """That, or what only genetic modification yields, negated or not (rule 7)."""
    says_modified_lymphocytes: bool
    """Clearly, and without a negation anywhere (rule 6)."""
    may_say_modified_lymphocytes: bool
    phrases: dict[str, list[str]]
    """The evidence: what was found, by what it means."""


class DescriptionReader:
    """Reads descriptions by one version's phrases."""

    def __init__(self, phrases: DescriptionPhrases) -> None:
        self._finders = {
            name: _finder(getattr(phrases, name)) for name in DescriptionPhrases.__struct_fields__
        }
        self._cached = lru_cache(maxsize=4096)(self._read)

    def read(self, description: str | None) -> Meaning:
        """What a line's description, if it has one, says."""
        if description is None or len(description) <= _CACHED_TEXT:
            return self._cached(description)
        return self._read(description)

    def _read(self, description: str | None) -> Meaning:
        text = words(description or "")
        found = {name: find(text) for name, find in self._finders.items()}
        modification = bool(found["genetic_modification"])
        modified_cells = modification or bool(found["gene_transfer"])
        lymphocytes = bool(found["lymphocytes"])
        return Meaning(
            blank=not text.strip(),
            says_genetic_modification=modification,
            says_modified_cells=modified_cells,
            says_modified_lymphocytes=modification and lymphocytes and not found["negation"],
            may_say_modified_lymphocytes=lymphocytes
            and (modified_cells or bool(found["modification_hint"])),
            phrases={name: phrases for name, phrases in found.items() if phrases},
        )


def _finder(phrases: Phrases) -> Callable[[str], list[str]]:
    finders = [(phrase, phrase_finder(phrase)) for phrase in phrases.phrases]
    return lambda text: [phrase for phrase, is_found in finders if is_found(text)]
