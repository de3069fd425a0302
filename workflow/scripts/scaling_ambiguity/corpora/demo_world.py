"""A world of simulated speech with a known truth: words and prosody first, then how they are perceived.

For each utterance a speaker intends a blend of emotions and realises it in five prosodic cues
x; the words lean towards a class independently. A perfect listener of the pool then perceives

    p_c  proportional to  prior_c exp(-|x - (1 - t) h - m_c|^2 / (2 s^2) + g [words lean to c]),

with m_c the typical cues of class c, h the speaker's habit, which the listener discounts by the share 1 - t, s the
width of a class and g the pool's reliance on words. p is thus a function of the realised signal alone, and so is v,
the expected vote of a rater of the pool.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.demo_raters import assign_raters, cast_votes, pool_seed, sample_pool
from scaling_ambiguity.corpora.demo_sentences import sentences, world_bucket
from scaling_ambiguity.corpora.demo_voices import CUES, Speaker, realise, sample_speakers
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.base import class_columns

KNOWN_CLASSES = ("neutral", "happy", "sad", "angry")
TYPICAL = np.array(  # pitch, range, rate, loudness, tilt
    [
        [0.0, -0.5, 0.0, 0.0, 0.0],
        [1.4, 1.3, 0.5, 0.3, 0.2],
        [-0.9, -0.9, -1.2, -1.1, -1.1],
        [0.1, 0.4, 0.9, 1.5, 1.5],
    ]
)


@dataclass(frozen=True)
class Pool:
    """The differences between pools: the intended classes, the listeners' prior and their reliance on words."""

    intended: tuple[float, ...]
    prior: tuple[float, ...]
    words: float


POOLS = {
    "home": Pool(intended=(0.31, 0.31, 0.26, 0.12), prior=(0.26, 0.34, 0.26, 0.14), words=0.9),
    "foreign": Pool(intended=(0.27, 0.30, 0.18, 0.25), prior=(0.21, 0.33, 0.18, 0.28), words=1.8),
}
WIDTH = 0.95
HABIT_HEARD = 0.5  # share of a speaker's habit that is mistaken for expression
STRENGTH = (0.35, 1.6)  # of an expression; 1 is typical of its class
NOISE = 0.45  # standard deviation of a cue around what was intended
CONFLICT = 0.2  # share of utterances whose words are drawn to contradict the voice
PLAIN = 0.45  # share of the others whose words lean to no emotion


@dataclass(frozen=True)
class World:
    """A sampled world.

    Attributes:
        name: Name of the world, the prefix of all its identifiers.
        classes: Class set in order.
        utterances: utterance, speaker, group, transcript, lean, intended, conflict (0 or 1),
            the realised cues (standard units) and the synthesiser's settings.
        truth: utterance, p_<label> (perfect listener), v_<label> (expected vote of the pool).
        votes: utterance, rater, label.
    """

    name: str
    classes: list[str]
    utterances: pd.DataFrame
    truth: pd.DataFrame
    votes: pd.DataFrame


def perceive(cues: np.ndarray, habit: np.ndarray, lean: np.ndarray, kinds: list[int], pool: Pool) -> np.ndarray:
    """Return p (n, C), the perception of a perfect listener.

    Args:
        cues: Realised cues (n, 5).
        habit: Habit of each utterance's speaker (n, 5).
        lean: Position of the class that the words lean towards (n,).
        kinds: Position of each class in ``KNOWN_CLASSES``.
        pool: The listeners.
    """
    heard = cues - (1 - HABIT_HEARD) * habit
    distance = ((heard[:, None, :] - TYPICAL[kinds]) ** 2).sum(axis=2)
    logits = np.log(np.array(pool.prior)[kinds]) - distance / (2 * WIDTH**2)
    logits += pool.words * (lean[:, None] == np.arange(len(kinds)))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def sample_world(name: str, options: dict, seed: int, pool: str = "home") -> World:
    """Sample a world; another name gives other speakers, other sentences and other raters.

    An utterance's words, prosody, p and number of votes depend on seed, name, classes and its
    own number, and on the numbers of speakers and raters, not on the number of utterances.

    Args:
        name: Prefix of the identifiers, ``[a-z0-9_]+``.
        options: classes, utterances, speakers, raters, votes [smallest, largest]; others are ignored.
        seed: Seed of the run.
        pool: ``home`` or ``foreign`` (another class prior, stronger reliance on words, two rare speaker groups).

    Raises:
        UserError: An option is missing or impossible.
    """
    classes, counts = _check(name, options, pool)
    kinds = [KNOWN_CLASSES.index(label) for label in classes]
    speakers = sample_speakers(name, counts["speakers"], seed, pool)
    rows = []
    for number in range(counts["utterances"]):
        utterance = f"{name}_{number + 1:04d}"
        rows.append(_utter(utterance, speakers[number % len(speakers)], name, classes, seed, pool))
    table = pd.DataFrame(rows)
    habit = np.array([speakers[number % len(speakers)].habit for number in range(len(rows))])
    lean = pd.Index(classes).get_indexer(table["lean"])
    cues = table[list(CUES)].to_numpy()
    p = perceive(cues, habit, lean, kinds, POOLS[pool])
    voice_only = perceive(cues, habit, np.full(len(rows), -1), kinds, POOLS[pool])
    table["conflict"] = ((table["lean"] != "neutral") & (lean != voice_only.argmax(axis=1))).astype(int)

    prior = np.array(POOLS[pool].prior)[kinds]
    raters = sample_pool(name, counts["raters"], seed, prior / prior.sum(), kinds)
    columns = class_columns(classes) + class_columns(classes, "v_")
    truth = pd.DataFrame(np.hstack([p, raters.expected_vote(p)]), columns=columns)
    truth.insert(0, "utterance", table["utterance"])
    votes = assign_raters(table["utterance"].tolist(), raters, tuple(options["votes"]), pool_seed(seed, name))
    perceived = truth.set_index("utterance")[class_columns(classes)]
    votes["label"] = cast_votes(votes, perceived, raters, classes, pool_seed(seed, name))
    return World(name, classes, table, truth, votes)


def _utter(utterance: str, speaker: Speaker, world: str, classes: list[str], seed: int, pool: str) -> dict:
    """Return one row of ``World.utterances``, all but the column conflict."""
    draw = generator(seed, "utterance", utterance)
    kinds = [KNOWN_CLASSES.index(label) for label in classes]
    intended_share = np.array(POOLS[pool].intended)[kinds]
    first, second = draw.choice(len(classes), size=2, p=intended_share / intended_share.sum())
    blend = 0.5 * draw.beta(1.0, 2.0)
    strength = draw.uniform(*STRENGTH)
    rest = TYPICAL[0]
    intended = rest + strength * ((1 - blend) * TYPICAL[kinds[first]] + blend * TYPICAL[kinds[second]] - rest)
    settings, cues = realise(speaker, intended + speaker.habit + draw.normal(0, NOISE, len(CUES)))

    contradict, plain = draw.random() < CONFLICT, draw.random() < PLAIN
    others = [label for label in classes if label not in (classes[first], "neutral")]
    other, pick = draw.integers(len(others)) if others else 0, draw.random()
    lean = classes[first]
    if contradict and others:
        lean = others[other]
    elif plain and "neutral" in classes:
        lean = "neutral"
    choices = sentences(lean, world_bucket(world, pool))
    return {
        "utterance": utterance,
        "speaker": speaker.name,
        "group": speaker.group,
        "transcript": choices[int(pick * len(choices))],
        "lean": lean,
        "intended": classes[first],
        **dict(zip(CUES, cues.tolist(), strict=True)),
        **settings,
    }


def _check(name: str, options: dict, pool: str) -> tuple[list[str], dict[str, int]]:
    """Return classes and counts; raise UserError naming the option at fault."""
    where = f"simulated corpus {name!r}"
    missing = [key for key in ("classes", "utterances", "speakers", "raters", "votes") if key not in options]
    if missing:
        raise UserError(f"{where}: option {missing[0]!r} is missing; add it to the corpus' entry in config.yaml.")
    classes = list(options["classes"])
    if len(set(classes)) < max(2, len(classes)) or not set(classes) <= set(KNOWN_CLASSES):
        raise UserError(
            f"{where}: classes {classes}; known are {list(KNOWN_CLASSES)}; choose two or more of them, each once."
        )
    if pool not in POOLS:
        raise UserError(f"{where}: no pool {pool!r}; there are {sorted(POOLS)}.")
    counts = {key: options[key] for key in ("utterances", "speakers", "raters")}
    for key, value in counts.items():
        if not isinstance(value, int) or value < 1:
            raise UserError(f"{where}: {key} is {value!r}; give a whole number of at least 1.")
    if len(options["votes"]) != 2:
        raise UserError(
            f"{where}: votes is {options['votes']!r}; give [smallest, largest] number of votes per utterance."
        )
    return classes, counts
