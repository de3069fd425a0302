"""Dawid and Skene's model on votes whose confusion matrices are known, and its wiring to the tables."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.labels import dawid_skene as ds

CLASSES = ["neutral", "happy", "sad"]
PRIOR = np.array([0.5, 0.3, 0.2])


def matrices(raters, rng):
    return np.stack([0.7 * np.eye(3) + 0.3 * rng.dirichlet(np.ones(3), 3) for _ in range(raters)])


def world(items=3000, raters=8, votes=4, seed=0):
    rng = np.random.default_rng(seed)
    truth, confusion = rng.choice(3, items, p=PRIOR), matrices(raters, rng)
    item = np.repeat(np.arange(items), votes)
    rater = np.concatenate([rng.permutation(raters)[:votes] for _ in range(items)])
    label = (rng.random(len(item))[:, None] > confusion[rater, truth[item]].cumsum(axis=1)).sum(axis=1)
    names, group = [f"r{r}" for r in range(raters)], np.zeros(raters, dtype=int)
    return ds.Ballots(item, rater, label, np.ones(len(item)), names, group, (items, 3)), truth, confusion


def test_the_matrices_and_the_prior_are_recovered():
    votes, truth, confusion = world()
    found = ds.fit(votes)
    assert np.abs(found.matrix - confusion).mean() < 0.02 and np.abs(found.matrix - confusion).max() < 0.09
    assert found.prior == pytest.approx(PRIOR, abs=0.03)
    posterior = ds.posterior_of(votes, found.prior, found.matrix)
    assert (posterior.argmax(axis=1) == truth).mean() > 0.93
    assert np.allclose(found.matrix.sum(axis=2), 1) and np.allclose(posterior.sum(axis=1), 1)


def test_the_posterior_is_that_of_bayes_by_hand():
    votes, *_ = world(items=20)
    found = ds.fit(votes)
    mine = votes.item == 7
    by_hand = found.prior * np.prod(found.matrix[votes.rater[mine], :, votes.label[mine]], axis=0)
    assert ds.posterior_of(votes, found.prior, found.matrix)[7] == pytest.approx(by_hand / by_hand.sum())


def test_a_rater_of_one_vote_is_as_its_group():
    votes, *_ = world(items=600)
    lonely = np.where((votes.rater == 0) & (votes.item > votes.item[votes.rater == 0][0]), 1, votes.rater)
    found = ds.fit(ds.Ballots(votes.item, lonely, votes.label, votes.weight, votes.raters, votes.group, votes.shape))
    assert np.abs(found.matrix[0] - found.matrix[1:].mean(axis=0)).max() < 0.25


def tables():
    votes, truth, _ = world(items=60)
    names = [f"u{i:02d}" for i in range(60)]
    about = {"presentation": "voice", "kind": "observer", "role": "primary", "rank": 0, "weight": 1.0}
    human = pd.DataFrame({"utterance": np.array(names)[votes.item], "rater": np.array(votes.raters)[votes.rater]})
    human = human.assign(label=np.array(CLASSES)[votes.label], raters_known=True, **about)
    draws = pd.DataFrame({"utterance": np.repeat(names, 5), "rater": "tiny", "draw": np.tile(np.arange(5), 60)})
    draws = draws.assign(label=np.array(CLASSES)[np.repeat(truth, 5)], status="ok", kind="synthetic")
    return human, draws, names


def test_all_draws_of_an_alm_are_one_vote_of_one_rater():
    human, draws, names = tables()
    cast = ds.ballots(human, draws, names, CLASSES)
    assert cast.raters[-1] == "tiny" and cast.group.tolist() == [0] * 8 + [1]
    total = np.bincount(cast.rater, cast.weight)
    assert total[-1] == pytest.approx(60) and total[:8].sum() == len(human)


def test_people_without_names_are_one_rater():
    human, draws, names = tables()
    cast = ds.ballots(human.assign(raters_known=False), draws, names, CLASSES)
    assert cast.raters == [ds.ANONYMOUS, "tiny"]


def test_labels_read_no_matrix_of_their_own_speaker():
    human, draws, names = tables()
    cast = ds.ballots(human, draws, names, CLASSES)
    speakers, parts = np.arange(60) % 6, (np.arange(60) % 6) % 2
    labels = ds.pooled(cast, speakers, parts)
    assert np.allclose(labels.sum(axis=1), 1)
    # other votes of speaker 0 change no label but those of the utterances they are on
    changed = cast.label.copy()
    there = np.isin(cast.item, [0])
    changed[there] = (changed[there] + 1) % 3
    again = ds.pooled(
        ds.Ballots(cast.item, cast.rater, changed, cast.weight, cast.raters, cast.group, cast.shape), speakers, parts
    )
    same = (speakers == 0) & (np.arange(60) != 0) | (parts == 1)
    assert np.array_equal(labels[same], again[same]) and not np.allclose(labels[0], again[0])
