//! Element types: one table, one row a dtype, and NumPy's promotion over it.
//!
//! In: two dtypes. Out: their common dtype, or the reason why there is none.
//! Always: every fact about a dtype (its names in Rust and CUDA C, kind, width,
//! and in which dtype kernels compute with it) stands in its row; nothing else
//! in the compiler matches on dtypes.
//!
//! `f16` and `bf16` are of memory alone: a kernel reads one as an `f32`, computes
//! in that, and rounds what it writes. So a value of such a node is an `f32`
//! wherever it is not in memory, and [`DType::computed`] says so of every dtype.
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
    F16,
    BF16,
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
    /// The dtype in which kernels compute with it.
    pub computed: DType,
    /// The binary digits that its values have at most, an integer's sign not counted.
    pub digits: u32,
    /// Of a float, the exponents of the least and of the greatest normal number.
    pub exponents: (i32, i32),
}

const fn row(dtype: DType, name: &'static str, cuda: &'static str, kind: Kind, bytes: usize) -> Row {
    let digits = match kind {
        Kind::Bool => 1,
        Kind::Unsigned => 8 * bytes as u32,
        Kind::Signed => 8 * bytes as u32 - 1,
        Kind::Float => 0,
    };
    Row { dtype, name, cuda, kind, bytes, computed: dtype, digits, exponents: (0, 0) }
}

const fn float(row: Row, digits: u32, least: i32, greatest: i32, computed: DType) -> Row {
    Row { digits, exponents: (least, greatest), computed, ..row }
}

/// The table, in the order of the enum.
pub static TABLE: [Row; 13] = [
    row(DType::Bool, "bool", "bool", Kind::Bool, 1),
    row(DType::U8, "u8", "unsigned char", Kind::Unsigned, 1),
    row(DType::I8, "i8", "signed char", Kind::Signed, 1),
    row(DType::U16, "u16", "unsigned short", Kind::Unsigned, 2),
    row(DType::I16, "i16", "short", Kind::Signed, 2),
    row(DType::U32, "u32", "unsigned int", Kind::Unsigned, 4),
    row(DType::I32, "i32", "int", Kind::Signed, 4),
    row(DType::U64, "u64", "unsigned long long", Kind::Unsigned, 8),
    row(DType::I64, "i64", "long long", Kind::Signed, 8),
    float(row(DType::F16, "f16", "nd_f16", Kind::Float, 2), 11, -14, 15, DType::F32),
    float(row(DType::BF16, "bf16", "nd_bf16", Kind::Float, 2), 8, -126, 127, DType::F32),
    float(row(DType::F32, "f32", "float", Kind::Float, 4), 24, -126, 127, DType::F32),
    float(row(DType::F64, "f64", "double", Kind::Float, 8), 53, -1022, 1023, DType::F64),
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

    /// The dtype in which kernels compute with it: its own, but of those that
    /// are of memory alone.
    pub fn computed(self) -> DType {
        self.row().computed
    }

    /// Whether it is a dtype of memory alone.
    pub fn is_stored_only(self) -> bool {
        self.computed() != self
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

    /// The nearest of a float dtype's values, of two the even one.
    pub fn round(self, value: f64) -> f64 {
        let Row { digits, exponents: (least, greatest), .. } = *self.row();
        if digits >= f64::MANTISSA_DIGITS || value == 0.0 || !value.is_finite() {
            return value;
        }
        let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let step = f64::from(2).powi(exponent.max(least) - (digits as i32 - 1));
        let rounded = (value / step).round_ties_even() * step;
        if rounded.abs() < f64::from(2).powi(greatest) * 2.0 { rounded } else { f64::INFINITY.copysign(value) }
    }

    /// The bits of a float dtype's nearest value, as memory has them.
    pub fn float_bits(self, value: f64) -> u64 {
        let Row { digits, exponents: (least, _), .. } = *self.row();
        if digits == f64::MANTISSA_DIGITS {
            return value.to_bits();
        }
        let (fraction, value) = (digits - 1, self.round(value));
        let sign = u64::from(value.is_sign_negative()) << (self.bits() - 1);
        let infinite = ((1 << (self.bits() - digits)) - 1) << fraction;
        let step = f64::from(2).powi(least - fraction as i32);
        let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        sign | match value.classify() {
            std::num::FpCategory::Nan => return infinite | 1 << (fraction - 1),
            std::num::FpCategory::Infinite => infinite,
            _ if exponent < least => (value.abs() / step) as u64,
            _ => {
                let high = (value.to_bits() & ((1 << 52) - 1)) >> (52 - fraction);
                (((exponent - least + 1) as u64) << fraction) | high
            }
        }
    }

    /// The value of a float dtype that has these bits in memory.
    pub fn of_bits(self, bits: u64) -> f64 {
        let Row { digits, exponents: (least, greatest), .. } = *self.row();
        if digits == f64::MANTISSA_DIGITS {
            return f64::from_bits(bits);
        }
        let fraction = digits - 1;
        let exponent = (bits >> fraction) as i32 & ((greatest << 1) | 1);
        let part = (bits & ((1 << fraction) - 1)) as f64 / f64::from(2).powi(fraction as i32);
        let size = match exponent {
            0 => part * f64::from(2).powi(least),
            _ if exponent - 1 + least <= greatest => (1.0 + part) * f64::from(2).powi(exponent - 1 + least),
            _ if part == 0.0 => f64::INFINITY,
            _ => f64::NAN,
        };
        if bits >> (self.bits() - 1) == 1 { -size } else { size }
    }

    /// Whether every value of `narrow`, as kernels compute with it, is one of this
    /// dtype in memory.
    pub fn holds(self, narrow: DType) -> bool {
        let (wide, narrow) = (self.row(), narrow.computed().row());
        match (wide.kind, narrow.kind) {
            (_, Kind::Bool) => true,
            (Kind::Bool, _) | (Kind::Unsigned | Kind::Signed, Kind::Float) => false,
            (Kind::Float, Kind::Float) => {
                wide.digits >= narrow.digits
                    && wide.exponents.0 <= narrow.exponents.0
                    && wide.exponents.1 >= narrow.exponents.1
            }
            (Kind::Float, Kind::Unsigned | Kind::Signed) => narrow.digits <= wide.digits,
            (Kind::Unsigned | Kind::Signed, Kind::Unsigned | Kind::Signed) => {
                matches!((self.int_range(), narrow.dtype.int_range()), (Some(w), Some(n)) if w.0 <= n.0 && n.1 <= w.1)
            }
        }
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
    /// operands that do not hold it, `i32` with `f32`, `u64` with `i64`, `i16`
    /// with `f16`; and of `f16` with `bf16`, of which neither holds the other.
    /// There the language wants a cast (see `docs/language.md`).
    pub fn promote(self, other: DType) -> Option<DType> {
        let (a, b) = if self.kind() <= other.kind() { (self, other) } else { (other, self) };
        match (a.kind(), b.kind()) {
            (x, y) if x == y => match a.bytes().cmp(&b.bytes()) {
                std::cmp::Ordering::Equal => (a == b).then_some(a),
                std::cmp::Ordering::Greater => Some(a),
                std::cmp::Ordering::Less => Some(b),
            },
            (Kind::Bool, _) => Some(b),
            (Kind::Unsigned, Kind::Signed) if b.bytes() > a.bytes() => Some(b),
            (Kind::Unsigned, Kind::Signed) => DType::of(Kind::Signed, a.bytes() * 2),
            (_, Kind::Float) if b == DType::F64 || 2 * a.bytes() <= b.bytes() => Some(b),
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
            (F16, F32, Some(F32)),
            (BF16, F32, Some(F32)),
            (F16, F64, Some(F64)),
            (F16, BF16, None),
            (BF16, BF16, Some(BF16)),
            (Bool, BF16, Some(BF16)),
            (U8, F16, Some(F16)),
            (I8, BF16, Some(BF16)),
            (I16, F16, None),
            (U16, BF16, None),
            (I64, F16, None),
        ] {
            assert_eq!(a.promote(b), want, "{a} {b}");
            assert_eq!(b.promote(a), want, "{b} {a}");
        }
    }

    #[test]
    fn every_half_is_its_own_nearest_and_ties_go_to_even() {
        for dtype in [DType::F16, DType::BF16] {
            let mut last = None;
            for bits in 0..0x1_0000u64 {
                let x = dtype.of_bits(bits);
                if x.is_nan() {
                    let quiet = dtype.float_bits(x);
                    assert!(dtype.of_bits(quiet).is_nan() && dtype.round(x).is_nan());
                    last = None;
                    continue;
                }
                assert_eq!(dtype.float_bits(x), bits, "{dtype} {x}");
                assert_eq!(dtype.round(x).to_bits(), x.to_bits(), "{dtype} {x}");
                if let Some((low, even)) = last.filter(|_| x.is_finite() && x != 0.0) {
                    let middle: f64 = (x + low) / 2.0;
                    assert_eq!(dtype.float_bits(middle), if even { bits - 1 } else { bits }, "{dtype} {middle}");
                    let towards = |to: f64| middle + (to - middle) * 1e-6;
                    assert_eq!(dtype.float_bits(towards(x)), bits, "{dtype} {middle}");
                    assert_eq!(dtype.float_bits(towards(low)), bits - 1, "{dtype} {middle}");
                }
                last = Some((x, bits % 2 == 0));
            }
        }
        assert_eq!(DType::F16.round(65519.9), 65504.0);
        assert_eq!(DType::F16.round(-65520.0), f64::NEG_INFINITY);
        assert_eq!(DType::BF16.round(f64::from(f32::MAX)), f64::INFINITY);
        assert_eq!(DType::F16.round(2.0f64.powi(-25)), 0.0);
        assert_eq!(DType::F16.round(1.0001 * 2.0f64.powi(-25)), 2.0f64.powi(-24));
        for x in [0.1, 1e-40, -3.5e38, 3.4028235e38, 5e-324, f64::MAX] {
            assert_eq!(DType::F32.round(x), f64::from(x as f32));
            let bits = DType::F32.float_bits(x);
            assert_eq!(bits, u64::from((x as f32).to_bits()));
            assert_eq!(DType::F32.of_bits(bits), f64::from(x as f32));
            assert_eq!(DType::F64.of_bits(DType::F64.float_bits(x)), x);
        }
    }

    #[test]
    fn what_a_dtype_holds() {
        use DType::*;
        for (wide, narrow, want) in [
            (F64, F32, true),
            (F32, F64, false),
            (F32, F16, true),
            // A value of `f16` is an `f32` until it is written.
            (BF16, F16, false),
            (F16, BF16, false),
            (F16, F16, false),
            (F16, U8, true),
            (BF16, U8, true),
            (BF16, U16, false),
            (F32, I16, true),
            (F32, I32, false),
            (F64, I32, true),
            (F64, I64, false),
            (I16, U8, true),
            (U16, I8, false),
            (F16, Bool, true),
            (I64, F16, false),
        ] {
            assert_eq!(wide.holds(narrow), want, "{wide} {narrow}");
        }
    }
}
