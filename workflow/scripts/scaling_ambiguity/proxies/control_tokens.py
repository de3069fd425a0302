"""Words of a corpus that a tokenizer would take for control tokens, such as an end of turn or a clip's placeholder."""

import re

# <|im_end|>, </s>, <sound>, <start_of_turn>: no blank inside; Mistral's are upper-case words in square brackets.
_ANGLED = re.compile(r"<([^<>\s]+)>")
_MISTRAL = re.compile(
    r"\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|TOOL_CONTENT|ARGS|CALL_ID|THINK|PREFIX|MIDDLE"
    r"|SUFFIX|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|OUTPUT_AUDIO|TRANSCRIBE|STREAMING_PAD|STREAMING_WORD))\]"
)


def as_text(words: str) -> str:
    """Return words of a corpus so that no tokenizer finds a control token in them: ``<|im_end|>`` as ``< |im_end| >``.

    A transcript is pasted into a chat template and read together with it; a control token in it would end the
    user's turn, or act as a clip's placeholder. Blanks inside the brackets keep it readable and make it text for every
    model, in this process and behind a server alike; words without such brackets stay as they are.
    """
    return _MISTRAL.sub(r"[ \1 ]", _ANGLED.sub(r"< \1 >", words))
