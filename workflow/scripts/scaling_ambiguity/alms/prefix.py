"""One reading of what prompts begin with: the system role, the clip and the transcript, before what varies."""

from dataclasses import dataclass
from typing import Any

import torch

from scaling_ambiguity.alms.families.family import Parts

# Rows share a prefix where it is at least this part of the shorter one; below, a second pass costs more than it saves.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Prefill:
    """B prompts that have been read.

    Attributes:
        hidden: (B, H), the last hidden state of each prompt.
        cache: Keys and values of W places a row, or None if none was asked for.
        mask: (B, W), 1 on real tokens; padding may stand before a prompt and between its prefix and its rest.
        position: (B,), position of each prompt's last token.
    """

    hidden: torch.Tensor
    cache: Any
    mask: torch.Tensor
    position: torch.Tensor


def prefill(
    modules: Parts, inputs: dict[str, torch.Tensor], *, shared: bool = False, use_cache: bool = True
) -> Prefill:
    """Read B prompts.

    Args:
        modules: The parts of the model.
        inputs: As returned by ``embed_prompts``.
        shared: Read what neighbouring rows begin with once and continue from its cache. The same
            distribution, not the same last digits: sums run over other shapes. Where no neighbours
            share a beginning, the rows are read whole.
        use_cache: Keep keys and values.
    """
    groups = shared_prefixes(inputs) if shared else []
    if len(groups) < len(inputs["inputs_embeds"]) and groups:
        return _in_two_steps(modules, inputs, groups)
    output = modules.language_model(**inputs, use_cache=use_cache)
    cache = output.past_key_values if use_cache else None
    return Prefill(output.last_hidden_state[:, -1], cache, inputs["attention_mask"], inputs["position_ids"][:, -1])


def shared_prefixes(inputs: dict[str, torch.Tensor]) -> list[tuple[list[int], int]]:
    """Return groups of neighbouring rows and how many tokens each group's rows have in common at their beginning.

    Tokens are equal where their embeddings are, an audio token's included. At least one token of
    each row is left to be read on its own, for its hidden state.
    """
    embeds, lengths = inputs["inputs_embeds"], inputs["attention_mask"].sum(-1).tolist()
    groups: list[tuple[list[int], int]] = []
    for row, length in enumerate(lengths):
        if groups:
            members, prefix = groups[-1]
            first = members[0]
            most = min(prefix, length - 1)
            ours, theirs = (embeds[one, len(embeds[one]) - lengths[one] :][:most] for one in (row, first))
            common = int((ours == theirs).all(-1).long().cumprod(0).sum())
            if common >= LEAST_SHARE * min(length, lengths[first]):
                groups[-1] = ([*members, row], common)
                continue
        groups.append(([row], length - 1))
    return groups


def _in_two_steps(modules: Parts, inputs: dict[str, torch.Tensor], groups: list[tuple[list[int], int]]) -> Prefill:
    """Read each group's prefix once, spread its cache over the group's rows, and read the rest of each row."""
    embeds, width = inputs["inputs_embeds"], inputs["inputs_embeds"].shape[1]
    starts = [width - length for length in inputs["attention_mask"].sum(-1).tolist()]
    cut = {row: starts[row] + prefix for members, prefix in groups for row in members}
    firsts = [embeds[members[0], starts[members[0]] : cut[members[0]]] for members, _ in groups]
    head, head_mask = _padded(firsts)
    before = modules.language_model(
        inputs_embeds=head,
        attention_mask=head_mask,
        position_ids=(head_mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=True,
    )
    group_of = torch.tensor([g for g, (members, _) in enumerate(groups) for _ in members], device=embeds.device)
    cache = before.past_key_values
    cache.batch_select_indices(group_of)
    rest, rest_mask = _padded([embeds[row, cut[row] :] for row in range(len(embeds))])
    mask = torch.cat([head_mask[group_of], rest_mask], dim=1)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    output = modules.language_model(
        inputs_embeds=rest,
        attention_mask=mask,
        position_ids=positions[:, head.shape[1] :],
        past_key_values=cache,
        use_cache=True,
    )
    return Prefill(output.last_hidden_state[:, -1], output.past_key_values, mask, positions[:, -1])


def _padded(rows: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows (T_i, H) padded on the left to (B, T, H), and their mask (B, T)."""
    width = max(map(len, rows))
    padded = rows[0].new_zeros(len(rows), width, rows[0].shape[-1])
    mask = torch.zeros(len(rows), width, dtype=torch.long, device=padded.device)
    for place, row in enumerate(rows):
        if len(row):
            padded[place, -len(row) :], mask[place, -len(row) :] = row, 1
    return padded, mask
