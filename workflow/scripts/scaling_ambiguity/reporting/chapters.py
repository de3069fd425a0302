"""What the paper shows: every kind of estimate with its files, and every figure and table with its inputs.

The one place from which the workflow derives files, rules and lists. A new figure or table of estimates is a line here
and a function. No heavy library is imported: functions are named, and looked up by the program that calls them.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def named(function: str) -> Callable[..., Any]:
    """Return a function of the library by ``module:function``, without the package."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(f"scaling_ambiguity.{module}"), name)


STAGES = ("votes", "annotation", "training", "augmentation")  # in the order of the paper


@dataclass(frozen=True)
class Estimates:
    """A kind of estimate.

    Attributes:
        stage: The stage that a corpus needs for it.
        by: The units with one file each: every corpus, annotator and protocol of the run.
        numbers: ``module:function`` of the library that define the numbers of the text that come from it. Of what
            :func:`~scaling_ambiguity.reporting.numbers.collect.collect_numbers` has, a function gets what its
            parameters are called.
        pattern: Path of a file.
    """

    stage: str
    by: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    pattern: str = "results/statistics/{kind}-{names}.parquet"

    def path(self, kind: str, **names: str) -> str:
        """Return the path of the file of one corpus, annotator and protocol."""
        return self.pattern.format(kind=kind, names="-".join(names[name] for name in self.by))


CORPUS, ANNOTATOR, PROTOCOL = "corpus", "annotator", "protocol"
_NUMBERS = "reporting.numbers"
ESTIMATES = {
    "alignment": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR, PROTOCOL),
        (f"{_NUMBERS}.alignment:add_alignment", f"{_NUMBERS}.levels:add_levels"),
    ),
    "agreement": Estimates("annotation", (CORPUS, ANNOTATOR), (f"{_NUMBERS}.agreement:add_agreement",)),
    "bias": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL), (f"{_NUMBERS}.bias:add_bias",)),
    "saturation": Estimates("annotation", (CORPUS, ANNOTATOR), (f"{_NUMBERS}.alignment:add_saturation",)),
    "shared": Estimates("votes", (CORPUS,), (f"{_NUMBERS}.shared:add_shared",)),
    "exchange": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR),
        (f"{_NUMBERS}.exchange:add_exchange", f"{_NUMBERS}.exchange:add_validation"),
    ),
    "exchange_by_level": Estimates(
        "annotation", (CORPUS, ANNOTATOR, PROTOCOL), (f"{_NUMBERS}.exchange:add_exchange_by_level",)
    ),
    "predictors": Estimates("annotation", (CORPUS, PROTOCOL), (f"{_NUMBERS}.worth:add_worth",)),
    "costs": Estimates("annotation", (CORPUS, ANNOTATOR), (f"{_NUMBERS}.costs:add_costs",)),
    "hypotheses": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL)),
    "evaluation": Estimates("training", (CORPUS, PROTOCOL), (f"{_NUMBERS}.models:add_models",)),
    "verdicts": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL), pattern="results/hypotheses/{names}.json"),
}


@dataclass(frozen=True)
class Display:
    """A figure or table.

    Attributes:
        stage: It is in the paper of a run that has this stage.
        line: Its content, for the list of targets.
        shows: Kinds of estimates that it is made from; none: it has its own rule and program.
        function: ``module:function`` of the library that makes it from their rows.
        classes: The function also takes the class set.
        proxies: The function also takes the name of the votes of each annotator.
    """

    stage: str
    line: str = ""
    shows: tuple[str, ...] = ()
    function: str = ""
    classes: bool = False
    proxies: bool = False

    @property
    def module(self) -> str:
        """Module of the function, without the package."""
        return self.function.partition(":")[0]

    def load(self) -> Callable[..., Any]:
        """Return the function."""
        return named(self.function)


FIGURES = {
    "fig_worth": Display(
        "annotation",
        "What every annotator, trained model and given table is worth in human votes.",
        ("predictors",),
        "reporting.figures.worth:draw_worth",
    ),
    "fig_shared_votes": Display(
        "votes",
        "What shared votes do to a result by level: proxies of known worth, with and without votes set apart.",
        ("shared",),
        "reporting.figures.shared_votes:draw_shared_votes",
    ),
    "fig_validity": Display("votes"),
    "fig_saturation": Display(
        "annotation",
        "Divergence to the human votes against the number of synthetic votes.",
        ("saturation",),
        "reporting.figures.saturation:draw_saturation",
    ),
    "fig_exchange_rate": Display(
        "annotation",
        "The headline: how many human votes the synthetic votes are worth.",
        ("exchange",),
        "reporting.figures.exchange_rate:draw_exchange_rate",
    ),
    "fig_exchange_by_level": Display(
        "annotation",
        "The exchange rate at each level of ambiguity, votes that decide it kept apart.",
        ("exchange_by_level",),
        "reporting.figures.exchange_by_level:draw_exchange_by_level",
    ),
    "fig_cost_surface": Display(
        "annotation",
        "What human and synthetic votes buy: a score by the number of each, of labels and, if trained, of models.",
        ("costs",),
        "reporting.figures.cost_surface:draw_cost_surface",
    ),
    "fig_alignment_by_level": Display(
        "annotation",
        "Agreement of the synthetic votes with human votes, by ambiguity level, with floors and ceilings.",
        ("alignment",),
        "reporting.figures.levels:draw_alignment_by_level",
    ),
    "fig_confusion": Display(
        "annotation",
        "What people and the synthetic rater call an utterance of each class (Dawid and Skene).",
        ("agreement",),
        "reporting.figures.confusion:draw_confusion",
        proxies=True,
    ),
    "fig_bias": Display(
        "annotation",
        "Where the synthetic votes depart from people's, group by group, and whether their source listens.",
        ("bias",),
        "reporting.figures.bias:draw_bias",
        proxies=True,
    ),
    "fig_models_by_level": Display(
        "training",
        "Fine-tuned models on human, synthetic, combined and control labels, by ambiguity level.",
        ("evaluation",),
        "reporting.figures.levels:draw_models_by_level",
    ),
    "fig_simplex": Display("augmentation"),
}

TABLES = {
    "tab_worth": Display(
        "annotation",
        "The leaderboard: equivalent human votes, gains beside human votes, scores and ranks of every predictor.",
        ("predictors",),
        "reporting.tables.worth:worth_table",
    ),
    "tab_corpus": Display("votes"),
    "tab_votes_lost": Display("votes"),
    "tab_validity": Display("votes"),
    "tab_agreement": Display(
        "annotation",
        "Agreement of people, with and without the synthetic rater; the alternative annotator test.",
        ("agreement",),
        "reporting.tables.agreement:agreement_table",
    ),
    "tab_alignment": Display(
        "annotation",
        "Alignment of synthetic with human votes, with floors, ceilings and intervals.",
        ("alignment",),
        "reporting.tables.alignment:alignment_table",
        classes=True,
    ),
    "tab_bias": Display(
        "annotation",
        "Where the synthetic votes depart from people's: labels, groups, what is heard, what they vary with.",
        ("bias",),
        "reporting.tables.bias:bias_table",
        proxies=True,
    ),
    "tab_saturation": Display(
        "annotation",
        "The divergence by the number of synthetic votes, its limit, and what was published for it.",
        ("saturation",),
        "reporting.tables.saturation:saturation_table",
    ),
    "tab_exchange": Display(
        "annotation",
        "What synthetic votes are worth in human votes: pooled, weighted, calibrated, and added to human votes.",
        ("exchange", "exchange_by_level"),
        "reporting.tables.exchange:exchange_table",
    ),
    "tab_hypotheses": Display("annotation"),
    "tab_results": Display(
        "training",
        "Fine-tuned models against the same held-out human votes.",
        ("evaluation",),
        "reporting.tables.results:results_table",
    ),
    "tab_strata": Display(
        "training",
        "Fine-tuned models on a balanced split of the test utterances, by class and by the corpus' factors.",
        ("evaluation",),
        "reporting.tables.strata:strata_table",
    ),
    "tab_augmentation": Display("augmentation"),
}


def shown(displays: dict[str, Display], stages: set[str]) -> list[str]:
    """Return the names of the figures or tables of a run with these stages, stage by stage."""
    return [name for stage in STAGES if stage in stages for name, one in displays.items() if one.stage == stage]
