"""Runs: the folder, the journal, and the loop that survives being killed at any instant."""
