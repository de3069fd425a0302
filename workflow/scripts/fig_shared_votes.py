"""Draw what proxies of known worth seem to be worth by level where votes are shared, and where they are not."""

from scaling_ambiguity.reporting.figures.shared_votes import draw_shared_votes
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_shared_votes, __doc__)
