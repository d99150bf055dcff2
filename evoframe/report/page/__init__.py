"""Pages: a run or a comparison as one HTML file that needs nothing else.

``facts.py`` reads a run from its record alone; a file for each section turns facts into words and
drawings; ``templates/`` says how they look. Nothing here imports what a run folder names.
"""
