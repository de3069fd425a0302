"""Labels from few votes: as many as asked for, the smaller part of the larger, whole votes."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.labels.budget import limit_human, limit_synthetic


@pytest.fixture
def votes():
    sizes = {"u0": 1, "u1": 4, "u2": 9}
    rows = [(name, f"r{i}", "happy", 1.0) for name, size in sizes.items() for i in range(size)]
    rows += [("u1", "r9", label, 0.5) for label in ("happy", "sad")]  # one vote of two labels
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label", "weight"])
    return frame.assign(kind="observer", role="primary", presentation="voice")


def pairs(frame, column):
    return set(zip(frame["utterance"], frame[column], strict=True))


def test_sizes_and_nesting(votes):
    kept = {most: limit_human(votes, most, seed=1) for most in (1, 3, 5, None)}
    for most in (1, 3, 5):
        raters = kept[most].groupby("utterance")["rater"].nunique()
        assert raters.to_dict() == {name: min(size, most) for name, size in {"u0": 1, "u1": 5, "u2": 9}.items()}
    assert pairs(kept[1], "rater") < pairs(kept[3], "rater") < pairs(kept[5], "rater") < pairs(votes, "rater")
    assert len(kept[None]) == len(votes)


def test_a_vote_of_two_labels_stays_whole(votes):
    for seed in range(20):
        few = limit_human(votes, 2, seed)
        assert (few["rater"] == "r9").sum() in (0, 2)
    assert any((limit_human(votes, 2, seed)["rater"] == "r9").any() for seed in range(20))


def test_the_choice_depends_on_names_and_seed_alone(votes):
    few = pairs(limit_human(votes, 3, 1), "rater")
    assert few == pairs(limit_human(votes.sample(frac=1, random_state=0), 3, 1), "rater")
    alone = votes[votes["utterance"] == "u2"]
    assert pairs(limit_human(alone, 3, 1), "rater") == {pair for pair in few if pair[0] == "u2"}
    assert any(few != pairs(limit_human(votes, 3, seed), "rater") for seed in range(2, 6))


def test_every_rater_is_as_likely(votes):
    alone = votes[votes["utterance"] == "u2"]
    many = pd.concat([alone.assign(utterance=f"v{i}") for i in range(600)])
    shares = limit_human(many, 3, 1)["rater"].value_counts(normalize=True)
    assert len(shares) == 9 and np.abs(shares - 1 / 9).max() < 0.03


def test_secondary_votes_are_no_human_votes(votes):
    votes.loc[votes["rater"] == "r0", "role"] = "secondary"
    assert not (limit_human(votes, None, 1)["rater"] == "r0").any()


def test_only_valid_draws_count():
    draws = pd.DataFrame({"utterance": "u0", "draw": range(8), "label": "sad", "status": ["ok", "invalid"] * 4})
    assert set(limit_synthetic(draws, 20, 1)["draw"]) == {0, 2, 4, 6}
    few = limit_synthetic(draws, 2, 1)
    assert len(few) == 2 and set(few["status"]) == {"ok"}
    assert limit_synthetic(draws, 0, 1).empty
