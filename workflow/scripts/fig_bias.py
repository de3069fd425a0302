"""Draw how often the ALM agrees with people, group by group."""

from scaling_ambiguity.reporting.figures.bias import draw_bias
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_bias, __doc__)
