"""The kernel: genotypes, DNA, keyed draws and the step from one generation to the next.

It imports torch, NumPy, attrs and the standard library, and nothing else.
"""
