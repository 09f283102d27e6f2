"""The machines code is made for: instruction set, lanes per vector, number of vector registers.

A `Target` is plain data with four levels of vector hardware; schedules and kernels read lane and
register counts from it and nothing else. `host()` is the machine this process runs on, `named()`
one of the levels, which may or may not run here (`Target.available`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import llvmlite.binding as llvm

from ...ops.lanes import Real
from ...schedule.packing import Machine


@dataclass(frozen=True)
class Level:
    """What a generation of vector hardware offers."""

    vector_bytes: int
    registers: int
    inline_rounding: bool  # floor and round are instructions
    inline_scaling: bool  # multiplication by a power of two is one
    requires: tuple[str, ...]  # LLVM's names of the features that make up the level


LEVELS: dict[str, Level] = {
    "avx512": Level(64, 32, True, True, ("avx512f", "avx512vl", "avx512dq", "avx512bw", "fma")),
    "avx2": Level(32, 16, True, False, ("avx2", "fma")),
    "sse2": Level(16, 16, False, False, ("sse2",)),
    "neon": Level(16, 32, True, False, ("neon",)),
}

X86 = "x86_64-unknown-linux-gnu"
CPUS = {
    "sse2": ("x86-64", "", X86),
    "avx2": ("x86-64-v3", "", X86),
    "avx512": ("x86-64-v4", "", X86),
    "neon": ("generic", "+neon", "aarch64-unknown-linux-gnu"),
}


# (narrow format, lanes): LLVM's name of the instruction, and of the feature that has it
DOTS = {
    ("bf16", 16): ("llvm.x86.avx512bf16.dpbf16ps.512", "avx512bf16"),
    ("int8", 16): ("llvm.x86.avx512.vpdpbusd.512", "avx512vnni"),
    ("int8", 8): ("llvm.x86.avx512.vpdpbusd.256", "avxvnni"),
}


class UnknownTarget(ValueError):
    """A target name that is none of `NAMES`."""


@dataclass(frozen=True)
class Target:
    """A machine to make code for; hashable, so that it can be part of a cache key."""

    cpu: str
    features: str
    triple: str
    level: str

    def lanes(self, real: Real) -> int:
        """How many reals fill one vector register."""
        return LEVELS[self.level].vector_bytes // (4 if real == "f32" else 8)

    def machine(self, real: Real) -> Machine:
        """What the schedule's tile shapes depend on."""
        return Machine(self.lanes(real), self.registers)

    @property
    def registers(self) -> int:
        """How many vector registers the machine has."""
        return LEVELS[self.level].registers

    @property
    def inline_rounding(self) -> bool:
        """True when floor and round are instructions (else LLVM would call the C library)."""
        return LEVELS[self.level].inline_rounding

    @property
    def inline_scaling(self) -> bool:
        """True when there is an instruction for a * 2**n (AVX-512)."""
        return LEVELS[self.level].inline_scaling

    def dot(self, format: str, lanes: int) -> str | None:
        """LLVM's name of the instruction that multiplies and adds words of a narrow format in
        ``lanes`` lanes; None for a machine without one."""
        name, feature = DOTS.get((format, lanes), ("", ""))
        return name if f"+{feature}" in self.features.split(",") else None

    @property
    def available(self) -> bool:
        """True when this process can run the target's code."""
        same_family = self.triple.split("-")[0] == llvm.get_default_triple().split("-")[0]
        return same_family and all(_host_features().get(f) for f in LEVELS[self.level].requires)

    @property
    def code_features(self) -> str:
        """LLVM's feature string; full-width vectors even where LLVM would rather have 256 bits."""
        if self.level != "avx512":
            return self.features
        return ",".join(filter(None, (self.features, "-prefer-256-bit")))

    def __str__(self) -> str:
        return f"{self.level} ({self.cpu})"


NAMES = ("host", *CPUS)


def named(name: str) -> Target:
    """The target called `name`: "host", "sse2", "avx2", "avx512" or "neon"."""
    if name == "host":
        return host()
    if name not in CPUS:
        raise UnknownTarget(f"unknown target '{name}'; the targets are: {', '.join(NAMES)}")
    return Target(*CPUS[name], level=name)


@functools.cache
def host() -> Target:
    """The machine this process runs on, at the best level it has."""
    level = next((n for n, v in LEVELS.items() if _all_host(v.requires)), None)
    if level is None:
        raise UnknownTarget(
            f"this machine ({llvm.get_default_triple()}) has no vector unit that rnngraph knows; "
            f"it knows {', '.join(LEVELS)}"
        )
    features = ",".join(
        ("+" if on else "-") + name for name, on in sorted(_host_features().items())
    )
    return Target(llvm.get_host_cpu_name(), features, llvm.get_default_triple(), level)


def _all_host(features: tuple[str, ...]) -> bool:
    return all(_host_features().get(f) for f in features)


@functools.cache
def _host_features() -> dict[str, bool]:
    found = dict(llvm.get_host_cpu_features())
    if llvm.get_default_triple().startswith(("aarch64", "arm64")):
        found.setdefault("neon", True)  # part of the base architecture, not always listed
    return found
