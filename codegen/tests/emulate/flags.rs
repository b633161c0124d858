//! How the system's C++ compiler makes a library of CUDA text, with `cuda.hpp` before it. The fake driver does as the emulator.

/// Hidden is what no test calls: see `ENTRY` in `cuda.hpp`.
pub const FLAGS: [&str; 8] =
    ["-std=c++17", "-O1", "-ffp-contract=off", "-fwrapv", "-w", "-fvisibility=hidden", "-shared", "-fPIC"];
