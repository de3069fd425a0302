"""How good the tiny model is on unseen voices, compared with the class prior and the truth."""

import numpy as np
import torch
from scipy.spatial.distance import jensenshannon

from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.scoring import label_log_probabilities

CLIPS_AT_ONCE = 16
FLOOR = 1e-3  # of a predicted probability, before it is scored


def predict(alm: LoadedALM, waveforms: list[np.ndarray], prompts: list[list[str]], classes: list[str]) -> np.ndarray:
    """Return the model's label distributions (n, C): the mean over the prompts about each clip."""
    result = []
    with torch.no_grad():
        for start in range(0, len(waveforms), CLIPS_AT_ONCE):
            part = slice(start, start + CLIPS_AT_ONCE)
            clips = encode_audio(alm, waveforms[part])
            texts = [text for row in prompts[part] for text in row]
            heard = [clip for clip, row in zip(clips, prompts[part], strict=True) for _ in row]
            p = label_log_probabilities(alm, embed_prompts(alm, texts, heard), classes).exp()
            result.append(p.view(len(clips), -1, len(classes)).mean(1).double().numpy())
    return np.concatenate(result)


def scores(p: np.ndarray, expected: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """Score predictions against the pool's expected vote and against its actual votes.

    Args:
        p: Predictions (n, C); a single row (1, C) stands for all.
        expected: Expected vote v of a rater of the pool (n, C).
        counts: Actual votes (n, C).

    Returns:
        accuracy: share of clips whose most probable class is that of v (0-1);
        nll: nats per vote, clips weighted equally, p floored at ``FLOOR`` and renormalised;
        jsd_bits: mean Jensen-Shannon divergence to v (0-1 bit);
        kl_nats: mean KL(v, p), p floored likewise.
    """
    p = np.broadcast_to(p, expected.shape)
    floored = np.maximum(p, FLOOR)
    floored = floored / floored.sum(1, keepdims=True)
    share = counts / counts.sum(1, keepdims=True)
    ratio = np.log(np.maximum(expected, 1e-300)) - np.log(floored)
    return {
        "accuracy": float((p.argmax(1) == expected.argmax(1)).mean()),
        "nll": float(-(share * np.log(floored)).sum(1).mean()),
        "jsd_bits": float((jensenshannon(p, expected, base=2, axis=1) ** 2).mean()),
        "kl_nats": float((expected * ratio).sum(1).mean()),
    }
