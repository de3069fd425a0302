"""Draw the alignment of synthetic votes with held-out human votes by ambiguity level."""

from scaling_ambiguity.reporting.figures.levels import draw_alignment_by_level
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_alignment_by_level, __doc__)
