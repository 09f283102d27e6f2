"""Machine code through LLVM: lanes, kernels and the JIT. Imports llvmlite; nothing above does."""
