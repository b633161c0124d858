//! Element types: one table, one row a dtype, and NumPy's promotion over it.
//!
//! In: two dtypes. Out: their common dtype, or the reason why there is none.
//! Always: every fact about a dtype (its names in Rust and CUDA C, kind, width)
//! stands in its row; nothing else in the compiler matches on dtypes.
//! Next: [`crate::ops`].

/// An element type of the language.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// What a dtype's values are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    Bool,
    Unsigned,
    Signed,
    Float,
}

/// One row of the dtype table.
pub struct Row {
    pub dtype: DType,
    /// The name in the language and in Rust.
    pub name: &'static str,
    /// The name in CUDA C.
    pub cuda: &'static str,
    pub kind: Kind,
    pub bytes: usize,
}

const fn row(dtype: DType, name: &'static str, cuda: &'static str, kind: Kind, bytes: usize) -> Row {
    Row { dtype, name, cuda, kind, bytes }
}

/// The table, in the order of the enum.
pub static TABLE: [Row; 11] = [
    row(DType::Bool, "bool", "bool", Kind::Bool, 1),
    row(DType::U8, "u8", "unsigned char", Kind::Unsigned, 1),
    row(DType::I8, "i8", "signed char", Kind::Signed, 1),
    row(DType::U16, "u16", "unsigned short", Kind::Unsigned, 2),
    row(DType::I16, "i16", "short", Kind::Signed, 2),
    row(DType::U32, "u32", "unsigned int", Kind::Unsigned, 4),
    row(DType::I32, "i32", "int", Kind::Signed, 4),
    row(DType::U64, "u64", "unsigned long long", Kind::Unsigned, 8),
    row(DType::I64, "i64", "long long", Kind::Signed, 8),
    row(DType::F32, "f32", "float", Kind::Float, 4),
    row(DType::F64, "f64", "double", Kind::Float, 8),
];

impl DType {
    pub fn all() -> impl Iterator<Item = DType> {
        TABLE.iter().map(|r| r.dtype)
    }

    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn cuda(self) -> &'static str {
        self.row().cuda
    }

    pub fn kind(self) -> Kind {
        self.row().kind
    }

    pub fn bytes(self) -> usize {
        self.row().bytes
    }

    pub fn bits(self) -> u32 {
        8 * self.bytes() as u32
    }

    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    pub fn is_int(self) -> bool {
        matches!(self.kind(), Kind::Signed | Kind::Unsigned)
    }

    pub fn from_name(name: &str) -> Option<DType> {
        TABLE.iter().find(|r| r.name == name).map(|r| r.dtype)
    }

    fn of(kind: Kind, bytes: usize) -> Option<DType> {
        TABLE.iter().find(|r| r.kind == kind && r.bytes == bytes).map(|r| r.dtype)
    }

    /// The least and the greatest value of an integer dtype.
    pub fn int_range(self) -> Option<(i128, i128)> {
        let bits = self.bits();
        match self.kind() {
            Kind::Unsigned => Some((0, (1 << bits) - 1)),
            Kind::Signed => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Kind::Bool | Kind::Float => None,
        }
    }

    /// The dtype in which `sum` and `prod` accumulate and answer: `bool` and
    /// signed integers in `i64`, unsigned ones in `u64`, floats in their own.
    pub fn accumulator(self) -> DType {
        match self.kind() {
            Kind::Bool | Kind::Signed => DType::I64,
            Kind::Unsigned => DType::U64,
            Kind::Float => self,
        }
    }

    /// NumPy's `promote_types`. `None` where NumPy would make a float out of
    /// operands that do not hold it: `i32` with `f32`, `u64` with `i64`. There
    /// the language wants a cast (see `docs/language.md`).
    pub fn promote(self, other: DType) -> Option<DType> {
        let (a, b) = if self.kind() <= other.kind() { (self, other) } else { (other, self) };
        match (a.kind(), b.kind()) {
            (x, y) if x == y => Some(if a.bytes() >= b.bytes() { a } else { b }),
            (Kind::Bool, _) => Some(b),
            (Kind::Unsigned, Kind::Signed) if b.bytes() > a.bytes() => Some(b),
            (Kind::Unsigned, Kind::Signed) => DType::of(Kind::Signed, a.bytes() * 2),
            (_, Kind::Float) if b == DType::F64 || a.bytes() <= 2 => Some(b),
            _ => None,
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        for (i, r) in TABLE.iter().enumerate() {
            assert_eq!(r.dtype as usize, i);
        }
    }

    #[test]
    fn promotion_is_numpy_s_where_no_float_is_made_up() {
        use DType::*;
        for (a, b, want) in [
            (U8, I8, Some(I16)),
            (U32, I32, Some(I64)),
            (U8, I64, Some(I64)),
            (U64, I8, None),
            (I32, F32, None),
            (I16, F32, Some(F32)),
            (I64, F64, Some(F64)),
            (Bool, F32, Some(F32)),
            (F32, F64, Some(F64)),
        ] {
            assert_eq!(a.promote(b), want, "{a} {b}");
            assert_eq!(b.promote(a), want, "{b} {a}");
        }
    }
}
