"""The 10 text features of DiME-Aug (arXiv 2601.14620, section 2.3): counts and shares of characters and words."""

import numpy as np

TEXT_FEATURES = [
    "f_characters",
    "f_words",
    "f_exclamations",
    "f_questions",
    "f_stops",
    "f_commas",
    "f_vowel_share",
    "f_consonant_share",
    "f_word_length",
    "f_capital_share",
]

_VOWELS = frozenset("aeiou")


def text_features(transcript: str | None) -> np.ndarray:
    """Return the 10 features of one transcript, in the order of ``TEXT_FEATURES``; zeros without a transcript.

    Counts of characters, words and four punctuation marks; shares in [0, 1] of vowels,
    consonants and capitals among the characters; mean word length in characters. Capitals
    are counted in the text as given (the released code counts them after lower-casing, so
    that its tenth feature is constant).

    Returns:
        float64 array of shape (10,), non-negative.
    """
    text = (transcript or "").strip()
    if not text:
        return np.zeros(len(TEXT_FEATURES))
    words = text.split()
    lower = text.lower()
    vowels = sum(character in _VOWELS for character in lower)
    letters = sum(character.isalpha() for character in lower)
    return np.array(
        [
            len(text),
            len(words),
            *(text.count(mark) for mark in "!?.,"),
            vowels / len(text),
            (letters - vowels) / len(text),
            sum(map(len, words)) / len(words),
            sum(character.isupper() for character in text) / len(text),
        ],
        dtype=np.float64,
    )
