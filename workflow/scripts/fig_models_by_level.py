"""Draw the scores of fine-tuned models by kind of training labels and ambiguity level."""

from scaling_ambiguity.reporting.figures.levels import draw_models_by_level
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_models_by_level, __doc__)
