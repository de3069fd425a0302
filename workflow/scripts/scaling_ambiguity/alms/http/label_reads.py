"""Log-probabilities of label words behind a vLLM server: which tokens they are, and what follows each beginning.

vLLM 0.33 gives the log-probabilities of named tokens after a prompt (``logprob_token_ids`` with ``max_tokens: 1``),
from the model at temperature 1 and over its whole vocabulary. A label of several tokens takes one more request for each
of its beginnings, written as the beginning of the assistant's turn (``continue_final_message``); the prompt itself, its
audio included, is then in the server's prefix cache.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from scaling_ambiguity.alms.http.faults import Fault
from scaling_ambiguity.alms.http.replies import Reply, read_reply
from scaling_ambiguity.errors import UserError

TOKENIZE, DETOKENIZE = "/tokenize", "/detokenize"
_REMEDY = "Choose mode `sampled`, or engine `transformers`."
# the chat format around an answer does not depend on the question
_USER = {"role": "user", "content": "Which emotion?"}
_SLACK = 1e-3  # by which rounding may lift a sum of probabilities above 1
Beginning: TypeAlias = tuple[int, ...]
Look: TypeAlias = Callable[[str, dict[str, Any], Callable[[Any], Any]], Any]


@dataclass(frozen=True)
class LabelTokens:
    """The tokens of C labels as a model would write them at the beginning of its turn.

    Attributes:
        tokens: Of each label; where one label begins another, each ends with the token by which the chat format ends
            the turn (others that a checkpoint may end with are not known to a client).
        texts: The text of every beginning that some label goes on from, the empty one first.
    """

    tokens: list[Beginning]
    texts: dict[Beginning, str]

    def following(self, beginning: Beginning) -> list[int]:
        """Return the tokens with which labels go on after ``beginning``, sorted."""
        length = len(beginning)
        return sorted({label[length] for label in self.tokens if label[:length] == beginning and len(label) > length})

    def scores(self, following: Callable[[str, list[int]], dict[int, float]]) -> list[float]:
        """Return the natural-log probability of each label.

        Args:
            following: Text of a beginning and tokens -> natural-log probability of each as the next token; called once
                for every beginning.
        """
        read = {beginning: following(text, self.following(beginning)) for beginning, text in self.texts.items()}
        return [math.fsum(read[label[:place]][token] for place, token in enumerate(label)) for label in self.tokens]


def find_label_tokens(look: Look, model: str, labels: Sequence[str]) -> LabelTokens:
    """Return the tokens of labels, as the server's own tokenizer and chat format make them.

    Args:
        look: Posts a body to a path of the server and returns what the function given makes of the decoded reply.
        model: The model's name at the server.
        labels: C label words.

    Raises:
        UserError: The chat format begins an answer otherwise than it continues one; two labels have the same tokens;
            or a label's beginning, written as text, has other tokens.
    """

    def rendered(*turns: dict[str, str], **how: bool) -> Beginning:
        return look(TOKENIZE, {"model": model, "messages": [_USER, *turns], **how}, _numbers)

    def continued(text: str) -> Beginning:
        turn = {"role": "assistant", "content": text}
        found = rendered(turn, add_generation_prompt=False, continue_final_message=True)
        if found[: len(asked)] != asked:
            raise UserError(
                f"{model}: its chat format begins an answer otherwise than it continues one (does it think first?), so "
                f"that the log-probabilities of labels cannot be read over HTTP. {_REMEDY}"
            )
        return found[len(asked) :]

    asked = rendered(add_generation_prompt=True)
    tokens = [continued(label) for label in labels]
    for i, first in enumerate(tokens):
        for j, second in enumerate(tokens):
            if not first or (i != j and first == second):
                raise UserError(f"{model}: its tokenizer does not distinguish label {labels[i]!r} from {labels[j]!r}; "
                                "rename one.")  # fmt: skip
    if any(i != j and b[: len(a)] == a for i, a in enumerate(tokens) for j, b in enumerate(tokens)):
        whole = rendered({"role": "assistant", "content": labels[0]}, add_generation_prompt=False)
        tokens = [(*label, whole[len(asked) + len(tokens[0])]) for label in tokens]
    texts: dict[Beginning, str] = {(): ""}
    for label, row in zip(labels, tokens, strict=True):
        for beginning in (row[:length] for length in range(1, len(row))):
            if beginning not in texts:
                text = look(DETOKENIZE, {"model": model, "tokens": list(beginning)}, _text)
                if continued(text) != beginning:
                    raise UserError(
                        f"{model}: the beginning {text!r} of label {label!r} has other tokens when it is written "
                        f"alone, so that its log-probabilities cannot be read over HTTP. Rename the label. {_REMEDY}"
                    )
                texts[beginning] = text
    return LabelTokens(tokens, texts)


def following_body(
    messages: list[dict[str, Any]], sampling: dict[str, Any], limit_field: str, text: str, tokens: Sequence[int]
) -> dict[str, Any]:
    """Return the body that asks for the log-probabilities of ``tokens`` after the prompt and the beginning ``text``."""
    body = {key: value for key, value in sampling.items() if key != "min_tokens"} | {limit_field: 1, "temperature": 1.0}
    body |= {"logprobs": True, "logprob_token_ids": list(tokens), "return_tokens_as_token_ids": True}
    if not text:
        return body | {"messages": messages}
    turn = {"role": "assistant", "content": text}
    return body | {"messages": [*messages, turn], "add_generation_prompt": False, "continue_final_message": True}


def read_following(data: Any, tokens: Sequence[int]) -> Reply:
    """Return the reply to :func:`following_body`, with the probability of each of ``tokens``.

    Raises:
        Fault: As :func:`read_reply`; or ``no label probabilities``, which no later request would mend: some of the
            tokens are missing, or what is given are no log-probabilities of tokens that exclude one another.
    """
    reply = read_reply(data, 1)
    try:
        drawn = data["choices"][0]["logprobs"]["content"][0]
        given = {str(one["token"]): float(one["logprob"]) for one in (*drawn["top_logprobs"], drawn)}
    except (KeyError, IndexError, TypeError, ValueError):
        raise _unread("the reply has no log-probabilities of tokens") from None
    values = {token: given.get(f"token_id:{token}", math.nan) for token in tokens}
    if lacking := [token for token, value in values.items() if math.isnan(value)]:
        raise _unread(f"the reply has none of token {lacking[0]}, which was named in `logprob_token_ids`")
    total = math.fsum(map(math.exp, values.values()))
    if total > 1 + _SLACK:
        raise _unread(f"the probabilities of different tokens add up to {total:.3f}")
    return replace(reply, following=values)


def _numbers(data: Any) -> Beginning:
    found = data.get("tokens") if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(token, int) for token in found):
        raise Fault("garbage", f"{TOKENIZE} gave no list of tokens", retry=True, bought=False, item=False)
    return tuple(found)


def _text(data: Any) -> str:
    found = data.get("prompt") if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise Fault("garbage", f"{DETOKENIZE} gave no text", retry=True, bought=False, item=False)
    return found


def _unread(detail: str) -> Fault:
    return Fault("no label probabilities", detail, retry=False, bought=True, item=False)
