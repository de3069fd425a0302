"""The chat format kept beside the answers renders what each family's own processor renders."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import CLASSES, FAMILIES, open_family

from scaling_ambiguity.alms.chat_format import chat_format
from scaling_ambiguity.proxies.prompts import MODALITIES, render

WORDS = ["A plain sentence.", 'She said "no" \\ yes', "naïve café {x}\nsecond line", "<b> & 'quoted'"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_rendered_without_its_processor(family, prompts, tmp_path_factory):
    processor = open_family(family, tmp_path_factory).processor
    found = chat_format(processor)
    assert found is not None and found.encoding == "plain"
    for modality in MODALITIES:
        for focus in prompts.focus_ids:
            for words in WORDS:
                asked = (prompts, focus, words, CLASSES, modality)
                assert render(found, *asked) == render(processor, *asked)
