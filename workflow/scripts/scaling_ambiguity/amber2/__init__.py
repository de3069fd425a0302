"""AmbER2 (arXiv 2601.18010): a student of speech and text and two experts of one modality, trained on distributions."""
