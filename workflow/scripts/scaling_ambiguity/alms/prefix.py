"""Read the common prefix of prompts once: the system role, the clip and the transcript, before what varies."""

from dataclasses import dataclass
from typing import Any

import torch

from scaling_ambiguity.alms.families.family import Parts
from scaling_ambiguity.alms.label_tree import LabelTree

# Rows share a prefix where it is at least this part of the shorter one; below that, a second pass costs more than it
# saves.
LEAST_SHARE = 0.5

STEP = 32  # widths are multiples of it, so that a row's padding seldom depends on its neighbours
Group = tuple[list[int], int]  # rows, and the length of their common prefix in tokens


@dataclass(frozen=True)
class Prefill:
    """B prompts that have been read.

    Attributes:
        hidden: (B, 1 + n, H), the last hidden state of each prompt, and those of the n nodes of a label tree.
        cache: Keys and values of W places per row, or None if none was asked for.
        mask: (B, W), 1 on real tokens; padding may stand before a prompt and between its prefix and its rest.
        position: (B,), position of each prompt's last token.
    """

    hidden: torch.Tensor
    cache: Any
    mask: torch.Tensor
    position: torch.Tensor


def prefill(
    modules: Parts,
    inputs: dict[str, torch.Tensor],
    *,
    shared: bool | list[Group] = False,
    use_cache: bool = True,
    tree: LabelTree | None = None,
) -> Prefill:
    """Read B prompts.

    Args:
        modules: The parts of the model.
        inputs: As returned by ``embed_prompts``.
        shared: Read the common prefix of neighbouring rows once and continue from its cache; or the groups of
            :func:`shared_prefixes` by which to do so. The same distribution, not the same last digits: sums run over
            other shapes. Where no neighbours share a prefix, the rows are read whole.
        use_cache: Keep keys and values.
        tree: What is read after each prompt; then nothing may follow, and no cache is returned.
    """
    groups = shared_prefixes(inputs) if shared is True else shared or []
    if groups and (shared is not True or len(groups) < len(inputs["inputs_embeds"])):
        return _in_two_steps(modules, inputs, groups, tree)
    rows = (inputs["inputs_embeds"], inputs["attention_mask"], inputs["position_ids"])
    return _read(modules, rows, tree, use_cache=use_cache and not tree)


def _read(
    modules: Parts,
    rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    tree: LabelTree | None,
    cache: Any = None,
    use_cache: bool = True,
) -> Prefill:
    """Read embeddings (B, Q, H) after a cache, and the tree after them; the mask covers both cache and embeddings."""
    embeds, mask, positions = rows
    queries, last, seen = embeds.shape[1], positions[:, -1], mask
    if tree is not None and tree.tokens:
        nodes = modules.language_model.get_input_embeddings()(torch.tensor(tree.tokens, device=embeds.device))
        embeds = torch.cat([embeds, nodes.to(embeds.dtype).expand(len(embeds), -1, -1)], dim=1)
        positions = torch.cat([positions, last[:, None] + torch.tensor(tree.depths, device=mask.device)], dim=1)
        if tree.is_chain:
            seen = torch.cat([mask, mask.new_ones(len(mask), len(tree.tokens))], dim=1)
        else:
            seen = _for_attention(modules, tree.mask(mask, queries), embeds.dtype)
    output = modules.language_model(
        inputs_embeds=embeds, attention_mask=seen, position_ids=positions, past_key_values=cache, use_cache=use_cache
    )
    kept = output.past_key_values if use_cache and not tree else None
    return Prefill(output.last_hidden_state[:, queries - 1 :], kept, mask, last)


def _for_attention(modules: Parts, seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the mask as torch's own attention takes it, or as a term added to the scores."""
    if modules.language_model.config._attn_implementation == "sdpa":
        return seen
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)


def read_tokens(
    modules: Parts, tokens: torch.Tensor, mask: torch.Tensor, position: torch.Tensor, cache: Any
) -> tuple[Any, torch.Tensor]:
    """Read one more token of each of N answers; return the cache that then holds it, and the logits behind it, (N, V).

    Args:
        modules: The parts of the model.
        tokens: (N,).
        mask: (N, W), 1 on real places of cache and token.
        position: (N,), positions of the tokens.
        cache: Keys and values of the places before.
    """
    output = modules.language_model(
        inputs_embeds=modules.language_model.get_input_embeddings()(tokens)[:, None],
        attention_mask=mask,
        position_ids=position[:, None],
        past_key_values=cache,
        use_cache=True,
    )
    return output.past_key_values, modules.logits(output.last_hidden_state[:, -1])


def shared_prefixes(inputs: dict[str, torch.Tensor]) -> list[Group]:
    """Return groups of neighbouring rows and the length in tokens of the common prefix of each group.

    Tokens count as equal where their embeddings are, audio tokens included. At least one token of
    each row is left to be read on its own, for its hidden state.
    """
    embeds, lengths = inputs["inputs_embeds"], inputs["attention_mask"].sum(-1).tolist()
    groups: list[Group] = []
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


def _in_two_steps(
    modules: Parts, inputs: dict[str, torch.Tensor], groups: list[Group], tree: LabelTree | None
) -> Prefill:
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
    return _read(modules, (rest, mask, positions[:, head.shape[1] :]), tree, cache)


def _padded(rows: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows (T_i, H) padded on the left to (B, T, H), T a multiple of ``STEP``, and their mask (B, T)."""
    width = -(-max(map(len, rows)) // STEP) * STEP
    padded = rows[0].new_zeros(len(rows), width, rows[0].shape[-1])
    mask = torch.zeros(len(rows), width, dtype=torch.long, device=padded.device)
    for place, row in enumerate(rows):
        if len(row):
            padded[place, -len(row) :], mask[place, -len(row) :] = row, 1
    return padded, mask
