"""Gemma 3n: not asked in this process, and why.

Every layer of its language model reads the token ids beside the embeddings (``per_layer_inputs``, computed from
``input_ids``), whereas this engine hands over embeddings alone, in which a clip has no ids; and transformers builds its
vision tower with timm even where no image is seen. Without the ids the model runs, and answers by another
distribution without a word. So it is refused here and left to a server.
"""

REFUSED = ("Gemma3nForConditionalGeneration", "Gemma3nModel", "Gemma3nForCausalLM")
REFUSAL = (
    "engine `transformers` cannot ask Gemma 3n: its layers read token ids beside the embeddings, and opening it needs "
    'timm. Let a server ask it: `engine: openai` with `serve: {command: "vllm serve {checkpoint} --host {host} --port '
    '{port}"}`.'
)
