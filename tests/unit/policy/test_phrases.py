"""The little language of wordings."""

import pytest

from stream_app.policy.phrases import is_phrase, phrase_finder, words


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("DLI", "a dli, today"),
        ("T cell", "T-Cell"),
        ("T cell", "t\N{NON-BREAKING HYPHEN}cell"),
        ("T cells", "(T) cells"),
        ("modif*", "Modification"),
        ("modif*", "modif"),
        ("genetic ... modif*", "genetic modification"),
        ("genetic ... modif*", "genetic and other modification"),
        ("genetic ... modif*", "modified by genetic modification"),
        ("genetic ... genetic", "genetic genetic"),
    ],
)
def test_phrase_is_found_when_the_text_has_it(phrase: str, text: str) -> None:
    assert phrase_finder(phrase)(words(text))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("DLI", "dlis"),
        ("T cell", "t cellular"),
        ("T cell", "cell t"),
        ("T cell", "that cell"),
        ("modif*", "unmodified"),
        ("genetic ... modif*", "modified genetic"),
        ("genetic ... modif*", "genetics, modified"),
        ("genetic ... genetic", "genetic"),
        ("no", ""),
    ],
)
def test_phrase_is_not_found_when_the_text_lacks_it(phrase: str, text: str) -> None:
    assert not phrase_finder(phrase)(words(text))


@pytest.mark.parametrize("phrase", ["no", "CAR T", "modif*", "a b ... c* ... d", "T cell*"])
def test_phrase_is_well_formed(phrase: str) -> None:
    assert is_phrase(phrase)


@pytest.mark.parametrize(
    "phrase", ["", " no", "no ", "a  b", "...", "... a", "a ...", "a* b", "*", "a-b", "a...b"]
)
def test_phrase_is_malformed(phrase: str) -> None:
    assert not is_phrase(phrase)


def test_finding_takes_one_pass_when_a_long_text_repeats_the_opening_word() -> None:
    """A text of a megabyte must not cost its square; the suite's timeout would tell."""
    text = words("genetic " * 130_000)
    assert not phrase_finder("genetic ... modif*")(text)
