"""Every training loss against a closed form, and its gradient against finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import digamma, gammaln
from scipy.stats import wasserstein_distance_nd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.training.losses import LOSSES, choose_loss, entropy

CLASSES = ["neutral", "happy", "sad", "angry"]
LINE = {"neutral": 0.0, "happy": 1.0, "sad": -1.0, "angry": -1.5}
PLANE = {"neutral": [0.0, 0.0], "happy": [0.8, 0.5], "sad": [-0.7, -0.5], "angry": [-0.6, 0.8]}
TARGETS = [[0.6, 0.2, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0]]


def protocol(loss, **more):
    geometry = {"emd": PLANE, "line": LINE}.get(loss)
    chosen = {"head": "faithful", "loss": "emd" if geometry else loss} | ({"geometry": geometry} if geometry else {})
    return chosen | more


def double(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("nll", 0.5 * math.log(2) + 0.5 * math.log(4)),
        ("soft_ce", 0.5 * math.log(2) + 0.5 * math.log(4)),
        ("kl", 0.5 * math.log(2)),
        ("jsd", jsd_bits([0.5, 0.5, 0.0], [0.5, 0.25, 0.25]).item() * math.log(2)),
    ],
)
def test_closed_forms(loss, expected):
    q, p = double([[0.5, 0.25, 0.25]]), double([[0.5, 0.5, 0.0]])
    assert choose_loss(protocol(loss))(q.log(), p).item() == pytest.approx(expected, abs=1e-12)


def test_opposite_certainties_have_the_largest_jsd():
    logs = torch.log_softmax(double([[60.0, 0.0]]), -1)
    assert choose_loss(protocol("jsd"))(logs, double([[0.0, 1.0]])).item() == pytest.approx(math.log(2), abs=1e-9)


def test_dirichlet_in_closed_form():
    # alpha (2, 1), p (1, 0): the risk is psi(3) - psi(2) = 1/2, and no evidence is left to remove
    log_alpha = double([[2.0, 1.0]]).log()
    assert choose_loss(protocol("dirichlet"))(log_alpha, double([[1.0, 0.0]])).item() == pytest.approx(0.5, abs=1e-7)
    # p (0, 1): a~ = (2, 1), KL(Dir(2, 1) || Dir(1, 1)) = log 2 - 1/2; the risk is psi(3) - psi(1) = 3/2
    wrong = choose_loss(protocol("dirichlet"))(log_alpha, double([[0.0, 1.0]])).item()
    assert wrong == pytest.approx(1.5 + 0.1 * (math.log(2) - 0.5), abs=1e-7)


def test_dirichlet_risk_is_the_expected_cross_entropy():
    alpha, p = np.array([3.0, 1.5, 0.7, 2.0]), np.array(TARGETS[1])
    draws = np.random.default_rng(1).dirichlet(alpha, 400_000)
    drawn = -(np.log(draws) @ p)
    other = p + (1 - p) * alpha
    divergence = gammaln(other.sum()) - gammaln(other).sum() - gammaln(4)
    divergence += (other - 1) @ (digamma(other) - digamma(other.sum()))
    value = choose_loss(protocol("dirichlet"))(double([alpha.tolist()]).log(), double([p.tolist()])).item()
    assert value - 0.1 * divergence == pytest.approx(drawn.mean(), abs=5 * drawn.std() / math.sqrt(len(drawn)))


@pytest.mark.parametrize(("loss", "geometry"), [("line", LINE), ("emd", PLANE)])
def test_emd_is_the_wasserstein_distance(loss, geometry):
    points = np.stack([np.atleast_1d(geometry[name]) for name in CLASSES])
    q = np.random.default_rng(2).dirichlet(np.ones(4), 3)
    value = choose_loss(protocol(loss), CLASSES)(double(q.tolist()).log(), double(TARGETS)).item()
    expected = np.mean([wasserstein_distance_nd(points, points, *rows) for rows in zip(TARGETS, q, strict=True)])
    assert value == pytest.approx(expected, abs=1e-9)


def test_emd_moves_all_the_mass_over_the_stated_distance():
    logs = torch.log_softmax(double([[0.0, 0.0, 80.0, 0.0]]), -1)
    value = choose_loss(protocol("line"), CLASSES)(logs, double([[0.0, 1.0, 0.0, 0.0]])).item()
    assert value == pytest.approx(LINE["happy"] - LINE["sad"], abs=1e-9)


@pytest.mark.parametrize("weight", [0.0, 0.08])
@pytest.mark.parametrize("loss", [*LOSSES, "emd", "line"])
def test_gradients_equal_finite_differences(loss, weight):
    chosen = choose_loss(protocol(loss, entropy_weight=weight), CLASSES)
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64, requires_grad=True)

    def outcome(values):
        logs = torch.log1p(torch.nn.functional.softplus(values)) if loss == "dirichlet" else values.log_softmax(-1)
        return chosen(logs, double(TARGETS))

    outcome(logits).backward()
    step = 1e-5
    for place in np.ndindex(3, 4):
        moved = torch.zeros(3, 4, dtype=torch.float64)
        moved[place] = step
        with torch.no_grad():
            slope = (outcome(logits + moved) - outcome(logits - moved)) / (2 * step)
        assert logits.grad[place].item() == pytest.approx(slope.item(), abs=2e-6), place


@given(st.lists(st.floats(-6, 6), min_size=4, max_size=4), st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_divergences_are_zero_at_the_target_and_nowhere_lower(logits, weights):
    p = double([weights]) / sum(weights)
    logs = double([logits]).log_softmax(-1)
    for loss in ("nll", "kl", "jsd", "line", "emd"):
        chosen = choose_loss(protocol(loss), CLASSES)
        assert chosen(logs, p) >= chosen(p.log(), p) - 1e-9
        if loss != "nll":
            assert chosen(p.log(), p).item() == pytest.approx(0, abs=1e-9)


def test_kl_differs_from_nll_by_the_entropy_of_the_labels():
    p, logs = double(TARGETS[:2]), torch.randn(2, 4, dtype=torch.float64).log_softmax(-1)
    difference = choose_loss(protocol("nll"))(logs, p) - choose_loss(protocol("kl"))(logs, p)
    assert difference.item() == pytest.approx(entropy(p.log()).mean().item(), abs=1e-12)


def test_the_published_entropy_term_sharpens_as_known():
    """The optimum for (.667, .333) is (.732, .268) with the published weight, and the target without it."""

    def best(weight):
        chosen = choose_loss(protocol("jsd", entropy_weight=weight))
        p = double([[2 / 3, 1 / 3]])
        found = minimize_scalar(
            lambda q: chosen(double([[q, 1 - q]]).log(), p).item(), bounds=(0.4, 0.9), options={"xatol": 1e-7}
        )
        return found.x

    assert best(0.08) == pytest.approx(0.732, abs=1e-3)
    assert best(0) == pytest.approx(2 / 3, abs=1e-5)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"head": "attention", "loss": "nll"}, "accepted: labels, faithful"),
        ({"head": "labels", "loss": "mse"}, "accepted: nll"),
        ({"head": "labels", "loss": "dirichlet"}, "use head `faithful`"),
        ({"head": "labels", "loss": "emd"}, "missing: neutral, happy, sad, angry"),
        ({"head": "labels", "loss": "emd", "geometry": {"neutral": 0, "happy": 1, "sad": -1}}, "missing: angry"),
        ({"head": "labels", "loss": "emd", "geometry": LINE | {"sad": [0, 1]}}, "same number of coordinates"),
    ],
)
def test_what_does_not_go_together_is_refused(chosen, words):
    with pytest.raises(UserError, match=words):
        choose_loss(chosen, CLASSES)
