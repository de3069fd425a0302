"""Does the exchange rate recover known values? Many simulated corpora with proxies of known worth.

Fresh raters of the same pool are worth their number at any level of ambiguity, also when calibrated. Uniform noise
and the votes of another utterance are worth nothing; the repeated majority of one's own votes, and votes drawn from
the class prior, add nothing to human votes. Draws from the latent distribution, which is free of any rater's habit,
and the votes of a biased annotator are worth what the same predictors are worth on very many utterances
(``population_worth``). A weight or a matrix that has to be learnt is learnt less well from one corpus: what a corpus
of this size can expect is the worth at the mean losses over all corpora.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.inference.arrangement import Arrangement, arrange
from scaling_ambiguity.inference.draws import fresh_votes
from scaling_ambiguity.inference.exchange_losses import WHOLE, ExchangeLosses, Key, ruler_of
from scaling_ambiguity.inference.exchange_predictors import MOST_FRESH, add_calibrated, add_known, add_weighted
from scaling_ambiguity.inference.known_votes import CLASSES, KnownVotes, biased_votes, known_corpus, pool_habits
from scaling_ambiguity.inference.monte_carlo import exact_limits
from scaling_ambiguity.labels.counting import HumanVotes
from scaling_ambiguity.labels.levels import LEVELS, choose_edges, level_of, pairwise_agreement
from scaling_ambiguity.labels.others import class_prior, speaker_blocks
from scaling_ambiguity.labels.pooling import with_echo
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed, generator

Array: TypeAlias = NDArray[np.float64]
UTTERANCES = 480  # where divisible by the number of speakers, otherwise
EACH = 40  # utterances per speaker
SYNTHETIC = 5  # votes of the biased annotator, of noise, of the echo and of the prior
BESIDE = 2  # human votes with which echo and prior are combined
LEVEL_VOTES = 3
FLOOR = 1e-3
LARGEST = {WHOLE: 4, "level": 3}  # conditioning votes k, overall and by level
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KEYS = ["speakers", "stratum", "proxy", "beside", "votes"]
EXPECTED = "corpora"
LEARNT = ("weighted", "calibrated")  # predictors with something to learn from the corpus
CURVE = [f"curve_{k}" for k in range(LARGEST[WHOLE] + 1)]
COLUMNS = [
    *KEYS, "known_by", "truth", "corpora", "resamples", "coverage", "low", "high", "gains", "open", "mean",
    *(f"q{round(100 * q):02d}" for q in QUANTILES), "lower", "upper",
]  # fmt: skip


def arrangements(corpus: KnownVotes) -> Iterator[tuple[dict[str, NDArray[np.bool_] | None], Arrangement, NDArray]]:
    """Yield strata, arrangement and utterances used: first without levels, then levels from reserved votes."""
    human = HumanVotes(corpus.names, corpus.dealt, corpus.counts, speaker_blocks(corpus.speakers), corpus.speakers)
    for start, largest in ((0, LARGEST[WHOLE]), (LEVEL_VOTES, LARGEST["level"])):
        world, used = arrange(human, start=start, largest=largest, floor=FLOOR, level=0.95)
        if not start:
            yield {WHOLE: None}, world, used
            continue
        places = level_places(world.dealt.between(0, start))
        yield {name: places == place for place, name in enumerate(LEVELS)}, world, used


def level_places(counts: Array) -> NDArray[np.int8]:
    """Return the level (``labels.levels.LEVELS``) decided by votes; counts (..., C) -> (...)."""
    agreement = pairwise_agreement(counts)
    return level_of(agreement, choose_edges(agreement.ravel(), LEVEL_VOTES, CLASSES))


def add_proxies(losses: ExchangeLosses, corpus: KnownVotes, used: NDArray, votes: Array, seed: int) -> None:
    """Add every proxy of the study; ``votes`` (U, C) are those of the biased annotator on the utterances used."""
    world = losses.world
    pool = np.broadcast_to(votes, world.reference.shape)
    add_known(losses, corpus.v[used], corpus.p[used], pool, SYNTHETIC, seed)
    losses.add(("as_pooled", 0, SYNTHETIC), pool)
    add_weighted(losses, ("weighted", 0, SYNTHETIC), pool)
    if not world.start:
        add_calibrated_proxies(losses, pool, corpus.v[used], seed)
    human = world.human(BESIDE)
    echo = with_echo(human, pool) * (BESIDE + SYNTHETIC) - human
    prior = np.broadcast_to(SYNTHETIC * class_prior(corpus.counts), human.shape)
    for name, more in (("echo", echo), ("prior", prior)):
        losses.add((name, BESIDE, SYNTHETIC), world.weigh(more, BESIDE)[0], coarse=True)


def add_calibrated_proxies(losses: ExchangeLosses, pool: Array, v: Array, seed: int) -> None:
    """Add the biased annotator and fresh raters, calibrated; penalties chosen at the most votes, as for an ALM."""
    world, penalties = losses.world, None
    losses.add_calibrated_ruler()
    add_calibrated(losses, ("calibrated", 0, SYNTHETIC), pool)
    for k in range(min(MOST_FRESH, world.largest), 0, -1):
        fresh = fresh_votes(v, world.names, k, world.dealt.shape[0], seed, f"{k} fresh raters")
        penalties = add_calibrated(losses, (f"calibrated-fresh-{k}", 0, k), fresh, penalties=penalties).penalties


def value_corpus(speakers: int, number: int, resamples: int, seed: int) -> list[dict]:
    """Return the estimated worth of each proxy in one simulated corpus, one row per stratum and proxy."""
    corpus = known_corpus(utterances_of(speakers), speakers, pool_habits(seed), seed, number)
    own_seed = derive_seed(seed, "recovery", speakers, number)
    votes = biased_votes(generator(own_seed, "biased annotator"), corpus.p, SYNTHETIC)
    settings = {"resamples": resamples, "seed": own_seed, "level": 0.95, "method": "bootstrap_t"}
    rows = []
    for strata, world, used in arrangements(corpus):
        losses = ExchangeLosses(world, strata, across=False)
        add_proxies(losses, corpus, used, votes[used], own_seed)
        for stratum in strata:
            values = losses.values(stratum, settings)
            curves = {ruler: losses.means(stratum, losses.people(ruler)) for ruler in losses.rulers()}
            own_losses = losses.means(stratum, [key for key, *_ in values])
            for (key, value, _), loss in zip(values, own_losses, strict=True):
                ends = number_row(value.estimate, value.low, value.high, key[1])
                curve = dict(zip(CURVE, curves[ruler_of(key[0])], strict=False))
                rows.append(about(speakers, stratum, key) | ends | {"loss": loss} | curve)
    return rows


def utterances_of(speakers: int) -> int:
    """Return the utterances of a corpus: 480, or 40 per speaker where 480 cannot be shared equally."""
    return EACH * speakers if UTTERANCES % speakers else UTTERANCES


def read_off(people: Array, target: float) -> float:
    """Return the k at which a falling curve of losses (K + 1,) meets a loss, in [0, K]."""
    return float(np.interp(-target, -people, np.arange(len(people))))


def expected_worth(group: pd.DataFrame) -> float:
    """Return the votes gained at the mean losses over corpora, at most those of the curve.

    ``group`` holds the rows of one stratum and proxy.
    """
    people = group[CURVE].mean().dropna().to_numpy()
    return read_off(np.minimum.accumulate(people), group["loss"].mean()) - group["beside"].iloc[0]


def about(speakers: int, stratum: str, key: Key) -> dict:
    """Return the columns that identify a row."""
    name, beside, votes = key
    return dict(zip(KEYS, (speakers, stratum, name, beside, int(votes)), strict=True))


def number_row(estimate: float, low: float, high: float, beside: int) -> dict[str, float]:
    """Return an estimate and its ends as votes gained over the human votes it is added to; an open end is infinite."""
    high = np.inf if np.isnan(high) else high
    return {"estimate": estimate - beside, "low": low - beside, "high": high - beside}


def summarise(valued: pd.DataFrame, truths: pd.DataFrame, resamples: int) -> pd.DataFrame:
    """Return one row per stratum, proxy and truth: how often it is covered, and the spread of the estimates.

    ``coverage``: share of intervals that contain the truth, with exact 99 % Monte-Carlo limits ``low`` and ``high``;
    ``gains``: share entirely above 0; ``open``: share without an upper end; ``lower`` and ``upper``: median ends.

    Args:
        valued: Rows of :func:`value_corpus` over all corpora.
        truths: Rows with ``KEYS``, ``truth`` and ``known_by``.
        resamples: Of the intervals.
    """
    truth_of = {tuple(row[:-2]): row[-2:] for row in truths[[*KEYS, "truth", "known_by"]].itertuples(index=False)}
    rows = []
    for key, group in valued.groupby(KEYS, sort=True):
        targets = [truth_of[key]] + ([(expected_worth(group), EXPECTED)] if key[2] in LEARNT else [])
        spread = {f"q{round(100 * q):02d}": round(group["estimate"].quantile(q), 4) for q in QUANTILES}
        ends = {"lower": group["low"].median(), "upper": group["high"].median()}
        for truth, known_by in targets:
            inside = (group["low"] <= truth + 1e-9) & (truth <= group["high"] + 1e-9)
            low, high = exact_limits(int(inside.sum()), len(group))
            rows.append(
                dict(zip(KEYS, key, strict=True))
                | {"truth": round(float(truth), 4), "known_by": known_by, "corpora": len(group), "resamples": resamples}
                | {"coverage": inside.mean(), "low": round(low, 4), "high": round(high, 4)}
                | {"gains": (group["low"] > 1e-9).mean(), "open": np.isinf(group["high"]).mean()}
                | {"mean": round(group["estimate"].mean(), 4)}
                | spread
                | ends
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def recovery(speakers: int, corpora: int, resamples: int, seed: int, truths: pd.DataFrame) -> pd.DataFrame:
    """Return :func:`summarise` over ``corpora`` simulated corpora of ``speakers`` speakers.

    Args:
        speakers: G, at least 5; see :func:`utterances_of`.
        corpora: Number of corpora.
        resamples: Of each interval.
        seed: Seed of the study.
        truths: From ``population_worth.worths``.
    """
    numbers = progress(range(corpora), f"{speakers} speakers", total=corpora, unit="corpus")
    rows = [row for number in numbers for row in value_corpus(speakers, number, resamples, seed)]
    return summarise(pd.DataFrame(rows), truths.assign(speakers=speakers), resamples)
