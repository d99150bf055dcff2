"""Reports: what a run brought forth, for people."""
