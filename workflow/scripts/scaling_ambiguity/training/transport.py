"""The earth mover's distance as a training loss, on a stated geometry of the classes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_array

from scaling_ambiguity.errors import UserError


def transport_loss(
    geometry: Mapping[str, float | list[float]], classes: list[str]
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss W(p, q) = min_T sum_ij T_ij d_ij of each item, (B,), in the unit of the geometry.

    T >= 0 has row sums p and column sums q; d_ij is the Euclidean distance of the classes' positions
    (Kantorovich 1942). Classes on a line have a closed form, sum_i |P_i - Q_i| (x_{i+1} - x_i) with P and
    Q cumulated in the order of the positions. Otherwise the linear programme is solved exactly; its
    gradient in q is the dual price of q (envelope theorem).

    Args:
        geometry: {class: number}, or {class: [valence, arousal, ...]}.
        classes: The class set, in order.

    Raises:
        UserError: A class has no position, or positions differ in their number of dimensions.
    """
    missing = [name for name in classes if name not in geometry]
    if missing or not classes:
        raise UserError(
            f"protocol loss 'emd' needs `geometry`, the place of every class; missing: {', '.join(missing) or 'all'}."
        )
    places = [np.atleast_1d(np.asarray(geometry[name], dtype=np.float64)) for name in classes]
    if len({place.shape for place in places}) > 1:
        raise UserError("protocol `geometry`: every class needs the same number of coordinates.")
    points = np.stack(places)
    if points.shape[1] == 1:
        return lambda log_q, p: _line(log_q.exp(), p, points[:, 0])
    distances = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    return lambda log_q, p: _Transport.apply(log_q.exp(), p, distances)


def _line(q: torch.Tensor, p: torch.Tensor, places: np.ndarray) -> torch.Tensor:
    order = np.argsort(places)
    gaps = torch.as_tensor(np.diff(places[order]), dtype=q.dtype, device=q.device)
    beyond = (p - q)[:, torch.as_tensor(order, device=q.device)].cumsum(-1)[:, :-1]
    return (beyond.abs() * gaps).sum(-1)


class _Transport(torch.autograd.Function):
    """Cost of the optimal plan of each row (B,), with its dual prices of q as gradient."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, p: torch.Tensor, distances: np.ndarray) -> torch.Tensor:
        costs, prices = _solve(_rows(p), _rows(q), distances)
        ctx.save_for_backward(torch.as_tensor(prices, dtype=q.dtype, device=q.device))
        return torch.as_tensor(costs, dtype=q.dtype, device=q.device)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradient[:, None] * ctx.saved_tensors[0], None, None


def _rows(values: torch.Tensor) -> np.ndarray:
    rows = values.detach().cpu().numpy().astype(np.float64)
    return rows / rows.sum(axis=1, keepdims=True)


def _solve(p: np.ndarray, q: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the costs (B,) and the prices of q (B, C), the last class' price being 0."""
    rows, classes = p.shape
    sums = np.vstack([np.kron(np.eye(classes), np.ones(classes)), np.kron(np.ones(classes), np.eye(classes))])
    # the last column sum follows from the others: left out, so that rounding cannot make it infeasible
    constraints = block_diag([csr_array(sums[:-1])] * rows, format="csr")
    solution = linprog(
        np.tile(distances.ravel(), rows),
        A_eq=constraints,
        b_eq=np.concatenate([p, q[:, :-1]], axis=1).ravel(),
        bounds=(0, None),
        method="highs",
    )
    if not solution.success:
        raise UserError(
            f"protocol loss 'emd': no transport plan found ({solution.message}); training may have diverged."
        )
    costs = (solution.x.reshape(rows, -1) * distances.ravel()).sum(axis=1)
    prices = solution.eqlin.marginals.reshape(rows, 2 * classes - 1)[:, classes:]
    return costs, np.concatenate([prices, np.zeros((rows, 1))], axis=1)
