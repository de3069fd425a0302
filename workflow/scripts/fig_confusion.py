"""Draw what people and the ALM call an utterance of each class."""

from scaling_ambiguity.reporting.figures.confusion import draw_confusion
from scaling_ambiguity.reporting.program import run_figure

if __name__ == "__main__":
    run_figure(draw_confusion, __doc__)
