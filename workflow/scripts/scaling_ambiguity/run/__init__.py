"""What a run consists of, from its checked configuration: which files, with which settings. The rules use one `Run`.

Each module adds one subject to the class of the module before it: places, protocols, corpora, models, annotators,
training, submission, results. Imports no heavy library, as every start of Snakemake imports it; no program does, so
that an edit here re-runs only jobs whose inputs or parameters change.
"""
