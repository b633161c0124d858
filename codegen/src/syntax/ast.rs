//! The syntax tree of a `tensor!` block.
//!
//! In: nothing but what the user wrote. Always: every node that an error can
//! name has its [`Loc`]; names are kept as identifiers with their spans; no
//! operation is resolved here, `exp(x)`, `x.exp()` and `f(x)` are calls alike.
//! Next: [`super::parse`], [`crate::check`].

use crate::diagnostic::Loc;
use crate::dtype::DType;
use proc_macro2::{Ident, TokenStream};

/// A whole `tensor! { … }` block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// `#![unfused]`: every operation of its functions has a kernel of its own.
    pub unfused: bool,
    pub items: Vec<Item>,
    /// Names of items that did not parse: known, so that nobody reports them
    /// as unknown, but without content.
    pub lost: Vec<Ident>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "trees are short-lived and read by matching")]
pub enum Item {
    Fn(FnItem),
    Struct(StructItem),
}

/// `pub fn f<B, const N, C>(x: f32[B, C], …) -> f32[B] wrt (x) where … { … }`
#[derive(Clone, Debug)]
pub struct FnItem {
    /// Doc comments and other outer attributes, to be carried over.
    pub attrs: TokenStream,
    /// `pub`, `pub(crate)` or nothing, to be carried over.
    pub vis: TokenStream,
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub params: Vec<Param>,
    /// `None` for a template without `->`.
    pub results: Option<Results>,
    /// `wrt (w, b)`: the parameters that its gradient is by; `None` for all.
    pub wrt: Option<Vec<Ident>>,
    pub constraints: Vec<Constraint>,
    pub body: Body,
    /// The signature, `fn` to the last token before the body.
    pub loc: Loc,
    /// Whether the body did not parse: the item exists, and nothing checks it.
    pub broken: bool,
}

/// The expression form, `tensor!(x: f32[B, C], b: f32[C] => gelu(x + b))`.
#[derive(Clone, Debug)]
pub struct InlineItem {
    /// Rust variables in scope, with their types.
    pub params: Vec<Param>,
    /// Every bare name in the dims, in the order of the text, each once.
    pub symbols: Vec<Ident>,
    pub body: Expr,
    pub loc: Loc,
}

/// A declared name in angle brackets.
#[derive(Clone, Debug)]
pub struct Generic {
    pub name: Ident,
    pub kind: GenericKind,
    /// `Float` of `T: Float`; a dtype variable always has one.
    pub bound: Option<Ident>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GenericKind {
    /// A dimension whose size is known at run time: `B`.
    Dim,
    /// `const STRIDE`: an integer given at each call, `f::<2>(x)`.
    Const,
    /// `T: Float` (or another bound): a dtype variable.
    DType,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Ident,
    /// `None` in a template.
    pub ty: Option<TypeExpr>,
    /// `axis=-1`, in a template.
    pub default: Option<Expr>,
    pub loc: Loc,
}

impl FnItem {
    /// A function whose parameters have no types is a template.
    pub fn is_template(&self) -> bool {
        self.results.is_none() || self.params.iter().any(|p| p.ty.is_none())
    }
}

/// What stands after `->`.
#[derive(Clone, Debug)]
pub struct Results {
    pub types: Vec<TypeExpr>,
    /// Whether written as a tuple, `-> (f32[B], i64[B])`.
    pub tuple: bool,
}

#[derive(Clone, Debug)]
pub struct TypeExpr {
    pub kind: TypeKind,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `f32`: a scalar by value.
    Scalar(DTypeExpr),
    /// `f32[B, 2*C]`; `f32[]` has no dims.
    Array { dtype: DTypeExpr, dims: Vec<Expr> },
    /// `Norm<E>`, `Net`: a parameter struct with its dims.
    Struct { name: Ident, args: Vec<Expr> },
    /// `[Block<C>; 4]`: a struct field only.
    Repeat { element: Box<TypeExpr>, count: Expr },
    /// `(First<32>, Block<16>)`: a struct field only; its keys are `0`, `1`, ….
    Tuple(Vec<TypeExpr>),
}

#[derive(Clone, Debug)]
pub enum DTypeExpr {
    Known(DType),
    /// A dtype variable of the function.
    Var(Ident),
}

/// `pub struct Norm<C> { weight: f32[C], bias: f32[C] }`
#[derive(Clone, Debug)]
pub struct StructItem {
    pub attrs: TokenStream,
    pub vis: TokenStream,
    pub name: Ident,
    /// Dimension names (kind `Dim`).
    pub generics: Vec<Generic>,
    pub fields: Vec<Field>,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub attrs: TokenStream,
    pub vis: TokenStream,
    pub name: Ident,
    pub ty: TypeExpr,
}

/// `where C % 2 == 0`; the operator is a comparison.
#[derive(Clone, Debug)]
pub struct Constraint {
    pub left: Expr,
    pub op: BinaryOp,
    pub right: Expr,
    pub loc: Loc,
}

/// `{ statements; value }`
#[derive(Clone, Debug)]
pub struct Body {
    pub stmts: Vec<Stmt>,
    /// The last expression, without a semicolon.
    pub value: Option<Expr>,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let x = …;`, `let (a, b): T = …;`
    Let { pattern: Pattern, ty: Option<TypeExpr>, value: Expr, loc: Loc },
    /// `x = …;`: rebinding of a `let`, for loops.
    Assign { name: Ident, value: Expr, loc: Loc },
    /// `for i in 0..4 { … }`; `i` is a compile-time integer.
    For { name: Ident, start: Expr, end: Expr, body: Body, loc: Loc },
    /// An expression with a semicolon: an error of the checker ("has no effect").
    Expr(Expr),
}

#[derive(Clone, Debug)]
pub enum Pattern {
    Name(Ident),
    /// `(a, b)`
    Tuple(Vec<Pattern>, Loc),
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Int(i128),
    Float(f64),
    Bool(bool),
    Str(String),
    /// `None`
    None,
    Name(Ident),
    Unary(UnaryOp, Box<Expr>),
    /// `op_loc` is the operator's own token: errors of broadcasting stand there.
    Binary {
        op: BinaryOp,
        op_loc: Loc,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `f(x, axis=-1)`, `f::<2>(x)`.
    Call {
        name: Ident,
        generics: Vec<Expr>,
        args: Vec<Arg>,
    },
    /// `grad(loss, wrt=w)(x, w)`: the function is such a call, of one of
    /// [`TRANSFORMS`], or itself an application.
    Apply {
        function: Box<Expr>,
        args: Vec<Arg>,
    },
    /// `x.sum(axis=-1)`.
    Method {
        receiver: Box<Expr>,
        name: Ident,
        args: Vec<Arg>,
    },
    /// `x.T`, `x.shape`, `net.weight`.
    Field {
        receiver: Box<Expr>,
        name: Ident,
    },
    /// `net.blocks.0`
    TupleField {
        receiver: Box<Expr>,
        index: usize,
    },
    /// `x[1:, ::-2, None, ..., 0]`
    Index {
        receiver: Box<Expr>,
        items: Vec<IndexItem>,
    },
    /// `(a, b)`, `(3,)`; as an argument also `[a, b]`.
    Tuple(Vec<Expr>),
    /// `if c { a } else { b }`: `c` is known at compile time.
    If {
        condition: Box<Expr>,
        then: Box<Body>,
        otherwise: Box<Body>,
    },
    /// `{ let y = …; y }`
    Block(Box<Body>),
}

/// The words that make a function of a function.
pub const TRANSFORMS: [&str; 5] = ["grad", "value_and_grad", "vjp", "jvp", "checkpoint"];

#[derive(Clone, Debug)]
pub struct Arg {
    /// The keyword of `axis=-1`.
    pub keyword: Option<Ident>,
    pub value: Expr,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "trees are short-lived and read by matching")]
pub enum IndexItem {
    /// `3`, or an integer array (gather).
    At(Expr),
    /// `a:b:c`; each part may be missing.
    Slice { start: Option<Expr>, stop: Option<Expr>, step: Option<Expr>, loc: Loc },
    /// `None`: a new axis.
    NewAxis(Loc),
    /// `...`
    Ellipsis(Loc),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Neg,
    /// `~` or `!`
    Not,
    /// `+x`
    Plus,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    /// `//` is a comment in Rust's tokens: floor division is `floor_divide(a, b)`.
    Rem,
    /// `**`
    Pow,
    /// `@`
    MatMul,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Xor,
    Shl,
    Shr,
}
