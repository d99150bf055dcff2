"""What of a run is on disk: its folder, its journal, its record, and files of weights."""
