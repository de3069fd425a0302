"""What the terms of the loss are worth where the truth is known: three votes an item, two modalities that inform.

Four classes; one modality at a time is noisy, and a quarter of the texts belong to another item. Every verdict is a
paired difference over the items of a test part, with its 95 % interval.
"""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from scaling_ambiguity.amber2.losses import Objective, expert_weights, jensen_shannon
from scaling_ambiguity.amber2.network import Network
from scaling_ambiguity.amber2.settings import Amber2Settings
from scaling_ambiguity.training.losses import choose_item_loss

CLASSES, WIDTH, VOTES = 4, 24, 3
ALONE = {"lambda_m": 0, "experts_own": 0}
LITERAL = {"rater": "jsd", "experts_own": 0, "kappa": 8, "stop_gradient": {"p": False, "u": False}}
SYSTEMS = {
    "soft_ce": {"rater": "nll"} | ALONE,
    "js_only": {"rater": "jsd"} | ALONE,
    "literal": LITERAL,
    "uniform": LITERAL | {"weights": "uniform"},
    "stopped": {"rater": "jsd", "kappa": 8},
    "repaired": {"rater": "nll", "kappa": 8},
}


def world(items, seed):
    """Return vectors, true distributions, votes as frequencies, and which speech is noisy."""
    random = np.random.default_rng(seed)
    maps = np.random.default_rng(0).normal(size=(2, CLASSES, WIDTH))
    truth = random.dirichlet([0.5] * CLASSES, items)
    votes = np.stack([random.multinomial(VOTES, p) for p in truth])
    other = np.where(random.random(items) < 0.25, random.permutation(items), np.arange(items))
    logits = np.log(truth + 0.02)
    logits -= logits.mean(1, keepdims=True)
    noisy, batch = random.random(items) < 0.5, {"present": torch.ones(items, 2)}
    for place, (name, source, bad) in enumerate((("speech", np.arange(items), noisy), ("text", other, ~noisy))):
        noise = np.where(bad, 6.0, 1.5)[:, None] * random.normal(size=(items, WIDTH))
        batch[name] = torch.tensor(logits[source] @ maps[place] + noise, dtype=torch.float32)
    return batch, torch.tensor(truth, dtype=torch.float32), torch.tensor(votes / VOTES, dtype=torch.float32), noisy


def fitted(loss, batch, targets, epochs=12, **entry):
    """Return a network trained on a world by the steps of AdamW."""
    settings = Amber2Settings.of("x", {"speech": "a", "text": "t", "hidden": [64], "loss": loss} | entry)
    measured = {name: (batch[name].mean(0), batch[name].std(0)) for name in ("speech", "text")}
    network = Network(settings, measured, targets.mean(0), False)
    network.redraw(0)
    torch.manual_seed(0)
    rater = choose_item_loss({"head": "labels", "loss": settings.loss.rater})
    objective = Objective(settings.loss, rater, settings.student, settings.experts, settings.taught)
    optimiser = torch.optim.AdamW(network.train().parameters(), lr=1e-3, weight_decay=1e-2)
    for _ in range(epochs):
        for rows in torch.randperm(len(targets)).split(128):
            optimiser.zero_grad()
            objective(network({name: values[rows] for name, values in batch.items()}), targets[rows]).backward()
            optimiser.step()
    return network.eval()


def temperature(logs, votes):
    """Return the T of q^(1/T) with the least NLL of the votes."""

    def loss(t):
        return -(votes * torch.log_softmax(logs / t, -1)).sum(-1).mean().item()

    return minimize_scalar(loss, bounds=(0.3, 5), method="bounded").x


@pytest.fixture(scope="module")
def scores():
    """Return {system: scores of every test item}, in bits and nats, and the temperature of each system."""
    torch.set_num_threads(1)
    batch, _, votes, _ = world(4000, 10)
    tested, truth, test_votes, noisy = world(4000, 90)
    found = {}
    for name, loss in SYSTEMS.items():
        network = fitted(loss, batch, votes)
        with torch.no_grad():
            outputs = network(tested)
        logs = outputs.logs["both"]
        found[name] = {
            "votes": jensen_shannon(test_votes.log(), logs) / math.log(2),
            "truth": jensen_shannon(truth.log(), logs) / math.log(2),
            "nll": -(truth * logs).sum(-1),
            "temperature": temperature(logs, test_votes),
            "logs": outputs.logs,
        }
    return found | {"noisy": torch.tensor(noisy), "test_votes": test_votes}


def interval(scores, first, second, score):
    """Return the 95 % interval of the mean difference of two systems over the items."""
    difference = (scores[first][score] - scores[second][score]).double().numpy()
    half = 1.96 * difference.std(ddof=1) / math.sqrt(len(difference))
    return difference.mean() - half, difference.mean() + half


@pytest.mark.ci
def test_js_gains_on_its_own_score_and_loses_the_truth(scores):
    assert interval(scores, "js_only", "soft_ce", "votes")[1] < 0
    assert interval(scores, "js_only", "soft_ce", "truth")[0] > 0.005
    assert interval(scores, "js_only", "soft_ce", "nll")[0] > 0.03


def test_js_sharpens_and_cross_entropy_hardly(scores):
    sharp = {name: scores[name]["temperature"] for name in ("js_only", "literal", "soft_ce")}
    assert sharp["js_only"] > sharp["literal"] > sharp["soft_ce"] > 1
    assert sharp["js_only"] > 1.4 and sharp["soft_ce"] < 1.25


def test_experts_help_a_student_of_js_and_not_one_of_cross_entropy(scores):
    assert interval(scores, "literal", "js_only", "truth")[1] < -0.005
    low, high = interval(scores, "repaired", "soft_ce", "truth")
    assert low > -0.004 and high < 0.004


def test_the_literal_form_trains_its_experts_like_one_with_losses_of_their_own(scores):
    low, high = interval(scores, "literal", "stopped", "truth")
    assert low > -0.004 and high < 0.004
    prior = jensen_shannon(scores["test_votes"].log(), scores["test_votes"].mean(0).log().expand(4000, -1))
    for role in ("speech", "text"):
        cost = jensen_shannon(scores["test_votes"].log(), scores["literal"]["logs"][role])
        assert cost.mean() < 0.85 * prior.mean()


def test_reliability_follows_the_better_expert_and_does_not_pay(scores):
    logs, noisy = scores["literal"]["logs"], scores["noisy"]
    costs = [jensen_shannon(scores["test_votes"].log(), logs[role]) for role in ("speech", "text")]
    of_speech = expert_weights(torch.stack(costs, -1), torch.ones(4000, 2), 8.0)[:, 0]
    assert of_speech[~noisy].mean() > of_speech[noisy].mean() + 0.1
    assert interval(scores, "literal", "uniform", "truth")[0] > -0.004
    assert interval(scores, "literal", "uniform", "nll")[1] > 0


def test_labels_of_other_items_teach_the_prior_and_no_more():
    batch, _, votes, _ = world(2000, 10)
    tested, truth, _, _ = world(4000, 90)
    others = votes[torch.randperm(len(votes), generator=torch.Generator().manual_seed(5))]
    network = fitted(SYSTEMS["soft_ce"], batch, others, epochs=2)
    with torch.no_grad():
        logs = network(tested).logs["both"]
    prior = -(truth * others.mean(0).log()).sum(-1).mean()
    assert -(truth * logs).sum(-1).mean() > prior - 0.01


def test_without_text_the_student_is_no_worse_than_the_expert_of_speech():
    """Trained with modality dropout it is better without text than without that training."""
    batch, _, votes, _ = world(4000, 10)
    tested, truth, _, _ = world(4000, 90)
    deaf = tested | {"present": torch.tensor([[1.0, 0.0]]).expand(4000, -1)}
    costs = {}
    for share in (0.0, 0.3):
        network = fitted(SYSTEMS["repaired"], batch, votes, modality_dropout=share)
        with torch.no_grad():
            logs = network(deaf).logs
        costs[share] = {role: -(truth * logs[role]).sum(-1) for role in ("both", "speech")}
    difference = costs[0.3]["both"] - costs[0.3]["speech"]
    assert difference.mean() + 1.96 * difference.std() / math.sqrt(4000) < 0.01
    gain = costs[0.3]["both"] - costs[0.0]["both"]
    assert gain.mean() + 1.96 * gain.std() / math.sqrt(4000) < 0
