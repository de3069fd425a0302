"""The registries of poolings and controls: what the configuration offers is there, what is not there is refused."""

from pathlib import Path

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


@pytest.mark.parametrize(("kind", "expected"), [("combined", "equal, weighted"), ("control", "prior, echo, shuffled")])
def test_others_are_refused(kind, expected):
    source = Source([], None, None, None, None, None, proxies=object(), classes=[], seed=1, where="votes")
    with pytest.raises(UserError, match=f"labels '{kind}-a-magic': 'magic' is unknown.* {expected}"):
        make(Labels(kind, "a", "magic"), source)
