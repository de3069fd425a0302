"""The distribution an audio-language model gives to the label words, read from its log-probabilities."""

import torch
from torch.nn.functional import log_softmax, pad

from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
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
                    f"the model's tokenizer does not tell label {classes[i]!r} from {classes[j]!r}; rename one."
                )
    prefix = any(i != j and b[: len(a)] == a for i, a in enumerate(tokens) for j, b in enumerate(tokens))
    return [[*row, end_token(alm)] for row in tokens] if prefix else tokens


def end_token(alm: LoadedALM) -> int:
    """Return the token that ends the assistant's turn: the family's, else the tokenizer's end token."""
    token = alm.tokenizer.get_vocab().get(family_of(alm.model).turn_end)
    return alm.tokenizer.eos_token_id if token is None else token


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
    modules = parts(alm.model)
    if all(len(row) == 1 for row in tokens):
        hidden = modules.language_model(**inputs, use_cache=False).last_hidden_state[:, -1]
        rows = torch.tensor([row[0] for row in tokens], device=hidden.device)
        bias = getattr(modules.lm_head, "bias", None)
        logits = torch.nn.functional.linear(hidden, modules.lm_head.weight[rows], None if bias is None else bias[rows])
        return log_softmax(logits.float() / modules.logits_divisor, dim=-1)
    return log_softmax(_string_scores(modules, inputs, tokens), dim=-1)


def _string_scores(modules, inputs: dict[str, torch.Tensor], tokens: list[list[int]]) -> torch.Tensor:
    """Return (B, C) summed log-probabilities of the label strings, one forward pass over B x C rows."""
    embeds, mask, positions = inputs["inputs_embeds"], inputs["attention_mask"], inputs["position_ids"]
    batch, width, _ = embeds.shape
    count, longest = len(tokens), max(map(len, tokens))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in tokens], device=embeds.device)
    real = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], device=embeds.device)
    answer = modules.language_model.get_input_embeddings()(ids)
    steps = torch.arange(1, longest + 1, device=embeds.device)
    hidden = modules.language_model(
        inputs_embeds=torch.cat([embeds.repeat_interleave(count, 0), answer.repeat(batch, 1, 1)], dim=1),
        attention_mask=torch.cat([mask.repeat_interleave(count, 0), real.repeat(batch, 1)], dim=1),
        position_ids=pad((positions[:, -1:] + steps).repeat_interleave(count, 0), (width, 0))
        + pad(positions.repeat_interleave(count, 0), (0, longest)),
        use_cache=False,
    ).last_hidden_state[:, width - 1 : -1]
    logp = log_softmax(modules.logits(hidden).float(), dim=-1)
    picked = logp.gather(-1, ids.repeat(batch, 1)[..., None])[..., 0]
    return (picked * real.repeat(batch, 1)).sum(-1).view(batch, count)
