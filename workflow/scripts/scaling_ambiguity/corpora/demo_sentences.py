"""The demo's sentences: an opening, a core that leans towards one emotion, and a tail.

The words are shared by all worlds, so that their lean can be learned; the sentences are not.
Every sentence belongs to one of ``BUCKETS`` by its hash and every world to one bucket, even
for the home pool and odd for the foreign one: a home and a foreign world never share a sentence.
"""

from functools import cache
from itertools import product

from scaling_ambiguity.seeds import derive_seed

BUCKETS = 16

OPENINGS = ("", "Well,", "Listen,", "You know,", "I heard", "It seems", "They say", "I think", "So,", "Look,")

CORES = {
    "neutral": (
        "the bus stopped here",
        "the meeting was short",
        "the keys were on the table",
        "the train was on time",
        "we moved the chairs",
        "the file had two pages",
        "they changed the number",
        "the shop was open",
        "the road was dry",
        "she sent the form",
        "the box was by the door",
        "he parked the car",
    ),
    "happy": (
        "we won the lovely prize",
        "the baby laughed so sweetly",
        "they got happily married",
        "the party was wonderful",
        "we got the best seats",
        "my dream came true",
        "she loved the present",
        "the sun was shining",
        "he passed with honours",
        "our friends came home",
        "the puppy was delightful",
        "everybody cheered for us",
    ),
    "sad": (
        "the old dog died",
        "we lost our home",
        "she was gone for good",
        "he cried all alone",
        "nobody said goodbye",
        "I missed her terribly",
        "the funeral was small",
        "they gave up hope",
        "my heart was broken",
        "the garden was dying",
        "he left me forever",
        "we buried the letters",
    ),
    "angry": (
        "they lied to us",
        "he broke it on purpose",
        "she stole my money",
        "it was a disgrace",
        "you ruined everything",
        "they cheated me twice",
        "he never listened to me",
        "he kept shouting at her",
        "I hated this stupid rule",
        "they threw it all away",
        "he stood in my way",
        "they dared to blame me",
    ),
}

TAILS = (
    "",
    "today",
    "this morning",
    "at the station",
    "before lunch",
    "once more",
    "after work",
    "last night",
    "in the village",
    "this time",
    "on the island",
    "by the river",
    "at the school",
    "in the end",
)


def world_bucket(name: str, pool: str) -> int:
    """Return the bucket in [0, BUCKETS) of a world: even for the pool ``home``, odd for ``foreign``."""
    return 2 * (derive_seed("sentences", name) % (BUCKETS // 2)) + (pool == "foreign")


@cache
def sentences(lean: str, bucket: int) -> tuple[str, ...]:
    """Return, in a fixed order, the sentences of a bucket whose words lean towards the class ``lean``."""
    matches = []
    for opening, core, tail in product(OPENINGS, CORES[lean], TAILS):
        text = " ".join(part for part in (opening, core, tail) if part)
        text = text[0].upper() + text[1:] + "."
        if derive_seed("sentence", text) % BUCKETS == bucket:
            matches.append(text)
    return tuple(matches)
