"""Fusions, roles and absent modalities of the network."""

import math

import pytest
import torch

from scaling_ambiguity.amber2.fusion import Composition, drop_modalities, join_vectors
from scaling_ambiguity.amber2.network import Network
from scaling_ambiguity.amber2.settings import Amber2Settings

FUSIONS = ("gated", "scalar", "concat", "late", "product", "stack")
WIDTHS = {"speech": 5, "text": 3}


def network(seed=0, evidential=False, moments=None, **entry):
    settings = Amber2Settings.of("x", {"speech": "a", "text": "t", "hidden": [8]} | entry)
    moments = moments or {name: (torch.zeros(width), torch.ones(width)) for name, width in WIDTHS.items()}
    made = Network(settings, moments, torch.tensor([0.5, 0.3, 0.2]), evidential)
    made.redraw(seed)
    return made.eval()


def stepped(made):
    """Return a network whose heads no longer give the prior."""
    torch.manual_seed(1)
    for head in made.heads.values():
        head[-1].reset_parameters()
    return made


def batch(items=6, present=None, seed=3):
    torch.manual_seed(seed)
    there = torch.ones(items, 2) if present is None else torch.tensor(present, dtype=torch.float32)
    return {name: torch.randn(items, width) for name, width in WIDTHS.items()} | {"present": there}


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("student", ["both", "speech", "text"])
def test_every_role_gives_distributions_and_the_student_reads_what_is_its_own(fusion, student):
    made, one, other = stepped(network(fusion=fusion, student=student)), batch(), batch(seed=4)
    outputs = made(one)
    assert set(outputs.logs) == {"both", "speech", "text"}
    for logs in outputs.logs.values():
        torch.testing.assert_close(logs.exp().sum(-1), torch.ones(6))
    for modality in WIDTHS:
        changed = made(one | {modality: other[modality]}).roles[student]
        reads = student in ("both", modality)
        assert torch.equal(changed, outputs.roles[student]) != reads


@pytest.mark.parametrize("fusion", FUSIONS)
def test_untrained_every_role_gives_the_prior(fusion):
    for logs in network(fusion=fusion)(batch()).logs.values():
        torch.testing.assert_close(logs.exp(), torch.tensor([[0.5, 0.3, 0.2]]).expand(6, 3))


def test_a_gated_unit_is_its_formula():
    torch.manual_seed(0)
    unit, a, t = join_vectors("gated", 5, 3, 4), torch.randn(2, 5), torch.randn(2, 3)
    joined = unit(a, t, torch.ones(2, 2))
    gate = torch.sigmoid(torch.cat([a, t], -1) @ unit.gate.weight.T + unit.gate.bias)
    torch.testing.assert_close(
        joined, gate * torch.tanh(a @ unit.speech.weight.T) + (1 - gate) * torch.tanh(t @ unit.text.weight.T)
    )
    assert join_vectors("scalar", 5, 3, 4).gate.weight.shape == (1, 8) and unit.gate.weight.shape == (4, 8)


def test_predictions_are_composed_as_named():
    p, q = torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[0.1, 0.8, 0.1]])
    there = torch.ones(1, 2)

    def composed(fusion):
        return Composition(fusion, 3)(p.log(), q.log(), there).exp()

    torch.testing.assert_close(composed("late"), (p + q) / 2)
    root = (p * q).sqrt()
    torch.testing.assert_close(composed("product"), root / root.sum())
    torch.testing.assert_close(composed("stack"), root / root.sum(), msg="a stack starts as the product")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_absent_modality_is_not_read_and_without_both_the_prior_is_given(fusion):
    present = [[1, 1], [1, 0], [0, 1], [0, 0]]
    made, one, other = stepped(network(fusion=fusion)), batch(4, present), batch(4, present, seed=9)
    logs, without_text = made(one).logs["both"], made(one | {"text": other["text"]}).logs["both"]
    assert torch.equal(logs[1], without_text[1]) and not torch.equal(logs[2], without_text[2])
    torch.testing.assert_close(logs[3].exp(), torch.tensor([0.5, 0.3, 0.2]))
    assert torch.isfinite(logs).all()
    if fusion in ("late", "product", "stack"):
        torch.testing.assert_close(logs[1], made(one).logs["speech"][1])


def test_modalities_are_dropped_as_often_as_stated_and_never_both():
    torch.manual_seed(0)
    kept = drop_modalities(torch.ones(40_000, 2), 0.15)
    for share in (1 - kept).mean(0):
        assert abs(share - 0.15) < 4 * math.sqrt(0.15 * 0.85 / 40_000)
    assert (kept.sum(-1) >= 1).all()
    alone = torch.tensor([[1.0, 0.0]]).repeat(100, 1)
    assert torch.equal(drop_modalities(alone, 0.49), alone)
    made = network(modality_dropout=0.4)
    assert torch.equal(made(batch()).roles["both"], made(batch()).roles["both"]), "only in training"
    made.train()
    compared = made(batch(400)).compared
    assert 100 < compared["text"].sum() < 300 and compared["both"].all()


def test_the_initial_values_of_a_head_do_not_depend_on_the_others():
    whole, alone = network(7), network(7, loss={"lambda_m": 0, "experts_own": 0})
    state = whole.state_dict()
    assert set(alone.state_dict()) < set(state)
    assert all(torch.equal(value, state[name]) for name, value in alone.state_dict().items())
    torch.manual_seed(99)
    assert torch.equal(network(7).state_dict()["heads.both.0.weight"], state["heads.both.0.weight"])
    assert not torch.equal(network(8).state_dict()["heads.both.0.weight"], state["heads.both.0.weight"])


def test_vectors_are_standardised_before_they_are_read():
    moments = {name: (torch.full((width,), 2.0), torch.full((width,), 4.0)) for name, width in WIDTHS.items()}
    one = batch()
    scaled = {name: 4 * one[name] + 2 for name in WIDTHS} | {"present": one["present"]}
    torch.testing.assert_close(network(moments=moments)(scaled).roles["both"], network()(one).roles["both"])


def test_an_evidential_head_gives_log_alpha_and_its_mean():
    outputs = network(evidential=True)(batch())
    alpha = outputs.roles["both"].exp()
    assert (alpha > 1).all()
    torch.testing.assert_close(outputs.logs["both"].exp(), alpha / alpha.sum(-1, keepdim=True))
