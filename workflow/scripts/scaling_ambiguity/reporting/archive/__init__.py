"""The archive of a run: what is in it, how it is written, verified and opened again. Needs no heavy library."""
