"""The loop of an evolution: it calls the roles, and knows nothing of plugins, files or processes.

Read :mod:`evoframe.evolution.generation` first.
"""
