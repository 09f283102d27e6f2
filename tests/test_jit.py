"""From modules to machine code: errors, lifetimes, threads, objects, targets elsewhere."""

from __future__ import annotations

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from lane_kernels import ALL_TARGETS, AVAILABLE, function, map_module, mapped

from rnngraph.backends.llvm.jit import (
    CompilationError,
    Machine,
    TargetUnavailable,
    compile_module,
    emit_assembly,
    emit_object,
    load_object,
)  # fmt: skip
from rnngraph.backends.llvm.target import Target, UnknownTarget, host, named
from rnngraph.ops import approximations

ELSEWHERE = [t for t in ALL_TARGETS if not t.available]
ADD = "define i64 @add(i64 %a, i64 %b) { %c = add i64 %a, %b\n ret i64 %c }"


def run(machine: Machine) -> np.ndarray:
    x, y = np.linspace(-2, 2, 64).astype(np.float32), np.zeros(64, np.float32)
    function(machine, "f", 2, 1)(x.ctypes.data, y.ctypes.data, 64)
    return y


def exp_module(target: Target) -> str:
    return str(map_module(approximations.exp, "f32", target))


def test_a_module_becomes_callable_code() -> None:
    assert np.allclose(run(compile_module(exp_module(host()))), np.exp(np.linspace(-2, 2, 64)))


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_effort_computes_the_same(name: str) -> None:
    target = named(name)
    clean, full = (compile_module(exp_module(target), target, e) for e in ("clean", "full"))
    assert np.array_equal(run(clean), run(full))


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(KeyError, match="no function 'nowhere'"):
        compile_module(ADD).address("nowhere")


@pytest.mark.parametrize(
    "text",
    ["define void @f() { nonsense }", "define i64 @f(i64 %a) { ret i32 0 }", "not LLVM at all"],
)
def test_bad_ir_is_an_internal_error(text: str) -> None:
    with pytest.raises(CompilationError, match="a bug in rnngraph"):
        compile_module(text)


def test_code_lives_as_long_as_its_machine() -> None:
    machines = [compile_module(exp_module(host())) for _ in range(20)]
    for machine in machines[::2]:
        gc.collect()
        run(machine)


def test_stages_can_be_read() -> None:
    machine = compile_module(ADD)
    assert "define" in machine.llvm and "@add" in machine.llvm
    assert "add:" in machine.assembly


def test_an_object_can_be_kept_and_loaded() -> None:
    first = compile_module(exp_module(host()))
    again = load_object(first.object, host())
    assert np.array_equal(run(first), run(again))
    with pytest.raises(LookupError, match="no LLVM IR"):
        _ = again.llvm


def test_the_same_module_gives_the_same_object() -> None:
    assert emit_object(exp_module(host()), host()) == emit_object(exp_module(host()), host())


def test_threads_compile_at_once() -> None:
    def work(k: int) -> float:
        return float(
            mapped(lambda b, x: b.add(x, b.const(float(k))), "f32", host())(np.zeros(4))[0]
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(24))) == list(range(24))


@pytest.mark.parametrize("target", ALL_TARGETS, ids=str)
def test_code_for_any_machine_can_be_emitted(target: Target) -> None:
    assert len(emit_object(exp_module(target), target)) > 500


@pytest.mark.parametrize("target", ELSEWHERE, ids=str)
def test_code_for_another_machine_does_not_run_here(target: Target) -> None:
    with pytest.raises(TargetUnavailable, match="cannot run on this machine"):
        compile_module(exp_module(target), target)


def test_unknown_targets_are_refused_with_the_list() -> None:
    with pytest.raises(UnknownTarget, match="'mmx'; the targets are: host, sse2, avx2"):
        named("mmx")


def test_lanes_and_registers() -> None:
    counts = {t.level: (t.lanes("f32"), t.lanes("f64"), t.registers) for t in ALL_TARGETS}
    assert counts == {
        "sse2": (4, 2, 16), "avx2": (8, 4, 16), "avx512": (16, 8, 32), "neon": (4, 2, 32),
    }  # fmt: skip
    assert host().available and host().level in counts


def test_avx512_uses_whole_registers() -> None:
    target = named("avx512")
    assert "zmm" in emit_assembly(exp_module(target), target)


def test_sse2_code_has_nothing_newer() -> None:
    text = emit_assembly(exp_module(named("sse2")), named("sse2"))
    assert "ymm" not in text and "vmul" not in text and "round" not in text


def test_importing_the_package_leaves_llvm_alone() -> None:
    code = "import sys, rnngraph; sys.exit('llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
