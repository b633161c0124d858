//! Snapshots of kernels, from their text form.

mod pretty;

use super::kernel::{On, kernel};
use crate::kernel::parse::parse;
use crate::loops::lower::lower;

fn rust(text: &str) -> String {
    let parsed = parse(text).unwrap_or_else(|why| panic!("{why}"));
    crate::kernel::verify::verify(&parsed).unwrap_or_else(|why| panic!("{why}"));
    kernel(0, &lower(&parsed), On::Memory, false)
}

/// A snapshot holds the text alone.
fn shown() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings
}

macro_rules! snapshots {
    ($($name:ident: $text:literal;)*) => {$(
        #[test]
        fn $name() {
            shown().bind(|| insta::assert_snapshot!(rust($text)));
        }
    )*};
}

snapshots! {
    softmax: "kernel
      par p0
      red r0
      in x : f32[2]
      out y : f32[2]
      %0 = load x[p0, r0] : f32
      %1 = max %0 : f32
      %2 = sub %0, %1 : f32
      %3 = exp %2 : f32
      %4 = sum %3 : f32
      %5 = div %3, %4 : f32
      store y[p0, r0] = %5";
    gelu_chain: "kernel
      par p0, p1
      in x : f32[2]
      in w : f32[1]
      in b : f32[1]
      out y : f32[2]
      %0 = load x[p0, p1] : f32
      %1 = load w[p1] : f32
      %2 = load b[p1] : f32
      %3 = mul %0, %1 : f32
      %4 = add %3, %2 : f32
      %5 = const 0.044715 : f32
      %6 = mul %4, %4 : f32
      %7 = mul %6, %4 : f32
      %8 = mul %5, %7 : f32
      %9 = add %4, %8 : f32
      %10 = const 0.7978846 : f32
      %11 = mul %10, %9 : f32
      %12 = tanh %11 : f32
      %13 = const 1.0 : f32
      %14 = add %13, %12 : f32
      %15 = const 0.5 : f32
      %16 = mul %15, %4 : f32
      %17 = mul %16, %14 : f32
      store y[p0, p1] = %17";
    column_sum: "kernel
      par p0
      red r0
      in x : f32[2]
      out y : f32[1]
      %0 = load x[r0, p0] : f32
      %1 = sum %0 : f32
      store y[p0] = %1";
    layer_norm: "kernel
      sizes s0
      par p0
      red r0
      in x : f32[2]
      in w : f32[1]
      in n : f32[0]
      out y : f32[2]
      %0 = load x[p0, r0] : f32
      %1 = sum %0 : f32
      %2 = index s0 : i64
      %3 = cast %2 : f32
      %4 = div %1, %3 : f32
      %5 = sub %0, %4 : f32
      %6 = mul %5, %5 : f32
      %7 = sum %6 : f32
      %8 = div %7, %3 : f32
      %9 = load n[] : f32
      %10 = add %8, %9 : f32
      %11 = rsqrt %10 : f32
      %12 = mul %5, %11 : f32
      %13 = load w[r0] : f32
      %14 = mul %12, %13 : f32
      store y[p0, r0] = %14";
    depthwise_channels_last: "kernel
      sizes s0, s1
      par p0, p1, p2, p3
      red r0 < 3, r1 < 3
      in x : f32[4]
      in w : f32[3]
      in b : f32[1]
      out y : f32[4]
      %0 = load x[p0, p1 + r0 - 1, p2 + r1 - 1, p3] if 0 <= p1 + r0 - 1 < s0 and 0 <= p2 + r1 - 1 < s1 else 0.0 : f32
      %1 = load w[r0, r1, p3] : f32
      %2 = mul %0, %1 : f32
      %3 = sum %2 : f32
      %4 = load b[p3] : f32
      %5 = add %3, %4 : f32
      %6 = const 0.0 : f32
      %7 = maximum %5, %6 : f32
      store y[p0, p1, p2, p3] = %7";
    depthwise_channels_first: "kernel
      sizes s0, s1
      par p0, p1, p2
      red r0 < 2, r1 < 2
      in x : f32[3]
      in w : f32[3]
      out y : f32[3]
      %0 = load x[p0, 2*p1 + r0, 2*p2 + r1 - 1] if 0 <= 2*p2 + r1 - 1 < s1 else 0.0 : f32
      %1 = load w[p0, r0, r1] : f32
      %2 = mul %0, %1 : f32
      %3 = sum %2 : f32
      store y[p0, p1, p2] = %3";
    max_pool: "kernel
      par p0, p1
      red r0 < 2
      in x : f32[2]
      out y : f32[2]
      %0 = load x[2*p0 + r0, p1] : f32
      %1 = max %0 : f32
      store y[p0, p1] = %1";
    softmax_of_two_planes: "kernel
      par p0
      red r0 < 2
      in x : f32[2]
      out y : f32[2]
      %0 = load x[r0, p0] : f32
      %1 = max %0 : f32
      %2 = sub %0, %1 : f32
      %3 = exp %2 : f32
      %4 = sum %3 : f32
      %5 = div %3, %4 : f32
      store y[r0, p0] = %5";
    column_softmax: "kernel
      par p0
      red r0
      in x : f32[2]
      in w : f32[1]
      out y : f32[2]
      %0 = load x[r0, p0] : f32
      %1 = load w[p0] : f32
      %2 = exp %1 : f32
      %3 = mul %0, %2 : f32
      %4 = max %3 : f32
      %5 = sub %3, %4 : f32
      %6 = exp %5 : f32
      %7 = sum %6 : f32
      %8 = div %6, %7 : f32
      store y[r0, p0] = %8";
    argmax: "kernel
      par p0
      red r0
      in x : f32[2]
      out y : i64[1]
      %0 = load x[p0, r0] : f32
      %1 = argmax %0 : i64
      store y[p0] = %1";
    any_equal: "kernel
      red r0
      in x : i32[1]
      in y : i32[0]
      out z : bool[0]
      %0 = load x[r0] : i32
      %1 = load y[] : i32
      %2 = eq %0, %1 : bool
      %3 = any %2 : bool
      store z[] = %3";
    casts: "kernel
      par p0, p1, p2
      in x : u8[3]
      out y : f32[3]
      %0 = load x[p1, p2, p0] : u8
      %1 = cast %0 : f32
      %2 = const 255.0 : f32
      %3 = div %1, %2 : f32
      store y[p0, p1, p2] = %3";
    triangle: "kernel
      sizes s0
      par p0, p1
      in x : f32[2]
      out y : f32[2]
      %0 = load x[p0, p1] : f32
      %1 = inside 0 <= p0 - p1 < s0 : bool
      %2 = const 0.0 : f32
      %3 = where %1, %0, %2 : f32
      store y[p0, p1] = %3";
    upsampled: "kernel
      sizes s0
      par p0
      in x : f32[1]
      out y : f32[1]
      %0 = load x[(p0 / 2)] : f32
      %1 = load x[(p0 / 3) - 1] if 0 <= (p0 / 3) - 1 < s0 else nan : f32
      %2 = add %0, %1 : f32
      %3 = index 2*p0 + 1 : i64
      %4 = cast %3 : f32
      %5 = add %2, %4 : f32
      store y[p0] = %5";
    scalar: "kernel
      in x : f32[0]
      in y : f32[0]
      out z : f32[0]
      %0 = load x[] : f32
      %1 = load y[] : f32
      %2 = add %0, %1 : f32
      store z[] = %2";
    kept_over_two_axes: "kernel
      par p0
      red r0, r1
      in x : f32[3]
      out y : f32[3]
      out n : f32[1]
      %0 = load x[p0, r0, r1] : f32
      %1 = exp %0 : f32
      %2 = sum %1 : f32
      %3 = div %1, %2 : f32
      store y[p0, r0, r1] = %3
      store n[p0] = %2";
    integers: "kernel
      par p0
      in x : i32[1]
      in if : i32[1]
      out y : i32[1]
      %0 = load x[p0] : i32
      %1 = load if[p0] : i32
      %2 = mul %0, %1 : i32
      %3 = const -1 : i32
      %4 = add %2, %3 : i32
      %5 = maximum %4, %3 : i32
      %6 = floor_divide %5, %1 : i32
      store y[p0] = %6";
    partly_written_out: "kernel
      par p0
      red r0, r1 < 3
      in x : f32[3]
      out y : f32[1]
      %0 = load x[r0, r1, p0] : f32
      %1 = mul %0, %0 : f32
      %2 = sum %1 : f32
      store y[p0] = %2";
}

/// The exponential of what is not above zero is a shorter one; of the difference to another row's maximum it is not.
#[test]
fn exponentials_below_zero() {
    let of = |max: &str| {
        rust(&format!(
            "kernel
              par p0
              red r0
              in x : f32[2]
              out y : f32[2]
              %0 = load x[p0, r0] : f32
              %1 = neg %0 : f32
              %2 = {max} : f32
              %3 = sub %0, %2 : f32
              %4 = exp %3 : f32
              store y[p0, r0] = %4"
        ))
    };
    for (max, below) in [("max %0", true), ("max %1", false), ("min %0", false), ("sum %0", false)] {
        assert_eq!(of(max).contains("exp_below"), below, "{max}");
    }
}

#[test]
fn large_windows_are_not_written_out_whole() {
    let text = rust(
        "kernel
      par p0
      red r0 < 8, r1 < 8
      in x : f64[3]
      in w : f64[3]
      out y : f64[1]
      %0 = load x[r0, r1, p0] : f64
      %1 = load w[r0, r1, p0] : f64
      %2 = mul %0, %1 : f64
      %3 = sum %2 : f64
      store y[p0] = %3",
    );
    // Of 128 rows sixteen are loaded at once: one axis stays a loop.
    assert!(text.contains("for r0 in 0..8"), "{text}");
    assert_eq!(text.matches("rt::Tile::<f64>::new()").count(), 17, "{text}");
    let mean = rust(
        "kernel
      par p0
      red r0 < 7, r1 < 7
      in x : f32[3]
      out y : f32[1]
      %0 = load x[r0, r1, p0] : f32
      %1 = sum %0 : f32
      store y[p0] = %1",
    );
    assert!(mean.contains("for r0 in 0..7"), "{mean}");
    assert_eq!(mean.matches("rt::Tile::<f32>::new()").count(), 8, "{mean}");
}

/// A block through the whole compiler; every error fails the test.
fn compiled(text: &str) -> crate::driver::Compilation {
    let compiled = crate::driver::compile_forward(text.parse().expect("tokens"));
    let errors: Vec<String> = compiled.diagnostics.iter().map(|d| d.text()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    compiled
}

/// Tokens as readable lines; they must be Rust.
fn lines(tokens: proc_macro2::TokenStream) -> String {
    syn::parse2::<syn::File>(tokens.clone()).unwrap_or_else(|why| panic!("{why}: {tokens}"));
    pretty::pretty(tokens)
}

fn items(compiled: &crate::driver::Compilation) -> proc_macro2::TokenStream {
    crate::expand::expansion(compiled)
}

fn plans(text: &str) -> String {
    crate::expand::dump(&compiled(text), crate::expand::Stage::Rust)
}

#[test]
fn plan_of_two_layers() {
    let text = plans(
        "fn layers<B, I, H>(x: f32[B, I], w: f32[I, H], b: f32[H], v: f32[H, 10], k: f32) -> (f32[B, 10], i64[B])
         where H % 2 == 0 {
            let y = maximum(x @ w + b, 0.0) @ v * k;
            (y, y.argmax(axis=-1))
        }",
    );
    let (_, plan) = text.split_once("pub static").expect("a plan");
    // The CUDA C has snapshots of its own.
    let (plan, _) =
        plan.split_once("    cuda: \"//").or_else(|| plan.rsplit_once("    cuda: \"")).expect("the last field");
    shown().bind(|| insta::assert_snapshot!(format!("pub static{plan}")));
}

#[test]
fn items_of_a_function() {
    let compiled = compiled(
        "/// A layer.
        #[must_use]
        pub(crate) fn layer<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O], s: f32, out: f32[3, 2*O]) -> (f32[B, 2*O], f32[3]) {
            let y = x @ w + b;
            (concatenate((y, y), axis=1) * s, out.sum(axis=1))
        }",
    );
    let f = &compiled.functions[0].function;
    let plan = quote::quote!(layer::PLAN);
    let mut out = super::items::function(f, &f.name, Some(&plan));
    out.extend(super::items::companion(f));
    out.extend(super::items::methods(f, Some(&quote::quote!(__ndfuse_code::P0))));
    shown().bind(|| insta::assert_snapshot!(lines(out)));
}

#[test]
fn items_of_derivatives() {
    let mut compiled = crate::driver::compile(
        "struct Net<I> { w: f32[I], n: i64[] }
        pub fn loss<B, I>(net: Net<I>, x: f32[B, I], y: i64[B], scale: f32) -> f32[] {
            ((x @ net.w).sum() + y.sum().astype(f32)) * scale
        }
        pub fn both<N>(x: f64[N, 3], out: Net<N>) -> (f64[N], Net<N>, i64[]) { (x.sum(axis=1), out, out.n) }"
            .parse()
            .expect("tokens"),
    );
    let errors: Vec<String> = compiled.diagnostics.iter().map(|d| d.text()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let module = quote::format_ident!("__ndfuse_code");
    let mut out = proc_macro2::TokenStream::new();
    for c in compiled.functions.drain(..) {
        let (f, plan) = (&c.function, quote::format_ident!("V0"));
        if let Some(vjp) = &c.vjp {
            let (gradients, methods) = super::derivatives::reverse(f, &vjp.by, &plan, &module);
            out.extend(gradients);
            out.extend(super::items::implementation(f, &methods));
        }
        if let Some(jvp) = &c.jvp {
            out.extend(super::items::implementation(f, &super::derivatives::forward(f, &jvp.by, &plan, &module)));
        }
    }
    shown().bind(|| insta::assert_snapshot!(lines(out)));
}

#[test]
fn items_of_structs() {
    let compiled = compiled(
        "pub struct Norm<C> { pub weight: f32[C], bias: f32[C] }
        /// Everything that a field can be.
        pub struct Net<C, H> {
            /// The first.
            pub norm: Norm<C>, pub up: f32[C, H], gates: [Norm<2*H>; 2], pair: (Norm<H>, f32[3, C]), wide: f32[2*C - H] }",
    );
    let out: proc_macro2::TokenStream = compiled.structs.iter().map(super::structs::definition).collect();
    shown().bind(|| insta::assert_snapshot!(lines(out)));
}

#[test]
fn functions_that_take_structs_borrow_them() {
    let text = items(&compiled(
        "struct Norm<C> { weight: f32[C] }
        fn f<B, C>(x: f32[B, C], n: Norm<C>, fixed: Norm<3>) -> f32[B, C] { x * n.weight + fixed.weight.sum() }",
    ))
    .to_string()
    .replace(' ', "");
    assert!(text.contains("n:&Norm<C1>,fixed:&Norm<N0>"), "{text}");
    assert!(text.contains(
        "C1:::ndfuse::rt::Dim+::ndfuse::rt::Fits<C0>,N0:::ndfuse::rt::Dim+::ndfuse::rt::Fits<::ndfuse::rt::Const<3>>"
    ));
    assert!(text.contains("__ndfuse_operands.append(&mut::ndfuse::rt::raws(n)?);"));
}

#[test]
fn a_function_with_errors_has_its_items() {
    let compiled = crate::driver::compile("pub fn f<B>(x: f32[B]) -> f32[B] { x + y }".parse().expect("tokens"));
    assert_eq!(compiled.diagnostics.len(), 1);
    let text = lines(items(&compiled));
    assert!(text.contains("pub fn f<B0: ::ndfuse::rt::Dim>"), "{text}");
    assert!(text.contains("pub fn explain()") && text.contains("pub fn into"), "{text}");
    assert!(!text.contains("PLAN") && !text.contains("__ndfuse_code"), "{text}");
}

#[test]
fn the_expression_form_calls_a_function_of_its_own() {
    let compiled = compiled("x: f32[B, C], s: f32 => x.sum(axis=0) * s");
    let tokens = items(&compiled);
    syn::parse2::<syn::Expr>(tokens.clone()).unwrap_or_else(|why| panic!("{why}: {tokens}"));
    let text = tokens.to_string().replace(' ', "");
    assert!(text.ends_with("__ndfuse_expression(&x,s)}"), "{text}");
}

#[test]
fn equal_kernels_are_one_type() {
    let text = plans(
        "fn a<B>(x: f32[B]) -> f32[B] { exp(x) }
        fn b<N>(other: f32[N]) -> f32[N] { exp(other) }
        fn c<N>(x: f32[N]) -> f32[N] { log(x) }",
    );
    assert_eq!(text.matches("impl rt::Kernel for").count(), 2, "{text}");
    assert_eq!(text.matches("rt::CpuKernel::new::<K0>()").count(), 2, "{text}");
}

/// rustc compiles what is of one unit by one core.
#[test]
fn kernels_are_spread_over_units() {
    let kernels = 20;
    let body = |k: usize| format!("fn wave_{k}<N>(x: f32[N]) -> f32[N] {{ sin(x) * {k} + {k} }}\n");
    let text = plans(&(0..kernels).map(body).collect::<String>());
    let units: Vec<&str> = text.split("type Unit = ").skip(1).filter_map(|rest| rest.split(';').next()).collect();
    // Each is compiled once, and its loop in clones.
    assert_eq!(units.len(), 2 * kernels, "{text}");
    let distinct: std::collections::BTreeSet<&str> = units.iter().copied().collect();
    assert_eq!(distinct.len(), super::kernel::UNITS, "{units:?}");
    assert!(units.windows(2).all(|pair| pair[0] != pair[1]), "{units:?}");
}

#[test]
fn explanations() {
    let compiled = compiled(
        "fn softmax<B, C>(x: f32[B, C]) -> f32[B, C] {
            let e = exp(x - x.max(axis=-1, keepdims=true));
            e / e.sum(axis=-1, keepdims=true)
        }
        fn layers<B, I, H>(x: f32[B, I], w: f32[I, H], b: f32[H], v: f32[H, 10]) -> f32[B, 10] {
            maximum(x @ w + b, 0.0) @ v
        }",
    );
    let texts = compiled.functions.iter().filter_map(|f| f.code.as_ref()).map(super::explain);
    shown().bind(|| insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n")));
}
