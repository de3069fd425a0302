"""A corpus as it lies on disk, read into tables; nothing is lost without a reason."""

LARGEST_REJECT_SHARE = 0.02  # of utterances, or of votes, that may be unusable before reading stops
