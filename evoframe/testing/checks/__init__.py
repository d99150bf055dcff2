"""The checks of the conformance kit, one file for each thing that they speak of."""
