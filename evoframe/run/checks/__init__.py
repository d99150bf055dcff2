"""Checks: what a person is told of a run before it begins, and while it goes on."""
