"""Draw how many human votes the synthetic votes are worth."""

from scaling_ambiguity.reporting.figures.exchange_rate import draw_exchange_rate
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_exchange_rate, __doc__)
