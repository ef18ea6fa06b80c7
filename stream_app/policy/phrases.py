"""The little language in which policy files write wordings.

Words are set off by blanks; `...` is anything in between, or nothing; a `*` at the end of a
part leaves its last word open: `modif*` is any word that begins so. A phrase is found in a text
when its parts are found in this order.
"""

import re
from collections.abc import Callable

_WORD = r"[^\W_]+"
_PART = rf"{_WORD}(?: {_WORD})*\*?"
_PHRASE = re.compile(rf"{_PART}(?: \.\.\. {_PART})*")
_WORDS = re.compile(_WORD)


def is_phrase(text: str) -> bool:
    """Whether a text is of this language."""
    return _PHRASE.fullmatch(text) is not None


def words(text: str) -> str:
    """The words of a text in lower case, each with a blank on both sides of it; blank if none.

    Hyphens and everything else that is neither letter nor digit read as blanks.
    """
    return f" {' '.join(_WORDS.findall(text.casefold()))} "


def phrase_finder(phrase: str) -> Callable[[str], bool]:
    """A function that tells whether a phrase is found in the `words` of a text.

    It takes one pass, however long the text: parts are searched from where the last one ended.
    """
    parts = [f" {part} ".removesuffix("* ") for part in phrase.casefold().split(" ... ")]

    def found(text: str) -> bool:
        start = 0
        for part in parts:
            start = text.find(part, start)
            if start < 0:
                return False
            # The blank that closes a part may open the next.
            start += len(part) - 1
        return True

    return found
