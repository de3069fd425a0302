"""A small configuration with one entry of each sort, and runs of it."""

import copy

import pytest
import yaml

from scaling_ambiguity.run.results import Run

ENTRIES = yaml.safe_load("""
seed: 7
corpora:
  sim: {reader: demo, classes: [happy, sad], speakers: 6, raters: 9, votes: [3, 8], shards: 2, utterances: 40}
  real: {reader: table, classes: [sad, happy], shards: 100, audio: none, utterances: {file: u.csv}, license: CC0}
  face: {reader: cremad, classes: [sad, happy], shards: 1, audio: none}
alms:
  made: {engine: transformers, checkpoint: resources/models/made, gpus: 0, encodings: shared,
         trained_on: {utterances: 9}, training: {steps: 2}}
  fitted: {engine: transformers, checkpoint: resources/models/fitted, gpus: 1, encodings: shared,
           encoder: {checkpoint: owner/whisper, revision: abc}, trained_on: {corpus: sim, protocol: speakers}}
  served: {engine: openai, gpus: 0, serve: {command: run}}
  stored: {engine: replay_answers, store: answers, gpus: 0}
  faces: {engine: replay, corpus: face, gpus: 0}
  given: {engine: table, votes: votes.csv, gpus: 0}
annotators:
  both: {alm: made, mode: sampled, votes: 4, prompts: focus, modality: both, listening: {audio: sound, text: words}}
  sound: {alm: made, mode: sampled, votes: 4, prompts: focus, modality: audio, sound: another}
  words: {alm: made, mode: sampled, votes: 4, prompts: focus, modality: text, synonyms: synonyms, context: 2}
  fitted: {alm: fitted, mode: readout, votes: 4, prompts: focus, modality: both}
  served: {alm: served, mode: sampled, votes: 4, prompts: focus, modality: both}
  stored: {alm: stored, mode: sampled, votes: 4, prompts: focus, modality: text}
  faces: {alm: faces, mode: replay, votes: 6}
  given: {alm: given, mode: table, votes: 6}
encoders:
  tower: {kind: alm, alm: made}
  speech: {kind: speech, checkpoint: owner/speech, revision: abc, layers: all, gpus: 2}
  text: {kind: text, checkpoint: owner/text}
peers:
  small: {encoder: tower, hidden: [8]}
  pair: {kind: amber2, speech: speech, text: text}
predictors: {mine: {table: mine.csv}, other: {table: other.csv, corpus: real}}
poolings: {equal: {}}
protocols:
  speakers: {splits: {scheme: speaker, folds: 3}, levels: {definition: agreement, votes: 4}, head: labels, loss: nll}
  published: {splits: {scheme: random}, levels: {definition: faithful}, head: faithful, loss: jsd, entropy_weight: 0.1,
              augmentation: [none, dime]}
  named: {splits: {scheme: groups, groups: [[x], [y]]}, levels: {definition: agreement, votes: 5},
          head: labels, loss: nll}
augmentations:
  none: {}
  dime: {method: balanced, ratio: 0.5, online: {probability: 0.3}}
  paper: {method: published, ratio: 0.3}
finetuning: {models: [made, small], seeds: 2, seeds_per_job: all, folds_per_job: all, steps: 5,
             lora: {targets: attention}}
learning_curves: {human: [], synthetic: []}
controls: [echo]
testtime: {}
statistics: {resamples: 10, level: 0.9, interval: percentile, smoothing: 0.1, balanced: {by: bin}}
run:
  directory: .
  corpora: [sim]
  annotators: [both]
  poolings: [equal]
  protocols: [speakers]
  augmentation: [none]
  augmented_labels: [human, combined-equal]
paper: {headline: {corpus: sim, annotator: both, protocol: speakers}}
""")


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that makes a run; `run__corpora=[...]` replaces an entry of the configuration."""
    monkeypatch.chdir(tmp_path)
    for corpus in (*ENTRIES["corpora"], "table", "cremad"):
        monkeypatch.delenv(f"{corpus.upper()}_ROOT", raising=False)
    made = []

    def run(**changes):
        config = copy.deepcopy(ENTRIES)
        for path, value in changes.items():
            *parents, last = path.split("__")
            place = config
            for key in parents:
                place = place[key]
            place[last] = value
        made.append((config, copy.deepcopy(config)))
        return Run(config, tmp_path, tmp_path / "checkout")

    yield run
    for config, before in made:
        assert config == before, "a run never changes its configuration"
