"""Continuing: a run that was begun earlier is looked over, repaired, and gone on with."""
