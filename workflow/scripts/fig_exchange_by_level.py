"""Draw the human votes that the synthetic votes are worth at each level of ambiguity."""

from scaling_ambiguity.reporting.figures.exchange_by_level import draw_exchange_by_level
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_exchange_by_level, __doc__)
