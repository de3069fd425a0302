"""Draw the divergence of synthetic votes from human votes against their number."""

from scaling_ambiguity.reporting.figures.saturation import draw_saturation
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_saturation, __doc__)
