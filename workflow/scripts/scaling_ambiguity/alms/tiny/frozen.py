"""Training behind a frozen audio tower: whitened states, a perceptron that the projector starts from, fewer places."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import dropout, log_softmax, scaled_dot_product_attention
from transformers.masking_utils import create_causal_mask
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from scaling_ambiguity.seeds import derive_seed

SMALLEST_SPREAD = 1e-4
SAMPLED = 300  # clips whose states determine mean and spread
# The perceptron: passes over the clips, batch, peak learning rate, weight decay, dropout of inputs and hidden units.
PASSES, BATCH, RATE, DECAY, DROPPED, DROPPED_HIDDEN = 30, 64, 2e-3, 0.05, 0.2, 0.4


def moments(states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation (D,) over the states of some of the clips, evenly chosen."""
    chosen = states[:: max(1, len(states) // SAMPLED)]
    rows = torch.cat([clip.float() for clip in chosen])
    return rows.mean(0), rows.std(0) + SMALLEST_SPREAD


def start_projector(
    projector: Any,
    means: torch.Tensor,
    targets: torch.Tensor,
    held_out: tuple[torch.Tensor, torch.Tensor],
    seed: int,
) -> float:
    """Train a perceptron on clips' mean states; its first layer becomes the projector. Return its held-out loss.

    dropout, projector, ReLU, dropout, linear, softmax; soft cross-entropy, AdamW, one cycle of the learning rate, the
    best pass on held-out clips.

    Args:
        projector: The model's; its ``linear`` is changed in place.
        means: Mean whitened states of the clips (n, D).
        targets: Label distributions (n, C).
        held_out: The same of clips on which the pass is chosen.
        seed: Of weights, order and dropout.
    """
    linear = projector.linear
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "projector") % 2**63)
        torch.nn.init.normal_(linear.weight, std=means.shape[1] ** -0.5)
        torch.nn.init.zeros_(linear.bias)
        head = torch.nn.Linear(linear.out_features, targets.shape[1])
        weights = [*linear.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
        batches = -(-len(means) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=PASSES * batches)
        least, best = float("inf"), [weight.detach().clone() for weight in weights]
        for _ in range(PASSES):
            for rows in torch.randperm(len(means)).split(BATCH):
                hidden = torch.relu(linear(dropout(means[rows], DROPPED)))
                loss = _soft_loss(head(dropout(hidden, DROPPED_HIDDEN)), targets[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            with torch.no_grad():
                held_out_loss = float(_soft_loss(head(torch.relu(linear(held_out[0]))), held_out[1]))
            if held_out_loss < least:
                least, best = held_out_loss, [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight, kept in zip(weights, best, strict=True):
            weight.copy_(kept)
    return least


def _soft_loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(targets * log_softmax(scores, dim=-1)).sum(-1).mean()


@torch.no_grad()
def fold_whitening(projector: Any, mean: torch.Tensor, spread: torch.Tensor) -> None:
    """Change a projector of whitened states, W (x - mean) / spread + b, into the same function of the states x."""
    linear = projector.linear
    linear.weight /= spread
    linear.bias -= linear.weight @ mean


def last_hidden(language_model: Any, inputs: dict[str, torch.Tensor], places: int = 2) -> torch.Tensor:
    """Return the hidden states of the last places of each row, (B, places, H); differentiable.

    In the last layer, whose states of earlier places are not read, queries and feed-forward network are computed
    at those places alone: with one layer nearly all of the work of a training step.

    Args:
        language_model: A Qwen2 model without output layer.
        inputs: Of :func:`~scaling_ambiguity.alms.inputs.embed_tokens`.
        places: How many.
    """
    hidden, positions = inputs["inputs_embeds"], inputs["position_ids"]
    cos, sin = language_model.rotary_emb(hidden, positions)
    mask = create_causal_mask(
        config=language_model.config,
        inputs_embeds=hidden,
        attention_mask=inputs["attention_mask"],
        past_key_values=None,
        position_ids=positions,
    )
    *earlier, last = language_model.layers
    for layer in earlier:
        hidden = layer(hidden, attention_mask=mask, position_ids=positions, position_embeddings=(cos, sin))
    attention, normalised = last.self_attn, last.input_layernorm(hidden)

    def heads(values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)

    keys, values = heads(attention.k_proj(normalised)), heads(attention.v_proj(normalised))
    queries = heads(attention.q_proj(normalised[:, -places:]))
    keys = apply_rotary_pos_emb(keys, keys, cos, sin)[1]
    queries = apply_rotary_pos_emb(queries, queries, cos[:, -places:], sin[:, -places:])[0]
    # a real key that is not behind the query
    width = keys.shape[2]
    seen = torch.arange(width)[None, :] <= torch.arange(width - places, width)[:, None]
    seen = inputs["attention_mask"].bool()[:, None, None, :] & seen.to(hidden.device)
    mixed = scaled_dot_product_attention(
        queries, keys, values, attn_mask=seen, scale=attention.scaling, enable_gqa=queries.shape[1] != keys.shape[1]
    )
    rest = hidden[:, -places:] + attention.o_proj(mixed.transpose(1, 2).flatten(2))
    return language_model.norm(rest + last.mlp(last.post_attention_layernorm(rest)))
