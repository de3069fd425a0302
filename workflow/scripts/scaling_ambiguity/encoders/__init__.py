"""Frozen encoders: the sound or the text of an item as one vector, computed once and kept in one store."""
