"""What the paper shows: every kind of estimate with its files, and every figure and table with its inputs.

The one place from which the workflow derives files, rules, lists and captions. A new kind of estimates, figure or table
is an entry here and a function or program. No heavy library is imported: functions are named, and looked up by the
program that calls them.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scaling_ambiguity.reporting.captions import filled, first_sentence
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC


def named(function: str) -> Callable[..., Any]:
    """Return a function of the library by ``module:function``, without the package."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(f"scaling_ambiguity.{module}"), name)


STAGES = ("votes", "annotation", "testtime", "training", "conflict", "augmentation")  # in the order of the paper


@dataclass(frozen=True)
class Work:
    """The work of a rule that is made from this registry; its program has the arguments of ``study_parser``.

    Attributes:
        program: Name of the rule and of its program: a verb and a noun.
        line: What it does, for the list of rules.
        reads: Files that it reads besides votes and utterances: arguments of the program, and names of
            ``STUDY_FILES`` in workflow/rules/alignment.smk.
        options: Settings of the statistics that it uses besides those of every interval.
        memory: MB of memory per MB of tables that it reads.
    """

    program: str
    line: str
    reads: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    memory: int = 450


@dataclass(frozen=True)
class Estimates:
    """A kind of estimate.

    Attributes:
        stage: The stage that a corpus needs for it.
        by: The units with one file each: every corpus, annotator and protocol of the run.
        numbers: ``module:function`` of the library that define the numbers of the text that come from it. Of what
            :func:`~scaling_ambiguity.reporting.numbers.collect.collect_numbers` has, a function gets what its
            parameters are called.
        work: The work of its rule; None: the rule is written out.
        pattern: Path of a file.
    """

    stage: str
    by: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    work: Work | None = None
    pattern: str = "results/statistics/{kind}-{names}.parquet"

    def path(self, kind: str, **names: str) -> str:
        """Return the path of the file of one corpus, annotator and protocol."""
        return self.pattern.format(kind=kind, names="-".join(names[name] for name in self.by))

    def with_wildcards(self, kind: str) -> str:
        """Return the path as the output of a rule, e.g. ``results/statistics/costs-{corpus}-{annotator}.parquet``."""
        return self.path(kind, **{name: f"{{{name}}}" for name in self.by})


CORPUS, ANNOTATOR, PROTOCOL = "corpus", "annotator", "protocol"
_NUMBERS = "reporting.numbers"
ESTIMATES = {
    "alignment": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR, PROTOCOL),
        (f"{_NUMBERS}.alignment:add_alignment", f"{_NUMBERS}.levels:add_levels"),
        Work(
            "align_votes",
            "Score how far an ALM's votes agree with human votes, with floors, ceilings and intervals.",
            ("roles", "proxies", "levels", "thresholds", "splits", "validity"),
            ("smoothing", "adjust"),
        ),
    ),
    "agreement": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR),
        (f"{_NUMBERS}.agreement:add_agreement",),
        Work(
            "agree_votes",
            "Agreement of people, with and without the synthetic rater, and whether it may replace one of them.",
            ("proxies",),
            memory=300,
        ),
    ),
    "bias": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL), (f"{_NUMBERS}.bias:add_bias",)),
    "saturation": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR),
        (f"{_NUMBERS}.alignment:add_saturation",),
        Work(
            "trace_saturation",
            "Trace the divergence to the human votes against the number of synthetic votes.",
            ("proxies",),
            ("deals", "saturation_votes", "exchange"),
            memory=900,
        ),
    ),
    "shared": Estimates(
        "votes",
        (CORPUS,),
        (f"{_NUMBERS}.shared:add_shared",),
        Work(
            "trace_shared_votes",
            "Trace the effect of shared votes on results by level, with proxies of known worth; no ALM is needed.",
            ("roles",),
            ("smoothing", "level_votes"),
        ),
    ),
    "exchange": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR),
        (f"{_NUMBERS}.exchange:add_exchange", f"{_NUMBERS}.exchange:add_validation"),
    ),
    "exchange_by_level": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR, PROTOCOL),
        (f"{_NUMBERS}.exchange:add_exchange_by_level",),
        Work(
            "estimate_exchange_by_level",
            "Estimate the exchange rate at each level of ambiguity, from disjoint sets of votes.",
            ("roles", "proxies", "levels", "truth", "validity"),
            ("smoothing", "exchange"),
            memory=250,
        ),
    ),
    "predictors": Estimates("annotation", (CORPUS, PROTOCOL), (f"{_NUMBERS}.worth:add_worth",)),
    "strategies": Estimates(
        "testtime", (), (f"{_NUMBERS}.strategies:add_strategies",), pattern="results/statistics/{kind}.parquet"
    ),
    "costs": Estimates(
        "annotation",
        (CORPUS, ANNOTATOR),
        (f"{_NUMBERS}.costs:add_costs",),
        Work(
            "trace_costs",
            "Trace how well human and synthetic votes predict one more human vote, by the number of each.",
            ("roles", "proxies"),
            ("smoothing", "adjust", "costs"),
        ),
    ),
    "hypotheses": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL)),
    "evaluation": Estimates("training", (CORPUS, PROTOCOL), (f"{_NUMBERS}.models:add_models",)),
    "verdicts": Estimates("annotation", (CORPUS, ANNOTATOR, PROTOCOL), pattern="results/hypotheses/{names}.json"),
}


@dataclass(frozen=True)
class Display:
    """A figure or table.

    Attributes:
        stage: It is in the paper of a run that has this stage.
        caption: reStructuredText, without numbers; its first sentence is the title.
        shows: Kinds of estimates that it is made from; none: it has its own rule and program.
        function: ``module:function`` of the library that makes it from their rows.
        classes: The function also takes the class set.
        proxies: The function also takes the name of the votes of each annotator.
        headline: It shows the headline's corpus, annotator and protocol alone.
        simulated: What the caption adds where the headline's corpus is simulated: on panels or columns that only such
            a corpus has.
    """

    stage: str
    caption: str
    shows: tuple[str, ...] = ()
    function: str = ""
    classes: bool = False
    proxies: bool = False
    headline: bool = False
    simulated: str = ""

    def __post_init__(self) -> None:
        """Keep the caption as one paragraph: indented lines would be a list to reStructuredText."""
        for part in ("caption", "simulated"):
            object.__setattr__(self, part, " ".join(getattr(self, part).split()))

    @property
    def title(self) -> str:
        """First sentence of the caption."""
        return f"{first_sentence(filled(self.caption, SYNTHETIC))[0]}."

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
        """What every predictor is worth in human votes: the number of human votes at which the curve of human votes
        meets its NLL, on the utterances that have enough votes and, if models are trained, are test utterances. An
        annotator's votes share one fitted weight, its own distribution is taken as it is; a trained model is the mean
        over its seeds. Votes of the same raters that were set aside should be worth their number (black ticks). An
        arrow marks an open interval.""",
        ("predictors",),
        "reporting.figures.worth:draw_worth",
    ),
    "fig_strategies": Display(
        "testtime",
        """Strategies at test time: NLL against the cost per utterance (logarithmic axis). A strategy pays for all
        answers that it reads. The line is the plain mean of N answers, for growing N, which has to be beaten at equal
        cost. Circles: strategies as published; diamonds: in a fair form, with settings fitted on the votes of other
        speakers. Rings mark the Pareto front of these strategies and all controls except those that have seen the
        votes: nothing else is both as cheap and as good. Horizontal lines cost no more than what they are read from:
        the class prior of other speakers, the read-out of the label probabilities, and the best combination of the
        candidates, chosen by the votes themselves. Intervals are in the table.""",
        ("strategies",),
        "reporting.figures.strategies:draw_strategies",
    ),
    "fig_shared_votes": Display(
        "votes",
        """What shared votes do to results by level: proxies of known worth, valued in human votes at each level of
        ambiguity. No synthetic vote is involved. Left: the level comes from all votes, which are also conditioned on
        and predicted; middle: from the votes that are predicted; right: from votes set aside for it. Black ticks mark
        the known worth: two further human votes are worth two; two conditioning votes to which their own majority is
        added six times, with a fitted weight, stay worth two, apart from what a sharper prediction gains at low and
        loses at high ambiguity; votes on another clip are worth none. Triangles mark intervals that are open beyond the
        largest number of conditioning votes. Utterances and withheld votes are the same in all panels; below each
        level, the mean number of its utterances in a deal.""",
        ("shared",),
        "reporting.figures.shared_votes:draw_shared_votes",
    ),
    "fig_validity": Display(
        "votes",
        """Known truths and their estimates. Top: exchange rates estimated on simulated corpora (points: medians; thick
        lines: half of the corpora; thin lines: nine in ten; black ticks: the truth; coloured numbers: in how many
        corpora out of a hundred the interval contains it). Fresh raters are worth their number at every level of
        ambiguity; draws from the latent distribution, free of raters' habits, are worth more; noise, another clip's
        votes, and the class prior or the majority of the human votes, added to these votes, bring next to nothing. The
        weight or matrix of a biased annotator has to be learnt: its black tick is what can be expected from a corpus of
        this size, the grey one what a very large corpus would give; the interval does not account for the fact that a
        matrix had to be learnt. Calibrated fresh raters are read off calibrated human votes and are worth their number
        too. Estimates end at the largest number of conditioning votes. Bottom left: how often each test rejects a true
        hypothesis (bars: Monte Carlo limits; dashed: the nominal level), for differences as skewed between speakers as
        on CREMA-D and, hollow, for far more skewed ones. Bottom right: power of the test of a mean difference, compared
        with its formula.""",
    ),
    "fig_saturation": Display(
        "annotation",
        """Jensen-Shannon divergence from human votes against the number of votes. Each point averages fresh draws:
        disjoint groups of an utterance's votes. The shading splits the divergence from the histogram of all human votes
        into the divergence of the two sources, what the small number of human votes adds, and what that of synthetic
        votes adds. Held-out target: the same human votes are predicted from human and from synthetic votes. The dashed
        curve and the dotted line are those of the published procedure; nothing else is extrapolated. Intervals resample
        speakers.""",
        ("saturation",),
        "reporting.figures.saturation:draw_saturation",
    ),
    "fig_exchange_rate": Display(
        "annotation",
        """The exchange rate. Top: NLL of held-out human votes predicted from k human votes, with the
        Dirichlet-multinomial curve; from calibrated human votes (dotted), the scale for calibrated synthetic votes; and
        the level that the synthetic votes reach (bands: intervals). Below: the number of human votes at which the
        curves meet, against the number of synthetic votes, for these as they are, with one fitted weight, and
        calibrated by a matrix of weights. Arrows mark open intervals.""",
        ("exchange",),
        "reporting.figures.exchange_rate:draw_exchange_rate",
        simulated="""Bottom: the same for proxies of known worth (black ticks: the truth, where it is a number).""",
    ),
    "fig_exchange_by_level": Display(
        "annotation",
        """The exchange rate by level of ambiguity: the number of human votes that predict held-out human votes as well
        as the synthetic votes do. n is the mean number of utterances per deal. The votes that decide the level, those
        that are conditioned on and those that are predicted are disjoint in every deal. Triangles mark intervals that
        are open beyond the largest number of conditioning votes.""",
        ("exchange_by_level",),
        "reporting.figures.exchange_by_level:draw_exchange_by_level",
        simulated="""Votes of fresh raters, noise and the votes on another clip are shown for comparison, with their
        known worth as black ticks.""",
    ),
    "fig_cost_surface": Display(
        "annotation",
        """What human and synthetic votes buy. NLL of one withheld human vote, the last of every deal, predicted from
        the stated numbers of other human and of synthetic votes on the same utterance, under the class prior of other
        speakers; darker is better. All cells cover the same utterances. Where models were trained on labels from these
        numbers of votes, their NLL on the held-out human votes of other utterances is shown below, on a scale of its
        own.""",
        ("costs",),
        "reporting.figures.cost_surface:draw_cost_surface",
    ),
    "fig_alignment_by_level": Display(
        "annotation",
        """Alignment with held-out human votes by level of ambiguity; smaller is better. An axis is logarithmic where
        its scores differ more than threefold. Synthetic and human votes are smoothed alike; matched: as many synthetic
        as conditioning votes. Dotted and dashed lines are the floors, the solid line is what the conditioning human
        votes reach. The votes that decide the level are used neither for conditioning nor for scoring. n is the mean
        number of utterances per deal.""",
        ("alignment",),
        "reporting.figures.levels:draw_alignment_by_level",
    ),
    "fig_confusion": Display(
        "annotation",
        """What an utterance of each class is called, in per cent, by people and in {votes}: confusion matrices of the
        model of Dawid and Skene, in which an utterance has one class and every rater confuses classes in a specific
        way. All of {votes} on an utterance count as one rater's and weigh as one vote. The classes are those that fit
        the votes best, not a ground truth.""",
        ("agreement",),
        "reporting.figures.confusion:draw_confusion",
        proxies=True,
    ),
    "fig_bias": Display(
        "annotation",
        """How often a human vote is matched by that of another person, and by one of {votes}, on the same utterance:
        over all utterances, by level of ambiguity (judged by votes that did not decide it), and by the factors of the
        corpus; given the voice or the words alone where this was asked. Intervals are shown where they rest on enough
        speakers. None of this depends on the number of votes.""",
        ("bias",),
        "reporting.figures.bias:draw_bias",
        proxies=True,
    ),
    "fig_models_by_level": Display(
        "training",
        """Fine-tuned models by kind of training labels and by level of ambiguity, all scored on the same held-out human
        votes, without augmentation. Top: NLL. Bottom: paired difference from human labels; below zero is better than
        human labels. Where there are more than four models, or one kind of labels, a single panel shows the NLL of
        models trained on human labels. Bars are bootstrap-t intervals over speakers; n is the mean number of utterances
        per deal.""",
        ("evaluation",),
        "reporting.figures.levels:draw_models_by_level",
    ),
    "fig_conflict": Display(
        "conflict",
        """Trained models where two presentations of an utterance agree and where they conflict. NLL per held-out human
        vote less that of one model, trained on human labels without augmentation, paired by utterance; below zero is
        better than that model. The conflict is the unbiased squared distance between the level votes of a deal and the
        votes of raters who were shown another presentation, in thirds of the training part; none of these votes is
        scored. Bars are bootstrap-t intervals over speakers; n is the mean number of utterances per deal.""",
        ("evaluation",),
        "reporting.figures.conflict:draw_conflict",
    ),
    "fig_simplex": Display(
        "augmentation",
        """Label distributions of one training part before and after each augmentation, on a projection of the simplex
        whose corners are the classes. The area of a circle is proportional to the number of utterances; the number in
        brackets counts the items whose majority is that class.""",
    ),
}

TABLES = {
    "tab_headline": Display(
        "annotation",
        """What {votes} are worth in human votes. In brackets: intervals. Alone: the number of human votes that predict
        held-out human votes equally well. Added to human votes: the number of further human votes that would lower the
        NLL as much. Price: a vote pays off if it costs less than this fraction of a human vote.""",
        ("exchange",),
        "reporting.tables.headline:headline_table",
        headline=True,
    ),
    "tab_worth": Display(
        "annotation",
        """Every predictor valued in human votes, the lowest NLL first. Columns: equivalent human votes; the gain over
        human votes to which a predictor is added with a weight fitted on other speakers, and the same less the gain of
        an echo of these votes; NLL of held-out human votes; JSD (bits) and Bhattacharyya coefficient between the
        prediction and the shares of all human votes; rank with its percentile interval over resampled speakers. An
        annotator's votes count with one fitted weight, other distributions as they are; trained models are means over
        seeds.""",
        ("predictors",),
        "reporting.tables.worth:worth_table",
    ),
    "tab_corpus": Display(
        "votes",
        """The corpora. Shares are of all votes. Votes per utterance: smallest, mean and largest number.""",
    ),
    "tab_votes_lost": Display(
        "votes",
        """What was found, kept and lost. A vote is lost for the first reason that applies; a vote that is kept names a
        class, and its utterance is kept. The full reasons are in the table's CSV file and, item by item, in the lists
        of rejected items.""",
    ),
    "tab_validity": Display(
        "votes",
        """Coverage of nominal ninety-five per cent intervals, in per cent of simulated corpora whose truth is known.
        Daggers: refused, because the coverage is below ninety-four per cent beyond Monte Carlo error; double daggers:
        conservative. With speakers alone resampled, a statement about raters like these promises too much. An interval
        whose method is refused for a design is not given.""",
    ),
    "tab_settings": Display(
        "votes",
        """Settings and amounts of this run. Answers are those of the headline's corpus. What is not listed is described
        in the section on method, or has no part in this run.""",
    ),
    "tab_agreement": Display(
        "annotation",
        """Agreement among raters. People alone, and with the synthetic rater as one more: all draws of one model are
        one rater, whose vote is averaged over them. Below, the alternative annotator test: each rater is left out in
        turn and compared, like the candidate, with the others. The winning rate is the share of raters whom the
        candidate beats up to the margin stated; it has no interval, since raters are compared with one another. The
        advantage is its chance of being at least as close to the others. Ties among the most frequent votes are broken
        at random. A candidate that does not beat a constant answer may replace no rater, whatever its winning rate.""",
        ("agreement",),
        "reporting.tables.agreement:agreement_table",
    ),
    "tab_alignment": Display(
        "annotation",
        """Alignment of synthetic with held-out human votes over all utterances, with intervals. Scores are against the
        reference votes of every deal; human and synthetic votes are smoothed alike, by the posterior mean under the
        same Dirichlet prior of other speakers; matched: as many synthetic as conditioning votes. NLL, Brier score and
        JSD: smaller is better; BC, squared correlation and accuracy: larger is better. All other raters: each human
        vote predicted from all others on its utterance. Below: correlation over utterances of the share of each class,
        and of the entropies. Then paired differences, negative where the synthetic votes are better, with the interval
        for these raters and, with enough identified raters, for raters like these (no wider: the ends are those with
        speakers alone resampled); p-values of the differences in NLL, by bootstrap and by flipping the signs of whole
        speakers, adjusted over all of them and the levels of ambiguity. Then JSD between histograms of equally many
        votes, of two disjoint sets of human votes (what chance alone gives) and of synthetic against human votes, as
        they are and without the bias of few votes. Last: raw histograms; they give the floor's probability to a class
        that no rater chose, so that the floor decides their NLL. Split half: one half of the human votes against the
        other, at equal numbers.""",
        ("alignment",),
        "reporting.tables.alignment:alignment_table",
        classes=True,
    ),
    "tab_strategies": Display(
        "testtime",
        """Strategies at test time on stored answers of one ALM. NLL in nats per human vote with its interval over
        speakers; its difference from the plain mean of the same candidates, paired by utterance, and p adjusted by
        Holm's method over all strategies, ALMs and corpora; controls are in no family of tests. Fair: temperatures are
        fitted on the votes of other speakers; an utterance without a usable answer is given the class prior of other
        speakers. The Brier score is proper too. JSD in bits and BC are the published measures; against few votes they
        favour sharper predictions, and no claim rests on them. Requests and seconds are those of all answers that a
        strategy reads, per utterance. Usable: share of the answers in the pool that state a distribution. The oracles
        have seen the votes and bound what a pick and a combination can reach; a mean may be better than the oracle
        pick.""",
        ("strategies",),
        "reporting.tables.strategies:strategies_table",
    ),
    "tab_bias": Display(
        "annotation",
        """Where {votes} depart from human votes. Shares of single votes by class, averaged over utterances; the
        probability that two single votes on an utterance match, with p of the difference from all other utterances; the
        same with voice or words alone, where a change in the votes above zero means that the missing part is used, with
        p of the difference between both and one; and, where the votes were elicited in a crossed design, the components
        of their variance. By level, n is the mean number of utterances per deal. All p are adjusted over the classes,
        the levels of one factor, and all comparisons of listening.""",
        ("bias",),
        "reporting.tables.bias:bias_table",
        proxies=True,
    ),
    "tab_saturation": Display(
        "annotation",
        """Saturation of the divergence as the number of synthetic votes grows. JSD to the histogram of all human votes,
        in bits, at N fresh synthetic votes; the excess over the limit, which is the JSD of the annotator's own
        distribution and is estimated from all its votes without the bias of their number; and what share remains of the
        excess at the smallest N. Below, the components of the limit. Intervals are bootstrap intervals over speakers.
        Published procedure: an exponential fitted to nested subsets of one pool, with its asymptote and the N from
        which it counts as saturated; it has no interval and is no estimate of the limit.""",
        ("saturation",),
        "reporting.tables.saturation:saturation_table",
    ),
    "tab_exchange": Display(
        "annotation",
        """The exchange rate in numbers. First, synthetic votes without human ones: NLL of held-out human votes, its
        difference from the prior, the number of human votes at which the curve of human votes meets it (interval by
        test inversion, none with fewer than five speakers; for raters like these, if it is wider, where twenty or more
        are identified) and the weight of one synthetic vote. As they are: every vote counts as one. Fitted weight: one
        weight for all. Calibrated: a matrix of weights, which undoes an annotator's systematic confusions; such votes
        are read off the curve of human votes that pass through a matrix of their own. They are given without an
        interval where simulated corpora with as many speakers show that it would cover too little, and by level always,
        as is the echo; their weight is the mean row sum. Weights and matrices come from other speakers. An upper end of
        infinity and a value with a greater-than sign lie beyond what the corpus can show; nothing is extrapolated. Then
        the gain over k human votes; that of the control that repeats the majority of these k, whose ends are a
        twentieth of a vote or more from its estimate; the gain less the control's; and the p-value of the difference in
        NLL from that control when added to as many human votes as an utterance of the corpus typically has, as far as
        the curve reaches. Then the same by level of ambiguity, from disjoint sets of votes. Last, the share of each
        class in the corpus from one human vote on a fifth of the utterances, alone and prediction-powered by synthetic
        votes on all. The ratio says how many times as many human votes would do equally well: below one is a loss. The
        weight of the synthetic votes, lambda, is taken as known. The share among all human votes contains those that
        were used.""",
        ("exchange", "exchange_by_level"),
        "reporting.tables.exchange:exchange_table",
    ),
    "tab_hypotheses": Display(
        "annotation",
        """The hypotheses about synthetic votes and their verdicts. Differences in NLL, in nats per held-out human vote,
        paired; intervals at the one level at which all claims of a family, of a direction or of a negligible
        difference, hold together with the nominal chance, and p adjusted likewise. Detectable: the smallest true
        difference that would be detected four times in five. A comparison is negligible if its interval lies within one
        more human vote of zero, otherwise confirmed if it lies wholly on the stated side, refuted if wholly on the
        other, and undecided if it does neither; a hypothesis needs all its parts.""",
    ),
    "tab_results": Display(
        "training",
        """Models fine-tuned on each kind of labels. All are scored on the same held-out human votes, all of an
        utterance at once, with intervals over speakers; smaller is better for NLL, Brier score and JSD. The difference
        is paired with human labels under the same augmentation, its p-value adjusted by Holm's method. Losses are
        averaged over seeds before the speakers are resampled; in addition, "NLL by seed" is the standard deviation
        between seeds, or with few seeds their least and largest value. NLL at fitted T: at the temperature that
        suits each model best, fitted on human votes on other speakers; a difference that is smaller there is in part
        one of sharpness. Own: the JSD to
        labels of the arm's own kind. Human references condition on fewer votes than they are scored on and have no
        JSD.""",
        ("evaluation",),
        "reporting.tables.results:results_table",
        simulated="""Truth: the JSD to the known expected votes.""",
    ),
    "tab_strata": Display(
        "training",
        """Fine-tuned models on parts of the test utterances. NLL per held-out human vote without augmentation, between
        the class prior and the smoothed human votes; then the paired difference of combined from human labels, and the
        unweighted average recall (UAR) of the class predicted as most likely, with human and with combined labels, all
        three with intervals over speakers. The balanced split gives every bin of class and ambiguity
        the same weight, or the same number of utterances; level votes alone decide class, bin and weight, and reference
        votes of the same deal score. For it, the number of utterances is the effective one. By class, and by the
        conflict of two presentations where that is measured, n is the mean number of utterances per deal, and the votes
        that did not decide the part score; by factor all of them do. Groups of fewer than five speakers have neither
        interval nor p.""",
        ("evaluation",),
        "reporting.tables.strata:strata_table",
    ),
    "tab_augmentation": Display(
        "augmentation",
        """What augmentation does to the training part of the first fold. Items by dominant class and by bin, the
        dominant class crossed with normalised entropy in thirds of its range, counted alike for every augmentation;
        distance from balance is the total variation to equal shares of the classes or bins that have a training item.
        Parents are training items only.""",
    ),
}


def shown(displays: dict[str, Display], stages: set[str]) -> list[str]:
    """Return the names of the figures or tables of a run with these stages, stage by stage."""
    return [name for stage in STAGES if stage in stages for name, one in displays.items() if one.stage == stage]
