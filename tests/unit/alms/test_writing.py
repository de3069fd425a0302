"""What a small ALM learns to write: listeners, counted."""

import json

import numpy as np
import pytest

from scaling_ambiguity.alms.tiny.writing import LISTENERS, PRIOR, counted
from scaling_ambiguity.proxies.verbalised import parse_distribution

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.mark.parametrize("seed", range(5))
def test_listeners_are_all_counted_and_shared_as_the_votes_are(seed):
    random = np.random.default_rng(seed)
    prior = random.dirichlet(np.ones(4))
    for votes in random.multinomial(5, random.dirichlet(np.ones(4)), 50):
        answer = counted(votes, prior, CLASSES)
        numbers = np.array([json.loads(answer)[label] for label in CLASSES])
        exact = LISTENERS * (votes + PRIOR * prior) / (votes.sum() + PRIOR)
        assert numbers.sum() == LISTENERS and np.abs(numbers - exact).max() < 1
        stated = parse_distribution(answer, CLASSES, counts=True)
        assert stated.status == "ok" and stated.distribution == pytest.approx(numbers / LISTENERS)


def test_ties_are_decided_alike_each_time():
    votes, prior = np.array([1.0, 1.0, 1.0, 0.0]), np.full(4, 0.25)
    assert counted(votes, prior, CLASSES) == counted(votes.copy(), prior.copy(), CLASSES)
