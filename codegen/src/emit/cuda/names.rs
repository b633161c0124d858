//! The names of operands in CUDA C.
//!
//! In: the operands' names, which are the user's. Out: identifiers. Always:
//! they differ from each other, from every name that the emitter makes and from
//! what C++ and CUDA reserve.

use super::prelude::words;
use crate::kernel::Kernel;
use crate::ops::{MAPS, REDUCES};

/// One identifier an operand: those of the inputs, then those of the outputs.
pub fn operands(kernel: &Kernel) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for operand in kernel.inputs.iter().chain(&kernel.outputs) {
        let plain: String = operand.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let fit = plain.starts_with(|c: char| c.is_ascii_alphabetic()) && !plain.starts_with("nd_");
        let plain = if fit { plain } else { format!("x_{plain}") };
        let free = |name: &str, taken: &[String]| !reserved(name) && !taken.iter().any(|t| t == name);
        let mut name = plain.clone();
        let mut number = 0;
        while !free(&name, &taken) {
            number += 1;
            name = format!("{plain}_{number}");
        }
        taken.push(name);
    }
    taken
}

/// Whether an operand must not be called so.
fn reserved(name: &str) -> bool {
    // `p0`, `e1`, `v12` and the like are the emitter's, and `x_s0` is a stride.
    let numbered = |prefix: &str| {
        let digits = name.strip_prefix(prefix);
        digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    };
    let stride = name.rsplit_once("_s").is_some_and(|(_, d)| d.bytes().all(|b| b.is_ascii_digit()));
    let made = [
        "batch_rest",
        "row_rest",
        "column_rest",
        "term_rest",
        "p",
        "r",
        "e",
        "s",
        "v",
        "a",
        "c",
        "k",
        "l",
        "o",
        "t",
        "h",
        "rest",
    ]
    .into_iter()
    .any(numbered);
    let called = MAPS.iter().flat_map(|r| [r.cuda, r.cuda_int]).chain(REDUCES.iter().map(|r| r.cuda));
    // A name `exp` would hide `exp`, and `{f}` stands behind the names in the table.
    let hides = |text: &str| words(text).any(|w| w.len() > 1 && (name == w || name.strip_suffix('f') == Some(w)));
    made || stride || RESERVED.contains(&name) || called.into_iter().any(hides)
}

/// Keywords, CUDA's own names, macros of the host, and the emitter's words.
#[rustfmt::skip]
static RESERVED: &[&str] = &[
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char16_t", "char32_t", "class", "compl", "const", "const_cast", "constexpr", "continue", "decltype", "default",
    "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
    "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq",
    "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "return",
    "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
    "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual",
    "void", "volatile", "wchar_t", "while", "xor", "xor_eq", "typeof", "restrict", "linux", "unix", "main",
    "threadIdx", "blockIdx", "blockDim", "gridDim", "warpSize", "memcpy", "fmod", "fmodf", "floorf", "copysignf",
    "atomicMin", "side", "lane", "lines", "warp", "warps", "line", "across", "along", "across_tile", "along_tile", "tile", "tiles", "notes", "parts", "part", "slices", "slice", "blocks", "block", "rows", "point", "points", "first", "thread", "column", "strip", "strips", "count", "i", "batch", "row", "operands", "score", "term", "ND_BLOCK", "ND_STRIP", "ND_INDEX", "ND_SLICES", "ND_PHASE", "ND_CUT", "ND_TURN",
    "ND_ROW_THREADS", "ND_ROW_ITEMS", "item", "ND_COLUMN_THREADS", "ND_COLUMNS", "ND_NONE", "ND_INF32", "ND_INF64", "ND_NAN32", "ND_NAN64",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::kernel::Operand;

    #[test]
    fn names_are_identifiers_that_clash_with_nothing() {
        let operand = |name: &str| Operand { name: name.into(), dtype: DType::F32, order: Vec::new() };
        let names = ["net.w", "net_w", "float", "p0", "x", "größe", "expf", "y_s1", "nd_max", "_1", "pow"];
        let kernel = Kernel { inputs: names.map(operand).to_vec(), ..Kernel::default() };
        let want =
            ["net_w", "net_w_1", "float_1", "p0_1", "x", "gr__e", "expf_1", "y_s1_1", "x_nd_max", "x__1", "pow_1"];
        assert_eq!(operands(&kernel), want);
    }
}
