"""Rules 6 and 7: what a line's description says."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from stream_app.policy.model import DescriptionPhrases, Phrases
from stream_app.policy.phrases import phrase_finder, words

# Descriptions repeat; long ones are read anew, so that what the cache holds stays small.
_CACHED_TEXT = 256


class Meaning(Struct, frozen=True):
    """What a description says, by the phrases found in it."""

    blank: bool
    """No word in it."""
    genetic_modification: tuple[str, ...]
    lymphocytes: tuple[str, ...]
    negation: tuple[str, ...]
    modification_hint: tuple[str, ...]
    gene_transfer: tuple[str, ...]

    @property
    def says_modified_cells(self) -> bool:
        """Genetic modification or what only it yields, negated or not (rule 7)."""
        return bool(self.genetic_modification or self.gene_transfer)

    @property
    def says_modified_lymphocytes(self) -> bool:
        """Clearly, and without a negation anywhere (rule 6)."""
        return bool(self.genetic_modification and self.lymphocytes and not self.negation)

    @property
    def may_say_modified_lymphocytes(self) -> bool:
        return bool(self.lymphocytes and (self.says_modified_cells or self.modification_hint))

    def evidence(self) -> dict[str, Any]:
        return {
            name: list(getattr(self, name))
            for name in DescriptionPhrases.__struct_fields__
            if getattr(self, name)
        }


class DescriptionReader:
    """Reads descriptions by one version's phrases."""

    def __init__(self, phrases: DescriptionPhrases) -> None:
        self._finders = {
            name: _finder(getattr(phrases, name)) for name in DescriptionPhrases.__struct_fields__
        }
        self._cached = lru_cache(maxsize=4096)(self._read)

    def read(self, description: str | None) -> Meaning:
        if description is None or len(description) <= _CACHED_TEXT:
            return self._cached(description)
        return self._read(description)

    def _read(self, description: str | None) -> Meaning:
        text = words(description or "")
        return Meaning(
            blank=not text.strip(), **{name: find(text) for name, find in self._finders.items()}
        )


def _finder(phrases: Phrases) -> Callable[[str], tuple[str, ...]]:
    finders = [(phrase, phrase_finder(phrase)) for phrase in phrases.phrases]
    return lambda text: tuple(phrase for phrase, is_found in finders if is_found(text))
