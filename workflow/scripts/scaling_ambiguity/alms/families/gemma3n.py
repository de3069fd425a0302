"""Gemma 3n: why it is not run in this process.

Every layer of its language model reads the token ids in addition to the embeddings (``per_layer_inputs``, computed from
``input_ids``), whereas this engine passes embeddings alone, in which a clip has no ids; and transformers builds the
vision tower with timm even without images. Without the ids the model runs and silently answers from another
distribution. It is therefore refused here and left to a server.
"""

REFUSED = ("Gemma3nForConditionalGeneration", "Gemma3nModel", "Gemma3nForCausalLM")
REFUSAL = (
    "engine `transformers` cannot run Gemma 3n: its layers also read token ids, and opening it needs "
    'timm. Use a server instead: `engine: openai` with `serve: {command: "vllm serve {checkpoint} --host {host} --port '
    '{port}"}`.'
)
