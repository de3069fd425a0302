"""The distribution an audio-language model gives to the label words, read from its log-probabilities."""

import torch
from torch.nn.functional import log_softmax

from scaling_ambiguity.alms.families.family import base_of
from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.label_tree import label_tree
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.prefix import Group, prefill
from scaling_ambiguity.errors import UserError


def label_tokens(alm: LoadedALM, classes: list[str]) -> list[list[int]]:
    """Return the token ids of each label word as it would begin an answer.

    Where one label's tokens begin another's, each list ends with the end-of-turn token: otherwise
    the shorter label would be given the longer one's probability too.

    Raises:
        UserError: Two labels have the same tokens, or one has none.
    """
    tokens = [alm.tokenizer(label, add_special_tokens=False)["input_ids"] for label in classes]
    for i, first in enumerate(tokens):
        for j, second in enumerate(tokens):
            if not first or (i != j and first == second):
                raise UserError(
                    f"the model's tokenizer does not distinguish label {classes[i]!r} from {classes[j]!r}; rename one."
                )
    prefix = any(i != j and b[: len(a)] == a for i, a in enumerate(tokens) for j, b in enumerate(tokens))
    return [[*row, end_token(alm)] for row in tokens] if prefix else tokens


def end_token(alm: LoadedALM) -> int:
    """Return the token that ends the assistant's turn: the family's, else the tokenizer's end token."""
    token = alm.tokenizer.get_vocab().get(family_of(alm.model).turn_end)
    return alm.tokenizer.eos_token_id if token is None else token


def end_tokens(alm: LoadedALM) -> list[int]:
    """Return every token that ends an answer: :func:`end_token` and those of the checkpoint's generation_config."""
    listed = getattr(getattr(base_of(alm.model), "generation_config", None), "eos_token_id", None)
    others = listed if isinstance(listed, list | tuple) else [] if listed is None else [listed]
    return list(dict.fromkeys([end_token(alm), *others]))


def takes_tree(alm: LoadedALM, places: int) -> bool:
    """Return whether rows of that many places may have their own mask, so that all labels are read in one row.

    The family's language model has to accept such masks and its attention has to use them; layers
    with a sliding window build their mask themselves, and get it wrong once a row is longer than the window.
    """
    config = parts(alm.model).language_model.config
    windowed = "sliding_attention" in (getattr(config, "layer_types", None) or []) or not hasattr(config, "layer_types")
    window = getattr(config, "sliding_window", None) if windowed else None
    able = family_of(alm.model).masks and config._attn_implementation in ("sdpa", "eager")
    return able and (window is None or places <= window)


def string_scores(
    alm: LoadedALM, inputs: dict[str, torch.Tensor], tokens: list[list[int]], shared: bool | list[Group] = False
) -> torch.Tensor:
    """Return log p of each label string as the continuation of each prompt; differentiable.

    The prompts are read once, each followed by all labels in the same row (:class:`LabelTree`). Where the model
    does not take such masks (:func:`takes_tree`), each label is read in a row of its own, one label after the other.

    Args:
        alm: The model.
        inputs: As returned by ``embed_prompts``, B rows.
        tokens: Of :func:`label_tokens`, C lists.
        shared: See :func:`~scaling_ambiguity.alms.prefix.prefill`.

    Returns:
        (B, C), float64; natural logarithm, temperature 1, over the whole vocabulary.
    """
    modules, ends = parts(alm.model), end_tokens(alm)
    trees = [label_tree(tokens, ends)]
    if not trees[0].is_chain and not takes_tree(alm, inputs["inputs_embeds"].shape[1] + len(trees[0].tokens)):
        trees = [label_tree([row], ends) for row in tokens]
    columns = []
    for tree in trees:
        hidden = prefill(modules, inputs, shared=shared, use_cache=False, tree=tree).hidden
        columns.append(tree.scores(log_softmax(modules.logits(hidden).double(), dim=-1)))
    return torch.cat(columns, dim=1)


def label_log_probabilities(alm: LoadedALM, inputs: dict[str, torch.Tensor], classes: list[str]) -> torch.Tensor:
    """Return log p(label | clip, prompt), normalised over the class set; differentiable.

    log p_c = s_c - log sum_k exp s_k, where s_c is the sum of the log-probabilities (natural
    logarithm, temperature 1) of label c's tokens as a continuation of the prompt. Exact for labels
    of any number of tokens. If every label is one token, s_c differs from its logit by a constant
    and only the label rows of the output layer are computed.

    Args:
        alm: The model; its mode (training, evaluation) is left as it is.
        inputs: As returned by ``embed_prompts``, B rows.
        classes: C label words.

    Returns:
        (B, C), float32, each row a log-distribution.
    """
    tokens = label_tokens(alm, classes)
    if any(len(row) > 1 for row in tokens):
        return log_softmax(string_scores(alm, inputs, tokens), dim=-1).float()
    modules = parts(alm.model)
    hidden = modules.language_model(**inputs, use_cache=False).last_hidden_state[:, -1]
    return log_softmax(modules.logits(hidden, [row[0] for row in tokens]), dim=-1)
