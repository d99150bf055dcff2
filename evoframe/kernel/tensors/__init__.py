"""Tensors: masks, levels and counts of many millions of entries, in few passes."""
