"""The LLVM backend: a schedule in, machine code out (see ``compiler``)."""
