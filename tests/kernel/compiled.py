"""The kernels, compiled for a CUDA device on a machine that need not have one.

python tests/kernel/compiled.py
"""

from __future__ import annotations

import re

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from evoframe.kernel import triton_kernels as kernels

ARGUMENTS = {
    "drawn": "levels:*i32 eligible:*u8 table:*u32 certain:*u8 out:*u8 size:i32 low:i64 high:i64",
    "cleared": "tensors:*i64 owners:*i32 packed:*u8",
    "largest": "strengths:*fp32 eligible:*u8 out:*fp32 size:i32",
    "levelled": "scores:*fp32 scale:fp32 out:*i32 size:i32",
    "counted": "levels:*i32 eligible:*u8 out:*i32 size:i32",
}
FIXED = {
    "cleared": tuple({"KIND": kind, "BLOCK": 2048} for kind in kernels.KINDS.values()),
    "drawn": ({"PACKED": True, "BLOCKS": 256}, {"PACKED": False, "BLOCKS": 256}),
    "levelled": tuple(
        {"MAGNITUDES": True, "RELATIVE": one, "FLOOR": 1, "DROPPED": 11, "BLOCK": 2048}
        for one in (True, False)
    ),
}


def code_of(name: str, fixed: dict[str, int], architecture: int) -> str:
    """Return the PTX of a kernel, of which machine code has been made."""
    arguments = dict(part.split(":") for part in ARGUMENTS[name].split())
    source = ASTSource(
        fn=getattr(kernels, name),
        signature={**arguments, **dict.fromkeys(fixed, "constexpr")},
        constexprs=fixed,
        attrs={},
    )
    target = GPUTarget("cuda", architecture, 32)
    options = {"enable_fp_fusion": False} if name == "levelled" else None
    made = triton.compile(source, target=target, options=options)
    assert made.asm["cubin"]
    return str(made.asm["ptx"])


for kernel in ARGUMENTS:
    for sizes in FIXED.get(kernel, ({"BLOCK": 2048},)):
        for generation in (80, 90):
            text = code_of(kernel, sizes, generation)
            assert bool(re.search(r"\b(atom|red)\.", text)) == (kernel == "counted"), kernel
            assert ("div.rn.f32" in text) == (kernel == "levelled"), kernel
            assert not re.search(r"\bfma\.", text), kernel
    print(kernel)
