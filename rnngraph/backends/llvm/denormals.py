"""Denormal numbers count as 0 while our code runs, and as before for the caller after it.

Where a processor takes them to a slow path, states that die away would make every step slower.
The control word is set as a whole, with rounding to nearest and no traps, so that results do not
depend on the caller's; and his is put back as it was, the flags of past exceptions included.
"""

from __future__ import annotations

from llvmlite import ir

from .emitter import I64, POINTER

INT32 = ir.IntType(32)
# MXCSR: every exception masked (0x1f80), results flushed (0x8000), operands taken as 0 (0x40)
X86 = 0x1F80 | 0x8000 | 0x40
ARM = 1 << 24  # FPCR.FZ


def flush(builder: ir.IRBuilder, triple: str) -> ir.Value | None:
    """Start to count denormals as 0; what ``restore`` needs. None for unknown processors."""
    family = _family(triple)
    if family == "x86":
        words = builder.bitcast(builder.alloca(INT32, 2), POINTER)
        _call(builder, "llvm.x86.sse.stmxcsr", [words])
        ours = builder.gep(words, [ir.Constant(I64, 1)], source_etype=INT32)
        builder.store(ir.Constant(INT32, X86), ours)
        _call(builder, "llvm.x86.sse.ldmxcsr", [ours])
        return words
    if family == "arm":
        before = _call(builder, "llvm.aarch64.get.fpcr", [], I64)
        _call(builder, "llvm.aarch64.set.fpcr", [ir.Constant(I64, ARM)])
        return before
    return None


def restore(builder: ir.IRBuilder, triple: str, before: ir.Value | None) -> None:
    """Put the caller's control word back."""
    if before is not None:
        name = "llvm.x86.sse.ldmxcsr" if _family(triple) == "x86" else "llvm.aarch64.set.fpcr"
        _call(builder, name, [before])


def _family(triple: str) -> str:
    processor = triple.split("-")[0]
    return {"x86_64": "x86", "aarch64": "arm", "arm64": "arm"}.get(processor, "")


def _call(
    builder: ir.IRBuilder, name: str, arguments: list[ir.Value], result: ir.Type | None = None
) -> ir.Value:
    module = builder.module
    if name not in module.globals:
        kind = ir.FunctionType(result or ir.VoidType(), [x.type for x in arguments])
        ir.Function(module, kind, name)
    return builder.call(module.globals[name], arguments)
