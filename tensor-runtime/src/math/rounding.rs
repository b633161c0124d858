//! Functions that are the same on both types but for constants: rounding, roots, choice, division with a remainder.
//!
//! In: floats. Out: exact results. Always: as NumPy has them. Next: [`super`].

/// The functions for one type. `$whole` is the least number above which all are integers.
macro_rules! rounding {
    ($ty:ident, $whole:literal, $quotient:literal) => {
        use crate::isa::Isa;

        #[inline(always)]
        pub(crate) fn sqrt<M: Isa>(_: M, x: $ty) -> $ty {
            x.sqrt()
        }

        #[inline(always)]
        pub(crate) fn rsqrt<M: Isa>(_: M, x: $ty) -> $ty {
            1.0 / x.sqrt()
        }

        /// The nearest integer; halves to the even one.
        #[inline(always)]
        pub(crate) fn round<M: Isa>(_: M, x: $ty) -> $ty {
            if M::ROUND {
                return x.round_ties_even();
            }
            let near = (x.abs() + $whole) - $whole;
            if x.abs() < $whole { near.copysign(x) } else { x }
        }

        #[inline(always)]
        pub(crate) fn floor<M: Isa>(m: M, x: $ty) -> $ty {
            if M::ROUND {
                return x.floor();
            }
            let near = round(m, x);
            if near > x { near - 1.0 } else { near }
        }

        #[inline(always)]
        pub(crate) fn ceil<M: Isa>(m: M, x: $ty) -> $ty {
            if M::ROUND {
                return x.ceil();
            }
            // From above -1 on it is -0.
            -floor(m, -x)
        }

        #[inline(always)]
        pub(crate) fn trunc<M: Isa>(m: M, x: $ty) -> $ty {
            if M::ROUND {
                return x.trunc();
            }
            floor(m, x.abs()).copysign(x)
        }

        /// -1, a zero, 1 or NaN.
        #[inline(always)]
        pub(crate) fn sign<M: Isa>(_: M, x: $ty) -> $ty {
            let one = if x > 0.0 { 1.0 } else { -1.0 };
            if x == 0.0 {
                0.0
            } else if x.is_nan() {
                x
            } else {
                one
            }
        }

        /// The greater, or NaN if either is.
        #[inline(always)]
        pub(crate) fn maximum<M: Isa>(_: M, a: $ty, b: $ty) -> $ty {
            // A choice of its own for NaN, which does not wait for `a`: in a reduction that is what came before.
            let best = if b > a { b } else { a };
            if b.is_nan() { $ty::NAN } else { best }
        }

        /// The lesser, or NaN if either is.
        #[inline(always)]
        pub(crate) fn minimum<M: Isa>(_: M, a: $ty, b: $ty) -> $ty {
            // As above.
            let best = if b < a { b } else { a };
            if b.is_nan() { $ty::NAN } else { best }
        }

        /// C's `fmod`.
        #[inline(always)]
        fn modulo(a: $ty, b: $ty) -> $ty {
            let quotient = a / b;
            if quotient.abs() < 1.0 && b.abs() < $ty::INFINITY { a } else { a % b }
        }

        /// What floor division leaves, with the sign of `b`.
        #[inline(always)]
        pub(crate) fn remainder<M: Isa>(_: M, a: $ty, b: $ty) -> $ty {
            let rest = modulo(a, b);
            let signed = if (b < 0.0) != (rest < 0.0) { rest + b } else { rest };
            if rest == 0.0 { (0.0 as $ty).copysign(b) } else { signed }
        }

        /// The quotient rounded down.
        #[inline(always)]
        pub(crate) fn floor_divide<M: Isa>(m: M, a: $ty, b: $ty) -> $ty {
            let rest = modulo(a, b);
            let whole = (a - rest) / b;
            let whole = if rest != 0.0 && (b < 0.0) != (rest < 0.0) { whole - 1.0 } else { whole };
            let down = floor(m, whole);
            let near = if whole - down > 0.5 { down + 1.0 } else { down };
            let result = if whole == 0.0 { (0.0 as $ty).copysign(a / b) } else { near };
            if b == 0.0 { a / b } else { result }
        }
    };
}

pub(crate) use rounding;
