//! The parser and the printer: trees, round trips, errors, hostile input.

use ndfuse_codegen::diagnostic::Diagnostic;
use ndfuse_codegen::errors;
use ndfuse_codegen::syntax::ast::{Block, Body, Expr, ExprKind, IndexItem, Item, Stmt};
use ndfuse_codegen::syntax::parse::{is_inline, parse, parse_inline};
use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

const CORPUS: &str = include_str!("syntax/corpus.nd");

fn lex(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{error}: {source}"))
}

/// Parses what must be without errors.
fn clean(source: &str) -> Block {
    let (block, diagnostics) = parse(lex(source));
    assert!(diagnostics.is_empty(), "{}", rendered(&diagnostics, source));
    block
}

fn rendered(diagnostics: &[Diagnostic], source: &str) -> String {
    diagnostics.iter().map(|d| d.render(source)).collect()
}

/// Parses either form.
fn diagnostics(source: &str) -> Vec<Diagnostic> {
    if is_inline(lex(source)) { parse_inline(lex(source)).1 } else { parse(lex(source)).1 }
}

/// The tree of an expression with all its parentheses.
fn tree(expr: &Expr) -> String {
    let args = |items: Vec<String>| items.join(" ");
    match &expr.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Str(value) => format!("{value:?}"),
        ExprKind::None => "None".to_owned(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Unary(op, operand) => format!("({} {})", op.symbol(), tree(operand)),
        ExprKind::Binary { op, left, right, .. } => format!("({} {} {})", op.symbol(), tree(left), tree(right)),
        ExprKind::Call { name, generics, args: given } => {
            let generics: String = generics.iter().map(|g| format!(" <{}>", tree(g))).collect();
            format!("({name}{generics}{})", given.iter().map(|arg| format!(" {}", tree_arg(arg))).collect::<String>())
        }
        ExprKind::Apply { function, args: given } => {
            let given: String = given.iter().map(|arg| format!(" {}", tree_arg(arg))).collect();
            format!("({}{given})", tree(function))
        }
        ExprKind::Method { receiver, name, args: given } => {
            let given: String = given.iter().map(|arg| format!(" {}", tree_arg(arg))).collect();
            format!("(.{name} {}{given})", tree(receiver))
        }
        ExprKind::Field { receiver, name } => format!("{}.{name}", tree(receiver)),
        ExprKind::TupleField { receiver, index } => format!("{}.{index}", tree(receiver)),
        ExprKind::Index { receiver, items } => {
            format!("{}[{}]", tree(receiver), args(items.iter().map(tree_index).collect()))
        }
        ExprKind::Tuple(items) => format!("(tuple {})", args(items.iter().map(tree).collect())),
        ExprKind::If { condition, then, otherwise } => {
            format!("(if {} {} {})", tree(condition), tree_body(then), tree_body(otherwise))
        }
        ExprKind::Block(body) => tree_body(body),
    }
}

fn tree_arg(arg: &ndfuse_codegen::syntax::ast::Arg) -> String {
    let keyword = arg.keyword.as_ref().map_or(String::new(), |name| format!("{name}="));
    format!("{keyword}{}", tree(&arg.value))
}

fn tree_index(item: &IndexItem) -> String {
    let part = |part: &Option<Expr>| part.as_ref().map_or("_".to_owned(), tree);
    match item {
        IndexItem::At(at) => tree(at),
        IndexItem::Slice { start, stop, step, .. } => format!("{}:{}:{}", part(start), part(stop), part(step)),
        IndexItem::NewAxis(_) => "newaxis".to_owned(),
        IndexItem::Ellipsis(_) => "...".to_owned(),
    }
}

fn tree_body(body: &Body) -> String {
    let stmts: String = body.stmts.iter().map(|stmt| format!("{} ", tree_stmt(stmt))).collect();
    format!("{{{stmts}{}}}", body.value.as_ref().map_or(String::new(), tree))
}

fn tree_stmt(stmt: &Stmt) -> String {
    match stmt {
        Stmt::Let { pattern, value, .. } => format!("(let {pattern} {})", tree(value)),
        Stmt::Assign { name, value, .. } => format!("(set {name} {})", tree(value)),
        Stmt::For { name, start, end, body, .. } => {
            format!("(for {name} {} {} {})", tree(start), tree(end), tree_body(body))
        }
        Stmt::Expr(value) => format!("(drop {})", tree(value)),
    }
}

/// The tree of a body.
fn body(source: &str) -> String {
    let block = clean(&format!("fn f(x) {{ {source} }}"));
    let [Item::Fn(item)] = block.items.as_slice() else { panic!("{source}") };
    let text = tree_body(&item.body);
    text[1..text.len() - 1].to_owned()
}

#[test]
fn operators_bind_as_in_python() {
    for (source, want) in [
        ("a + b * c", "(+ a (* b c))"),
        ("a - b - c", "(- (- a b) c)"),
        ("a / b @ c % d", "(% (@ (/ a b) c) d)"),
        ("-x**2", "(- (** x 2))"),
        ("(-x)**2", "(** (- x) 2)"),
        ("2**-x**y", "(** 2 (- (** x y)))"),
        ("a**b**c", "(** a (** b c))"),
        ("-x.y[0]**2", "(- (** x.y[0] 2))"),
        ("~a & b | c ^ d", "(| (& (~ a) b) (^ c d))"),
        ("a & b == c", "(== (& a b) c)"),
        ("a < b | c", "(< a (| b c))"),
        ("1 << a + b >> 2", "(>> (<< 1 (+ a b)) 2)"),
        ("a & b << c", "(& a (<< b c))"),
        ("!a != -b", "(!= (~ a) (- b))"),
        ("- -+x", "(- (- (+ x)))"),
        ("a*-b", "(* a (- b))"),
        ("a<-b", "(< a (- b))"),
        ("a>=-1", "(>= a (- 1))"),
        ("(a < b) == (c < d)", "(== (< a b) (< c d))"),
        ("a * b.sum() ** 2", "(* a (** (.sum b) 2))"),
    ] {
        assert_eq!(body(source), want, "{source}");
    }
}

#[test]
fn calls_fields_and_indices() {
    for (source, want) in [
        ("exp(x)", "(exp x)"),
        ("x.sum(axis=-1, keepdims=true,)", "(.sum x axis=(- 1) keepdims=true)"),
        ("f::<2, N+1>(x)", "(f <2> <(+ N 1)> x)"),
        ("f::<2>()", "(f <2>)"),
        ("where(x > 0, x, 0)", "(where (> x 0) x 0)"),
        ("x.where(c, 0)", "(.where x c 0)"),
        ("f(a==1, b=2)", "(f (== a 1) b=2)"),
        ("sum(x, where=m)", "(sum x where=m)"),
        ("net.blocks.0.1.weight", "net.blocks.0.1.weight"),
        ("net.0.1.2.3.T", "net.0.1.2.3.T"),
        ("x.0.sum()", "(.sum x.0)"),
        ("x.shape[0]", "x.shape[0]"),
        ("x[1:, ::-2, None, ..., 0]", "x[1:_:_ _:_:(- 2) newaxis ... 0]"),
        ("x[:-1, a:b:c, a::b, :, ::]", "x[_:(- 1):_ a:b:c a:_:b _:_:_ _:_:_]"),
        ("x[i][j + 1]", "x[i][(+ j 1)]"),
        ("x[(None)]", "x[None]"),
        ("(a, b)", "(tuple a b)"),
        ("(a,)", "(tuple a)"),
        ("()", "(tuple )"),
        ("[a, [b]]", "(tuple a (tuple b))"),
        ("((a))", "a"),
        ("(1).sum()", "(.sum 1)"),
        ("0x10 + 1_000 + 1.5e-3 + 1e3", "(+ (+ (+ 16 1000) 0.0015) 1000.0)"),
        (r#"f("a\n", None, true)"#, r#"(f "a\n" None true)"#),
    ] {
        assert_eq!(body(source), want, "{source}");
    }
}

#[test]
fn statements() {
    for (source, want) in [
        ("let y = x; y", "(let y x) y"),
        ("let (a, (b, _)) = f(x); a", "(let (a, (b, _)) (f x)) a"),
        ("let y: f32[B, 2*C] = x; y", "(let y x) y"),
        ("y = y + 1; y", "(set y (+ y 1)) y"),
        ("for i in 0..4 { y = y + i; } y", "(for i 0 4 {(set y (+ y i)) }) y"),
        ("for i in N..2*N {} (a, b)", "(for i N (* 2 N) {}) (tuple a b)"),
        ("if N == 2 { a } else { b }", "(if (== N 2) {a} {b})"),
        ("if a { x } else if b { y } else { z }", "(if a {x} {(if b {y} {z})})"),
        ("if a { y = x; } else { y = z; } (y, y)", "(drop (if a {(set y x) } {(set y z) })) (tuple y y)"),
        ("if a { x } else { y } - z", "(drop (if a {x} {y})) (- z)"),
        ("if a { x } else { y }.sum() - z", "(- (.sum (if a {x} {y})) z)"),
        ("let y = if a { x } else { y } - z; y", "(let y (- (if a {x} {y}) z)) y"),
        ("{ let y = x; y }", "{(let y x) y}"),
        ("exp(x); x;", "(drop (exp x)) (drop x) "),
        (";; x", "x"),
    ] {
        assert_eq!(body(source), want, "{source}");
    }
}

#[test]
fn items_keep_what_was_written() {
    let block = clean(CORPUS);
    let names: Vec<String> = block
        .items
        .iter()
        .map(|item| match item {
            Item::Fn(item) => format!("{}{}", item.name, if item.is_template() { "*" } else { "" }),
            Item::Struct(item) => item.name.to_string(),
        })
        .collect();
    assert_eq!(names, ["softmax", "loss", "minmax", "one", "template*", "block", "calls", "Norm", "Net", "operators"]);
}

#[test]
fn printed_text_parses_to_a_tree_that_prints_the_same() {
    let once = clean(CORPUS).to_string();
    assert_eq!(clean(&once).to_string(), once);
    let head =
        "#![unfused]\n\n/// Softmax over the last axis.\n///\n/// Stable for large inputs.\npub fn softmax<B, C>";
    assert!(once.starts_with(head) && clean(&once).unfused);
    // The printer changes nothing but the layout.
    for (before, after) in clean(CORPUS).items.iter().zip(&clean(&once).items) {
        if let (Item::Fn(before), Item::Fn(after)) = (before, after) {
            assert_eq!(tree_body(&before.body), tree_body(&after.body));
        }
    }
}

#[test]
fn the_layout_of_printed_text() {
    let source = "pub fn f<const N,B>(x:f32[B],y:i64[])->(f32[B],i64[])where B%2==0{for i in 0..N{x=x;}\
                  let (a,b):(f32[B],f32[B])=g::<2>(x,axis=-1);if N==2{a}else{let c=b[::2,...,None];c}}";
    let want = "\
pub fn f<const N, B>(x: f32[B], y: i64[]) -> (f32[B], i64[]) where B % 2 == 0 {
    for i in 0..N {
        x = x;
    }
    let (a, b): (f32[B], f32[B]) = g::<2>(x, axis=-1);
    if N == 2 { a } else {
        let c = b[::2, ..., None];
        c
    }
}
";
    assert_eq!(clean(source).to_string(), want);
}

#[test]
fn the_expression_form() {
    for (source, printed, symbols) in [
        ("x: f32[B, C], b: f32[C] => gelu(x + b)", "x: f32[B, C], b: f32[C] => gelu(x + b)", "B C"),
        (
            "n: Norm<2*E>, x: f32[E + F,3], => { let y = x; y }",
            "n: Norm<2 * E>, x: f32[E + F, 3] => {\n    let y = x;\n    y\n}",
            "E F",
        ),
        ("=> zeros((3,))", "=> zeros((3,))", ""),
        ("s: f32 => s", "s: f32 => s", ""),
    ] {
        assert!(is_inline(lex(source)), "{source}");
        let (item, diagnostics) = parse_inline(lex(source));
        assert!(diagnostics.is_empty(), "{}", rendered(&diagnostics, source));
        let item = item.unwrap_or_else(|| panic!("{source}"));
        assert_eq!(item.to_string(), printed);
        assert_eq!(item.symbols.iter().map(Ident::to_string).collect::<Vec<_>>().join(" "), symbols);
    }
    for source in ["", "fn f(x) { x }", "pub fn f() { 1 }", "#[doc = \"\"] struct A { }", "x + y", "use a::b;"] {
        assert!(!is_inline(lex(source)), "{source}");
    }
}

/// Errors in short: `line:column code message; help`, one a line.
fn check(source: &str, want: &[&str]) {
    let found: Vec<String> = diagnostics(source)
        .iter()
        .map(|d| {
            let help = d.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
            format!("{} {} {}{help}", d.loc.position(), d.code, d.message)
        })
        .collect();
    assert_eq!(found, want, "{source}");
}

/// Errors in a function's body.
fn check_body(source: &str, want: &str) {
    check(&format!("fn f(x) {{\n{source}\n}}"), &[want]);
}

#[test]
fn errors_of_expressions() {
    for (source, want) in [
        ("x +", "3:1 E0101 expected an expression, found `}`"),
        ("x + * y", "2:5 E0106 there are no references in the language; leave out the `*`"),
        ("f(x y)", "2:5 E0101 expected `,` or `)`, found `y`"),
        ("f(x, axis: 1)", "2:10 E0101 keyword arguments are written with `=`; write `axis=…`"),
        ("f(axis=0, x)", "2:11 E0121 a positional argument after a keyword; put it before the keyword arguments"),
        ("a < b < c", "2:7 E0105 comparisons cannot be chained; write `(a < b) & (b < c)`"),
        ("a == b != c", "2:8 E0105 comparisons cannot be chained; write `(a < b) & (b < c)`"),
        ("x + 1f32", "2:5 E0103 a literal has no suffix; write `1`"),
        ("x + 1.5_f64", "2:5 E0103 a literal has no suffix; write `1.5`"),
        (
            "x + 'a'",
            "2:5 E0104 this literal has no meaning in the language; literals are integers, floats, `true`, `false`, `None` and strings",
        ),
        ("999999999999999999999999999999999999999999999", "2:1 E0104 this number is too large"),
        ("1e999", "2:1 E0104 this number is too large"),
        ("&x", "2:1 E0106 there are no references in the language; leave out the `&`"),
        ("f(&mut x)", "2:3 E0106 there are no references in the language; leave out the `&`"),
        ("x as f32 * 2", "2:3 E0110 a cast is not written with `as`; write `.astype(f32)`"),
        (
            "a > 0 && b > 0",
            "2:7 E0111 `&&` is not an operator on arrays; write `&`, with parentheses around comparisons",
        ),
        ("a or b", "2:3 E0111 `or` is not an operator on arrays; write `|`, with parentheses around comparisons"),
        ("not x", "2:1 E0111 `not` is not an operator on arrays; write `~x`"),
        (
            "f(x)?",
            "2:5 E0112 nothing in the language fails by itself; leave out the `?`: the whole function returns a `Result`",
        ),
        ("vec![x]", "2:1 E0113 there are no macros in the language; write `[a, b]`"),
        ("format!(\"{x}\")", "2:1 E0113 there are no macros in the language; operations are functions: `exp(x)`"),
        ("x.map(|v| v + 1)", "2:7 E0109 there are no closures in the language; write a function and call it by name"),
        ("f(move || 1)", "2:3 E0109 there are no closures in the language; write a function and call it by name"),
        (
            "m::f(x)",
            "2:2 E0124 a function is called without its module; import the function with `use` outside of `tensor!`, and call it by its name",
        ),
        ("(f)(x)", "2:1 E0124 only a name can be called; functions are called by their name: `f(x)`, `x.f()`"),
        ("x.f::<2>()", "2:4 E0101 a method takes no constants; write `f::<…>(x)`"),
        ("x.await", "2:3 E0101 expected the name of a field or method, found the keyword `await`"),
        ("x.0x1", "2:3 E0101 expected the name or the number of a field, found `0x1`"),
        ("x[1..5]", "2:4 E0115 slices are written with `:`; write `1:5`"),
        ("x[..]", "2:3 E0115 slices are written with `:`; write `:` for the whole axis, `...` for all other axes"),
        ("x[..=5]", "2:3 E0115 slices are written with `:`; write `1:6` for the indices from 1 to 5"),
        ("x[]", "2:1 E0123 an index without content; leave out the brackets, or write `[...]`"),
        ("x[1 2]", "2:5 E0101 expected `,` or `]`, found `2`"),
        ("x[,]", "2:3 E0101 expected an expression, found `,`"),
        ("f(0..4)", "2:4 E0101 expected `,` or `)`, found `..`"),
        (
            "x if c else y",
            "2:3 E0101 expected `;`, found the keyword `if`; write `if c { a } else { b }`, or `where(c, a, b)` for a choice between elements",
        ),
        ("if c { x }", "2:1 E0120 an `if` has a value on both sides; write `else { … }` with the other value"),
        (
            "x + where",
            "2:5 E0101 expected an expression, found the keyword `where`; to choose between elements call it: `where(condition, a, b)`",
        ),
        ("x + for", "2:5 E0709 a loop has no value; write it as a statement before, and use the names it binds"),
    ] {
        check_body(source, want);
    }
}

#[test]
fn errors_of_statements() {
    for (source, want) in [
        (
            "let mut y = x; y",
            "2:5 E0107 arrays do not change; leave out the `mut`; a name is bound anew by `let x = …;` or, in a loop, `x = …;`",
        ),
        ("let y x; y", "2:7 E0101 expected `=`, found `x`"),
        ("let = x; y", "2:5 E0101 expected a name, found `=`"),
        ("let fn = x; y", "2:5 E0101 expected a name, found the keyword `fn`"),
        ("let y = x\ny", "2:9 E0102 a `;` is missing after this; write `;` after the statement"),
        ("let y = x let z = y; z", "2:9 E0102 a `;` is missing after this; write `;` after the statement"),
        ("let y = x y; y", "2:11 E0101 expected `;` or an operator, found `y`"),
        (
            "x[0] = 1; x",
            "2:1 E0118 only a name can be bound anew; arrays do not change; choose between elements with `where(…)`, join with `concatenate(…)`",
        ),
        ("y += 1; y", "2:3 E0119 there is no `+=` in the language; write `y = y + …;`"),
        ("y **= 2; y", "2:3 E0119 there is no `**=` in the language; write `y = y ** …;`"),
        (
            "return x;",
            "2:1 E0108 there is no `return` in the language; the value is the last expression of the body, without `;`",
        ),
        (
            "while x > 0 { y = x; } y",
            "2:1 E0108 there is no `while` in the language; a loop is unrolled at compile time: `for i in 0..4 { … }`",
        ),
        (
            "match x { _ => 1 } x",
            "2:1 E0108 there is no `match` in the language; for a choice between elements write `where(condition, a, b)`",
        ),
        (
            "if let y = x { 1 } else { 2 }",
            "2:4 E0108 there is no `if let`; a condition is a constant: `if N == 2 { … } else { … }`",
        ),
        ("let y = x else { z }; y", "2:11 E0108 there is no `let … else`; a name is bound without a condition"),
        (
            "for i in xs { y = i; } y",
            "2:13 E0702 expected `..`, found `{`; a loop runs over constants: `for i in 0..4 { … }`",
        ),
        (
            "for i in 0..=4 { y = i; } y",
            "2:11 E0702 a loop runs over `start..end`; write `0..5` for the numbers from 0 to 4",
        ),
        ("for i in 0..4 { y } y", "2:17 E0709 a loop has no value; bind it: `y = …;`"),
        (
            "fn g(x) { x } x",
            "2:1 E0114 an item inside of a body: the keyword `fn`; functions and structs stand side by side in `tensor!`",
        ),
        (
            "#[allow(a)] let y = x; y",
            "2:1 E0101 an attribute inside of a body; attributes stand on functions, structs and fields",
        ),
    ] {
        check_body(source, want);
    }
}

#[test]
fn errors_of_items() {
    for (source, want) in [
        (
            "fn f<B>(x: f32[B]) -> f32[B]",
            "1:28 E0101 expected `{`, the body of the function, found the end of the input",
        ),
        ("fn f<B, const N: usize>(x: f32[B]) -> f32[B] { x }", "1:16 E0117 a constant has no type; write `const N`"),
        (
            "fn f<T: Clone>(x: T[]) -> T[] { x }",
            "1:9 E0117 unknown bound `Clone`; the bounds are `Float`, `Int`, `Number` and `Any`; a dimension has none",
        ),
        ("fn f<B C>(x: f32[B]) -> f32[B] { x }", "1:8 E0101 expected `,` or `>`, found `C`"),
        (
            "fn f((a, b): f32) { a }",
            "1:6 E0126 expected the name of a parameter, found `(`; a parameter is a name with a type: `x: f32[B]`",
        ),
        (
            "fn f(self) { a }",
            "1:6 E0126 expected the name of a parameter, found the keyword `self`; a parameter is a name with a type: `x: f32[B]`",
        ),
        (
            "fn f(x: f32[] = 1) -> f32[] { x }",
            "1:17 E0127 the parameter `x` has a type and a default; leave out the default, or the type",
        ),
        (
            "fn f(x: &f32[]) -> f32[] { x }",
            "1:9 E0106 there are no references in the language; leave out the `&`: operands are borrowed anyway",
        ),
        (
            "fn f(x: [f32; 4]) -> f32[] { x }",
            "1:9 E0116 a repetition is a type of struct fields only; declare a struct with such a field",
        ),
        (
            "fn f(x: [f32]) -> f32[] { x }",
            "1:13 E0116 expected `;` and a count, found `]`; an array is written `f32[B, C]`, a repetition `[Block<C>; 4]`",
        ),
        ("fn f(x: Vec<f32>[4]) -> f32[] { x }", "1:9 E0116 a struct has no axes; an array is written `f32[B, C]`"),
        (
            "fn f(x: m::Net) -> f32[] { x }",
            "1:9 E0116 a type is named without its module; import the struct with `use` outside of `tensor!`, beside `m`",
        ),
        ("fn f(x: f32[]) -> () { x }", "1:19 E0116 a function has a result; declare what it computes: `-> f32[B]`"),
        (
            "fn f<B>(x: f32[B]) -> f32[B] where B { x }",
            "1:36 E0122 this is not a comparison; a constraint is a comparison of dimensions: `where B == C, C % 2 == 0`",
        ),
        (
            "struct A(f32[3]);",
            "1:9 E0125 the fields of a struct have names; name the fields: `struct A<C> { weight: f32[C] }`",
        ),
        (
            "struct A<const N> { x: f32[N] }",
            "1:16 E0117 a struct has dimensions only, and `N` is none; give the dtype in the fields: `weight: f32[C]`",
        ),
        ("use std::fmt; fn f(x) { x }", "1:1 E0114 a `tensor!` block holds no `use`; put it outside of `tensor!`"),
        ("unsafe fn f(x) { x }", "1:1 E0114 a `tensor!` block holds no `unsafe`; write `fn` alone"),
        (
            "impl A { fn f(x) { x } } fn g(x) { x }",
            "1:1 E0114 a `tensor!` block holds no `impl`; put it outside of `tensor!`",
        ),
        (
            "fun f(x) { x } fn g(x) { x }",
            "1:1 E0101 expected `fn` or `struct`, found `fun`; a block holds `fn` and `struct`; the expression form is `tensor!(x: f32[B] => exp(x))`",
        ),
        (
            "x: f32[B] =>",
            "1:12 E0128 expected an expression after `=>`; the form is `tensor!(x: f32[B], y: f32[B] => x + y)`",
        ),
        (
            "x: f32[B] x + 1",
            "1:11 E0128 expected `,` or `=>`, found `x`; the form is `tensor!(x: f32[B], y: f32[B] => x + y)`",
        ),
        ("x, y: f32[B] => x + y", "1:1 E0128 the type of `x` is missing; write it, `x: f32[B, C]`, before `=>`"),
        (
            "&x: f32[B] => x; y",
            "1:1 E0106 operands are not marked as references; write the name alone, operands are borrowed anyway",
        ),
    ] {
        let found = diagnostics(source);
        let want: Vec<&str> = if source.ends_with("; y") {
            vec![want, "1:16 E0101 expected the end of the expression, found `;`"]
        } else {
            vec![want]
        };
        assert_eq!(found.len(), want.len(), "{}", rendered(&found, source));
        check(source, &want);
    }
}

#[test]
fn errors_are_reported_together_and_the_rest_survives() {
    let source = "
fn a<B>(x: f32[B) -> f32[B] { x }
";
    assert!(source.parse::<TokenStream>().is_err(), "brackets that do not match are rustc's error");

    let source = "
fn a<B>(x: f32[B], y: , z: f32[C D]) -> f32[B] {
    let y = ;
    x
}
fn b<B>(x: f32[B]) -> f32[B] {
    let y = x + ;
    let z = 1f32;
    z z;
    y
}
junk junk
struct C<D> { w: f32[D], v f32[D], u: Norm<D, E F>, t: f32[D] }
fn d(x) -> { x }
fn e(x) { x }
";
    check(
        source,
        &[
            "2:23 E0101 expected a type, found `,`",
            "2:34 E0101 expected `,` or `]`, found `D`",
            "3:13 E0101 expected an expression, found `;`",
            "7:17 E0101 expected an expression, found `;`",
            "8:13 E0103 a literal has no suffix; write `1`",
            "9:7 E0101 expected `;` or an operator, found `z`",
            "12:1 E0101 expected `fn` or `struct`, found `junk`; a block holds `fn` and `struct`; the expression form \
             is `tensor!(x: f32[B] => exp(x))`",
            "13:28 E0101 expected `:`, found `f32`",
            "13:49 E0101 expected `,` or `>`, found `F`",
            "14:12 E0101 expected a type, found `{`",
        ],
    );
    let (block, _) = parse(lex(source));
    let lost: Vec<String> = block.lost.iter().map(Ident::to_string).collect();
    assert_eq!(lost, ["a", "C", "d"]);
    let kept: Vec<(String, bool)> = block
        .items
        .iter()
        .map(|item| match item {
            Item::Fn(item) => (item.name.to_string(), item.broken),
            Item::Struct(item) => (item.name.to_string(), false),
        })
        .collect();
    assert_eq!(kept, [("b".to_owned(), true), ("e".to_owned(), false)]);
}

#[test]
fn a_mended_body_is_not_broken() {
    let (block, diagnostics) = parse(lex("fn f(x) { let mut y = &x; y += 1f32; (y > 0 && y < 1)? as f32\n }"));
    let codes: Vec<_> = diagnostics.iter().map(|d| d.code).collect();
    use errors::*;
    assert_eq!(codes, [MUTABLE, REFERENCE, COMPOUND_ASSIGN, LITERAL_SUFFIX, SHORT_CIRCUIT, QUESTION_MARK, AS_CAST]);
    let [Item::Fn(item)] = block.items.as_slice() else { panic!() };
    assert!(!item.broken);
    assert_eq!(tree_body(&item.body), "{(let y x) (set y (+ y 1)) (.astype (& (> y 0) (< y 1)) f32)}");
}

#[test]
fn a_diagnostic_in_full() {
    let source = "fn f<N>(x: f32[N]) -> f32[N] {\n    (x * 2f32) [..=3]\n}";
    let want = "\
error: [E0103] a literal has no suffix
 --> src.nd:2:10
  |
2 |     (x * 2f32) [..=3]
  |          ^^^^
  = note: a literal takes the dtype of the array it meets
  = help: write `2`
error: [E0115] slices are written with `:`
 --> src.nd:2:17
  |
2 |     (x * 2f32) [..=3]
  |                 ^
  = help: write `1:6` for the indices from 1 to 5
";
    assert_eq!(rendered(&diagnostics(source), source), want);
}

#[test]
fn examples_of_the_catalogue_trigger_their_syntax_errors_and_no_others() {
    for row in errors::TABLE {
        let found = diagnostics(row.example);
        if row.code.0 < 200 || row.code == errors::NESTING {
            assert!(found.iter().any(|d| d.code == row.code), "{}: {}", row.name, rendered(&found, row.example));
        } else if row.code != errors::LOOP_VALUE {
            assert!(found.is_empty(), "{}: {}", row.name, rendered(&found, row.example));
        }
    }
}

// Hostile input.

fn group(delimiter: Delimiter, tokens: TokenStream) -> TokenStream {
    TokenTree::from(Group::new(delimiter, tokens)).into()
}

fn function(body: TokenStream) -> TokenStream {
    let mut tokens = lex("fn f(x)");
    tokens.extend(group(Delimiter::Brace, body));
    tokens
}

#[test]
fn depth_and_length_are_limited() {
    let nested = |delimiter, prefix: &str| {
        let mut tokens = lex("x");
        // Without a prefix the stream is cheap to make.
        for _ in 0..if prefix.is_empty() { 100_000 } else { 5_000 } {
            let mut next = lex(prefix);
            next.extend(group(delimiter, tokens));
            tokens = next;
        }
        tokens
    };
    let row = |piece: &str, last: &str| lex(&format!("x{}{last}", piece.repeat(10_000)));
    let bodies = [
        nested(Delimiter::Parenthesis, ""),
        nested(Delimiter::Bracket, ""),
        nested(Delimiter::Brace, ""),
        nested(Delimiter::None, ""),
        nested(Delimiter::Parenthesis, "f"),
        nested(Delimiter::Parenthesis, "-x.f"),
        nested(Delimiter::Bracket, "x"),
        nested(Delimiter::Brace, "if true"),
        nested(Delimiter::Brace, "for i in 0..2"),
        nested(Delimiter::Brace, "let y ="),
        nested(Delimiter::Brace, "y += "),
        nested(Delimiter::Brace, "for i in 0.."),
        nested(Delimiter::Brace, "if x[1:].f(a = 1) ** 2"),
        [lex("let"), nested(Delimiter::Parenthesis, ""), lex("= x;")].into_iter().collect(),
        nested(Delimiter::Parenthesis, "if ! x ** f::<1>"),
        lex(&"if ".repeat(20_000)),
        row(" + x", ""),
        row(" ** x", ""),
        row(" & x << x", ""),
        row(".f()", ""),
        row(".0", ""),
        row("[0]", ""),
        row(" as f32", ""),
        lex(&format!("{}x", "- ".repeat(20_000))),
        lex(&format!("{}x", "& ".repeat(200))),
        lex(&format!("{}{{ x }}", "if c { x } else ".repeat(20_000))),
        lex(&format!("f::<{}1>(x)", "f::<".repeat(1_000))),
    ];
    for (i, tokens) in bodies.into_iter().enumerate() {
        let (block, diagnostics) = parse(function(tokens));
        // Invisible groups around one token are no nesting.
        let deep = diagnostics.iter().any(|d| d.code == errors::NESTING);
        assert_eq!(deep, i != 3, "{i}");
        let _ = block.to_string();
    }
    let mut ty = lex("f32[]");
    for _ in 0..100_000 {
        ty = group(Delimiter::Parenthesis, ty);
    }
    let mut tokens = lex("struct A");
    let mut field = lex("x:");
    field.extend(ty);
    tokens.extend(group(Delimiter::Brace, field));
    assert!(parse(tokens).1.iter().any(|d| d.code == errors::NESTING));
}

#[test]
fn the_tallest_tree_is_allowed_and_no_taller_one() {
    let sum = |n: usize| format!("fn f(x) {{ x{} }}", " + x".repeat(n));
    assert!(diagnostics(&sum(250)).is_empty());
    assert_eq!(diagnostics(&sum(260))[0].code, errors::NESTING);
    let nest = |n: usize| format!("fn f(x) {{ {}x{} }}", "(".repeat(n), ")".repeat(n));
    assert!(diagnostics(&nest(120)).is_empty());
    assert_eq!(diagnostics(&nest(130))[0].code, errors::NESTING);
    // Chains in each other's operands add up.
    let mut text = "x".to_owned();
    for _ in 0..4 {
        text = format!("({text}{})", " + x".repeat(100));
    }
    assert_eq!(diagnostics(&format!("fn f(x) {{ {text} }}"))[0].code, errors::NESTING);
}

/// Knuth's generator: the same mutations on every run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

/// Deletes, doubles, swaps or replaces tokens here and there, at any depth.
fn mutate(tokens: TokenStream, rng: &mut Lcg, rate: usize) -> TokenStream {
    const STRANGE: &str = ":=<>.,;@|&!?#*-~'";
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let token = match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), mutate(group.stream(), rng, rate));
                inner.set_span(group.span());
                inner.into()
            }
            other => other,
        };
        if rng.below(rate) > 0 {
            out.push(token);
            continue;
        }
        match rng.below(6) {
            0 => {}
            1 => out.extend([token.clone(), token]),
            2 => {
                let last = out.pop();
                out.push(token);
                out.extend(last);
            }
            3 => {
                let c = STRANGE.as_bytes()[rng.below(STRANGE.len())] as char;
                out.push(Punct::new(c, if rng.below(2) == 0 { Spacing::Joint } else { Spacing::Alone }).into());
            }
            4 => {
                let words = ["let", "fn", "if", "where", "mut", "as", "in", "None", "x", "f32", "return", "struct"];
                out.push(Ident::new(words[rng.below(words.len())], Span::call_site()).into());
            }
            _ => {
                let delimiters = [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None];
                out.push(Group::new(delimiters[rng.below(4)], token.into()).into());
            }
        }
    }
    out.into_iter().collect()
}

#[test]
fn mutations_of_the_corpus_never_panic_and_what_is_clean_prints() {
    let mut rng = Lcg(7);
    let corpus = lex(CORPUS);
    let inline = lex("x: f32[B, C], n: Norm<C>, b: f32[C] => { let y = gelu(x + b)[1:, None]; y.sum(axis=-1) }");
    let (mut broken, mut clean) = (0, 0);
    for round in 0..600 {
        let rate = [8, 60, 400, 2000][round % 4];
        let (block, diagnostics) = parse(mutate(corpus.clone(), &mut rng, rate));
        broken += usize::from(!diagnostics.is_empty());
        let text = block.to_string();
        if diagnostics.is_empty() {
            clean += 1;
            let (again, diagnostics) = parse(lex(&text));
            assert!(diagnostics.is_empty(), "{text}\n{}", rendered(&diagnostics, &text));
            assert_eq!(again.to_string(), text);
        } else {
            for diagnostic in &diagnostics {
                assert!(diagnostic.code.row().is_some() && !diagnostic.render(CORPUS).is_empty());
            }
        }
        let tokens = mutate(inline.clone(), &mut rng, rate.min(60));
        is_inline(tokens.clone());
        if let (Some(item), []) = (parse_inline(tokens.clone()).0, parse_inline(tokens).1.as_slice()) {
            let text = item.to_string();
            assert_eq!(parse_inline(lex(&text)).0.map(|item| item.to_string()), Some(text));
        }
    }
    assert!(broken > 300 && clean > 20, "{broken} {clean}");
}
