"""Why an answer ended, in the vocabulary of many servers."""

import re

# OpenAI, vLLM: length; Google: MAX_TOKENS; Mistral: model_length; Anthropic: max_tokens, model_context_window_exceeded
_CUT = {
    "length",
    "maxlength",
    "modellength",
    "maxtokens",
    "maxoutputtokens",
    "maxcompletiontokens",
    "maxnewtokens",
    "tokenlimit",
    "modelcontextwindowexceeded",
}
# OpenAI: content_filter; Google: SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, MODEL_ARMOR; Anthropic:
# refusal; Bedrock: guardrail_intervened, content_filtered; Zhipu: sensitive
_FILTERED = re.compile(
    r"filter|safety|recitation|block|prohibited|spii|refus|moderat|sensitive|guardrail|modelarmor|harm"
)


def is_cut(finish: str | None) -> bool:
    """Return whether a finish reason says that the token limit was reached; every other word is an end."""
    return _letters(finish) in _CUT


def is_filtered(finish: str | None) -> bool:
    """Return whether a finish reason says that a filter, or the model itself, withheld the answer."""
    return _FILTERED.search(_letters(finish)) is not None


def _letters(finish: str | None) -> str:
    """Return the letters of a word: servers spell it in capitals, with underscores, after the name of their type."""
    return re.sub(r"[^a-z]", "", (finish or "").lower()).removeprefix("finishreason")
