"""All label strings after one prompt, in one row: common prefixes of labels are read once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LabelTree:
    """The tree of the labels' tokens without its leaves: a label's last token is predicted, not read.

    Node 0 is the prompt's last token, nodes 1 to n are ``tokens``; parents precede their children.

    Attributes:
        tokens: The token of each of the nodes 1 to n.
        parents: Their parents.
        depths: Their distance from the prompt: 1 where a label begins.
        steps: For each label its steps: the node from which it starts, and the tokens of which any is accepted (one, or
            all that end an answer).
    """

    tokens: list[int]
    parents: list[int]
    depths: list[int]
    steps: list[list[tuple[int, list[int]]]]

    @property
    def is_chain(self) -> bool:
        """Whether each node follows the one before it, as in ordinary text."""
        return self.parents == list(range(len(self.parents)))

    def mask(self, real: torch.Tensor, queries: int) -> torch.Tensor:
        """Return which positions the last ``queries`` places of a row and the n nodes after them attend to.

        A place of the prompt attends to the real places up to itself; a node to the whole prompt, its ancestors and
        itself. Padding attends to itself, so that an empty sum does not turn into NaN.

        Args:
            real: (B, K), 1 on the real places of the prompt; K >= queries, the first ones may be in a cache.
            queries: Q.

        Returns:
            (B, 1, Q + n, K + n), bool.
        """
        (batch, width), count = real.shape, len(self.tokens)
        above = torch.eye(count, dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent:
                above[node] |= above[parent - 1]
        seen = torch.zeros(batch, 1, queries + count, width + count, dtype=torch.bool, device=real.device)
        causal = torch.ones(queries, width, dtype=torch.bool, device=real.device).tril(width - queries)
        seen[:, 0, :queries, :width] = causal & real.bool()[:, None]
        seen[:, 0, queries:, :width] = real.bool()[:, None]
        seen[:, 0, queries:, width:] = above.to(real.device)
        seen[:, 0, :, width - queries :].diagonal(dim1=-2, dim2=-1).fill_(True)
        return seen

    def scores(self, logp: torch.Tensor) -> torch.Tensor:
        """Return log p of each label, (B, C), from the log-probabilities after each node, (B, 1 + n, V)."""
        columns = []
        for steps in self.steps:
            picked = [logp[:, node, tokens] for node, tokens in steps]
            columns.append(sum(one[:, 0] if one.shape[1] == 1 else one.logsumexp(-1) for one in picked))
        return torch.stack(columns, dim=1)


def label_tree(labels: Sequence[Sequence[int]], ends: Collection[int] = ()) -> LabelTree:
    """Return the tree of label strings.

    Args:
        labels: C lists of token ids, none of which is the beginning of another.
        ends: Tokens that end an answer: where one of them ends a label, any of them does.
    """
    nodes: dict[tuple[int, ...], int] = {(): 0}
    tokens, parents = [], []
    for label in labels:
        for length in range(1, len(label)):
            beginning = tuple(label[:length])
            if beginning not in nodes:
                nodes[beginning] = len(nodes)
                tokens.append(label[length - 1])
                parents.append(nodes[beginning[:-1]])
    depths = [len(beginning) for beginning in nodes if beginning]
    steps = [
        [
            (nodes[tuple(label[:place])], sorted(ends) if token in ends and place + 1 == len(label) else [token])
            for place, token in enumerate(label)
        ]
        for label in labels
    ]
    return LabelTree(tokens, parents, depths, steps)
