"""Numbers of channels: which channel each element of a tensor carries, and what ties channels.

The lowest folder of the anatomy: it knows tensors of numbers and names of operations, and nothing
of networks.
"""
