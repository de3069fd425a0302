"""Genuine held-out votes, fed in as if they were an ALM's, are worth their number in every variant.

And figures of the exchange rate, computed anew from raw votes by other code than the library's.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import minimize, minimize_scalar
from scipy.special import digamma, gammaln

from scaling_ambiguity.corpora.demo_world import sample_world
from scaling_ambiguity.corpora.readers import cremad
from scaling_ambiguity.corpora.roles import deal_roles
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.exchange_losses import CALIBRATED_HUMAN, WHOLE, ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_calibrated, add_weighted
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes, deal_votes, human_counts
from scaling_ambiguity.labels.others import speaker_blocks
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.roles import POSITION

REPOSITORY = Path(__file__).resolve().parents[3]
ROOT = Path(os.environ.get("CREMAD_ROOT", REPOSITORY.parent / "shared" / "data" / "cremad"))
HAS_VOTES = any((ROOT / folder / "tabulatedVotes.csv").is_file() for folder in ("", "processedResults"))
SETTINGS = {"resamples": 1000, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
# As many deals as a run has: with ten, the values of two dealings differ by .04 votes.
FLOOR, DEALS, SEED = 0.001, 30, 42
AS_ALM = 3  # votes put aside in each deal, to be the ALM's


@dataclass
class Corpus:
    """Human votes as the programs read them: names and speakers of U utterances, votes and their places."""

    names: list[str]
    speakers: np.ndarray
    votes: pd.DataFrame
    classes: list[str]

    def dealt(self, deals: int = DEALS) -> DealtVotes:
        roles = deal_roles(self.votes, level_votes=3, deals=deals, seed=SEED)
        return deal_votes(roles, self.votes, self.names, self.classes)

    def labels(self, deals: int = DEALS) -> np.ndarray:
        """Return class numbers in the order of each deal, (deals, U, most), -1 where there are no more votes."""
        roles = deal_roles(self.votes, level_votes=3, deals=deals, seed=SEED)
        place = by_deal(roles, POSITION, "roles")
        label = roles.merge(self.votes, on=["utterance", "rater"], how="left")["label"].map(self.classes.index)
        item = roles["utterance"].map({name: i for i, name in enumerate(self.names)}).to_numpy()
        table = np.full((deals, len(self.names), int(place.max()) + 1), -1)
        for deal in range(deals):
            table[deal, item, place[deal]] = label
        return table


def demo() -> Corpus:
    options = yaml.safe_load((REPOSITORY / "config.yaml").read_text())["corpora"]["demo"]
    world = sample_world("demo", options, SEED)
    votes = world.votes[["utterance", "rater", "label"]].reset_index(drop=True)
    votes = votes.assign(kind="observer", role="primary", presentation="voice", weight=1.0, rank=0, raters_known=True)
    names = world.utterances["utterance"].tolist()
    return Corpus(names, world.utterances["speaker"].to_numpy(str), votes, list(options["classes"]))


def crema_d(presentation: str = "voice") -> Corpus:
    if not HAS_VOTES:
        pytest.skip(f"no tabulatedVotes.csv in {ROOT}; set CREMAD_ROOT")
    read = cremad.read(ROOT, {"presentation": presentation})
    votes = read.votes[(read.votes["role"] == "primary") & read.votes["label"].notna()].reset_index(drop=True)
    order = read.utterances.sort_values("utterance", kind="stable")
    classes = ["anger", "disgust", "fear", "happy", "neutral", "sad"]
    return Corpus(order["utterance"].tolist(), order["speaker"].to_numpy(str), votes, classes)


@pytest.fixture(scope="module", params=[demo, crema_d], ids=["demo", "cremad"])
def corpus(request):
    return request.param()


@pytest.fixture(scope="module")
def values(corpus):
    """Return what votes put aside are found to be worth, by name, human and genuine votes, and the losses."""
    counts = human_counts(corpus.votes, corpus.names, corpus.classes)
    blocks = speaker_blocks(corpus.speakers)
    world, _ = arrange(
        HumanVotes(corpus.names, corpus.dealt(), counts, blocks, corpus.speakers),
        start=AS_ALM, largest=4, floor=FLOOR, level=0.95,
    )  # fmt: skip
    losses = ExchangeLosses(world, {WHOLE: None}, across=False)
    losses.add_calibrated_ruler()
    penalties = None
    for m in (3, 2, 1):
        genuine = world.dealt.between(0, m)
        losses.add(("as_pooled", 0, m), genuine)
        add_weighted(losses, ("weighted", 0, m), genuine)
        penalties = add_calibrated(losses, ("calibrated", 0, m), genuine, penalties=penalties).penalties
    genuine = world.dealt.between(0, 1)
    for k in (1, 2):
        add_weighted(losses, ("weighted", k, 1), genuine)
        add_calibrated(losses, ("calibrated", k, 1), genuine, penalties=penalties)
    return {key: value for key, value, _ in losses.values(WHOLE, SETTINGS)}, losses


@pytest.mark.parametrize("name", ["as_pooled", "weighted", "calibrated"])
@pytest.mark.ci
def test_genuine_votes_are_worth_their_number_in_every_variant(values, name):
    """Read off an uncalibrated ruler, one calibrated vote of CREMA-D was 1.62 votes, two 2.99 and three 4.35."""
    for m in (1, 2, 3):
        value = values[0][name, 0, m]
        assert value.low <= m and (np.isnan(value.high) or m <= value.high), (m, value)
        assert value.estimate == pytest.approx(m, abs=0.12 * m + 0.1)


@pytest.mark.parametrize("name", ["weighted", "calibrated"])
def test_one_more_genuine_vote_is_worth_one_beside_others(values, name):
    for k in (1, 2):
        value = values[0][name, k, 1]
        assert value.low - k <= 1 and (np.isnan(value.high) or value.high - k >= 1), (k, value)
        assert value.estimate - k == pytest.approx(1, abs=0.25)


def test_calibrated_human_votes_predict_no_worse_than_as_they_are(values):
    """So smoothed human votes are no ceiling: a matrix for what raters confuse takes the same votes further."""
    losses = values[1]
    plain, calibrated = (losses.means(WHOLE, losses.people(ruler)) for ruler in ("human", CALIBRATED_HUMAN))
    assert (calibrated[1:] < plain[1:] + 0.002).all() and (np.diff(calibrated) < 0).all()


# --- from raw votes, by other code


def own_prior(counts: np.ndarray) -> np.ndarray:
    """Fit the Dirichlet-multinomial by its plain likelihood, started elsewhere than the library's fit."""
    n = counts.sum(axis=1)

    def loss(log_a):
        a = np.exp(log_a)
        whole = gammaln(a.sum()) - gammaln(n + a.sum()) + (gammaln(counts + a) - gammaln(a)).sum(axis=1)
        slope = digamma(a.sum()) - digamma(n + a.sum())[:, None] + digamma(counts + a) - digamma(a)
        return -whole.mean(), -a * slope.mean(axis=0)

    start = np.zeros(counts.shape[1])
    return np.exp(minimize(loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-14}).x)


class Own:
    """The exchange rate of Section 5 of the plan, written a second time, with plain loops."""

    def __init__(self, corpus: Corpus, largest: int, deals: int):
        table = corpus.labels(deals)
        self.classes, self.largest = len(corpus.classes), largest
        self.use = (table[0] >= 0).sum(axis=1) > largest
        everyone = self.count(table[0])
        speakers = np.unique(corpus.speakers)
        block = np.searchsorted(speakers, corpus.speakers) % min(len(speakers), 20)
        self.block, self.blocks = block[self.use], block.max() + 1
        priors = [own_prior(everyone[(block != b) & (everyone.sum(axis=1) > 0)]) for b in range(self.blocks)]
        self.a = np.array(priors)[self.block]
        self.deals = [deal[self.use] for deal in table]

    def count(self, labels: np.ndarray) -> np.ndarray:
        return np.stack([(labels == c).sum(axis=1) for c in range(self.classes)], axis=1).astype(float)

    def losses(self, votes) -> np.ndarray:
        """Return the mean NLL of each utterance's reference votes over the deals; ``votes`` makes (U, C) of a deal."""
        total = 0.0
        for deal in self.deals:
            p = votes(deal) + self.a
            p = np.maximum(p / p.sum(axis=1, keepdims=True), FLOOR)
            p /= p.sum(axis=1, keepdims=True)
            reference = self.count(deal[:, self.largest :])
            total = total - (reference * np.log(p)).sum(axis=1) / reference.sum(axis=1)
        return total / len(self.deals)

    def curve(self) -> np.ndarray:
        sizes = range(self.largest + 1)
        return np.array([self.losses(lambda deal, k=k: self.count(deal[:, :k])).mean() for k in sizes])

    def weighted(self, synthetic: np.ndarray) -> np.ndarray:
        """Return losses of w s, w fitted to the other blocks by a search of the held-out likelihood itself."""
        reference = sum(self.count(d[:, self.largest :]) / (d[:, self.largest :] >= 0).sum(axis=1)[:, None]
                        for d in self.deals)  # fmt: skip
        w = np.empty(self.blocks)
        for b in range(self.blocks):
            other = self.block != b
            a = self.a[self.block == b][0]

            def loss(log_w, other=other, a=a):
                p = np.exp(log_w) * synthetic[other] + a
                return -(reference[other] * np.log(p / p.sum(axis=1, keepdims=True))).sum()

            w[b] = np.exp(minimize_scalar(loss, bounds=(-7, 3), method="bounded", options={"xatol": 1e-6}).x)
        return self.losses(lambda deal: w[self.block][:, None] * synthetic)


def read_off(curve: np.ndarray, loss: float) -> float:
    k = int(np.argmax(curve <= loss))
    return k - 1 + (curve[k - 1] - loss) / (curve[k - 1] - curve[k])


def library_curve(corpus: Corpus, largest: int, deals: int) -> np.ndarray:
    counts = human_counts(corpus.votes, corpus.names, corpus.classes)
    world, _ = arrange(
        HumanVotes(corpus.names, corpus.dealt(deals), counts, speaker_blocks(corpus.speakers), corpus.speakers),
        start=0, largest=largest, floor=FLOOR, level=0.95,
    )  # fmt: skip
    losses = ExchangeLosses(world, {WHOLE: None}, across=False)
    return losses.means(WHOLE, losses.people())


def test_the_curve_of_human_votes_from_raw_votes(corpus):
    """NLL after 0 to 5 votes, to four digits; the figures of both corpora as an outside reader found them."""
    known = {4: [1.295, 1.045, 0.952, 0.903, 0.879, 0.860], 6: [1.5793, 1.4384, 1.3614, 1.3128, 1.2790, 1.2536]}
    own, library = Own(corpus, 5, 30).curve(), library_curve(corpus, 5, 30)
    assert library == pytest.approx(own, abs=5e-5)
    assert library == pytest.approx(known[len(corpus.classes)], abs=6e-4)


def test_face_votes_of_crema_d_from_raw_votes():
    """Every face vote of an utterance, as they are and with the fitted weight, by the library and by this file."""
    voice, face = crema_d("voice"), crema_d("face")
    assert voice.names == face.names
    votes = human_counts(face.votes, face.names, face.classes)
    own = Own(voice, 5, 10)
    curve = own.curve()
    as_they_are = read_off(curve, own.losses(lambda deal: votes[own.use]).mean())
    weighted = read_off(curve, own.weighted(votes[own.use]).mean())
    counts = human_counts(voice.votes, voice.names, voice.classes)
    world, fixed = arrange(
        HumanVotes(voice.names, voice.dealt(10), counts, speaker_blocks(voice.speakers), voice.speakers),
        start=0, largest=5, floor=FLOOR, level=0.95,
    )  # fmt: skip
    losses = ExchangeLosses(world, {WHOLE: None}, across=False)
    pool = np.broadcast_to(votes[fixed], world.reference.shape)
    losses.add(("as_pooled", 0, 10), pool)
    add_weighted(losses, ("weighted", 0, 10), pool)
    values = {key[0]: value for key, value, _ in losses.values(WHOLE, SETTINGS)}
    assert values["as_pooled"].estimate == pytest.approx(as_they_are, abs=2e-3)
    assert values["weighted"].estimate == pytest.approx(weighted, abs=2e-3)
    assert 1.0 < values["weighted"].low < values["weighted"].estimate < values["weighted"].high < 2.0
