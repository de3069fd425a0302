"""The loss of AmbER2: closed forms, gradients against finite differences, and what it does to few votes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial

from scaling_ambiguity.amber2.losses import (
    Objective,
    Outputs,
    effective_number_weights,
    expert_weights,
    jensen_shannon,
    majority,
)
from scaling_ambiguity.amber2.settings import LossSettings
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.training.losses import choose_item_loss, jsd, nll

LITERAL = {"rater": "jsd", "experts_own": 0, "stop_gradient": {"p": False, "u": False}}
GEOMETRY = {"a": 0.0, "b": 1.0, "c": 2.5}
distributions = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda row: np.array(row) / sum(row))


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def rater(loss):
    return choose_item_loss({"head": "faithful", "loss": loss, "geometry": GEOMETRY}, list(GEOMETRY))


@given(distributions, distributions, distributions)
@settings(max_examples=60, deadline=None)
def test_the_divergence_is_symmetric_bounded_and_its_root_is_a_metric(p, q, r):
    def js(a, b):
        return jensen_shannon(double(a[None]).log(), double(b[None]).log()).item()

    assert js(p, q) == pytest.approx(jsd_bits(p, q).item() * math.log(2), abs=1e-12)
    assert js(p, q) == pytest.approx(js(q, p), abs=1e-14) and -1e-15 <= js(p, q) <= math.log(2)
    root = [math.sqrt(max(0, js(*pair))) for pair in ((p, r), (p, q), (q, r))]
    assert root[0] <= root[1] + root[2] + 1e-9


def test_it_agrees_with_the_loss_of_labels_and_takes_certainty():
    y, q = double([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]), double([[0.2, 0.7, 0.1], [0.0, 0.5, 0.5]])
    both = jensen_shannon(y.log(), q.log())
    assert both.mean().item() == pytest.approx(
        np.log(2) * np.mean([jsd_bits(*pair) for pair in zip(y, q, strict=True)]), abs=1e-12
    )
    assert jsd(q[:1].log(), y[:1]).item() == pytest.approx(both[0].item(), abs=1e-12)
    opposite = jensen_shannon(double([[1.0, 0.0]]).log(), double([[0.0, 1.0]]).log())
    assert opposite.item() == pytest.approx(math.log(2), abs=1e-12)


def test_its_gradients_are_those_of_finite_differences_in_both_arguments():
    torch.manual_seed(0)
    a, b = (torch.randn(4, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(
        lambda x, z: jensen_shannon(torch.log_softmax(x, -1), torch.log_softmax(z, -1)), (a, b)
    )
    # a label that is 0 somewhere, and a prediction that is 1e-300
    y = double([[0.0, 0.4, 0.6], [1.0, 0.0, 0.0]]).log()
    logs = double([[0.2, 0.3, 0.5], [1e-300, 0.5, 0.5]]).log().requires_grad_()
    jensen_shannon(y, logs).sum().backward()
    q, m = logs.detach().exp(), (y.exp() + logs.detach().exp()) / 2
    expected = torch.where(q > 0, q * 0.5 * torch.log(q / m), 0)
    torch.testing.assert_close(logs.grad, expected, rtol=1e-10, atol=1e-14)
    # both arguments at once may say 0: no NaN
    nothing = double([[0.0, 1.0]]).log().requires_grad_()
    jensen_shannon(nothing, double([[0.0, 1.0]]).log()).sum().backward()
    assert torch.isfinite(nothing.grad).all() and nothing.grad.abs().max() < 1e-12


@pytest.mark.parametrize(("share", "of_js", "of_nll"), [(0.5, 0.137, 0.5), (0.1, 0.108, 0.9), (0.01, 0.023, 0.99),
                                                        (0.001, 0.0035, 0.999)])  # fmt: skip
def test_it_teaches_nothing_where_the_model_errs_with_certainty(share, of_js, of_nll):
    """|dL / dz| of the logit of the true class of two classes; cross-entropy grows with the error, JS vanishes."""
    y = double([[1.0, 0.0]])
    for loss, expected in ((jsd, of_js), (nll, of_nll)):
        z = double([[math.log(share), math.log(1 - share)]]).requires_grad_()
        loss(torch.log_softmax(z, -1), y).backward()
        assert abs(z.grad[0, 0].item()) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("votes", "expected"), [(3, 0.857), (10, 0.751)])
def test_js_of_few_votes_is_least_away_from_the_truth_and_cross_entropy_is_not(votes, expected):
    """E JS(y_n || q) over q = (x, rest equal): exactly, over all counts of n votes of (.7, .1, .1, .1)."""
    truth = np.array([0.7, 0.1, 0.1, 0.1])
    counts = np.array(list(_compositions(votes, 4)))
    chance = double(multinomial.pmf(counts, votes, truth))
    labels = double(counts / votes)

    def least(loss):
        def expected_loss(x):
            q = double([x, *[(1 - x) / 3] * 3]).log().expand(len(labels), -1)
            return (chance * loss(q, labels)).sum().item()

        return minimize_scalar(expected_loss, bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-6}).x

    assert least(jsd) == pytest.approx(expected, abs=1e-3)
    assert least(nll) == pytest.approx(0.7, abs=1e-4)


def _compositions(total, parts):
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


@given(st.lists(st.floats(0, math.log(2)), min_size=2, max_size=2), st.sampled_from([0.0, 2.0, 4.0, 8.0]))
@settings(max_examples=60, deadline=None)
def test_the_weights_of_two_experts_are_a_sigmoid_of_the_difference(costs, kappa):
    u = expert_weights(double([costs]), double([[1.0, 1.0]]), kappa)[0]
    assert u.sum().item() == pytest.approx(1, abs=1e-12)
    assert u[0].item() == pytest.approx(1 / (1 + math.exp(kappa * (costs[0] - costs[1]))), abs=1e-12)
    swapped = expert_weights(double([costs[::-1]]), double([[1.0, 1.0]]), kappa)[0]
    torch.testing.assert_close(swapped, u.flip(0), rtol=0, atol=1e-15)


def test_the_published_gap_gives_the_published_weights_and_an_absent_expert_gets_none():
    pair, there = double([[0.10, 0.15]]), double([[1.0, 1.0]])
    weights = [expert_weights(pair, there, kappa)[0, 0].item() for kappa in (0, 2, 8)]
    assert weights == pytest.approx([0.5, 0.525, 0.599], abs=5e-4)
    u = expert_weights(double([[0.1, 0.6], [0.1, 0.6], [0.1, 0.6]]), double([[0, 1], [1, 0], [0, 0]]), 8.0)
    assert u.tolist() == [[0, 1], [1, 0], [0, 0]]


@pytest.fixture
def roles():
    """Return logits of three roles that require gradients, and labels."""
    torch.manual_seed(1)
    logits = {r: torch.randn(6, 3, dtype=torch.float64, requires_grad=True) for r in ("both", "speech", "text")}
    return logits, torch.softmax(torch.randn(6, 3, dtype=torch.float64), -1)


def evaluate(logits, labels, class_weights=None, present=None, loss="jsd", **changes):
    logs = {role: torch.log_softmax(z, -1) for role, z in logits.items()}
    there = {role: torch.ones(len(labels), dtype=torch.bool) for role in logits} | (present or {})
    objective = Objective(
        LossSettings(**changes), rater(loss), "both", ("speech", "text"), ("speech", "text"), class_weights
    )
    return objective(Outputs(logs, logs, there, there), labels)


def gradient(logits, *arguments, **changes):
    for z in logits.values():
        z.grad = None
    evaluate(logits, *arguments, **changes).backward()
    return {role: z.grad for role, z in logits.items()}


def test_the_literal_loss_is_the_published_formula(roles):
    logits, y = roles
    s, a, t = (torch.softmax(z, -1).detach().numpy() for z in logits.values())

    def js(p, q):
        m = (p + q) / 2
        return 0.5 * (p * np.log(p / m) + q * np.log(q / m)).sum(-1)

    raters, kappa, lambda_m = y.numpy(), 8, 0.7
    weights = np.exp(-kappa * np.stack([js(a, raters), js(t, raters)]))
    weights /= weights.sum(0)
    expected = (js(raters, s) + lambda_m * (weights * np.stack([js(s, a), js(s, t)])).sum(0)).mean()
    assert evaluate(logits, y, kappa=kappa, lambda_m=lambda_m, **LITERAL).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("changes", [LITERAL, LITERAL | {"weights": "entropy"}, {"rater": "nll"},
                                     {"stop_gradient": {"p": False, "u": True}, "experts_own": 0.5}])  # fmt: skip
def test_the_whole_loss_has_the_gradients_of_finite_differences(roles, changes):
    """Where a gradient is stopped, finite differences of what is stopped are left out: both forms are compared."""
    logits, y = roles
    if changes.get("stop_gradient") == {"p": False, "u": False}:
        roles_in_order = list(logits)
        assert torch.autograd.gradcheck(
            lambda *z: evaluate(dict(zip(roles_in_order, z, strict=True)), y, **changes), tuple(logits.values())
        )
        return
    found = gradient(logits, y, **changes)["both"]
    step = 1e-6
    for place in ((0, 0), (3, 2)):
        moved = [logits | {"both": logits["both"].detach().clone()} for _ in range(2)]
        for sign, one in zip((1, -1), moved, strict=True):
            one["both"][place] += sign * step
        up, down = (evaluate(one, y, **changes).item() for one in moved)
        assert found[place].item() == pytest.approx((up - down) / (2 * step), abs=1e-8)


def test_what_is_stopped_gets_no_gradient_and_what_is_not_does(roles):
    logits, y = roles
    literal = gradient(logits, y, **LITERAL)
    assert all(literal[role].abs().max() > 1e-4 for role in logits)
    stopped = gradient(logits, y, **LITERAL | {"stop_gradient": {"p": True, "u": True}})
    assert stopped["speech"] is None and stopped["text"] is None
    torch.testing.assert_close(stopped["both"], literal["both"], rtol=1e-12, atol=1e-15)
    fair = gradient(logits, y, rater="nll", loss="nll")
    own = gradient(logits, y, rater="nll", loss="nll", lambda_r=0, lambda_m=0)
    torch.testing.assert_close(fair["speech"], own["speech"], rtol=1e-12, atol=1e-15)
    through_u = gradient(logits, y, **LITERAL | {"stop_gradient": {"p": True, "u": False}})
    assert through_u["speech"].abs().max() > 1e-6


def test_experts_that_equal_the_student_cost_nothing(roles):
    logits, y = roles
    same = {role: logits["both"].detach().clone().requires_grad_() for role in logits}
    changes = {"experts_own": 0, "lambda_r": 0, "stop_gradient": {"p": False, "u": False}}
    assert evaluate(same, y, **changes).item() == pytest.approx(0, abs=1e-15)
    assert all(found.abs().max() < 1e-12 for found in gradient(same, y, **changes).values())


def test_an_absent_modality_costs_nothing_and_teaches_nothing(roles):
    logits, y = roles
    absent = {"text": torch.tensor([False] + [True] * 5)}
    found = gradient(logits, y, present=absent, rater="nll", loss="nll")
    assert found["text"][0].abs().max() == 0 and found["text"][1:].abs().max() > 0
    assert torch.isfinite(found["both"]).all() and found["both"][0].abs().max() > 0


def test_class_balance_is_that_of_effective_numbers():
    targets = double([[0.8, 0.2, 0.0]] * 90 + [[0.1, 0.5, 0.4]] * 9 + [[0.1, 0.2, 0.7]])
    weights = effective_number_weights(targets, 0.99)
    expected = np.array([0.01 / (1 - 0.99**n) for n in (90, 9, 1)])
    np.testing.assert_allclose(weights, 3 * expected / expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(effective_number_weights(targets, 0.0), 1)


def test_class_balanced_cross_entropy_of_majorities(roles):
    logits, y = roles
    weights = double([0.5, 1.0, 1.5])
    found = evaluate(logits, y, weights, loss="nll", rater="nll", targets="majority", lambda_m=0, experts_own=0)
    top = y.argmax(-1)
    expected = torch.nn.functional.cross_entropy(logits["both"], top, weights, reduction="none").mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)


def test_ties_of_the_majority_are_shared():
    assert majority(double([[0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])).tolist() == [[0.5, 0.5, 0], [0, 0, 1]]
