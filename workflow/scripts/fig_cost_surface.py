"""Draw how well labels from so many human and synthetic votes predict one more human vote."""

from scaling_ambiguity.reporting.figures.cost_surface import draw_cost_surface
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_cost_surface, __doc__)
