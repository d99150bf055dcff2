"""Recipes: which strategies a run uses, with which options, and how long it goes on."""
