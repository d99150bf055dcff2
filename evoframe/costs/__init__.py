"""What a network costs: formulas over shapes, and latency as it is measured.

Low in the house, because environments and stop rules ask for costs: it imports torch alone.
"""
