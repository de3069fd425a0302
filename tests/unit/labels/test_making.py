"""The registries of poolings and controls: what the configuration offers is there, what is not there is refused."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.making import CONTROLS, POOLINGS, Source, make
from scaling_ambiguity.labels.names import Labels

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_configuration_offers_what_is_registered():
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
    assert set(schema["properties"]["controls"]["items"]["enum"]) == set(CONTROLS)
    assert set(yaml.safe_load((REPOSITORY / "config.yaml").read_text())["poolings"]) == set(POOLINGS)


def test_permuted_labels_are_those_of_another_utterance_of_the_same_part():
    names, parts = [f"u{i}" for i in range(6)], np.array([0, 0, 0, 1, 1, 1])
    human = np.eye(6)
    source = Source(
        names, np.array(names), parts, human, human, None, proxies=object(), classes=names, seed=1, where="votes"
    )
    labels, votes, synthetic, *_ = make(Labels("control", "a", "permuted"), source)
    assert synthetic is None and np.array_equal(labels, votes)
    assert (labels.argmax(axis=1) != np.arange(6)).all() and np.array_equal(parts[labels.argmax(axis=1)], parts)
    assert (labels.sum(axis=0) == 1).all(), "each is used once"


@pytest.mark.parametrize(
    ("kind", "expected"), [("combined", "equal, weighted"), ("control", "prior, echo, shuffled, permuted")]
)
def test_others_are_refused(kind, expected):
    source = Source([], None, None, None, None, None, proxies=object(), classes=[], seed=1, where="votes")
    with pytest.raises(UserError, match=f"labels '{kind}-a-magic': 'magic' is unknown.* {expected}"):
        make(Labels(kind, "a", "magic"), source)
