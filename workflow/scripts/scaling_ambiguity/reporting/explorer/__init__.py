"""The page to listen: every utterance of a run with its sound, its votes and what models say about it."""
