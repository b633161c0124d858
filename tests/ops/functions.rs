//! Written by `NDFUSE_BLESS=1 cargo test --test ops`; see `generate.rs`.

use ndfuse::{bf16, f16, tensor};

tensor! {
    #[no_grad]
    pub fn add_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn add_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { add(x0, x1) }
    #[no_grad]
    pub fn sub_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn sub_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { sub(x0, x1) }
    #[no_grad]
    pub fn mul_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn mul_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { mul(x0, x1) }
    #[no_grad]
    pub fn div_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { div(x0, x1) }
    #[no_grad]
    pub fn div_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { div(x0, x1) }
    #[no_grad]
    pub fn div_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { div(x0, x1) }
    #[no_grad]
    pub fn div_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { div(x0, x1) }
    #[no_grad]
    pub fn floor_divide_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn floor_divide_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { floor_divide(x0, x1) }
    #[no_grad]
    pub fn remainder_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn remainder_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { remainder(x0, x1) }
    #[no_grad]
    pub fn power_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { power(x0, x1) }
}

tensor! {
    #[no_grad]
    pub fn power_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn power_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn power_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn power_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn power_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn power_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { power(x0, x1) }
    #[no_grad]
    pub fn neg_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { neg(x0) }
    #[no_grad]
    pub fn neg_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { neg(x0) }
    #[no_grad]
    pub fn neg_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { neg(x0) }
    #[no_grad]
    pub fn neg_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { neg(x0) }
    #[no_grad]
    pub fn neg_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { neg(x0) }
    #[no_grad]
    pub fn neg_i64<A, B>(x0: i64[A, B]) -> i64[A, B] { neg(x0) }
    #[no_grad]
    pub fn abs_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_i64<A, B>(x0: i64[A, B]) -> i64[A, B] { abs(x0) }
    #[no_grad]
    pub fn abs_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { abs(x0) }
    #[no_grad]
    pub fn sign_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_i64<A, B>(x0: i64[A, B]) -> i64[A, B] { sign(x0) }
    #[no_grad]
    pub fn sign_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { sign(x0) }
    #[no_grad]
    pub fn exp_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { exp(x0) }
    #[no_grad]
    pub fn exp_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { exp(x0) }
    #[no_grad]
    pub fn exp_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { exp(x0) }
    #[no_grad]
    pub fn exp_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { exp(x0) }
    #[no_grad]
    pub fn exp2_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { exp2(x0) }
    #[no_grad]
    pub fn exp2_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { exp2(x0) }
    #[no_grad]
    pub fn exp2_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { exp2(x0) }
    #[no_grad]
    pub fn exp2_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { exp2(x0) }
    #[no_grad]
    pub fn expm1_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { expm1(x0) }
    #[no_grad]
    pub fn expm1_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { expm1(x0) }
    #[no_grad]
    pub fn expm1_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { expm1(x0) }
    #[no_grad]
    pub fn expm1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { expm1(x0) }
    #[no_grad]
    pub fn log_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { log(x0) }
    #[no_grad]
    pub fn log_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { log(x0) }
}

tensor! {
    #[no_grad]
    pub fn log_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { log(x0) }
    #[no_grad]
    pub fn log_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { log(x0) }
    #[no_grad]
    pub fn log2_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { log2(x0) }
    #[no_grad]
    pub fn log2_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { log2(x0) }
    #[no_grad]
    pub fn log2_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { log2(x0) }
    #[no_grad]
    pub fn log2_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { log2(x0) }
    #[no_grad]
    pub fn log10_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { log10(x0) }
    #[no_grad]
    pub fn log10_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { log10(x0) }
    #[no_grad]
    pub fn log10_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { log10(x0) }
    #[no_grad]
    pub fn log10_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { log10(x0) }
    #[no_grad]
    pub fn log1p_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { log1p(x0) }
    #[no_grad]
    pub fn log1p_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { log1p(x0) }
    #[no_grad]
    pub fn log1p_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { log1p(x0) }
    #[no_grad]
    pub fn log1p_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { log1p(x0) }
    #[no_grad]
    pub fn sqrt_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { sqrt(x0) }
    #[no_grad]
    pub fn sqrt_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { sqrt(x0) }
    #[no_grad]
    pub fn sqrt_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { sqrt(x0) }
    #[no_grad]
    pub fn sqrt_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { sqrt(x0) }
    #[no_grad]
    pub fn rsqrt_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { rsqrt(x0) }
    #[no_grad]
    pub fn rsqrt_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { rsqrt(x0) }
    #[no_grad]
    pub fn rsqrt_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { rsqrt(x0) }
    #[no_grad]
    pub fn rsqrt_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { rsqrt(x0) }
    #[no_grad]
    pub fn cbrt_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { cbrt(x0) }
    #[no_grad]
    pub fn cbrt_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { cbrt(x0) }
    #[no_grad]
    pub fn cbrt_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { cbrt(x0) }
    #[no_grad]
    pub fn cbrt_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { cbrt(x0) }
    #[no_grad]
    pub fn sin_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { sin(x0) }
    #[no_grad]
    pub fn sin_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { sin(x0) }
    #[no_grad]
    pub fn sin_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { sin(x0) }
    #[no_grad]
    pub fn sin_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { sin(x0) }
    #[no_grad]
    pub fn cos_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { cos(x0) }
    #[no_grad]
    pub fn cos_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { cos(x0) }
    #[no_grad]
    pub fn cos_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { cos(x0) }
    #[no_grad]
    pub fn cos_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { cos(x0) }
    #[no_grad]
    pub fn tan_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { tan(x0) }
    #[no_grad]
    pub fn tan_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { tan(x0) }
    #[no_grad]
    pub fn tan_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { tan(x0) }
    #[no_grad]
    pub fn tan_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { tan(x0) }
    #[no_grad]
    pub fn asin_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { asin(x0) }
    #[no_grad]
    pub fn asin_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { asin(x0) }
}

tensor! {
    #[no_grad]
    pub fn asin_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { asin(x0) }
    #[no_grad]
    pub fn asin_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { asin(x0) }
    #[no_grad]
    pub fn acos_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { acos(x0) }
    #[no_grad]
    pub fn acos_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { acos(x0) }
    #[no_grad]
    pub fn acos_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { acos(x0) }
    #[no_grad]
    pub fn acos_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { acos(x0) }
    #[no_grad]
    pub fn atan_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { atan(x0) }
    #[no_grad]
    pub fn atan_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { atan(x0) }
    #[no_grad]
    pub fn atan_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { atan(x0) }
    #[no_grad]
    pub fn atan_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { atan(x0) }
    #[no_grad]
    pub fn sinh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { sinh(x0) }
    #[no_grad]
    pub fn sinh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { sinh(x0) }
    #[no_grad]
    pub fn sinh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { sinh(x0) }
    #[no_grad]
    pub fn sinh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { sinh(x0) }
    #[no_grad]
    pub fn cosh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { cosh(x0) }
    #[no_grad]
    pub fn cosh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { cosh(x0) }
    #[no_grad]
    pub fn cosh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { cosh(x0) }
    #[no_grad]
    pub fn cosh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { cosh(x0) }
    #[no_grad]
    pub fn tanh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { tanh(x0) }
    #[no_grad]
    pub fn tanh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { tanh(x0) }
    #[no_grad]
    pub fn tanh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { tanh(x0) }
    #[no_grad]
    pub fn tanh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { tanh(x0) }
    #[no_grad]
    pub fn sigmoid_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { sigmoid(x0) }
    #[no_grad]
    pub fn sigmoid_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { sigmoid(x0) }
    #[no_grad]
    pub fn sigmoid_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { sigmoid(x0) }
    #[no_grad]
    pub fn sigmoid_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { sigmoid(x0) }
    #[no_grad]
    pub fn asinh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { asinh(x0) }
    #[no_grad]
    pub fn asinh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { asinh(x0) }
    #[no_grad]
    pub fn asinh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { asinh(x0) }
    #[no_grad]
    pub fn asinh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { asinh(x0) }
    #[no_grad]
    pub fn acosh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { acosh(x0) }
    #[no_grad]
    pub fn acosh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { acosh(x0) }
    #[no_grad]
    pub fn acosh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { acosh(x0) }
    #[no_grad]
    pub fn acosh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { acosh(x0) }
    #[no_grad]
    pub fn atanh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { atanh(x0) }
    #[no_grad]
    pub fn atanh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { atanh(x0) }
    #[no_grad]
    pub fn atanh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { atanh(x0) }
    #[no_grad]
    pub fn atanh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { atanh(x0) }
    #[no_grad]
    pub fn erf_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { erf(x0) }
    #[no_grad]
    pub fn erf_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { erf(x0) }
}

tensor! {
    #[no_grad]
    pub fn erf_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { erf(x0) }
    #[no_grad]
    pub fn erf_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { erf(x0) }
    #[no_grad]
    pub fn erfc_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { erfc(x0) }
    #[no_grad]
    pub fn erfc_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { erfc(x0) }
    #[no_grad]
    pub fn erfc_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { erfc(x0) }
    #[no_grad]
    pub fn erfc_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { erfc(x0) }
    #[no_grad]
    pub fn floor_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { floor(x0) }
    #[no_grad]
    pub fn floor_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { floor(x0) }
    #[no_grad]
    pub fn floor_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { floor(x0) }
    #[no_grad]
    pub fn floor_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { floor(x0) }
    #[no_grad]
    pub fn ceil_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { ceil(x0) }
    #[no_grad]
    pub fn ceil_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { ceil(x0) }
    #[no_grad]
    pub fn ceil_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { ceil(x0) }
    #[no_grad]
    pub fn ceil_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { ceil(x0) }
    #[no_grad]
    pub fn round_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { round(x0) }
    #[no_grad]
    pub fn round_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { round(x0) }
    #[no_grad]
    pub fn round_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { round(x0) }
    #[no_grad]
    pub fn round_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { round(x0) }
    #[no_grad]
    pub fn trunc_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { trunc(x0) }
    #[no_grad]
    pub fn trunc_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { trunc(x0) }
    #[no_grad]
    pub fn trunc_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { trunc(x0) }
    #[no_grad]
    pub fn trunc_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { trunc(x0) }
    #[no_grad]
    pub fn atan2_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { atan2(x0, x1) }
    #[no_grad]
    pub fn atan2_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { atan2(x0, x1) }
    #[no_grad]
    pub fn atan2_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { atan2(x0, x1) }
    #[no_grad]
    pub fn atan2_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { atan2(x0, x1) }
    #[no_grad]
    pub fn maximum_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn maximum_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { maximum(x0, x1) }
    #[no_grad]
    pub fn minimum_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { minimum(x0, x1) }
}

tensor! {
    #[no_grad]
    pub fn minimum_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn minimum_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { minimum(x0, x1) }
    #[no_grad]
    pub fn fmax_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmax_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { fmax(x0, x1) }
    #[no_grad]
    pub fn fmin_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn fmin_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { fmin(x0, x1) }
    #[no_grad]
    pub fn copysign_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { copysign(x0, x1) }
    #[no_grad]
    pub fn copysign_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { copysign(x0, x1) }
    #[no_grad]
    pub fn copysign_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { copysign(x0, x1) }
    #[no_grad]
    pub fn copysign_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { copysign(x0, x1) }
    #[no_grad]
    pub fn eq_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn eq_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { eq(x0, x1) }
    #[no_grad]
    pub fn ne_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn ne_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { ne(x0, x1) }
    #[no_grad]
    pub fn lt_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { lt(x0, x1) }
}

tensor! {
    #[no_grad]
    pub fn lt_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn lt_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { lt(x0, x1) }
    #[no_grad]
    pub fn le_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn le_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { le(x0, x1) }
    #[no_grad]
    pub fn gt_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn gt_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { gt(x0, x1) }
    #[no_grad]
    pub fn ge_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn ge_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { ge(x0, x1) }
    #[no_grad]
    pub fn bitwise_and_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { bitwise_and(x0, x1) }
    #[no_grad]
    pub fn bitwise_and_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { bitwise_and(x0, x1) }
    #[no_grad]
    pub fn bitwise_and_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { bitwise_and(x0, x1) }
    #[no_grad]
    pub fn bitwise_and_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { bitwise_and(x0, x1) }
    #[no_grad]
    pub fn bitwise_or_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { bitwise_or(x0, x1) }
    #[no_grad]
    pub fn bitwise_or_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { bitwise_or(x0, x1) }
    #[no_grad]
    pub fn bitwise_or_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { bitwise_or(x0, x1) }
    #[no_grad]
    pub fn bitwise_or_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { bitwise_or(x0, x1) }
    #[no_grad]
    pub fn bitwise_xor_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { bitwise_xor(x0, x1) }
    #[no_grad]
    pub fn bitwise_xor_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { bitwise_xor(x0, x1) }
}

tensor! {
    #[no_grad]
    pub fn bitwise_xor_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { bitwise_xor(x0, x1) }
    #[no_grad]
    pub fn bitwise_xor_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, B] { bitwise_xor(x0, x1) }
    #[no_grad]
    pub fn bitwise_not_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { bitwise_not(x0) }
    #[no_grad]
    pub fn bitwise_not_i64<A, B>(x0: i64[A, B]) -> i64[A, B] { bitwise_not(x0) }
    #[no_grad]
    pub fn bitwise_not_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { bitwise_not(x0) }
    #[no_grad]
    pub fn bitwise_not_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { bitwise_not(x0) }
    #[no_grad]
    pub fn left_shift_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { left_shift(x0, x1) }
    #[no_grad]
    pub fn left_shift_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { left_shift(x0, x1) }
    #[no_grad]
    pub fn left_shift_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { left_shift(x0, x1) }
    #[no_grad]
    pub fn right_shift_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, B] { right_shift(x0, x1) }
    #[no_grad]
    pub fn right_shift_i64<A, B>(x0: i64[A, B], x1: i64[A, B]) -> i64[A, B] { right_shift(x0, x1) }
    #[no_grad]
    pub fn right_shift_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, B] { right_shift(x0, x1) }
    #[no_grad]
    pub fn philox_i32<A, B>(x0: i32[A, B], x1: i32[A, B], x2: i32[A, B]) -> i32[A, B] { philox(x0, x1, x2) }
    #[no_grad]
    pub fn philox_i64<A, B>(x0: i64[A, B], x1: i64[A, B], x2: i64[A, B]) -> i64[A, B] { philox(x0, x1, x2) }
    #[no_grad]
    pub fn philox_u8<A, B>(x0: u8[A, B], x1: u8[A, B], x2: u8[A, B]) -> u8[A, B] { philox(x0, x1, x2) }
    #[no_grad]
    pub fn isnan_f32<A, B>(x0: f32[A, B]) -> bool[A, B] { isnan(x0) }
    #[no_grad]
    pub fn isnan_f64<A, B>(x0: f64[A, B]) -> bool[A, B] { isnan(x0) }
    #[no_grad]
    pub fn isnan_f16<A, B>(x0: f16[A, B]) -> bool[A, B] { isnan(x0) }
    #[no_grad]
    pub fn isnan_bf16<A, B>(x0: bf16[A, B]) -> bool[A, B] { isnan(x0) }
    #[no_grad]
    pub fn isinf_f32<A, B>(x0: f32[A, B]) -> bool[A, B] { isinf(x0) }
    #[no_grad]
    pub fn isinf_f64<A, B>(x0: f64[A, B]) -> bool[A, B] { isinf(x0) }
    #[no_grad]
    pub fn isinf_f16<A, B>(x0: f16[A, B]) -> bool[A, B] { isinf(x0) }
    #[no_grad]
    pub fn isinf_bf16<A, B>(x0: bf16[A, B]) -> bool[A, B] { isinf(x0) }
    #[no_grad]
    pub fn isfinite_f32<A, B>(x0: f32[A, B]) -> bool[A, B] { isfinite(x0) }
    #[no_grad]
    pub fn isfinite_f64<A, B>(x0: f64[A, B]) -> bool[A, B] { isfinite(x0) }
    #[no_grad]
    pub fn isfinite_f16<A, B>(x0: f16[A, B]) -> bool[A, B] { isfinite(x0) }
    #[no_grad]
    pub fn isfinite_bf16<A, B>(x0: bf16[A, B]) -> bool[A, B] { isfinite(x0) }
    #[no_grad]
    pub fn where_f32<A, B>(x0: bool[A, B], x1: f32[A, B], x2: f32[A, B]) -> f32[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_f64<A, B>(x0: bool[A, B], x1: f64[A, B], x2: f64[A, B]) -> f64[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_f16<A, B>(x0: bool[A, B], x1: f16[A, B], x2: f16[A, B]) -> f16[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_bf16<A, B>(x0: bool[A, B], x1: bf16[A, B], x2: bf16[A, B]) -> bf16[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_i32<A, B>(x0: bool[A, B], x1: i32[A, B], x2: i32[A, B]) -> i32[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_i64<A, B>(x0: bool[A, B], x1: i64[A, B], x2: i64[A, B]) -> i64[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_u8<A, B>(x0: bool[A, B], x1: u8[A, B], x2: u8[A, B]) -> u8[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn where_bool<A, B>(x0: bool[A, B], x1: bool[A, B], x2: bool[A, B]) -> bool[A, B] { where(x0, x1, x2) }
    #[no_grad]
    pub fn stop_gradient_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { stop_gradient(x0) }
}

tensor! {
    #[no_grad]
    pub fn stop_gradient_i64<A, B>(x0: i64[A, B]) -> i64[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn stop_gradient_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { stop_gradient(x0) }
    #[no_grad]
    pub fn with_gradient_f32<A, B>(x0: f32[A, B], x1: f32[A, B], x2: f32[A, B]) -> f32[A, B] { with_gradient(x0, x1, x2) }
    #[no_grad]
    pub fn with_gradient_f64<A, B>(x0: f64[A, B], x1: f64[A, B], x2: f64[A, B]) -> f64[A, B] { with_gradient(x0, x1, x2) }
    #[no_grad]
    pub fn with_gradient_f16<A, B>(x0: f16[A, B], x1: f16[A, B], x2: f16[A, B]) -> f16[A, B] { with_gradient(x0, x1, x2) }
    #[no_grad]
    pub fn with_gradient_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B], x2: bf16[A, B]) -> bf16[A, B] { with_gradient(x0, x1, x2) }
    #[no_grad]
    pub fn fma_f32<A, B>(x0: f32[A, B], x1: f32[A, B], x2: f32[A, B]) -> f32[A, B] { fma(x0, x1, x2) }
    #[no_grad]
    pub fn fma_f64<A, B>(x0: f64[A, B], x1: f64[A, B], x2: f64[A, B]) -> f64[A, B] { fma(x0, x1, x2) }
    #[no_grad]
    pub fn fma_f16<A, B>(x0: f16[A, B], x1: f16[A, B], x2: f16[A, B]) -> f16[A, B] { fma(x0, x1, x2) }
    #[no_grad]
    pub fn fma_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B], x2: bf16[A, B]) -> bf16[A, B] { fma(x0, x1, x2) }
    #[no_grad]
    pub fn sum_f32_0<A, B>(x0: f32[A, B]) -> f32[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_f32_1<A, B>(x0: f32[A, B]) -> f32[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_f32_all<A, B>(x0: f32[A, B]) -> f32[] { sum(x0) }
    #[no_grad]
    pub fn sum_f64_0<A, B>(x0: f64[A, B]) -> f64[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_f64_1<A, B>(x0: f64[A, B]) -> f64[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_f64_all<A, B>(x0: f64[A, B]) -> f64[] { sum(x0) }
    #[no_grad]
    pub fn sum_f16_0<A, B>(x0: f16[A, B]) -> f16[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_f16_1<A, B>(x0: f16[A, B]) -> f16[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_f16_all<A, B>(x0: f16[A, B]) -> f16[] { sum(x0) }
    #[no_grad]
    pub fn sum_bf16_0<A, B>(x0: bf16[A, B]) -> bf16[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_bf16_1<A, B>(x0: bf16[A, B]) -> bf16[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_bf16_all<A, B>(x0: bf16[A, B]) -> bf16[] { sum(x0) }
    #[no_grad]
    pub fn sum_i32_0<A, B>(x0: i32[A, B]) -> i64[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_i32_1<A, B>(x0: i32[A, B]) -> i64[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_i32_all<A, B>(x0: i32[A, B]) -> i64[] { sum(x0) }
    #[no_grad]
    pub fn sum_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_i64_all<A, B>(x0: i64[A, B]) -> i64[] { sum(x0) }
    #[no_grad]
    pub fn sum_u8_0<A, B>(x0: u8[A, B]) -> u64[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_u8_1<A, B>(x0: u8[A, B]) -> u64[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_u8_all<A, B>(x0: u8[A, B]) -> u64[] { sum(x0) }
    #[no_grad]
    pub fn sum_bool_0<A, B>(x0: bool[A, B]) -> i64[B] { sum(x0, axis=0) }
    #[no_grad]
    pub fn sum_bool_1<A, B>(x0: bool[A, B]) -> i64[A] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_bool_all<A, B>(x0: bool[A, B]) -> i64[] { sum(x0) }
    #[no_grad]
    pub fn prod_f32_0<A, B>(x0: f32[A, B]) -> f32[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_f32_1<A, B>(x0: f32[A, B]) -> f32[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_f32_all<A, B>(x0: f32[A, B]) -> f32[] { prod(x0) }
    #[no_grad]
    pub fn prod_f64_0<A, B>(x0: f64[A, B]) -> f64[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_f64_1<A, B>(x0: f64[A, B]) -> f64[A] { prod(x0, axis=1) }
}

tensor! {
    #[no_grad]
    pub fn prod_f64_all<A, B>(x0: f64[A, B]) -> f64[] { prod(x0) }
    #[no_grad]
    pub fn prod_f16_0<A, B>(x0: f16[A, B]) -> f16[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_f16_1<A, B>(x0: f16[A, B]) -> f16[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_f16_all<A, B>(x0: f16[A, B]) -> f16[] { prod(x0) }
    #[no_grad]
    pub fn prod_bf16_0<A, B>(x0: bf16[A, B]) -> bf16[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_bf16_1<A, B>(x0: bf16[A, B]) -> bf16[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_bf16_all<A, B>(x0: bf16[A, B]) -> bf16[] { prod(x0) }
    #[no_grad]
    pub fn prod_i32_0<A, B>(x0: i32[A, B]) -> i64[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_i32_1<A, B>(x0: i32[A, B]) -> i64[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_i32_all<A, B>(x0: i32[A, B]) -> i64[] { prod(x0) }
    #[no_grad]
    pub fn prod_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_i64_all<A, B>(x0: i64[A, B]) -> i64[] { prod(x0) }
    #[no_grad]
    pub fn prod_u8_0<A, B>(x0: u8[A, B]) -> u64[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_u8_1<A, B>(x0: u8[A, B]) -> u64[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_u8_all<A, B>(x0: u8[A, B]) -> u64[] { prod(x0) }
    #[no_grad]
    pub fn prod_bool_0<A, B>(x0: bool[A, B]) -> i64[B] { prod(x0, axis=0) }
    #[no_grad]
    pub fn prod_bool_1<A, B>(x0: bool[A, B]) -> i64[A] { prod(x0, axis=1) }
    #[no_grad]
    pub fn prod_bool_all<A, B>(x0: bool[A, B]) -> i64[] { prod(x0) }
    #[no_grad]
    pub fn max_f32_0<A, B>(x0: f32[A, B]) -> f32[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_f32_1<A, B>(x0: f32[A, B]) -> f32[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_f32_all<A, B>(x0: f32[A, B]) -> f32[] { max(x0) }
    #[no_grad]
    pub fn max_f64_0<A, B>(x0: f64[A, B]) -> f64[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_f64_1<A, B>(x0: f64[A, B]) -> f64[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_f64_all<A, B>(x0: f64[A, B]) -> f64[] { max(x0) }
    #[no_grad]
    pub fn max_f16_0<A, B>(x0: f16[A, B]) -> f16[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_f16_1<A, B>(x0: f16[A, B]) -> f16[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_f16_all<A, B>(x0: f16[A, B]) -> f16[] { max(x0) }
    #[no_grad]
    pub fn max_bf16_0<A, B>(x0: bf16[A, B]) -> bf16[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_bf16_1<A, B>(x0: bf16[A, B]) -> bf16[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_bf16_all<A, B>(x0: bf16[A, B]) -> bf16[] { max(x0) }
    #[no_grad]
    pub fn max_i32_0<A, B>(x0: i32[A, B]) -> i32[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_i32_1<A, B>(x0: i32[A, B]) -> i32[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_i32_all<A, B>(x0: i32[A, B]) -> i32[] { max(x0) }
    #[no_grad]
    pub fn max_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_i64_all<A, B>(x0: i64[A, B]) -> i64[] { max(x0) }
    #[no_grad]
    pub fn max_u8_0<A, B>(x0: u8[A, B]) -> u8[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_u8_1<A, B>(x0: u8[A, B]) -> u8[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_u8_all<A, B>(x0: u8[A, B]) -> u8[] { max(x0) }
}

tensor! {
    #[no_grad]
    pub fn max_bool_0<A, B>(x0: bool[A, B]) -> bool[B] { max(x0, axis=0) }
    #[no_grad]
    pub fn max_bool_1<A, B>(x0: bool[A, B]) -> bool[A] { max(x0, axis=1) }
    #[no_grad]
    pub fn max_bool_all<A, B>(x0: bool[A, B]) -> bool[] { max(x0) }
    #[no_grad]
    pub fn min_f32_0<A, B>(x0: f32[A, B]) -> f32[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_f32_1<A, B>(x0: f32[A, B]) -> f32[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_f32_all<A, B>(x0: f32[A, B]) -> f32[] { min(x0) }
    #[no_grad]
    pub fn min_f64_0<A, B>(x0: f64[A, B]) -> f64[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_f64_1<A, B>(x0: f64[A, B]) -> f64[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_f64_all<A, B>(x0: f64[A, B]) -> f64[] { min(x0) }
    #[no_grad]
    pub fn min_f16_0<A, B>(x0: f16[A, B]) -> f16[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_f16_1<A, B>(x0: f16[A, B]) -> f16[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_f16_all<A, B>(x0: f16[A, B]) -> f16[] { min(x0) }
    #[no_grad]
    pub fn min_bf16_0<A, B>(x0: bf16[A, B]) -> bf16[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_bf16_1<A, B>(x0: bf16[A, B]) -> bf16[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_bf16_all<A, B>(x0: bf16[A, B]) -> bf16[] { min(x0) }
    #[no_grad]
    pub fn min_i32_0<A, B>(x0: i32[A, B]) -> i32[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_i32_1<A, B>(x0: i32[A, B]) -> i32[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_i32_all<A, B>(x0: i32[A, B]) -> i32[] { min(x0) }
    #[no_grad]
    pub fn min_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_i64_all<A, B>(x0: i64[A, B]) -> i64[] { min(x0) }
    #[no_grad]
    pub fn min_u8_0<A, B>(x0: u8[A, B]) -> u8[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_u8_1<A, B>(x0: u8[A, B]) -> u8[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_u8_all<A, B>(x0: u8[A, B]) -> u8[] { min(x0) }
    #[no_grad]
    pub fn min_bool_0<A, B>(x0: bool[A, B]) -> bool[B] { min(x0, axis=0) }
    #[no_grad]
    pub fn min_bool_1<A, B>(x0: bool[A, B]) -> bool[A] { min(x0, axis=1) }
    #[no_grad]
    pub fn min_bool_all<A, B>(x0: bool[A, B]) -> bool[] { min(x0) }
    #[no_grad]
    pub fn any_f32_0<A, B>(x0: f32[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_f32_1<A, B>(x0: f32[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_f32_all<A, B>(x0: f32[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_f64_0<A, B>(x0: f64[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_f64_1<A, B>(x0: f64[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_f64_all<A, B>(x0: f64[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_f16_0<A, B>(x0: f16[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_f16_1<A, B>(x0: f16[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_f16_all<A, B>(x0: f16[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_bf16_0<A, B>(x0: bf16[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_bf16_1<A, B>(x0: bf16[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_bf16_all<A, B>(x0: bf16[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_i32_0<A, B>(x0: i32[A, B]) -> bool[B] { any(x0, axis=0) }
}

tensor! {
    #[no_grad]
    pub fn any_i32_1<A, B>(x0: i32[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_i32_all<A, B>(x0: i32[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_i64_0<A, B>(x0: i64[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_i64_1<A, B>(x0: i64[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_i64_all<A, B>(x0: i64[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_u8_0<A, B>(x0: u8[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_u8_1<A, B>(x0: u8[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_u8_all<A, B>(x0: u8[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn any_bool_0<A, B>(x0: bool[A, B]) -> bool[B] { any(x0, axis=0) }
    #[no_grad]
    pub fn any_bool_1<A, B>(x0: bool[A, B]) -> bool[A] { any(x0, axis=1) }
    #[no_grad]
    pub fn any_bool_all<A, B>(x0: bool[A, B]) -> bool[] { any(x0) }
    #[no_grad]
    pub fn all_f32_0<A, B>(x0: f32[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_f32_1<A, B>(x0: f32[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_f32_all<A, B>(x0: f32[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_f64_0<A, B>(x0: f64[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_f64_1<A, B>(x0: f64[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_f64_all<A, B>(x0: f64[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_f16_0<A, B>(x0: f16[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_f16_1<A, B>(x0: f16[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_f16_all<A, B>(x0: f16[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_bf16_0<A, B>(x0: bf16[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_bf16_1<A, B>(x0: bf16[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_bf16_all<A, B>(x0: bf16[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_i32_0<A, B>(x0: i32[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_i32_1<A, B>(x0: i32[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_i32_all<A, B>(x0: i32[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_i64_0<A, B>(x0: i64[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_i64_1<A, B>(x0: i64[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_i64_all<A, B>(x0: i64[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_u8_0<A, B>(x0: u8[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_u8_1<A, B>(x0: u8[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_u8_all<A, B>(x0: u8[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn all_bool_0<A, B>(x0: bool[A, B]) -> bool[B] { all(x0, axis=0) }
    #[no_grad]
    pub fn all_bool_1<A, B>(x0: bool[A, B]) -> bool[A] { all(x0, axis=1) }
    #[no_grad]
    pub fn all_bool_all<A, B>(x0: bool[A, B]) -> bool[] { all(x0) }
    #[no_grad]
    pub fn argmax_f32_0<A, B>(x0: f32[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_f32_1<A, B>(x0: f32[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_f32_all<A, B>(x0: f32[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_f64_0<A, B>(x0: f64[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_f64_1<A, B>(x0: f64[A, B]) -> i64[A] { argmax(x0, axis=1) }
}

tensor! {
    #[no_grad]
    pub fn argmax_f64_all<A, B>(x0: f64[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_f16_0<A, B>(x0: f16[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_f16_1<A, B>(x0: f16[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_f16_all<A, B>(x0: f16[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_bf16_0<A, B>(x0: bf16[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_bf16_1<A, B>(x0: bf16[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_bf16_all<A, B>(x0: bf16[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_i32_0<A, B>(x0: i32[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_i32_1<A, B>(x0: i32[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_i32_all<A, B>(x0: i32[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_i64_all<A, B>(x0: i64[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_u8_0<A, B>(x0: u8[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_u8_1<A, B>(x0: u8[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_u8_all<A, B>(x0: u8[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmax_bool_0<A, B>(x0: bool[A, B]) -> i64[B] { argmax(x0, axis=0) }
    #[no_grad]
    pub fn argmax_bool_1<A, B>(x0: bool[A, B]) -> i64[A] { argmax(x0, axis=1) }
    #[no_grad]
    pub fn argmax_bool_all<A, B>(x0: bool[A, B]) -> i64[] { argmax(x0) }
    #[no_grad]
    pub fn argmin_f32_0<A, B>(x0: f32[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_f32_1<A, B>(x0: f32[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_f32_all<A, B>(x0: f32[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_f64_0<A, B>(x0: f64[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_f64_1<A, B>(x0: f64[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_f64_all<A, B>(x0: f64[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_f16_0<A, B>(x0: f16[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_f16_1<A, B>(x0: f16[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_f16_all<A, B>(x0: f16[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_bf16_0<A, B>(x0: bf16[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_bf16_1<A, B>(x0: bf16[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_bf16_all<A, B>(x0: bf16[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_i32_0<A, B>(x0: i32[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_i32_1<A, B>(x0: i32[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_i32_all<A, B>(x0: i32[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_i64_0<A, B>(x0: i64[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_i64_1<A, B>(x0: i64[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_i64_all<A, B>(x0: i64[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn argmin_u8_0<A, B>(x0: u8[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_u8_1<A, B>(x0: u8[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_u8_all<A, B>(x0: u8[A, B]) -> i64[] { argmin(x0) }
}

tensor! {
    #[no_grad]
    pub fn argmin_bool_0<A, B>(x0: bool[A, B]) -> i64[B] { argmin(x0, axis=0) }
    #[no_grad]
    pub fn argmin_bool_1<A, B>(x0: bool[A, B]) -> i64[A] { argmin(x0, axis=1) }
    #[no_grad]
    pub fn argmin_bool_all<A, B>(x0: bool[A, B]) -> i64[] { argmin(x0) }
    #[no_grad]
    pub fn astype_f32_f64<A, B>(x0: f32[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_f32_f16<A, B>(x0: f32[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_f32_bf16<A, B>(x0: f32[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_f32_i32<A, B>(x0: f32[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_f32_i64<A, B>(x0: f32[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_f32_u8<A, B>(x0: f32[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_f32_bool<A, B>(x0: f32[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_f64_f32<A, B>(x0: f64[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_f64_f16<A, B>(x0: f64[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_f64_bf16<A, B>(x0: f64[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_f64_i32<A, B>(x0: f64[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_f64_i64<A, B>(x0: f64[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_f64_u8<A, B>(x0: f64[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_f64_bool<A, B>(x0: f64[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_f16_f32<A, B>(x0: f16[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_f16_f64<A, B>(x0: f16[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_f16_bf16<A, B>(x0: f16[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_f16_i32<A, B>(x0: f16[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_f16_i64<A, B>(x0: f16[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_f16_u8<A, B>(x0: f16[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_f16_bool<A, B>(x0: f16[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_bf16_f32<A, B>(x0: bf16[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_bf16_f64<A, B>(x0: bf16[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_bf16_f16<A, B>(x0: bf16[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_bf16_i32<A, B>(x0: bf16[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_bf16_i64<A, B>(x0: bf16[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_bf16_u8<A, B>(x0: bf16[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_bf16_bool<A, B>(x0: bf16[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_i32_f32<A, B>(x0: i32[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_i32_f64<A, B>(x0: i32[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_i32_f16<A, B>(x0: i32[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_i32_bf16<A, B>(x0: i32[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_i32_i64<A, B>(x0: i32[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_i32_u8<A, B>(x0: i32[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_i32_bool<A, B>(x0: i32[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_i64_f32<A, B>(x0: i64[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_i64_f64<A, B>(x0: i64[A, B]) -> f64[A, B] { x0.astype(f64) }
}

tensor! {
    #[no_grad]
    pub fn astype_i64_f16<A, B>(x0: i64[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_i64_bf16<A, B>(x0: i64[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_i64_i32<A, B>(x0: i64[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_i64_u8<A, B>(x0: i64[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn astype_i64_bool<A, B>(x0: i64[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_u8_f32<A, B>(x0: u8[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_u8_f64<A, B>(x0: u8[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_u8_f16<A, B>(x0: u8[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_u8_bf16<A, B>(x0: u8[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_u8_i32<A, B>(x0: u8[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_u8_i64<A, B>(x0: u8[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_u8_bool<A, B>(x0: u8[A, B]) -> bool[A, B] { x0.astype(bool) }
    #[no_grad]
    pub fn astype_bool_f32<A, B>(x0: bool[A, B]) -> f32[A, B] { x0.astype(f32) }
    #[no_grad]
    pub fn astype_bool_f64<A, B>(x0: bool[A, B]) -> f64[A, B] { x0.astype(f64) }
    #[no_grad]
    pub fn astype_bool_f16<A, B>(x0: bool[A, B]) -> f16[A, B] { x0.astype(f16) }
    #[no_grad]
    pub fn astype_bool_bf16<A, B>(x0: bool[A, B]) -> bf16[A, B] { x0.astype(bf16) }
    #[no_grad]
    pub fn astype_bool_i32<A, B>(x0: bool[A, B]) -> i32[A, B] { x0.astype(i32) }
    #[no_grad]
    pub fn astype_bool_i64<A, B>(x0: bool[A, B]) -> i64[A, B] { x0.astype(i64) }
    #[no_grad]
    pub fn astype_bool_u8<A, B>(x0: bool[A, B]) -> u8[A, B] { x0.astype(u8) }
    #[no_grad]
    pub fn relu_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { relu(x0) }
    #[no_grad]
    pub fn clip_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { clip(x0, -1.0, 2.0) }
    #[no_grad]
    pub fn gelu_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { gelu(x0) }
    #[no_grad]
    pub fn gelu_tanh_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { gelu(x0, approximate="tanh") }
    #[no_grad]
    pub fn silu_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { silu(x0) }
    #[no_grad]
    pub fn softplus_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { softplus(x0) }
    #[no_grad]
    pub fn elu_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { elu(x0) }
    #[no_grad]
    pub fn mish_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { mish(x0) }
    #[no_grad]
    pub fn hypot_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { hypot(x0, x1) }
    #[no_grad]
    pub fn logaddexp_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, B] { logaddexp(x0, x1) }
    #[no_grad]
    pub fn lerp_f32<A, B>(x0: f32[A, B], x1: f32[A, B], x2: f32[A, B]) -> f32[A, B] { lerp(x0, x1, x2) }
    #[no_grad]
    pub fn row_broadcast_f32<A, B>(x0: f32[A, B], x1: f32[B]) -> f32[A, B] { x0 * 2 + x1 }
    #[no_grad]
    pub fn column_broadcast_f32<A, B>(x0: f32[A, B], x1: f32[A, 1]) -> f32[A, B] { x0 - x1 * x0 }
    #[no_grad]
    pub fn scalar_broadcast_f32<A, B>(x0: f32[A, B], x1: f32[]) -> f32[A, B] { x0 * x1 }
    #[no_grad]
    pub fn outer_sum_f32<A, B>(x0: f32[A], x1: f32[B]) -> f32[A, B] { x0[:, None] + x1 }
    #[no_grad]
    pub fn zero_d_f32(x0: f32[], x1: f32[]) -> f32[] { exp(x0) * x1 }
    #[no_grad]
    pub fn rank_1_f32<B>(x0: f32[B], x1: f32[B]) -> f32[B] { x0 * x1 - x0 }
    #[no_grad]
    pub fn softmax_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { softmax(x0) }
    #[no_grad]
    pub fn softmax_0_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { softmax(x0, axis=0) }
    #[no_grad]
    pub fn softmax_3d_f32<A, B, C>(x0: f32[A, B, C]) -> f32[A, B, C] { softmax(x0, axis=1) }
    #[no_grad]
    pub fn log_softmax_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { log_softmax(x0) }
}

tensor! {
    #[no_grad]
    pub fn logsumexp_f32<A, B>(x0: f32[A, B]) -> f32[A] { logsumexp(x0, axis=1) }
    #[no_grad]
    pub fn mean_0_f32<A, B>(x0: f32[A, B]) -> f32[B] { mean(x0, axis=0) }
    #[no_grad]
    pub fn mean_1_f32<A, B>(x0: f32[A, B]) -> f32[A] { mean(x0, axis=1) }
    #[no_grad]
    pub fn mean_all_f32<A, B>(x0: f32[A, B]) -> f32[] { mean(x0) }
    #[no_grad]
    pub fn mean_3d_f32<A, B, C>(x0: f32[A, B, C]) -> f32[B] { mean(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn var_0_f32<A, B>(x0: f32[A, B]) -> f32[B] { var(x0, axis=0) }
    #[no_grad]
    pub fn var_1_f32<A, B>(x0: f32[A, B]) -> f32[A] { var(x0, axis=1) }
    #[no_grad]
    pub fn std_1_f32<A, B>(x0: f32[A, B]) -> f32[A] { std(x0, axis=-1) }
    #[no_grad]
    pub fn std_all_f32<A, B>(x0: f32[A, B]) -> f32[] { std(x0) }
    #[no_grad]
    pub fn layer_norm_f32<A, B>(x0: f32[A, B], x1: f32[B], x2: f32[B]) -> f32[A, B] { layer_norm(x0, x1, x2, eps=0.1) }
    #[no_grad]
    pub fn rms_norm_f32<A, B>(x0: f32[A, B], x1: f32[B]) -> f32[A, B] { rms_norm(x0, x1) }
    #[no_grad]
    pub fn norm_1_f32<A, B>(x0: f32[A, B]) -> f32[A] { norm(x0, axis=1) }
    #[no_grad]
    pub fn mse_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[] { mse_loss(x0, x1) }
    #[no_grad]
    pub fn zero_d_sum_f32(x0: f32[]) -> f32[] { sum(x0) + max(x0) }
    #[no_grad]
    pub fn center_0_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { x0 - mean(x0, axis=0) }
    #[no_grad]
    pub fn scaled_by_max_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { x0 / (1 + abs(x0).max(axis=1, keepdims=true)) }
    #[no_grad]
    pub fn sum_of_transposed_f32<A, B>(x0: f32[A, B]) -> f32[A] { sum(x0.T * 2, axis=0) }
    #[no_grad]
    pub fn sum_3d_1_f32<A, B, C>(x0: f32[A, B, C]) -> f32[A, C] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_3d_02_f32<A, B, C>(x0: f32[A, B, C]) -> f32[B] { sum(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn max_3d_0_f32<A, B, C>(x0: f32[A, B, C]) -> f32[B, C] { max(x0, axis=0) }
    #[no_grad]
    pub fn two_passes_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { (x0 - x0.min()) / (1 + x0.max() - x0.min()) }
    #[no_grad]
    pub fn sum_of_flipped_f32<A, B>(x0: f32[A, B]) -> f32[A] { sum(x0[:, ::-1] * x0, axis=1) }
    #[no_grad]
    pub fn relu_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { relu(x0) }
    #[no_grad]
    pub fn clip_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { clip(x0, -1.0, 2.0) }
    #[no_grad]
    pub fn gelu_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { gelu(x0) }
    #[no_grad]
    pub fn gelu_tanh_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { gelu(x0, approximate="tanh") }
    #[no_grad]
    pub fn silu_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { silu(x0) }
    #[no_grad]
    pub fn softplus_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { softplus(x0) }
    #[no_grad]
    pub fn elu_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { elu(x0) }
    #[no_grad]
    pub fn mish_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { mish(x0) }
    #[no_grad]
    pub fn hypot_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { hypot(x0, x1) }
    #[no_grad]
    pub fn logaddexp_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[A, B] { logaddexp(x0, x1) }
    #[no_grad]
    pub fn lerp_f64<A, B>(x0: f64[A, B], x1: f64[A, B], x2: f64[A, B]) -> f64[A, B] { lerp(x0, x1, x2) }
    #[no_grad]
    pub fn row_broadcast_f64<A, B>(x0: f64[A, B], x1: f64[B]) -> f64[A, B] { x0 * 2 + x1 }
    #[no_grad]
    pub fn column_broadcast_f64<A, B>(x0: f64[A, B], x1: f64[A, 1]) -> f64[A, B] { x0 - x1 * x0 }
    #[no_grad]
    pub fn scalar_broadcast_f64<A, B>(x0: f64[A, B], x1: f64[]) -> f64[A, B] { x0 * x1 }
    #[no_grad]
    pub fn outer_sum_f64<A, B>(x0: f64[A], x1: f64[B]) -> f64[A, B] { x0[:, None] + x1 }
    #[no_grad]
    pub fn zero_d_f64(x0: f64[], x1: f64[]) -> f64[] { exp(x0) * x1 }
    #[no_grad]
    pub fn rank_1_f64<B>(x0: f64[B], x1: f64[B]) -> f64[B] { x0 * x1 - x0 }
    #[no_grad]
    pub fn softmax_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { softmax(x0) }
}

tensor! {
    #[no_grad]
    pub fn softmax_0_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { softmax(x0, axis=0) }
    #[no_grad]
    pub fn softmax_3d_f64<A, B, C>(x0: f64[A, B, C]) -> f64[A, B, C] { softmax(x0, axis=1) }
    #[no_grad]
    pub fn log_softmax_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { log_softmax(x0) }
    #[no_grad]
    pub fn logsumexp_f64<A, B>(x0: f64[A, B]) -> f64[A] { logsumexp(x0, axis=1) }
    #[no_grad]
    pub fn mean_0_f64<A, B>(x0: f64[A, B]) -> f64[B] { mean(x0, axis=0) }
    #[no_grad]
    pub fn mean_1_f64<A, B>(x0: f64[A, B]) -> f64[A] { mean(x0, axis=1) }
    #[no_grad]
    pub fn mean_all_f64<A, B>(x0: f64[A, B]) -> f64[] { mean(x0) }
    #[no_grad]
    pub fn mean_3d_f64<A, B, C>(x0: f64[A, B, C]) -> f64[B] { mean(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn var_0_f64<A, B>(x0: f64[A, B]) -> f64[B] { var(x0, axis=0) }
    #[no_grad]
    pub fn var_1_f64<A, B>(x0: f64[A, B]) -> f64[A] { var(x0, axis=1) }
    #[no_grad]
    pub fn std_1_f64<A, B>(x0: f64[A, B]) -> f64[A] { std(x0, axis=-1) }
    #[no_grad]
    pub fn std_all_f64<A, B>(x0: f64[A, B]) -> f64[] { std(x0) }
    #[no_grad]
    pub fn layer_norm_f64<A, B>(x0: f64[A, B], x1: f64[B], x2: f64[B]) -> f64[A, B] { layer_norm(x0, x1, x2, eps=0.1) }
    #[no_grad]
    pub fn rms_norm_f64<A, B>(x0: f64[A, B], x1: f64[B]) -> f64[A, B] { rms_norm(x0, x1) }
    #[no_grad]
    pub fn norm_1_f64<A, B>(x0: f64[A, B]) -> f64[A] { norm(x0, axis=1) }
    #[no_grad]
    pub fn mse_f64<A, B>(x0: f64[A, B], x1: f64[A, B]) -> f64[] { mse_loss(x0, x1) }
    #[no_grad]
    pub fn zero_d_sum_f64(x0: f64[]) -> f64[] { sum(x0) + max(x0) }
    #[no_grad]
    pub fn center_0_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { x0 - mean(x0, axis=0) }
    #[no_grad]
    pub fn scaled_by_max_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { x0 / (1 + abs(x0).max(axis=1, keepdims=true)) }
    #[no_grad]
    pub fn sum_of_transposed_f64<A, B>(x0: f64[A, B]) -> f64[A] { sum(x0.T * 2, axis=0) }
    #[no_grad]
    pub fn sum_3d_1_f64<A, B, C>(x0: f64[A, B, C]) -> f64[A, C] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_3d_02_f64<A, B, C>(x0: f64[A, B, C]) -> f64[B] { sum(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn max_3d_0_f64<A, B, C>(x0: f64[A, B, C]) -> f64[B, C] { max(x0, axis=0) }
    #[no_grad]
    pub fn two_passes_f64<A, B>(x0: f64[A, B]) -> f64[A, B] { (x0 - x0.min()) / (1 + x0.max() - x0.min()) }
    #[no_grad]
    pub fn sum_of_flipped_f64<A, B>(x0: f64[A, B]) -> f64[A] { sum(x0[:, ::-1] * x0, axis=1) }
    #[no_grad]
    pub fn relu_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { relu(x0) }
    #[no_grad]
    pub fn clip_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { clip(x0, -1.0, 2.0) }
    #[no_grad]
    pub fn gelu_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { gelu(x0) }
    #[no_grad]
    pub fn gelu_tanh_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { gelu(x0, approximate="tanh") }
    #[no_grad]
    pub fn silu_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { silu(x0) }
    #[no_grad]
    pub fn softplus_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { softplus(x0) }
    #[no_grad]
    pub fn elu_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { elu(x0) }
    #[no_grad]
    pub fn mish_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { mish(x0) }
    #[no_grad]
    pub fn hypot_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { hypot(x0, x1) }
    #[no_grad]
    pub fn logaddexp_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[A, B] { logaddexp(x0, x1) }
    #[no_grad]
    pub fn lerp_f16<A, B>(x0: f16[A, B], x1: f16[A, B], x2: f16[A, B]) -> f16[A, B] { lerp(x0, x1, x2) }
    #[no_grad]
    pub fn row_broadcast_f16<A, B>(x0: f16[A, B], x1: f16[B]) -> f16[A, B] { x0 * 2 + x1 }
    #[no_grad]
    pub fn column_broadcast_f16<A, B>(x0: f16[A, B], x1: f16[A, 1]) -> f16[A, B] { x0 - x1 * x0 }
    #[no_grad]
    pub fn scalar_broadcast_f16<A, B>(x0: f16[A, B], x1: f16[]) -> f16[A, B] { x0 * x1 }
    #[no_grad]
    pub fn outer_sum_f16<A, B>(x0: f16[A], x1: f16[B]) -> f16[A, B] { x0[:, None] + x1 }
}

tensor! {
    #[no_grad]
    pub fn zero_d_f16(x0: f16[], x1: f16[]) -> f16[] { exp(x0) * x1 }
    #[no_grad]
    pub fn rank_1_f16<B>(x0: f16[B], x1: f16[B]) -> f16[B] { x0 * x1 - x0 }
    #[no_grad]
    pub fn softmax_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { softmax(x0) }
    #[no_grad]
    pub fn softmax_0_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { softmax(x0, axis=0) }
    #[no_grad]
    pub fn softmax_3d_f16<A, B, C>(x0: f16[A, B, C]) -> f16[A, B, C] { softmax(x0, axis=1) }
    #[no_grad]
    pub fn log_softmax_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { log_softmax(x0) }
    #[no_grad]
    pub fn logsumexp_f16<A, B>(x0: f16[A, B]) -> f16[A] { logsumexp(x0, axis=1) }
    #[no_grad]
    pub fn mean_0_f16<A, B>(x0: f16[A, B]) -> f16[B] { mean(x0, axis=0) }
    #[no_grad]
    pub fn mean_1_f16<A, B>(x0: f16[A, B]) -> f16[A] { mean(x0, axis=1) }
    #[no_grad]
    pub fn mean_all_f16<A, B>(x0: f16[A, B]) -> f16[] { mean(x0) }
    #[no_grad]
    pub fn mean_3d_f16<A, B, C>(x0: f16[A, B, C]) -> f16[B] { mean(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn var_0_f16<A, B>(x0: f16[A, B]) -> f16[B] { var(x0, axis=0) }
    #[no_grad]
    pub fn var_1_f16<A, B>(x0: f16[A, B]) -> f16[A] { var(x0, axis=1) }
    #[no_grad]
    pub fn std_1_f16<A, B>(x0: f16[A, B]) -> f16[A] { std(x0, axis=-1) }
    #[no_grad]
    pub fn std_all_f16<A, B>(x0: f16[A, B]) -> f16[] { std(x0) }
    #[no_grad]
    pub fn layer_norm_f16<A, B>(x0: f16[A, B], x1: f16[B], x2: f16[B]) -> f16[A, B] { layer_norm(x0, x1, x2, eps=0.1) }
    #[no_grad]
    pub fn rms_norm_f16<A, B>(x0: f16[A, B], x1: f16[B]) -> f16[A, B] { rms_norm(x0, x1) }
    #[no_grad]
    pub fn norm_1_f16<A, B>(x0: f16[A, B]) -> f16[A] { norm(x0, axis=1) }
    #[no_grad]
    pub fn mse_f16<A, B>(x0: f16[A, B], x1: f16[A, B]) -> f16[] { mse_loss(x0, x1) }
    #[no_grad]
    pub fn zero_d_sum_f16(x0: f16[]) -> f16[] { sum(x0) + max(x0) }
    #[no_grad]
    pub fn center_0_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { x0 - mean(x0, axis=0) }
    #[no_grad]
    pub fn scaled_by_max_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { x0 / (1 + abs(x0).max(axis=1, keepdims=true)) }
    #[no_grad]
    pub fn sum_of_transposed_f16<A, B>(x0: f16[A, B]) -> f16[A] { sum(x0.T * 2, axis=0) }
    #[no_grad]
    pub fn sum_3d_1_f16<A, B, C>(x0: f16[A, B, C]) -> f16[A, C] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_3d_02_f16<A, B, C>(x0: f16[A, B, C]) -> f16[B] { sum(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn max_3d_0_f16<A, B, C>(x0: f16[A, B, C]) -> f16[B, C] { max(x0, axis=0) }
    #[no_grad]
    pub fn two_passes_f16<A, B>(x0: f16[A, B]) -> f16[A, B] { (x0 - x0.min()) / (1 + x0.max() - x0.min()) }
    #[no_grad]
    pub fn sum_of_flipped_f16<A, B>(x0: f16[A, B]) -> f16[A] { sum(x0[:, ::-1] * x0, axis=1) }
    #[no_grad]
    pub fn relu_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { relu(x0) }
    #[no_grad]
    pub fn clip_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { clip(x0, -1.0, 2.0) }
    #[no_grad]
    pub fn gelu_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { gelu(x0) }
    #[no_grad]
    pub fn gelu_tanh_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { gelu(x0, approximate="tanh") }
    #[no_grad]
    pub fn silu_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { silu(x0) }
    #[no_grad]
    pub fn softplus_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { softplus(x0) }
    #[no_grad]
    pub fn elu_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { elu(x0) }
    #[no_grad]
    pub fn mish_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { mish(x0) }
    #[no_grad]
    pub fn hypot_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { hypot(x0, x1) }
    #[no_grad]
    pub fn logaddexp_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, B] { logaddexp(x0, x1) }
    #[no_grad]
    pub fn lerp_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B], x2: bf16[A, B]) -> bf16[A, B] { lerp(x0, x1, x2) }
    #[no_grad]
    pub fn row_broadcast_bf16<A, B>(x0: bf16[A, B], x1: bf16[B]) -> bf16[A, B] { x0 * 2 + x1 }
}

tensor! {
    #[no_grad]
    pub fn column_broadcast_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, 1]) -> bf16[A, B] { x0 - x1 * x0 }
    #[no_grad]
    pub fn scalar_broadcast_bf16<A, B>(x0: bf16[A, B], x1: bf16[]) -> bf16[A, B] { x0 * x1 }
    #[no_grad]
    pub fn outer_sum_bf16<A, B>(x0: bf16[A], x1: bf16[B]) -> bf16[A, B] { x0[:, None] + x1 }
    #[no_grad]
    pub fn zero_d_bf16(x0: bf16[], x1: bf16[]) -> bf16[] { exp(x0) * x1 }
    #[no_grad]
    pub fn rank_1_bf16<B>(x0: bf16[B], x1: bf16[B]) -> bf16[B] { x0 * x1 - x0 }
    #[no_grad]
    pub fn softmax_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { softmax(x0) }
    #[no_grad]
    pub fn softmax_0_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { softmax(x0, axis=0) }
    #[no_grad]
    pub fn softmax_3d_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[A, B, C] { softmax(x0, axis=1) }
    #[no_grad]
    pub fn log_softmax_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { log_softmax(x0) }
    #[no_grad]
    pub fn logsumexp_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { logsumexp(x0, axis=1) }
    #[no_grad]
    pub fn mean_0_bf16<A, B>(x0: bf16[A, B]) -> bf16[B] { mean(x0, axis=0) }
    #[no_grad]
    pub fn mean_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { mean(x0, axis=1) }
    #[no_grad]
    pub fn mean_all_bf16<A, B>(x0: bf16[A, B]) -> bf16[] { mean(x0) }
    #[no_grad]
    pub fn mean_3d_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[B] { mean(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn var_0_bf16<A, B>(x0: bf16[A, B]) -> bf16[B] { var(x0, axis=0) }
    #[no_grad]
    pub fn var_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { var(x0, axis=1) }
    #[no_grad]
    pub fn std_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { std(x0, axis=-1) }
    #[no_grad]
    pub fn std_all_bf16<A, B>(x0: bf16[A, B]) -> bf16[] { std(x0) }
    #[no_grad]
    pub fn layer_norm_bf16<A, B>(x0: bf16[A, B], x1: bf16[B], x2: bf16[B]) -> bf16[A, B] { layer_norm(x0, x1, x2, eps=0.1) }
    #[no_grad]
    pub fn rms_norm_bf16<A, B>(x0: bf16[A, B], x1: bf16[B]) -> bf16[A, B] { rms_norm(x0, x1) }
    #[no_grad]
    pub fn norm_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { norm(x0, axis=1) }
    #[no_grad]
    pub fn mse_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[] { mse_loss(x0, x1) }
    #[no_grad]
    pub fn zero_d_sum_bf16(x0: bf16[]) -> bf16[] { sum(x0) + max(x0) }
    #[no_grad]
    pub fn center_0_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { x0 - mean(x0, axis=0) }
    #[no_grad]
    pub fn scaled_by_max_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { x0 / (1 + abs(x0).max(axis=1, keepdims=true)) }
    #[no_grad]
    pub fn sum_of_transposed_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { sum(x0.T * 2, axis=0) }
    #[no_grad]
    pub fn sum_3d_1_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[A, C] { sum(x0, axis=1) }
    #[no_grad]
    pub fn sum_3d_02_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[B] { sum(x0, axis=(0, 2)) }
    #[no_grad]
    pub fn max_3d_0_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[B, C] { max(x0, axis=0) }
    #[no_grad]
    pub fn two_passes_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { (x0 - x0.min()) / (1 + x0.max() - x0.min()) }
    #[no_grad]
    pub fn sum_of_flipped_bf16<A, B>(x0: bf16[A, B]) -> bf16[A] { sum(x0[:, ::-1] * x0, axis=1) }
    #[no_grad]
    pub fn copy_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { x0 }
    #[no_grad]
    pub fn transpose_f32<A, B>(x0: f32[A, B]) -> f32[B, A] { x0.T }
    #[no_grad]
    pub fn permute_3d_f32<A, B, C>(x0: f32[A, B, C]) -> f32[C, A, B] { transpose(x0, (2, 0, 1)) }
    #[no_grad]
    pub fn flip_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { flip(x0) }
    #[no_grad]
    pub fn flip_1_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { flip(x0, axis=1) }
    #[no_grad]
    pub fn roll_1_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { roll(x0, 1, axis=1) }
    #[no_grad]
    pub fn roll_flat_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { roll(x0, -2) }
    #[no_grad]
    pub fn stack_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[A, 2, B] { stack((x0, x1), axis=1) }
    #[no_grad]
    pub fn concatenate_0_f32<A, B>(x0: f32[A, B], x1: f32[A, B]) -> f32[2*A, B] { concatenate((x0, x1), axis=0) }
}

tensor! {
    #[no_grad]
    pub fn concatenate_1_f32<A, B, C>(x0: f32[A, B], x1: f32[A, C]) -> f32[A, B + C] { concatenate((x0, x1), axis=1) }
    #[no_grad]
    pub fn pad_f32<A, B>(x0: f32[A, B]) -> f32[A + 3, B + 3] { pad(x0, (1, 2)) }
    #[no_grad]
    pub fn flatten_f32<A, B>(x0: f32[A, B]) -> f32[A * B] { ravel(x0) }
    #[no_grad]
    pub fn reshape_transposed_f32<A, B>(x0: f32[A, B]) -> f32[A * B] { ravel(x0.T) }
    #[no_grad]
    pub fn tile_f32<A, B>(x0: f32[A, B]) -> f32[2*A, 3*B] { tile(x0, (2, 3)) }
    #[no_grad]
    pub fn repeat_1_f32<A, B>(x0: f32[A, B]) -> f32[A, 2*B] { repeat(x0, 2, axis=1) }
    #[no_grad]
    pub fn broadcast_f32<B>(x0: f32[B]) -> f32[2, B] { broadcast_to(x0, (2, B)) }
    #[no_grad]
    pub fn reversed_step_f32<A, B>(x0: f32[A, B]) -> f32[A, (B + 1) / 2] { x0[:, ::-2] }
    #[no_grad]
    pub fn take_rows_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0) }
    #[no_grad]
    pub fn take_columns_f32<A, B>(x0: f32[A, B]) -> f32[A, 2*B] { x0[:, floor_divide(arange(2*B), 2)] }
    #[no_grad]
    pub fn take_flat_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B)) }
    #[no_grad]
    pub fn take_along_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1) }
    #[no_grad]
    pub fn take_along_0_f32<A, B>(x0: f32[A, B]) -> f32[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0) }
    #[no_grad]
    pub fn take_3d_f32<A, B, C>(x0: f32[A, B, C]) -> f32[A, 2, B, C] { x0[:, (arange(2)[:, None] + arange(B)) % B] }
    #[no_grad]
    pub fn every_other_f32<A, B>(x0: f32[A, B]) -> f32[(A + 1) / 2, B] { x0[::2] }
    #[no_grad]
    pub fn copy_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { x0 }
    #[no_grad]
    pub fn transpose_bf16<A, B>(x0: bf16[A, B]) -> bf16[B, A] { x0.T }
    #[no_grad]
    pub fn permute_3d_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[C, A, B] { transpose(x0, (2, 0, 1)) }
    #[no_grad]
    pub fn flip_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { flip(x0) }
    #[no_grad]
    pub fn flip_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { flip(x0, axis=1) }
    #[no_grad]
    pub fn roll_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { roll(x0, 1, axis=1) }
    #[no_grad]
    pub fn roll_flat_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { roll(x0, -2) }
    #[no_grad]
    pub fn stack_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[A, 2, B] { stack((x0, x1), axis=1) }
    #[no_grad]
    pub fn concatenate_0_bf16<A, B>(x0: bf16[A, B], x1: bf16[A, B]) -> bf16[2*A, B] { concatenate((x0, x1), axis=0) }
    #[no_grad]
    pub fn concatenate_1_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[A, C]) -> bf16[A, B + C] { concatenate((x0, x1), axis=1) }
    #[no_grad]
    pub fn pad_bf16<A, B>(x0: bf16[A, B]) -> bf16[A + 3, B + 3] { pad(x0, (1, 2)) }
    #[no_grad]
    pub fn flatten_bf16<A, B>(x0: bf16[A, B]) -> bf16[A * B] { ravel(x0) }
    #[no_grad]
    pub fn reshape_transposed_bf16<A, B>(x0: bf16[A, B]) -> bf16[A * B] { ravel(x0.T) }
    #[no_grad]
    pub fn tile_bf16<A, B>(x0: bf16[A, B]) -> bf16[2*A, 3*B] { tile(x0, (2, 3)) }
    #[no_grad]
    pub fn repeat_1_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, 2*B] { repeat(x0, 2, axis=1) }
    #[no_grad]
    pub fn broadcast_bf16<B>(x0: bf16[B]) -> bf16[2, B] { broadcast_to(x0, (2, B)) }
    #[no_grad]
    pub fn reversed_step_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, (B + 1) / 2] { x0[:, ::-2] }
    #[no_grad]
    pub fn take_rows_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0) }
    #[no_grad]
    pub fn take_columns_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, 2*B] { x0[:, floor_divide(arange(2*B), 2)] }
    #[no_grad]
    pub fn take_flat_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B)) }
    #[no_grad]
    pub fn take_along_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1) }
    #[no_grad]
    pub fn take_along_0_bf16<A, B>(x0: bf16[A, B]) -> bf16[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0) }
    #[no_grad]
    pub fn take_3d_bf16<A, B, C>(x0: bf16[A, B, C]) -> bf16[A, 2, B, C] { x0[:, (arange(2)[:, None] + arange(B)) % B] }
    #[no_grad]
    pub fn every_other_bf16<A, B>(x0: bf16[A, B]) -> bf16[(A + 1) / 2, B] { x0[::2] }
    #[no_grad]
    pub fn copy_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { x0 }
}

tensor! {
    #[no_grad]
    pub fn transpose_i32<A, B>(x0: i32[A, B]) -> i32[B, A] { x0.T }
    #[no_grad]
    pub fn permute_3d_i32<A, B, C>(x0: i32[A, B, C]) -> i32[C, A, B] { transpose(x0, (2, 0, 1)) }
    #[no_grad]
    pub fn flip_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { flip(x0) }
    #[no_grad]
    pub fn flip_1_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { flip(x0, axis=1) }
    #[no_grad]
    pub fn roll_1_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { roll(x0, 1, axis=1) }
    #[no_grad]
    pub fn roll_flat_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { roll(x0, -2) }
    #[no_grad]
    pub fn stack_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[A, 2, B] { stack((x0, x1), axis=1) }
    #[no_grad]
    pub fn concatenate_0_i32<A, B>(x0: i32[A, B], x1: i32[A, B]) -> i32[2*A, B] { concatenate((x0, x1), axis=0) }
    #[no_grad]
    pub fn concatenate_1_i32<A, B, C>(x0: i32[A, B], x1: i32[A, C]) -> i32[A, B + C] { concatenate((x0, x1), axis=1) }
    #[no_grad]
    pub fn pad_i32<A, B>(x0: i32[A, B]) -> i32[A + 3, B + 3] { pad(x0, (1, 2)) }
    #[no_grad]
    pub fn flatten_i32<A, B>(x0: i32[A, B]) -> i32[A * B] { ravel(x0) }
    #[no_grad]
    pub fn reshape_transposed_i32<A, B>(x0: i32[A, B]) -> i32[A * B] { ravel(x0.T) }
    #[no_grad]
    pub fn tile_i32<A, B>(x0: i32[A, B]) -> i32[2*A, 3*B] { tile(x0, (2, 3)) }
    #[no_grad]
    pub fn repeat_1_i32<A, B>(x0: i32[A, B]) -> i32[A, 2*B] { repeat(x0, 2, axis=1) }
    #[no_grad]
    pub fn broadcast_i32<B>(x0: i32[B]) -> i32[2, B] { broadcast_to(x0, (2, B)) }
    #[no_grad]
    pub fn reversed_step_i32<A, B>(x0: i32[A, B]) -> i32[A, (B + 1) / 2] { x0[:, ::-2] }
    #[no_grad]
    pub fn take_rows_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0) }
    #[no_grad]
    pub fn take_columns_i32<A, B>(x0: i32[A, B]) -> i32[A, 2*B] { x0[:, floor_divide(arange(2*B), 2)] }
    #[no_grad]
    pub fn take_flat_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B)) }
    #[no_grad]
    pub fn take_along_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1) }
    #[no_grad]
    pub fn take_along_0_i32<A, B>(x0: i32[A, B]) -> i32[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0) }
    #[no_grad]
    pub fn take_3d_i32<A, B, C>(x0: i32[A, B, C]) -> i32[A, 2, B, C] { x0[:, (arange(2)[:, None] + arange(B)) % B] }
    #[no_grad]
    pub fn every_other_i32<A, B>(x0: i32[A, B]) -> i32[(A + 1) / 2, B] { x0[::2] }
    #[no_grad]
    pub fn copy_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { x0 }
    #[no_grad]
    pub fn transpose_u8<A, B>(x0: u8[A, B]) -> u8[B, A] { x0.T }
    #[no_grad]
    pub fn permute_3d_u8<A, B, C>(x0: u8[A, B, C]) -> u8[C, A, B] { transpose(x0, (2, 0, 1)) }
    #[no_grad]
    pub fn flip_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { flip(x0) }
    #[no_grad]
    pub fn flip_1_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { flip(x0, axis=1) }
    #[no_grad]
    pub fn roll_1_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { roll(x0, 1, axis=1) }
    #[no_grad]
    pub fn roll_flat_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { roll(x0, -2) }
    #[no_grad]
    pub fn stack_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[A, 2, B] { stack((x0, x1), axis=1) }
    #[no_grad]
    pub fn concatenate_0_u8<A, B>(x0: u8[A, B], x1: u8[A, B]) -> u8[2*A, B] { concatenate((x0, x1), axis=0) }
    #[no_grad]
    pub fn concatenate_1_u8<A, B, C>(x0: u8[A, B], x1: u8[A, C]) -> u8[A, B + C] { concatenate((x0, x1), axis=1) }
    #[no_grad]
    pub fn pad_u8<A, B>(x0: u8[A, B]) -> u8[A + 3, B + 3] { pad(x0, (1, 2)) }
    #[no_grad]
    pub fn flatten_u8<A, B>(x0: u8[A, B]) -> u8[A * B] { ravel(x0) }
    #[no_grad]
    pub fn reshape_transposed_u8<A, B>(x0: u8[A, B]) -> u8[A * B] { ravel(x0.T) }
    #[no_grad]
    pub fn tile_u8<A, B>(x0: u8[A, B]) -> u8[2*A, 3*B] { tile(x0, (2, 3)) }
    #[no_grad]
    pub fn repeat_1_u8<A, B>(x0: u8[A, B]) -> u8[A, 2*B] { repeat(x0, 2, axis=1) }
    #[no_grad]
    pub fn broadcast_u8<B>(x0: u8[B]) -> u8[2, B] { broadcast_to(x0, (2, B)) }
    #[no_grad]
    pub fn reversed_step_u8<A, B>(x0: u8[A, B]) -> u8[A, (B + 1) / 2] { x0[:, ::-2] }
}

tensor! {
    #[no_grad]
    pub fn take_rows_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0) }
    #[no_grad]
    pub fn take_columns_u8<A, B>(x0: u8[A, B]) -> u8[A, 2*B] { x0[:, floor_divide(arange(2*B), 2)] }
    #[no_grad]
    pub fn take_flat_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B)) }
    #[no_grad]
    pub fn take_along_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1) }
    #[no_grad]
    pub fn take_along_0_u8<A, B>(x0: u8[A, B]) -> u8[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0) }
    #[no_grad]
    pub fn take_3d_u8<A, B, C>(x0: u8[A, B, C]) -> u8[A, 2, B, C] { x0[:, (arange(2)[:, None] + arange(B)) % B] }
    #[no_grad]
    pub fn every_other_u8<A, B>(x0: u8[A, B]) -> u8[(A + 1) / 2, B] { x0[::2] }
    #[no_grad]
    pub fn copy_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { x0 }
    #[no_grad]
    pub fn transpose_bool<A, B>(x0: bool[A, B]) -> bool[B, A] { x0.T }
    #[no_grad]
    pub fn permute_3d_bool<A, B, C>(x0: bool[A, B, C]) -> bool[C, A, B] { transpose(x0, (2, 0, 1)) }
    #[no_grad]
    pub fn flip_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { flip(x0) }
    #[no_grad]
    pub fn flip_1_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { flip(x0, axis=1) }
    #[no_grad]
    pub fn roll_1_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { roll(x0, 1, axis=1) }
    #[no_grad]
    pub fn roll_flat_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { roll(x0, -2) }
    #[no_grad]
    pub fn stack_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[A, 2, B] { stack((x0, x1), axis=1) }
    #[no_grad]
    pub fn concatenate_0_bool<A, B>(x0: bool[A, B], x1: bool[A, B]) -> bool[2*A, B] { concatenate((x0, x1), axis=0) }
    #[no_grad]
    pub fn concatenate_1_bool<A, B, C>(x0: bool[A, B], x1: bool[A, C]) -> bool[A, B + C] { concatenate((x0, x1), axis=1) }
    #[no_grad]
    pub fn pad_bool<A, B>(x0: bool[A, B]) -> bool[A + 3, B + 3] { pad(x0, (1, 2)) }
    #[no_grad]
    pub fn flatten_bool<A, B>(x0: bool[A, B]) -> bool[A * B] { ravel(x0) }
    #[no_grad]
    pub fn reshape_transposed_bool<A, B>(x0: bool[A, B]) -> bool[A * B] { ravel(x0.T) }
    #[no_grad]
    pub fn tile_bool<A, B>(x0: bool[A, B]) -> bool[2*A, 3*B] { tile(x0, (2, 3)) }
    #[no_grad]
    pub fn repeat_1_bool<A, B>(x0: bool[A, B]) -> bool[A, 2*B] { repeat(x0, 2, axis=1) }
    #[no_grad]
    pub fn broadcast_bool<B>(x0: bool[B]) -> bool[2, B] { broadcast_to(x0, (2, B)) }
    #[no_grad]
    pub fn reversed_step_bool<A, B>(x0: bool[A, B]) -> bool[A, (B + 1) / 2] { x0[:, ::-2] }
    #[no_grad]
    pub fn take_rows_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0) }
    #[no_grad]
    pub fn take_columns_bool<A, B>(x0: bool[A, B]) -> bool[A, 2*B] { x0[:, floor_divide(arange(2*B), 2)] }
    #[no_grad]
    pub fn take_flat_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B)) }
    #[no_grad]
    pub fn take_along_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1) }
    #[no_grad]
    pub fn take_along_0_bool<A, B>(x0: bool[A, B]) -> bool[A, B] { take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0) }
    #[no_grad]
    pub fn take_3d_bool<A, B, C>(x0: bool[A, B, C]) -> bool[A, 2, B, C] { x0[:, (arange(2)[:, None] + arange(B)) % B] }
    #[no_grad]
    pub fn every_other_bool<A, B>(x0: bool[A, B]) -> bool[(A + 1) / 2, B] { x0[::2] }
    #[no_grad]
    pub fn matmul_f32<A, B, C>(x0: f32[A, B], x1: f32[B, C]) -> f32[A, C] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_transposed_f32<A, B, C>(x0: f32[A, B], x1: f32[C, B]) -> f32[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_f32<A, B>(x0: f32[A, B], x1: f32[B]) -> f32[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_f32<A, B>(x0: f32[A], x1: f32[A, B]) -> f32[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_f32<B>(x0: f32[B], x1: f32[B]) -> f32[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_f32<A, B, C>(x0: f32[A, B, C], x1: f32[A, C, B]) -> f32[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_f32<A, B, C>(x0: f32[A, B], x1: f32[B, C], x2: f32[C]) -> f32[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_f32<A, B>(x0: f32[A, B]) -> f32[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_f32<A, B>(x0: f32[A, B]) -> f32[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
}

tensor! {
    #[no_grad]
    pub fn index_add_f32<A, B, C>(x0: f32[A, B], x1: f32[C, B]) -> f32[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_f32<A, B, C>(x0: f32[A, B], x1: f32[A, C]) -> f32[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_f32<A, B, C>(x0: f32[A, B], x1: f32[B, C]) -> f32[A, C] { (x0 * 2) @ x1[:, ::-1] }
    #[no_grad]
    pub fn matmul_f64<A, B, C>(x0: f64[A, B], x1: f64[B, C]) -> f64[A, C] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_transposed_f64<A, B, C>(x0: f64[A, B], x1: f64[C, B]) -> f64[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_f64<A, B>(x0: f64[A, B], x1: f64[B]) -> f64[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_f64<A, B>(x0: f64[A], x1: f64[A, B]) -> f64[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_f64<B>(x0: f64[B], x1: f64[B]) -> f64[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_f64<A, B, C>(x0: f64[A, B, C], x1: f64[A, C, B]) -> f64[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_f64<A, B, C>(x0: f64[A, B], x1: f64[B, C], x2: f64[C]) -> f64[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_f64<A, B>(x0: f64[A, B]) -> f64[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_f64<A, B>(x0: f64[A, B]) -> f64[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
    #[no_grad]
    pub fn index_add_f64<A, B, C>(x0: f64[A, B], x1: f64[C, B]) -> f64[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_f64<A, B, C>(x0: f64[A, B], x1: f64[A, C]) -> f64[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_f64<A, B, C>(x0: f64[A, B], x1: f64[B, C]) -> f64[A, C] { (x0 * 2) @ x1[:, ::-1] }
    #[no_grad]
    pub fn matmul_f16<A, B, C>(x0: f16[A, B], x1: f16[B, C]) -> f16[A, C] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_transposed_f16<A, B, C>(x0: f16[A, B], x1: f16[C, B]) -> f16[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_f16<A, B>(x0: f16[A, B], x1: f16[B]) -> f16[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_f16<A, B>(x0: f16[A], x1: f16[A, B]) -> f16[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_f16<B>(x0: f16[B], x1: f16[B]) -> f16[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_f16<A, B, C>(x0: f16[A, B, C], x1: f16[A, C, B]) -> f16[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_f16<A, B, C>(x0: f16[A, B], x1: f16[B, C], x2: f16[C]) -> f16[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_f16<A, B>(x0: f16[A, B]) -> f16[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_f16<A, B>(x0: f16[A, B]) -> f16[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
    #[no_grad]
    pub fn index_add_f16<A, B, C>(x0: f16[A, B], x1: f16[C, B]) -> f16[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_f16<A, B, C>(x0: f16[A, B], x1: f16[A, C]) -> f16[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_f16<A, B, C>(x0: f16[A, B], x1: f16[B, C]) -> f16[A, C] { (x0 * 2) @ x1[:, ::-1] }
    #[no_grad]
    pub fn matmul_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[B, C]) -> bf16[A, C] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_transposed_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[C, B]) -> bf16[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_bf16<A, B>(x0: bf16[A, B], x1: bf16[B]) -> bf16[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_bf16<A, B>(x0: bf16[A], x1: bf16[A, B]) -> bf16[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_bf16<B>(x0: bf16[B], x1: bf16[B]) -> bf16[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_bf16<A, B, C>(x0: bf16[A, B, C], x1: bf16[A, C, B]) -> bf16[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[B, C], x2: bf16[C]) -> bf16[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_bf16<A, B>(x0: bf16[A, B]) -> bf16[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_bf16<A, B>(x0: bf16[A, B]) -> bf16[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
    #[no_grad]
    pub fn index_add_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[C, B]) -> bf16[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[A, C]) -> bf16[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_bf16<A, B, C>(x0: bf16[A, B], x1: bf16[B, C]) -> bf16[A, C] { (x0 * 2) @ x1[:, ::-1] }
    #[no_grad]
    pub fn matmul_i32<A, B, C>(x0: i32[A, B], x1: i32[B, C]) -> i32[A, C] { x0 @ x1 }
}

tensor! {
    #[no_grad]
    pub fn matmul_transposed_i32<A, B, C>(x0: i32[A, B], x1: i32[C, B]) -> i32[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_i32<A, B>(x0: i32[A, B], x1: i32[B]) -> i32[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_i32<A, B>(x0: i32[A], x1: i32[A, B]) -> i32[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_i32<B>(x0: i32[B], x1: i32[B]) -> i32[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_i32<A, B, C>(x0: i32[A, B, C], x1: i32[A, C, B]) -> i32[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_i32<A, B, C>(x0: i32[A, B], x1: i32[B, C], x2: i32[C]) -> i32[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_i32<A, B>(x0: i32[A, B]) -> i32[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_i32<A, B>(x0: i32[A, B]) -> i32[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
    #[no_grad]
    pub fn index_add_i32<A, B, C>(x0: i32[A, B], x1: i32[C, B]) -> i32[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_i32<A, B, C>(x0: i32[A, B], x1: i32[A, C]) -> i32[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_i32<A, B, C>(x0: i32[A, B], x1: i32[B, C]) -> i32[A, C] { (x0 * 2) @ x1[:, ::-1] }
    #[no_grad]
    pub fn matmul_i64<A, B, C>(x0: i64[A, B], x1: i64[B, C]) -> i64[A, C] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_transposed_i64<A, B, C>(x0: i64[A, B], x1: i64[C, B]) -> i64[A, C] { x0 @ x1.T }
    #[no_grad]
    pub fn matvec_i64<A, B>(x0: i64[A, B], x1: i64[B]) -> i64[A] { x0 @ x1 }
    #[no_grad]
    pub fn vecmat_i64<A, B>(x0: i64[A], x1: i64[A, B]) -> i64[B] { x0 @ x1 }
    #[no_grad]
    pub fn vecdot_i64<B>(x0: i64[B], x1: i64[B]) -> i64[] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_batch_i64<A, B, C>(x0: i64[A, B, C], x1: i64[A, C, B]) -> i64[A, B, B] { x0 @ x1 }
    #[no_grad]
    pub fn matmul_epilogue_i64<A, B, C>(x0: i64[A, B], x1: i64[B, C], x2: i64[C]) -> i64[A, C] { maximum(x0 @ x1 + x2, 0) }
    #[no_grad]
    pub fn segment_sum_i64<A, B>(x0: i64[A, B]) -> i64[4, B] { segment_sum(x0, arange(A) * 3 % 4, 4) }
    #[no_grad]
    pub fn segment_sum_2d_i64<A, B>(x0: i64[A, B]) -> i64[5] { segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5) }
    #[no_grad]
    pub fn index_add_i64<A, B, C>(x0: i64[A, B], x1: i64[C, B]) -> i64[A, B] { index_add(x0, 0, floor_divide(arange(C), 2) % A, x1) }
    #[no_grad]
    pub fn index_add_1_i64<A, B, C>(x0: i64[A, B], x1: i64[A, C]) -> i64[A, B] { index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2) }
    #[no_grad]
    pub fn matmul_prologue_i64<A, B, C>(x0: i64[A, B], x1: i64[B, C]) -> i64[A, C] { (x0 * 2) @ x1[:, ::-1] }
}

calls! {
    add_f32(f32: 2, f32: 2) -> f32: 2;
    add_f64(f64: 2, f64: 2) -> f64: 2;
    add_f16(f16: 2, f16: 2) -> f16: 2;
    add_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    add_i32(i32: 2, i32: 2) -> i32: 2;
    add_i64(i64: 2, i64: 2) -> i64: 2;
    add_u8(u8: 2, u8: 2) -> u8: 2;
    sub_f32(f32: 2, f32: 2) -> f32: 2;
    sub_f64(f64: 2, f64: 2) -> f64: 2;
    sub_f16(f16: 2, f16: 2) -> f16: 2;
    sub_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    sub_i32(i32: 2, i32: 2) -> i32: 2;
    sub_i64(i64: 2, i64: 2) -> i64: 2;
    sub_u8(u8: 2, u8: 2) -> u8: 2;
    mul_f32(f32: 2, f32: 2) -> f32: 2;
    mul_f64(f64: 2, f64: 2) -> f64: 2;
    mul_f16(f16: 2, f16: 2) -> f16: 2;
    mul_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    mul_i32(i32: 2, i32: 2) -> i32: 2;
    mul_i64(i64: 2, i64: 2) -> i64: 2;
    mul_u8(u8: 2, u8: 2) -> u8: 2;
    div_f32(f32: 2, f32: 2) -> f32: 2;
    div_f64(f64: 2, f64: 2) -> f64: 2;
    div_f16(f16: 2, f16: 2) -> f16: 2;
    div_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    floor_divide_f32(f32: 2, f32: 2) -> f32: 2;
    floor_divide_f64(f64: 2, f64: 2) -> f64: 2;
    floor_divide_f16(f16: 2, f16: 2) -> f16: 2;
    floor_divide_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    floor_divide_i32(i32: 2, i32: 2) -> i32: 2;
    floor_divide_i64(i64: 2, i64: 2) -> i64: 2;
    floor_divide_u8(u8: 2, u8: 2) -> u8: 2;
    remainder_f32(f32: 2, f32: 2) -> f32: 2;
    remainder_f64(f64: 2, f64: 2) -> f64: 2;
    remainder_f16(f16: 2, f16: 2) -> f16: 2;
    remainder_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    remainder_i32(i32: 2, i32: 2) -> i32: 2;
    remainder_i64(i64: 2, i64: 2) -> i64: 2;
    remainder_u8(u8: 2, u8: 2) -> u8: 2;
    power_f32(f32: 2, f32: 2) -> f32: 2;
    power_f64(f64: 2, f64: 2) -> f64: 2;
    power_f16(f16: 2, f16: 2) -> f16: 2;
    power_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    power_i32(i32: 2, i32: 2) -> i32: 2;
    power_i64(i64: 2, i64: 2) -> i64: 2;
    power_u8(u8: 2, u8: 2) -> u8: 2;
    neg_f32(f32: 2) -> f32: 2;
    neg_f64(f64: 2) -> f64: 2;
    neg_f16(f16: 2) -> f16: 2;
    neg_bf16(bf16: 2) -> bf16: 2;
    neg_i32(i32: 2) -> i32: 2;
    neg_i64(i64: 2) -> i64: 2;
    abs_f32(f32: 2) -> f32: 2;
    abs_f64(f64: 2) -> f64: 2;
    abs_f16(f16: 2) -> f16: 2;
    abs_bf16(bf16: 2) -> bf16: 2;
    abs_i32(i32: 2) -> i32: 2;
    abs_i64(i64: 2) -> i64: 2;
    abs_u8(u8: 2) -> u8: 2;
    sign_f32(f32: 2) -> f32: 2;
    sign_f64(f64: 2) -> f64: 2;
    sign_f16(f16: 2) -> f16: 2;
    sign_bf16(bf16: 2) -> bf16: 2;
    sign_i32(i32: 2) -> i32: 2;
    sign_i64(i64: 2) -> i64: 2;
    sign_u8(u8: 2) -> u8: 2;
    exp_f32(f32: 2) -> f32: 2;
    exp_f64(f64: 2) -> f64: 2;
    exp_f16(f16: 2) -> f16: 2;
    exp_bf16(bf16: 2) -> bf16: 2;
    exp2_f32(f32: 2) -> f32: 2;
    exp2_f64(f64: 2) -> f64: 2;
    exp2_f16(f16: 2) -> f16: 2;
    exp2_bf16(bf16: 2) -> bf16: 2;
    expm1_f32(f32: 2) -> f32: 2;
    expm1_f64(f64: 2) -> f64: 2;
    expm1_f16(f16: 2) -> f16: 2;
    expm1_bf16(bf16: 2) -> bf16: 2;
    log_f32(f32: 2) -> f32: 2;
    log_f64(f64: 2) -> f64: 2;
    log_f16(f16: 2) -> f16: 2;
    log_bf16(bf16: 2) -> bf16: 2;
    log2_f32(f32: 2) -> f32: 2;
    log2_f64(f64: 2) -> f64: 2;
    log2_f16(f16: 2) -> f16: 2;
    log2_bf16(bf16: 2) -> bf16: 2;
    log10_f32(f32: 2) -> f32: 2;
    log10_f64(f64: 2) -> f64: 2;
    log10_f16(f16: 2) -> f16: 2;
    log10_bf16(bf16: 2) -> bf16: 2;
    log1p_f32(f32: 2) -> f32: 2;
    log1p_f64(f64: 2) -> f64: 2;
    log1p_f16(f16: 2) -> f16: 2;
    log1p_bf16(bf16: 2) -> bf16: 2;
    sqrt_f32(f32: 2) -> f32: 2;
    sqrt_f64(f64: 2) -> f64: 2;
    sqrt_f16(f16: 2) -> f16: 2;
    sqrt_bf16(bf16: 2) -> bf16: 2;
    rsqrt_f32(f32: 2) -> f32: 2;
    rsqrt_f64(f64: 2) -> f64: 2;
    rsqrt_f16(f16: 2) -> f16: 2;
    rsqrt_bf16(bf16: 2) -> bf16: 2;
    cbrt_f32(f32: 2) -> f32: 2;
    cbrt_f64(f64: 2) -> f64: 2;
    cbrt_f16(f16: 2) -> f16: 2;
    cbrt_bf16(bf16: 2) -> bf16: 2;
    sin_f32(f32: 2) -> f32: 2;
    sin_f64(f64: 2) -> f64: 2;
    sin_f16(f16: 2) -> f16: 2;
    sin_bf16(bf16: 2) -> bf16: 2;
    cos_f32(f32: 2) -> f32: 2;
    cos_f64(f64: 2) -> f64: 2;
    cos_f16(f16: 2) -> f16: 2;
    cos_bf16(bf16: 2) -> bf16: 2;
    tan_f32(f32: 2) -> f32: 2;
    tan_f64(f64: 2) -> f64: 2;
    tan_f16(f16: 2) -> f16: 2;
    tan_bf16(bf16: 2) -> bf16: 2;
    asin_f32(f32: 2) -> f32: 2;
    asin_f64(f64: 2) -> f64: 2;
    asin_f16(f16: 2) -> f16: 2;
    asin_bf16(bf16: 2) -> bf16: 2;
    acos_f32(f32: 2) -> f32: 2;
    acos_f64(f64: 2) -> f64: 2;
    acos_f16(f16: 2) -> f16: 2;
    acos_bf16(bf16: 2) -> bf16: 2;
    atan_f32(f32: 2) -> f32: 2;
    atan_f64(f64: 2) -> f64: 2;
    atan_f16(f16: 2) -> f16: 2;
    atan_bf16(bf16: 2) -> bf16: 2;
    sinh_f32(f32: 2) -> f32: 2;
    sinh_f64(f64: 2) -> f64: 2;
    sinh_f16(f16: 2) -> f16: 2;
    sinh_bf16(bf16: 2) -> bf16: 2;
    cosh_f32(f32: 2) -> f32: 2;
    cosh_f64(f64: 2) -> f64: 2;
    cosh_f16(f16: 2) -> f16: 2;
    cosh_bf16(bf16: 2) -> bf16: 2;
    tanh_f32(f32: 2) -> f32: 2;
    tanh_f64(f64: 2) -> f64: 2;
    tanh_f16(f16: 2) -> f16: 2;
    tanh_bf16(bf16: 2) -> bf16: 2;
    sigmoid_f32(f32: 2) -> f32: 2;
    sigmoid_f64(f64: 2) -> f64: 2;
    sigmoid_f16(f16: 2) -> f16: 2;
    sigmoid_bf16(bf16: 2) -> bf16: 2;
    asinh_f32(f32: 2) -> f32: 2;
    asinh_f64(f64: 2) -> f64: 2;
    asinh_f16(f16: 2) -> f16: 2;
    asinh_bf16(bf16: 2) -> bf16: 2;
    acosh_f32(f32: 2) -> f32: 2;
    acosh_f64(f64: 2) -> f64: 2;
    acosh_f16(f16: 2) -> f16: 2;
    acosh_bf16(bf16: 2) -> bf16: 2;
    atanh_f32(f32: 2) -> f32: 2;
    atanh_f64(f64: 2) -> f64: 2;
    atanh_f16(f16: 2) -> f16: 2;
    atanh_bf16(bf16: 2) -> bf16: 2;
    erf_f32(f32: 2) -> f32: 2;
    erf_f64(f64: 2) -> f64: 2;
    erf_f16(f16: 2) -> f16: 2;
    erf_bf16(bf16: 2) -> bf16: 2;
    erfc_f32(f32: 2) -> f32: 2;
    erfc_f64(f64: 2) -> f64: 2;
    erfc_f16(f16: 2) -> f16: 2;
    erfc_bf16(bf16: 2) -> bf16: 2;
    floor_f32(f32: 2) -> f32: 2;
    floor_f64(f64: 2) -> f64: 2;
    floor_f16(f16: 2) -> f16: 2;
    floor_bf16(bf16: 2) -> bf16: 2;
    ceil_f32(f32: 2) -> f32: 2;
    ceil_f64(f64: 2) -> f64: 2;
    ceil_f16(f16: 2) -> f16: 2;
    ceil_bf16(bf16: 2) -> bf16: 2;
    round_f32(f32: 2) -> f32: 2;
    round_f64(f64: 2) -> f64: 2;
    round_f16(f16: 2) -> f16: 2;
    round_bf16(bf16: 2) -> bf16: 2;
    trunc_f32(f32: 2) -> f32: 2;
    trunc_f64(f64: 2) -> f64: 2;
    trunc_f16(f16: 2) -> f16: 2;
    trunc_bf16(bf16: 2) -> bf16: 2;
    atan2_f32(f32: 2, f32: 2) -> f32: 2;
    atan2_f64(f64: 2, f64: 2) -> f64: 2;
    atan2_f16(f16: 2, f16: 2) -> f16: 2;
    atan2_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    maximum_f32(f32: 2, f32: 2) -> f32: 2;
    maximum_f64(f64: 2, f64: 2) -> f64: 2;
    maximum_f16(f16: 2, f16: 2) -> f16: 2;
    maximum_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    maximum_i32(i32: 2, i32: 2) -> i32: 2;
    maximum_i64(i64: 2, i64: 2) -> i64: 2;
    maximum_u8(u8: 2, u8: 2) -> u8: 2;
    maximum_bool(bool: 2, bool: 2) -> bool: 2;
    minimum_f32(f32: 2, f32: 2) -> f32: 2;
    minimum_f64(f64: 2, f64: 2) -> f64: 2;
    minimum_f16(f16: 2, f16: 2) -> f16: 2;
    minimum_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    minimum_i32(i32: 2, i32: 2) -> i32: 2;
    minimum_i64(i64: 2, i64: 2) -> i64: 2;
    minimum_u8(u8: 2, u8: 2) -> u8: 2;
    minimum_bool(bool: 2, bool: 2) -> bool: 2;
    fmax_f32(f32: 2, f32: 2) -> f32: 2;
    fmax_f64(f64: 2, f64: 2) -> f64: 2;
    fmax_f16(f16: 2, f16: 2) -> f16: 2;
    fmax_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    fmax_i32(i32: 2, i32: 2) -> i32: 2;
    fmax_i64(i64: 2, i64: 2) -> i64: 2;
    fmax_u8(u8: 2, u8: 2) -> u8: 2;
    fmax_bool(bool: 2, bool: 2) -> bool: 2;
    fmin_f32(f32: 2, f32: 2) -> f32: 2;
    fmin_f64(f64: 2, f64: 2) -> f64: 2;
    fmin_f16(f16: 2, f16: 2) -> f16: 2;
    fmin_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    fmin_i32(i32: 2, i32: 2) -> i32: 2;
    fmin_i64(i64: 2, i64: 2) -> i64: 2;
    fmin_u8(u8: 2, u8: 2) -> u8: 2;
    fmin_bool(bool: 2, bool: 2) -> bool: 2;
    copysign_f32(f32: 2, f32: 2) -> f32: 2;
    copysign_f64(f64: 2, f64: 2) -> f64: 2;
    copysign_f16(f16: 2, f16: 2) -> f16: 2;
    copysign_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    eq_f32(f32: 2, f32: 2) -> bool: 2;
    eq_f64(f64: 2, f64: 2) -> bool: 2;
    eq_f16(f16: 2, f16: 2) -> bool: 2;
    eq_bf16(bf16: 2, bf16: 2) -> bool: 2;
    eq_i32(i32: 2, i32: 2) -> bool: 2;
    eq_i64(i64: 2, i64: 2) -> bool: 2;
    eq_u8(u8: 2, u8: 2) -> bool: 2;
    eq_bool(bool: 2, bool: 2) -> bool: 2;
    ne_f32(f32: 2, f32: 2) -> bool: 2;
    ne_f64(f64: 2, f64: 2) -> bool: 2;
    ne_f16(f16: 2, f16: 2) -> bool: 2;
    ne_bf16(bf16: 2, bf16: 2) -> bool: 2;
    ne_i32(i32: 2, i32: 2) -> bool: 2;
    ne_i64(i64: 2, i64: 2) -> bool: 2;
    ne_u8(u8: 2, u8: 2) -> bool: 2;
    ne_bool(bool: 2, bool: 2) -> bool: 2;
    lt_f32(f32: 2, f32: 2) -> bool: 2;
    lt_f64(f64: 2, f64: 2) -> bool: 2;
    lt_f16(f16: 2, f16: 2) -> bool: 2;
    lt_bf16(bf16: 2, bf16: 2) -> bool: 2;
    lt_i32(i32: 2, i32: 2) -> bool: 2;
    lt_i64(i64: 2, i64: 2) -> bool: 2;
    lt_u8(u8: 2, u8: 2) -> bool: 2;
    lt_bool(bool: 2, bool: 2) -> bool: 2;
    le_f32(f32: 2, f32: 2) -> bool: 2;
    le_f64(f64: 2, f64: 2) -> bool: 2;
    le_f16(f16: 2, f16: 2) -> bool: 2;
    le_bf16(bf16: 2, bf16: 2) -> bool: 2;
    le_i32(i32: 2, i32: 2) -> bool: 2;
    le_i64(i64: 2, i64: 2) -> bool: 2;
    le_u8(u8: 2, u8: 2) -> bool: 2;
    le_bool(bool: 2, bool: 2) -> bool: 2;
    gt_f32(f32: 2, f32: 2) -> bool: 2;
    gt_f64(f64: 2, f64: 2) -> bool: 2;
    gt_f16(f16: 2, f16: 2) -> bool: 2;
    gt_bf16(bf16: 2, bf16: 2) -> bool: 2;
    gt_i32(i32: 2, i32: 2) -> bool: 2;
    gt_i64(i64: 2, i64: 2) -> bool: 2;
    gt_u8(u8: 2, u8: 2) -> bool: 2;
    gt_bool(bool: 2, bool: 2) -> bool: 2;
    ge_f32(f32: 2, f32: 2) -> bool: 2;
    ge_f64(f64: 2, f64: 2) -> bool: 2;
    ge_f16(f16: 2, f16: 2) -> bool: 2;
    ge_bf16(bf16: 2, bf16: 2) -> bool: 2;
    ge_i32(i32: 2, i32: 2) -> bool: 2;
    ge_i64(i64: 2, i64: 2) -> bool: 2;
    ge_u8(u8: 2, u8: 2) -> bool: 2;
    ge_bool(bool: 2, bool: 2) -> bool: 2;
    bitwise_and_i32(i32: 2, i32: 2) -> i32: 2;
    bitwise_and_i64(i64: 2, i64: 2) -> i64: 2;
    bitwise_and_u8(u8: 2, u8: 2) -> u8: 2;
    bitwise_and_bool(bool: 2, bool: 2) -> bool: 2;
    bitwise_or_i32(i32: 2, i32: 2) -> i32: 2;
    bitwise_or_i64(i64: 2, i64: 2) -> i64: 2;
    bitwise_or_u8(u8: 2, u8: 2) -> u8: 2;
    bitwise_or_bool(bool: 2, bool: 2) -> bool: 2;
    bitwise_xor_i32(i32: 2, i32: 2) -> i32: 2;
    bitwise_xor_i64(i64: 2, i64: 2) -> i64: 2;
    bitwise_xor_u8(u8: 2, u8: 2) -> u8: 2;
    bitwise_xor_bool(bool: 2, bool: 2) -> bool: 2;
    bitwise_not_i32(i32: 2) -> i32: 2;
    bitwise_not_i64(i64: 2) -> i64: 2;
    bitwise_not_u8(u8: 2) -> u8: 2;
    bitwise_not_bool(bool: 2) -> bool: 2;
    left_shift_i32(i32: 2, i32: 2) -> i32: 2;
    left_shift_i64(i64: 2, i64: 2) -> i64: 2;
    left_shift_u8(u8: 2, u8: 2) -> u8: 2;
    right_shift_i32(i32: 2, i32: 2) -> i32: 2;
    right_shift_i64(i64: 2, i64: 2) -> i64: 2;
    right_shift_u8(u8: 2, u8: 2) -> u8: 2;
    philox_i32(i32: 2, i32: 2, i32: 2) -> i32: 2;
    philox_i64(i64: 2, i64: 2, i64: 2) -> i64: 2;
    philox_u8(u8: 2, u8: 2, u8: 2) -> u8: 2;
    isnan_f32(f32: 2) -> bool: 2;
    isnan_f64(f64: 2) -> bool: 2;
    isnan_f16(f16: 2) -> bool: 2;
    isnan_bf16(bf16: 2) -> bool: 2;
    isinf_f32(f32: 2) -> bool: 2;
    isinf_f64(f64: 2) -> bool: 2;
    isinf_f16(f16: 2) -> bool: 2;
    isinf_bf16(bf16: 2) -> bool: 2;
    isfinite_f32(f32: 2) -> bool: 2;
    isfinite_f64(f64: 2) -> bool: 2;
    isfinite_f16(f16: 2) -> bool: 2;
    isfinite_bf16(bf16: 2) -> bool: 2;
    where_f32(bool: 2, f32: 2, f32: 2) -> f32: 2;
    where_f64(bool: 2, f64: 2, f64: 2) -> f64: 2;
    where_f16(bool: 2, f16: 2, f16: 2) -> f16: 2;
    where_bf16(bool: 2, bf16: 2, bf16: 2) -> bf16: 2;
    where_i32(bool: 2, i32: 2, i32: 2) -> i32: 2;
    where_i64(bool: 2, i64: 2, i64: 2) -> i64: 2;
    where_u8(bool: 2, u8: 2, u8: 2) -> u8: 2;
    where_bool(bool: 2, bool: 2, bool: 2) -> bool: 2;
    stop_gradient_f32(f32: 2) -> f32: 2;
    stop_gradient_f64(f64: 2) -> f64: 2;
    stop_gradient_f16(f16: 2) -> f16: 2;
    stop_gradient_bf16(bf16: 2) -> bf16: 2;
    stop_gradient_i32(i32: 2) -> i32: 2;
    stop_gradient_i64(i64: 2) -> i64: 2;
    stop_gradient_u8(u8: 2) -> u8: 2;
    stop_gradient_bool(bool: 2) -> bool: 2;
    with_gradient_f32(f32: 2, f32: 2, f32: 2) -> f32: 2;
    with_gradient_f64(f64: 2, f64: 2, f64: 2) -> f64: 2;
    with_gradient_f16(f16: 2, f16: 2, f16: 2) -> f16: 2;
    with_gradient_bf16(bf16: 2, bf16: 2, bf16: 2) -> bf16: 2;
    fma_f32(f32: 2, f32: 2, f32: 2) -> f32: 2;
    fma_f64(f64: 2, f64: 2, f64: 2) -> f64: 2;
    fma_f16(f16: 2, f16: 2, f16: 2) -> f16: 2;
    fma_bf16(bf16: 2, bf16: 2, bf16: 2) -> bf16: 2;
    sum_f32_0(f32: 2) -> f32: 1;
    sum_f32_1(f32: 2) -> f32: 1;
    sum_f32_all(f32: 2) -> f32: 0;
    sum_f64_0(f64: 2) -> f64: 1;
    sum_f64_1(f64: 2) -> f64: 1;
    sum_f64_all(f64: 2) -> f64: 0;
    sum_f16_0(f16: 2) -> f16: 1;
    sum_f16_1(f16: 2) -> f16: 1;
    sum_f16_all(f16: 2) -> f16: 0;
    sum_bf16_0(bf16: 2) -> bf16: 1;
    sum_bf16_1(bf16: 2) -> bf16: 1;
    sum_bf16_all(bf16: 2) -> bf16: 0;
    sum_i32_0(i32: 2) -> i64: 1;
    sum_i32_1(i32: 2) -> i64: 1;
    sum_i32_all(i32: 2) -> i64: 0;
    sum_i64_0(i64: 2) -> i64: 1;
    sum_i64_1(i64: 2) -> i64: 1;
    sum_i64_all(i64: 2) -> i64: 0;
    sum_u8_0(u8: 2) -> u64: 1;
    sum_u8_1(u8: 2) -> u64: 1;
    sum_u8_all(u8: 2) -> u64: 0;
    sum_bool_0(bool: 2) -> i64: 1;
    sum_bool_1(bool: 2) -> i64: 1;
    sum_bool_all(bool: 2) -> i64: 0;
    prod_f32_0(f32: 2) -> f32: 1;
    prod_f32_1(f32: 2) -> f32: 1;
    prod_f32_all(f32: 2) -> f32: 0;
    prod_f64_0(f64: 2) -> f64: 1;
    prod_f64_1(f64: 2) -> f64: 1;
    prod_f64_all(f64: 2) -> f64: 0;
    prod_f16_0(f16: 2) -> f16: 1;
    prod_f16_1(f16: 2) -> f16: 1;
    prod_f16_all(f16: 2) -> f16: 0;
    prod_bf16_0(bf16: 2) -> bf16: 1;
    prod_bf16_1(bf16: 2) -> bf16: 1;
    prod_bf16_all(bf16: 2) -> bf16: 0;
    prod_i32_0(i32: 2) -> i64: 1;
    prod_i32_1(i32: 2) -> i64: 1;
    prod_i32_all(i32: 2) -> i64: 0;
    prod_i64_0(i64: 2) -> i64: 1;
    prod_i64_1(i64: 2) -> i64: 1;
    prod_i64_all(i64: 2) -> i64: 0;
    prod_u8_0(u8: 2) -> u64: 1;
    prod_u8_1(u8: 2) -> u64: 1;
    prod_u8_all(u8: 2) -> u64: 0;
    prod_bool_0(bool: 2) -> i64: 1;
    prod_bool_1(bool: 2) -> i64: 1;
    prod_bool_all(bool: 2) -> i64: 0;
    max_f32_0(f32: 2) -> f32: 1;
    max_f32_1(f32: 2) -> f32: 1;
    max_f32_all(f32: 2) -> f32: 0;
    max_f64_0(f64: 2) -> f64: 1;
    max_f64_1(f64: 2) -> f64: 1;
    max_f64_all(f64: 2) -> f64: 0;
    max_f16_0(f16: 2) -> f16: 1;
    max_f16_1(f16: 2) -> f16: 1;
    max_f16_all(f16: 2) -> f16: 0;
    max_bf16_0(bf16: 2) -> bf16: 1;
    max_bf16_1(bf16: 2) -> bf16: 1;
    max_bf16_all(bf16: 2) -> bf16: 0;
    max_i32_0(i32: 2) -> i32: 1;
    max_i32_1(i32: 2) -> i32: 1;
    max_i32_all(i32: 2) -> i32: 0;
    max_i64_0(i64: 2) -> i64: 1;
    max_i64_1(i64: 2) -> i64: 1;
    max_i64_all(i64: 2) -> i64: 0;
    max_u8_0(u8: 2) -> u8: 1;
    max_u8_1(u8: 2) -> u8: 1;
    max_u8_all(u8: 2) -> u8: 0;
    max_bool_0(bool: 2) -> bool: 1;
    max_bool_1(bool: 2) -> bool: 1;
    max_bool_all(bool: 2) -> bool: 0;
    min_f32_0(f32: 2) -> f32: 1;
    min_f32_1(f32: 2) -> f32: 1;
    min_f32_all(f32: 2) -> f32: 0;
    min_f64_0(f64: 2) -> f64: 1;
    min_f64_1(f64: 2) -> f64: 1;
    min_f64_all(f64: 2) -> f64: 0;
    min_f16_0(f16: 2) -> f16: 1;
    min_f16_1(f16: 2) -> f16: 1;
    min_f16_all(f16: 2) -> f16: 0;
    min_bf16_0(bf16: 2) -> bf16: 1;
    min_bf16_1(bf16: 2) -> bf16: 1;
    min_bf16_all(bf16: 2) -> bf16: 0;
    min_i32_0(i32: 2) -> i32: 1;
    min_i32_1(i32: 2) -> i32: 1;
    min_i32_all(i32: 2) -> i32: 0;
    min_i64_0(i64: 2) -> i64: 1;
    min_i64_1(i64: 2) -> i64: 1;
    min_i64_all(i64: 2) -> i64: 0;
    min_u8_0(u8: 2) -> u8: 1;
    min_u8_1(u8: 2) -> u8: 1;
    min_u8_all(u8: 2) -> u8: 0;
    min_bool_0(bool: 2) -> bool: 1;
    min_bool_1(bool: 2) -> bool: 1;
    min_bool_all(bool: 2) -> bool: 0;
    any_f32_0(f32: 2) -> bool: 1;
    any_f32_1(f32: 2) -> bool: 1;
    any_f32_all(f32: 2) -> bool: 0;
    any_f64_0(f64: 2) -> bool: 1;
    any_f64_1(f64: 2) -> bool: 1;
    any_f64_all(f64: 2) -> bool: 0;
    any_f16_0(f16: 2) -> bool: 1;
    any_f16_1(f16: 2) -> bool: 1;
    any_f16_all(f16: 2) -> bool: 0;
    any_bf16_0(bf16: 2) -> bool: 1;
    any_bf16_1(bf16: 2) -> bool: 1;
    any_bf16_all(bf16: 2) -> bool: 0;
    any_i32_0(i32: 2) -> bool: 1;
    any_i32_1(i32: 2) -> bool: 1;
    any_i32_all(i32: 2) -> bool: 0;
    any_i64_0(i64: 2) -> bool: 1;
    any_i64_1(i64: 2) -> bool: 1;
    any_i64_all(i64: 2) -> bool: 0;
    any_u8_0(u8: 2) -> bool: 1;
    any_u8_1(u8: 2) -> bool: 1;
    any_u8_all(u8: 2) -> bool: 0;
    any_bool_0(bool: 2) -> bool: 1;
    any_bool_1(bool: 2) -> bool: 1;
    any_bool_all(bool: 2) -> bool: 0;
    all_f32_0(f32: 2) -> bool: 1;
    all_f32_1(f32: 2) -> bool: 1;
    all_f32_all(f32: 2) -> bool: 0;
    all_f64_0(f64: 2) -> bool: 1;
    all_f64_1(f64: 2) -> bool: 1;
    all_f64_all(f64: 2) -> bool: 0;
    all_f16_0(f16: 2) -> bool: 1;
    all_f16_1(f16: 2) -> bool: 1;
    all_f16_all(f16: 2) -> bool: 0;
    all_bf16_0(bf16: 2) -> bool: 1;
    all_bf16_1(bf16: 2) -> bool: 1;
    all_bf16_all(bf16: 2) -> bool: 0;
    all_i32_0(i32: 2) -> bool: 1;
    all_i32_1(i32: 2) -> bool: 1;
    all_i32_all(i32: 2) -> bool: 0;
    all_i64_0(i64: 2) -> bool: 1;
    all_i64_1(i64: 2) -> bool: 1;
    all_i64_all(i64: 2) -> bool: 0;
    all_u8_0(u8: 2) -> bool: 1;
    all_u8_1(u8: 2) -> bool: 1;
    all_u8_all(u8: 2) -> bool: 0;
    all_bool_0(bool: 2) -> bool: 1;
    all_bool_1(bool: 2) -> bool: 1;
    all_bool_all(bool: 2) -> bool: 0;
    argmax_f32_0(f32: 2) -> i64: 1;
    argmax_f32_1(f32: 2) -> i64: 1;
    argmax_f32_all(f32: 2) -> i64: 0;
    argmax_f64_0(f64: 2) -> i64: 1;
    argmax_f64_1(f64: 2) -> i64: 1;
    argmax_f64_all(f64: 2) -> i64: 0;
    argmax_f16_0(f16: 2) -> i64: 1;
    argmax_f16_1(f16: 2) -> i64: 1;
    argmax_f16_all(f16: 2) -> i64: 0;
    argmax_bf16_0(bf16: 2) -> i64: 1;
    argmax_bf16_1(bf16: 2) -> i64: 1;
    argmax_bf16_all(bf16: 2) -> i64: 0;
    argmax_i32_0(i32: 2) -> i64: 1;
    argmax_i32_1(i32: 2) -> i64: 1;
    argmax_i32_all(i32: 2) -> i64: 0;
    argmax_i64_0(i64: 2) -> i64: 1;
    argmax_i64_1(i64: 2) -> i64: 1;
    argmax_i64_all(i64: 2) -> i64: 0;
    argmax_u8_0(u8: 2) -> i64: 1;
    argmax_u8_1(u8: 2) -> i64: 1;
    argmax_u8_all(u8: 2) -> i64: 0;
    argmax_bool_0(bool: 2) -> i64: 1;
    argmax_bool_1(bool: 2) -> i64: 1;
    argmax_bool_all(bool: 2) -> i64: 0;
    argmin_f32_0(f32: 2) -> i64: 1;
    argmin_f32_1(f32: 2) -> i64: 1;
    argmin_f32_all(f32: 2) -> i64: 0;
    argmin_f64_0(f64: 2) -> i64: 1;
    argmin_f64_1(f64: 2) -> i64: 1;
    argmin_f64_all(f64: 2) -> i64: 0;
    argmin_f16_0(f16: 2) -> i64: 1;
    argmin_f16_1(f16: 2) -> i64: 1;
    argmin_f16_all(f16: 2) -> i64: 0;
    argmin_bf16_0(bf16: 2) -> i64: 1;
    argmin_bf16_1(bf16: 2) -> i64: 1;
    argmin_bf16_all(bf16: 2) -> i64: 0;
    argmin_i32_0(i32: 2) -> i64: 1;
    argmin_i32_1(i32: 2) -> i64: 1;
    argmin_i32_all(i32: 2) -> i64: 0;
    argmin_i64_0(i64: 2) -> i64: 1;
    argmin_i64_1(i64: 2) -> i64: 1;
    argmin_i64_all(i64: 2) -> i64: 0;
    argmin_u8_0(u8: 2) -> i64: 1;
    argmin_u8_1(u8: 2) -> i64: 1;
    argmin_u8_all(u8: 2) -> i64: 0;
    argmin_bool_0(bool: 2) -> i64: 1;
    argmin_bool_1(bool: 2) -> i64: 1;
    argmin_bool_all(bool: 2) -> i64: 0;
    astype_f32_f64(f32: 2) -> f64: 2;
    astype_f32_f16(f32: 2) -> f16: 2;
    astype_f32_bf16(f32: 2) -> bf16: 2;
    astype_f32_i32(f32: 2) -> i32: 2;
    astype_f32_i64(f32: 2) -> i64: 2;
    astype_f32_u8(f32: 2) -> u8: 2;
    astype_f32_bool(f32: 2) -> bool: 2;
    astype_f64_f32(f64: 2) -> f32: 2;
    astype_f64_f16(f64: 2) -> f16: 2;
    astype_f64_bf16(f64: 2) -> bf16: 2;
    astype_f64_i32(f64: 2) -> i32: 2;
    astype_f64_i64(f64: 2) -> i64: 2;
    astype_f64_u8(f64: 2) -> u8: 2;
    astype_f64_bool(f64: 2) -> bool: 2;
    astype_f16_f32(f16: 2) -> f32: 2;
    astype_f16_f64(f16: 2) -> f64: 2;
    astype_f16_bf16(f16: 2) -> bf16: 2;
    astype_f16_i32(f16: 2) -> i32: 2;
    astype_f16_i64(f16: 2) -> i64: 2;
    astype_f16_u8(f16: 2) -> u8: 2;
    astype_f16_bool(f16: 2) -> bool: 2;
    astype_bf16_f32(bf16: 2) -> f32: 2;
    astype_bf16_f64(bf16: 2) -> f64: 2;
    astype_bf16_f16(bf16: 2) -> f16: 2;
    astype_bf16_i32(bf16: 2) -> i32: 2;
    astype_bf16_i64(bf16: 2) -> i64: 2;
    astype_bf16_u8(bf16: 2) -> u8: 2;
    astype_bf16_bool(bf16: 2) -> bool: 2;
    astype_i32_f32(i32: 2) -> f32: 2;
    astype_i32_f64(i32: 2) -> f64: 2;
    astype_i32_f16(i32: 2) -> f16: 2;
    astype_i32_bf16(i32: 2) -> bf16: 2;
    astype_i32_i64(i32: 2) -> i64: 2;
    astype_i32_u8(i32: 2) -> u8: 2;
    astype_i32_bool(i32: 2) -> bool: 2;
    astype_i64_f32(i64: 2) -> f32: 2;
    astype_i64_f64(i64: 2) -> f64: 2;
    astype_i64_f16(i64: 2) -> f16: 2;
    astype_i64_bf16(i64: 2) -> bf16: 2;
    astype_i64_i32(i64: 2) -> i32: 2;
    astype_i64_u8(i64: 2) -> u8: 2;
    astype_i64_bool(i64: 2) -> bool: 2;
    astype_u8_f32(u8: 2) -> f32: 2;
    astype_u8_f64(u8: 2) -> f64: 2;
    astype_u8_f16(u8: 2) -> f16: 2;
    astype_u8_bf16(u8: 2) -> bf16: 2;
    astype_u8_i32(u8: 2) -> i32: 2;
    astype_u8_i64(u8: 2) -> i64: 2;
    astype_u8_bool(u8: 2) -> bool: 2;
    astype_bool_f32(bool: 2) -> f32: 2;
    astype_bool_f64(bool: 2) -> f64: 2;
    astype_bool_f16(bool: 2) -> f16: 2;
    astype_bool_bf16(bool: 2) -> bf16: 2;
    astype_bool_i32(bool: 2) -> i32: 2;
    astype_bool_i64(bool: 2) -> i64: 2;
    astype_bool_u8(bool: 2) -> u8: 2;
    relu_f32(f32: 2) -> f32: 2;
    clip_f32(f32: 2) -> f32: 2;
    gelu_f32(f32: 2) -> f32: 2;
    gelu_tanh_f32(f32: 2) -> f32: 2;
    silu_f32(f32: 2) -> f32: 2;
    softplus_f32(f32: 2) -> f32: 2;
    elu_f32(f32: 2) -> f32: 2;
    mish_f32(f32: 2) -> f32: 2;
    hypot_f32(f32: 2, f32: 2) -> f32: 2;
    logaddexp_f32(f32: 2, f32: 2) -> f32: 2;
    lerp_f32(f32: 2, f32: 2, f32: 2) -> f32: 2;
    row_broadcast_f32(f32: 2, f32: 1) -> f32: 2;
    column_broadcast_f32(f32: 2, f32: 2) -> f32: 2;
    scalar_broadcast_f32(f32: 2, f32: 0) -> f32: 2;
    outer_sum_f32(f32: 1, f32: 1) -> f32: 2;
    zero_d_f32(f32: 0, f32: 0) -> f32: 0;
    rank_1_f32(f32: 1, f32: 1) -> f32: 1;
    softmax_f32(f32: 2) -> f32: 2;
    softmax_0_f32(f32: 2) -> f32: 2;
    softmax_3d_f32(f32: 3) -> f32: 3;
    log_softmax_f32(f32: 2) -> f32: 2;
    logsumexp_f32(f32: 2) -> f32: 1;
    mean_0_f32(f32: 2) -> f32: 1;
    mean_1_f32(f32: 2) -> f32: 1;
    mean_all_f32(f32: 2) -> f32: 0;
    mean_3d_f32(f32: 3) -> f32: 1;
    var_0_f32(f32: 2) -> f32: 1;
    var_1_f32(f32: 2) -> f32: 1;
    std_1_f32(f32: 2) -> f32: 1;
    std_all_f32(f32: 2) -> f32: 0;
    layer_norm_f32(f32: 2, f32: 1, f32: 1) -> f32: 2;
    rms_norm_f32(f32: 2, f32: 1) -> f32: 2;
    norm_1_f32(f32: 2) -> f32: 1;
    mse_f32(f32: 2, f32: 2) -> f32: 0;
    zero_d_sum_f32(f32: 0) -> f32: 0;
    center_0_f32(f32: 2) -> f32: 2;
    scaled_by_max_f32(f32: 2) -> f32: 2;
    sum_of_transposed_f32(f32: 2) -> f32: 1;
    sum_3d_1_f32(f32: 3) -> f32: 2;
    sum_3d_02_f32(f32: 3) -> f32: 1;
    max_3d_0_f32(f32: 3) -> f32: 2;
    two_passes_f32(f32: 2) -> f32: 2;
    sum_of_flipped_f32(f32: 2) -> f32: 1;
    relu_f64(f64: 2) -> f64: 2;
    clip_f64(f64: 2) -> f64: 2;
    gelu_f64(f64: 2) -> f64: 2;
    gelu_tanh_f64(f64: 2) -> f64: 2;
    silu_f64(f64: 2) -> f64: 2;
    softplus_f64(f64: 2) -> f64: 2;
    elu_f64(f64: 2) -> f64: 2;
    mish_f64(f64: 2) -> f64: 2;
    hypot_f64(f64: 2, f64: 2) -> f64: 2;
    logaddexp_f64(f64: 2, f64: 2) -> f64: 2;
    lerp_f64(f64: 2, f64: 2, f64: 2) -> f64: 2;
    row_broadcast_f64(f64: 2, f64: 1) -> f64: 2;
    column_broadcast_f64(f64: 2, f64: 2) -> f64: 2;
    scalar_broadcast_f64(f64: 2, f64: 0) -> f64: 2;
    outer_sum_f64(f64: 1, f64: 1) -> f64: 2;
    zero_d_f64(f64: 0, f64: 0) -> f64: 0;
    rank_1_f64(f64: 1, f64: 1) -> f64: 1;
    softmax_f64(f64: 2) -> f64: 2;
    softmax_0_f64(f64: 2) -> f64: 2;
    softmax_3d_f64(f64: 3) -> f64: 3;
    log_softmax_f64(f64: 2) -> f64: 2;
    logsumexp_f64(f64: 2) -> f64: 1;
    mean_0_f64(f64: 2) -> f64: 1;
    mean_1_f64(f64: 2) -> f64: 1;
    mean_all_f64(f64: 2) -> f64: 0;
    mean_3d_f64(f64: 3) -> f64: 1;
    var_0_f64(f64: 2) -> f64: 1;
    var_1_f64(f64: 2) -> f64: 1;
    std_1_f64(f64: 2) -> f64: 1;
    std_all_f64(f64: 2) -> f64: 0;
    layer_norm_f64(f64: 2, f64: 1, f64: 1) -> f64: 2;
    rms_norm_f64(f64: 2, f64: 1) -> f64: 2;
    norm_1_f64(f64: 2) -> f64: 1;
    mse_f64(f64: 2, f64: 2) -> f64: 0;
    zero_d_sum_f64(f64: 0) -> f64: 0;
    center_0_f64(f64: 2) -> f64: 2;
    scaled_by_max_f64(f64: 2) -> f64: 2;
    sum_of_transposed_f64(f64: 2) -> f64: 1;
    sum_3d_1_f64(f64: 3) -> f64: 2;
    sum_3d_02_f64(f64: 3) -> f64: 1;
    max_3d_0_f64(f64: 3) -> f64: 2;
    two_passes_f64(f64: 2) -> f64: 2;
    sum_of_flipped_f64(f64: 2) -> f64: 1;
    relu_f16(f16: 2) -> f16: 2;
    clip_f16(f16: 2) -> f16: 2;
    gelu_f16(f16: 2) -> f16: 2;
    gelu_tanh_f16(f16: 2) -> f16: 2;
    silu_f16(f16: 2) -> f16: 2;
    softplus_f16(f16: 2) -> f16: 2;
    elu_f16(f16: 2) -> f16: 2;
    mish_f16(f16: 2) -> f16: 2;
    hypot_f16(f16: 2, f16: 2) -> f16: 2;
    logaddexp_f16(f16: 2, f16: 2) -> f16: 2;
    lerp_f16(f16: 2, f16: 2, f16: 2) -> f16: 2;
    row_broadcast_f16(f16: 2, f16: 1) -> f16: 2;
    column_broadcast_f16(f16: 2, f16: 2) -> f16: 2;
    scalar_broadcast_f16(f16: 2, f16: 0) -> f16: 2;
    outer_sum_f16(f16: 1, f16: 1) -> f16: 2;
    zero_d_f16(f16: 0, f16: 0) -> f16: 0;
    rank_1_f16(f16: 1, f16: 1) -> f16: 1;
    softmax_f16(f16: 2) -> f16: 2;
    softmax_0_f16(f16: 2) -> f16: 2;
    softmax_3d_f16(f16: 3) -> f16: 3;
    log_softmax_f16(f16: 2) -> f16: 2;
    logsumexp_f16(f16: 2) -> f16: 1;
    mean_0_f16(f16: 2) -> f16: 1;
    mean_1_f16(f16: 2) -> f16: 1;
    mean_all_f16(f16: 2) -> f16: 0;
    mean_3d_f16(f16: 3) -> f16: 1;
    var_0_f16(f16: 2) -> f16: 1;
    var_1_f16(f16: 2) -> f16: 1;
    std_1_f16(f16: 2) -> f16: 1;
    std_all_f16(f16: 2) -> f16: 0;
    layer_norm_f16(f16: 2, f16: 1, f16: 1) -> f16: 2;
    rms_norm_f16(f16: 2, f16: 1) -> f16: 2;
    norm_1_f16(f16: 2) -> f16: 1;
    mse_f16(f16: 2, f16: 2) -> f16: 0;
    zero_d_sum_f16(f16: 0) -> f16: 0;
    center_0_f16(f16: 2) -> f16: 2;
    scaled_by_max_f16(f16: 2) -> f16: 2;
    sum_of_transposed_f16(f16: 2) -> f16: 1;
    sum_3d_1_f16(f16: 3) -> f16: 2;
    sum_3d_02_f16(f16: 3) -> f16: 1;
    max_3d_0_f16(f16: 3) -> f16: 2;
    two_passes_f16(f16: 2) -> f16: 2;
    sum_of_flipped_f16(f16: 2) -> f16: 1;
    relu_bf16(bf16: 2) -> bf16: 2;
    clip_bf16(bf16: 2) -> bf16: 2;
    gelu_bf16(bf16: 2) -> bf16: 2;
    gelu_tanh_bf16(bf16: 2) -> bf16: 2;
    silu_bf16(bf16: 2) -> bf16: 2;
    softplus_bf16(bf16: 2) -> bf16: 2;
    elu_bf16(bf16: 2) -> bf16: 2;
    mish_bf16(bf16: 2) -> bf16: 2;
    hypot_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    logaddexp_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    lerp_bf16(bf16: 2, bf16: 2, bf16: 2) -> bf16: 2;
    row_broadcast_bf16(bf16: 2, bf16: 1) -> bf16: 2;
    column_broadcast_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    scalar_broadcast_bf16(bf16: 2, bf16: 0) -> bf16: 2;
    outer_sum_bf16(bf16: 1, bf16: 1) -> bf16: 2;
    zero_d_bf16(bf16: 0, bf16: 0) -> bf16: 0;
    rank_1_bf16(bf16: 1, bf16: 1) -> bf16: 1;
    softmax_bf16(bf16: 2) -> bf16: 2;
    softmax_0_bf16(bf16: 2) -> bf16: 2;
    softmax_3d_bf16(bf16: 3) -> bf16: 3;
    log_softmax_bf16(bf16: 2) -> bf16: 2;
    logsumexp_bf16(bf16: 2) -> bf16: 1;
    mean_0_bf16(bf16: 2) -> bf16: 1;
    mean_1_bf16(bf16: 2) -> bf16: 1;
    mean_all_bf16(bf16: 2) -> bf16: 0;
    mean_3d_bf16(bf16: 3) -> bf16: 1;
    var_0_bf16(bf16: 2) -> bf16: 1;
    var_1_bf16(bf16: 2) -> bf16: 1;
    std_1_bf16(bf16: 2) -> bf16: 1;
    std_all_bf16(bf16: 2) -> bf16: 0;
    layer_norm_bf16(bf16: 2, bf16: 1, bf16: 1) -> bf16: 2;
    rms_norm_bf16(bf16: 2, bf16: 1) -> bf16: 2;
    norm_1_bf16(bf16: 2) -> bf16: 1;
    mse_bf16(bf16: 2, bf16: 2) -> bf16: 0;
    zero_d_sum_bf16(bf16: 0) -> bf16: 0;
    center_0_bf16(bf16: 2) -> bf16: 2;
    scaled_by_max_bf16(bf16: 2) -> bf16: 2;
    sum_of_transposed_bf16(bf16: 2) -> bf16: 1;
    sum_3d_1_bf16(bf16: 3) -> bf16: 2;
    sum_3d_02_bf16(bf16: 3) -> bf16: 1;
    max_3d_0_bf16(bf16: 3) -> bf16: 2;
    two_passes_bf16(bf16: 2) -> bf16: 2;
    sum_of_flipped_bf16(bf16: 2) -> bf16: 1;
    copy_f32(f32: 2) -> f32: 2;
    transpose_f32(f32: 2) -> f32: 2;
    permute_3d_f32(f32: 3) -> f32: 3;
    flip_f32(f32: 2) -> f32: 2;
    flip_1_f32(f32: 2) -> f32: 2;
    roll_1_f32(f32: 2) -> f32: 2;
    roll_flat_f32(f32: 2) -> f32: 2;
    stack_f32(f32: 2, f32: 2) -> f32: 3;
    concatenate_0_f32(f32: 2, f32: 2) -> f32: 2;
    concatenate_1_f32(f32: 2, f32: 2) -> f32: 2;
    pad_f32(f32: 2) -> f32: 2;
    flatten_f32(f32: 2) -> f32: 1;
    reshape_transposed_f32(f32: 2) -> f32: 1;
    tile_f32(f32: 2) -> f32: 2;
    repeat_1_f32(f32: 2) -> f32: 2;
    broadcast_f32(f32: 1) -> f32: 2;
    reversed_step_f32(f32: 2) -> f32: 2;
    take_rows_f32(f32: 2) -> f32: 2;
    take_columns_f32(f32: 2) -> f32: 2;
    take_flat_f32(f32: 2) -> f32: 2;
    take_along_f32(f32: 2) -> f32: 2;
    take_along_0_f32(f32: 2) -> f32: 2;
    take_3d_f32(f32: 3) -> f32: 4;
    every_other_f32(f32: 2) -> f32: 2;
    copy_bf16(bf16: 2) -> bf16: 2;
    transpose_bf16(bf16: 2) -> bf16: 2;
    permute_3d_bf16(bf16: 3) -> bf16: 3;
    flip_bf16(bf16: 2) -> bf16: 2;
    flip_1_bf16(bf16: 2) -> bf16: 2;
    roll_1_bf16(bf16: 2) -> bf16: 2;
    roll_flat_bf16(bf16: 2) -> bf16: 2;
    stack_bf16(bf16: 2, bf16: 2) -> bf16: 3;
    concatenate_0_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    concatenate_1_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    pad_bf16(bf16: 2) -> bf16: 2;
    flatten_bf16(bf16: 2) -> bf16: 1;
    reshape_transposed_bf16(bf16: 2) -> bf16: 1;
    tile_bf16(bf16: 2) -> bf16: 2;
    repeat_1_bf16(bf16: 2) -> bf16: 2;
    broadcast_bf16(bf16: 1) -> bf16: 2;
    reversed_step_bf16(bf16: 2) -> bf16: 2;
    take_rows_bf16(bf16: 2) -> bf16: 2;
    take_columns_bf16(bf16: 2) -> bf16: 2;
    take_flat_bf16(bf16: 2) -> bf16: 2;
    take_along_bf16(bf16: 2) -> bf16: 2;
    take_along_0_bf16(bf16: 2) -> bf16: 2;
    take_3d_bf16(bf16: 3) -> bf16: 4;
    every_other_bf16(bf16: 2) -> bf16: 2;
    copy_i32(i32: 2) -> i32: 2;
    transpose_i32(i32: 2) -> i32: 2;
    permute_3d_i32(i32: 3) -> i32: 3;
    flip_i32(i32: 2) -> i32: 2;
    flip_1_i32(i32: 2) -> i32: 2;
    roll_1_i32(i32: 2) -> i32: 2;
    roll_flat_i32(i32: 2) -> i32: 2;
    stack_i32(i32: 2, i32: 2) -> i32: 3;
    concatenate_0_i32(i32: 2, i32: 2) -> i32: 2;
    concatenate_1_i32(i32: 2, i32: 2) -> i32: 2;
    pad_i32(i32: 2) -> i32: 2;
    flatten_i32(i32: 2) -> i32: 1;
    reshape_transposed_i32(i32: 2) -> i32: 1;
    tile_i32(i32: 2) -> i32: 2;
    repeat_1_i32(i32: 2) -> i32: 2;
    broadcast_i32(i32: 1) -> i32: 2;
    reversed_step_i32(i32: 2) -> i32: 2;
    take_rows_i32(i32: 2) -> i32: 2;
    take_columns_i32(i32: 2) -> i32: 2;
    take_flat_i32(i32: 2) -> i32: 2;
    take_along_i32(i32: 2) -> i32: 2;
    take_along_0_i32(i32: 2) -> i32: 2;
    take_3d_i32(i32: 3) -> i32: 4;
    every_other_i32(i32: 2) -> i32: 2;
    copy_u8(u8: 2) -> u8: 2;
    transpose_u8(u8: 2) -> u8: 2;
    permute_3d_u8(u8: 3) -> u8: 3;
    flip_u8(u8: 2) -> u8: 2;
    flip_1_u8(u8: 2) -> u8: 2;
    roll_1_u8(u8: 2) -> u8: 2;
    roll_flat_u8(u8: 2) -> u8: 2;
    stack_u8(u8: 2, u8: 2) -> u8: 3;
    concatenate_0_u8(u8: 2, u8: 2) -> u8: 2;
    concatenate_1_u8(u8: 2, u8: 2) -> u8: 2;
    pad_u8(u8: 2) -> u8: 2;
    flatten_u8(u8: 2) -> u8: 1;
    reshape_transposed_u8(u8: 2) -> u8: 1;
    tile_u8(u8: 2) -> u8: 2;
    repeat_1_u8(u8: 2) -> u8: 2;
    broadcast_u8(u8: 1) -> u8: 2;
    reversed_step_u8(u8: 2) -> u8: 2;
    take_rows_u8(u8: 2) -> u8: 2;
    take_columns_u8(u8: 2) -> u8: 2;
    take_flat_u8(u8: 2) -> u8: 2;
    take_along_u8(u8: 2) -> u8: 2;
    take_along_0_u8(u8: 2) -> u8: 2;
    take_3d_u8(u8: 3) -> u8: 4;
    every_other_u8(u8: 2) -> u8: 2;
    copy_bool(bool: 2) -> bool: 2;
    transpose_bool(bool: 2) -> bool: 2;
    permute_3d_bool(bool: 3) -> bool: 3;
    flip_bool(bool: 2) -> bool: 2;
    flip_1_bool(bool: 2) -> bool: 2;
    roll_1_bool(bool: 2) -> bool: 2;
    roll_flat_bool(bool: 2) -> bool: 2;
    stack_bool(bool: 2, bool: 2) -> bool: 3;
    concatenate_0_bool(bool: 2, bool: 2) -> bool: 2;
    concatenate_1_bool(bool: 2, bool: 2) -> bool: 2;
    pad_bool(bool: 2) -> bool: 2;
    flatten_bool(bool: 2) -> bool: 1;
    reshape_transposed_bool(bool: 2) -> bool: 1;
    tile_bool(bool: 2) -> bool: 2;
    repeat_1_bool(bool: 2) -> bool: 2;
    broadcast_bool(bool: 1) -> bool: 2;
    reversed_step_bool(bool: 2) -> bool: 2;
    take_rows_bool(bool: 2) -> bool: 2;
    take_columns_bool(bool: 2) -> bool: 2;
    take_flat_bool(bool: 2) -> bool: 2;
    take_along_bool(bool: 2) -> bool: 2;
    take_along_0_bool(bool: 2) -> bool: 2;
    take_3d_bool(bool: 3) -> bool: 4;
    every_other_bool(bool: 2) -> bool: 2;
    matmul_f32(f32: 2, f32: 2) -> f32: 2;
    matmul_transposed_f32(f32: 2, f32: 2) -> f32: 2;
    matvec_f32(f32: 2, f32: 1) -> f32: 1;
    vecmat_f32(f32: 1, f32: 2) -> f32: 1;
    vecdot_f32(f32: 1, f32: 1) -> f32: 0;
    matmul_batch_f32(f32: 3, f32: 3) -> f32: 3;
    matmul_epilogue_f32(f32: 2, f32: 2, f32: 1) -> f32: 2;
    segment_sum_f32(f32: 2) -> f32: 2;
    segment_sum_2d_f32(f32: 2) -> f32: 1;
    index_add_f32(f32: 2, f32: 2) -> f32: 2;
    index_add_1_f32(f32: 2, f32: 2) -> f32: 2;
    matmul_prologue_f32(f32: 2, f32: 2) -> f32: 2;
    matmul_f64(f64: 2, f64: 2) -> f64: 2;
    matmul_transposed_f64(f64: 2, f64: 2) -> f64: 2;
    matvec_f64(f64: 2, f64: 1) -> f64: 1;
    vecmat_f64(f64: 1, f64: 2) -> f64: 1;
    vecdot_f64(f64: 1, f64: 1) -> f64: 0;
    matmul_batch_f64(f64: 3, f64: 3) -> f64: 3;
    matmul_epilogue_f64(f64: 2, f64: 2, f64: 1) -> f64: 2;
    segment_sum_f64(f64: 2) -> f64: 2;
    segment_sum_2d_f64(f64: 2) -> f64: 1;
    index_add_f64(f64: 2, f64: 2) -> f64: 2;
    index_add_1_f64(f64: 2, f64: 2) -> f64: 2;
    matmul_prologue_f64(f64: 2, f64: 2) -> f64: 2;
    matmul_f16(f16: 2, f16: 2) -> f16: 2;
    matmul_transposed_f16(f16: 2, f16: 2) -> f16: 2;
    matvec_f16(f16: 2, f16: 1) -> f16: 1;
    vecmat_f16(f16: 1, f16: 2) -> f16: 1;
    vecdot_f16(f16: 1, f16: 1) -> f16: 0;
    matmul_batch_f16(f16: 3, f16: 3) -> f16: 3;
    matmul_epilogue_f16(f16: 2, f16: 2, f16: 1) -> f16: 2;
    segment_sum_f16(f16: 2) -> f16: 2;
    segment_sum_2d_f16(f16: 2) -> f16: 1;
    index_add_f16(f16: 2, f16: 2) -> f16: 2;
    index_add_1_f16(f16: 2, f16: 2) -> f16: 2;
    matmul_prologue_f16(f16: 2, f16: 2) -> f16: 2;
    matmul_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    matmul_transposed_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    matvec_bf16(bf16: 2, bf16: 1) -> bf16: 1;
    vecmat_bf16(bf16: 1, bf16: 2) -> bf16: 1;
    vecdot_bf16(bf16: 1, bf16: 1) -> bf16: 0;
    matmul_batch_bf16(bf16: 3, bf16: 3) -> bf16: 3;
    matmul_epilogue_bf16(bf16: 2, bf16: 2, bf16: 1) -> bf16: 2;
    segment_sum_bf16(bf16: 2) -> bf16: 2;
    segment_sum_2d_bf16(bf16: 2) -> bf16: 1;
    index_add_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    index_add_1_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    matmul_prologue_bf16(bf16: 2, bf16: 2) -> bf16: 2;
    matmul_i32(i32: 2, i32: 2) -> i32: 2;
    matmul_transposed_i32(i32: 2, i32: 2) -> i32: 2;
    matvec_i32(i32: 2, i32: 1) -> i32: 1;
    vecmat_i32(i32: 1, i32: 2) -> i32: 1;
    vecdot_i32(i32: 1, i32: 1) -> i32: 0;
    matmul_batch_i32(i32: 3, i32: 3) -> i32: 3;
    matmul_epilogue_i32(i32: 2, i32: 2, i32: 1) -> i32: 2;
    segment_sum_i32(i32: 2) -> i32: 2;
    segment_sum_2d_i32(i32: 2) -> i32: 1;
    index_add_i32(i32: 2, i32: 2) -> i32: 2;
    index_add_1_i32(i32: 2, i32: 2) -> i32: 2;
    matmul_prologue_i32(i32: 2, i32: 2) -> i32: 2;
    matmul_i64(i64: 2, i64: 2) -> i64: 2;
    matmul_transposed_i64(i64: 2, i64: 2) -> i64: 2;
    matvec_i64(i64: 2, i64: 1) -> i64: 1;
    vecmat_i64(i64: 1, i64: 2) -> i64: 1;
    vecdot_i64(i64: 1, i64: 1) -> i64: 0;
    matmul_batch_i64(i64: 3, i64: 3) -> i64: 3;
    matmul_epilogue_i64(i64: 2, i64: 2, i64: 1) -> i64: 2;
    segment_sum_i64(i64: 2) -> i64: 2;
    segment_sum_2d_i64(i64: 2) -> i64: 1;
    index_add_i64(i64: 2, i64: 2) -> i64: 2;
    index_add_1_i64(i64: 2, i64: 2) -> i64: 2;
    matmul_prologue_i64(i64: 2, i64: 2) -> i64: 2;
}
