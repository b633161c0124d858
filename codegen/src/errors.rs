//! The catalogue of errors: one row a code.
//!
//! In: a [`Code`]. Out: its [`Row`]: a title, an explanation and a block that
//! triggers it. Always: the codes ascend; `E01xx` is syntax, `E02xx` names and
//! calls, `E03xx` dtypes, `E04xx` shapes, `E05xx` axes and indices, `E06xx`
//! structs, `E07xx` templates and control flow, `E08xx` limits, `E09xx` gradients. A code once
//! given keeps its meaning. Next: [`crate::diagnostic`].

/// The number of an error: `E0402`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Code(pub u16);

/// One row of the catalogue.
pub struct Row {
    pub code: Code,
    /// The constant of this module.
    pub name: &'static str,
    pub title: &'static str,
    /// Why it is an error and how to mend it.
    pub explanation: &'static str,
    /// The content of a `tensor!` block that triggers the error.
    pub example: &'static str,
}

impl Code {
    pub fn row(self) -> Option<&'static Row> {
        TABLE.binary_search_by_key(&self, |row| row.code).ok().map(|i| &TABLE[i])
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "E{:04}", self.0)
    }
}

macro_rules! catalogue {
    ($($name:ident = $number:literal, $title:literal, $explanation:literal, $example:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code($number);)*

        /// The catalogue, by ascending code.
        pub static TABLE: &[Row] = &[$(Row {
            code: $name,
            name: stringify!($name),
            title: $title,
            explanation: $explanation,
            example: $example,
        }),*];
    };
}

catalogue! {
    // E01xx: syntax.
    UNEXPECTED_TOKEN = 101, "unexpected token",
        "The text does not follow the grammar at this token. The message names what could stand here.",
        "fn f<B>(x: f32[B]) -> f32[B] { x + }";
    MISSING_SEMICOLON = 102, "missing semicolon",
        "Statements end with `;`. Only the last expression of a block, its value, has none.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x + 1\n y }";
    LITERAL_SUFFIX = 103, "literal with a suffix",
        "Literals take the dtype of the array they meet, so `1f32` is written `1`. For an array of one dtype write `x.astype(f32)` or `zeros((B,), dtype=f32)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x + 1f32 }";
    BAD_LITERAL = 104, "literal of no meaning here",
        "The language has integers, floats, `true`, `false`, `None` and strings. Characters, byte strings and integers beyond 128 bits have no meaning.",
        "fn f<B>(x: f32[B]) -> f32[B] { x + 'a' }";
    CHAINED_COMPARISON = 105, "chained comparison",
        "`a < b < c` would compare a `bool` with `c`. Write `(a < b) & (b < c)`.",
        "fn f<B>(x: f32[B]) -> bool[B] { 0 < x < 1 }";
    REFERENCE = 106, "reference or dereference",
        "Arrays are values in the language: nothing is borrowed, copied or moved. Leave out the `&` or `*`.",
        "fn f<B>(x: f32[B]) -> f32[B] { &x }";
    MUTABLE = 107, "`mut`",
        "Arrays do not change; a name can be bound anew with `let x = …;` or, in a loop, `x = …;`. Leave out the `mut`.",
        "fn f<B>(x: f32[B]) -> f32[B] { let mut y = x; y }";
    RUST_STATEMENT = 108, "a Rust statement that the language does not have",
        "A function is a graph of operations without jumps: there is no `return`, `while`, `loop`, `match`, `break` or `continue`. The value is the last expression; `for i in 0..4` is unrolled; a choice between elements is `where(condition, a, b)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { return x; }";
    CLOSURE = 109, "closure",
        "There are no function values. Write a function and call it by name.",
        "fn f<B>(x: f32[B]) -> f32[B] { x.map(|v| v + 1) }";
    AS_CAST = 110, "`as`",
        "A cast is written `x.astype(f32)`.",
        "fn f<B>(x: i64[B]) -> f64[B] { x as f64 }";
    SHORT_CIRCUIT = 111, "`&&` or `||`",
        "Logical operations work element by element: write `a & b`, `a | b` with parentheses around comparisons.",
        "fn f<B>(x: f32[B]) -> bool[B] { (x > 0) && (x < 1) }";
    QUESTION_MARK = 112, "`?`",
        "Nothing inside the language returns a `Result`; the whole function does. Leave out the `?`.",
        "fn f<B>(x: f32[B]) -> f32[B] { exp(x)? }";
    MACRO_CALL = 113, "macro call",
        "The language has no macros. Operations are functions: `exp(x)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { vec![x] }";
    RUST_ITEM = 114, "an item that the language does not have",
        "A block holds functions and structs. Other Rust items stand outside of `tensor!`.",
        "use std::fmt; fn f<B>(x: f32[B]) -> f32[B] { x }";
    RANGE = 115, "Rust range as an index",
        "Slices are written as in NumPy: `x[1:5]`, `x[:-1]`, `x[::2]`, and `...` for all other axes.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[1..5] }";
    BAD_TYPE = 116, "not a type",
        "A type is `f32[B, C]`, `f32[]`, a scalar `f32` or a struct `Norm<C>`; in the fields of a struct also `[Block<C>; 4]` and `(First, Second)`.",
        "fn f<B>(x: Vec<f32, 4>[B]) -> f32[B] { x }";
    BAD_BOUND = 117, "unknown bound",
        "A dtype variable has one bound: `T: Float`, `T: Int`, `T: Number` or `T: Any`. Dimensions have none.",
        "fn f<T: Clone, B>(x: T[B]) -> T[B] { x }";
    ASSIGN_TARGET = 118, "assignment to something other than a name",
        "Arrays do not change. Only a name can be bound anew: `y = y + 1;`. For single elements use `where(…)` or `concatenate(…)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[0] = 1; x }";
    COMPOUND_ASSIGN = 119, "compound assignment",
        "Write `x = x + 1;` instead of `x += 1;`.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x; y += 1; y }";
    IF_WITHOUT_ELSE = 120, "`if` without `else`",
        "An `if` is an expression, and has a value on both sides.",
        "fn f<B>(x: f32[B]) -> f32[B] { if true { x } }";
    POSITIONAL_AFTER_KEYWORD = 121, "positional argument after a keyword",
        "Keyword arguments stand last: `sum(x, axis=0)`.",
        "fn f<B>(x: f32[B]) -> f32[] { sum(axis=0, x) }";
    BAD_CONSTRAINT = 122, "not a constraint",
        "After `where` stand comparisons of dimensions: `where B == C, C % 2 == 0`.",
        "fn f<B>(x: f32[B]) -> f32[B] where B { x }";
    EMPTY_INDEX = 123, "empty index",
        "`x[]` has no index. Leave out the brackets, or write `x[...]`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[] }";
    NOT_CALLABLE = 124, "call of something other than a name",
        "Functions are called by their name: `f(x)`, `f::<2>(x)`, `x.f()`. To call a function of another module, import it with `use` outside of the block.",
        "fn f<B>(x: f32[B]) -> f32[B] { (exp)(x) }";
    FIELD_KIND = 125, "unnamed struct fields",
        "Structs have named fields: `struct Norm<C> { weight: f32[C] }`.",
        "struct Norm<C>(f32[C]);";
    PARAMETER_PATTERN = 126, "parameter that is not a name",
        "A parameter is a name with a type: `x: f32[B]`. Take tuples apart with `let`.",
        "fn f<B>((x, y): f32[B]) -> f32[B] { x }";
    PARAMETER_DEFAULT = 127, "default of a typed parameter",
        "Only templates, whose parameters have no types, have defaults: `fn softmax(x, axis=-1)`.",
        "fn f<B>(x: f32[B], k: f32 = 2) -> f32[B] { x * k }";
    BROKEN_INLINE = 128, "not the expression form",
        "The expression form is `tensor!(x: f32[B], y: f32[B] => x + y)`: variables with their types, `=>`, one expression.",
        "x: f32[B] => ";

    // E02xx: names and calls.
    UNKNOWN_NAME = 201, "unknown name",
        "No parameter, `let`, dimension or constant of this name is in scope.",
        "fn f<B>(x: f32[B]) -> f32[B] { y }";
    UNKNOWN_FUNCTION = 202, "unknown function",
        "No operation, function of this block or imported function has this name.",
        "fn f<B>(x: f32[B]) -> f32[B] { softmacks(x) }";
    UNKNOWN_METHOD = 203, "unknown method",
        "Every operation can be called as a method of its first argument; none has this name.",
        "fn f<B>(x: f32[B]) -> f32[B] { x.expp() }";
    ARITY = 204, "wrong number of arguments",
        "The function takes another number of arguments.",
        "fn f<B>(x: f32[B]) -> f32[B] { exp(x, x) }";
    UNKNOWN_KEYWORD = 205, "unknown keyword argument",
        "The function has no parameter of this name.",
        "fn f<B>(x: f32[B]) -> f32[] { x.sum(dim=0) }";
    DUPLICATE_ARGUMENT = 206, "argument given twice",
        "A parameter takes one argument, by position or by name.",
        "fn f<B>(x: f32[B]) -> f32[] { x.sum(0, axis=0) }";
    MISSING_ARGUMENT = 207, "missing argument",
        "A parameter without default has no argument.",
        "fn f<B>(x: f32[B]) -> f32[B] { where(x > 0, x) }";
    ARGUMENT_TYPE = 208, "argument of the wrong type",
        "The argument is of another kind than the parameter: an array where an integer known at compile time is wanted, a string where an array is wanted.",
        "fn f<B>(x: f32[B]) -> f32[] { x.sum(axis=x) }";
    ARGUMENT_VALUE = 209, "argument out of its domain",
        "The value is known at compile time, and the operation does not take it.",
        "fn f<B>(x: f32[B]) -> f32[B] { pad(x, 1, mode=\"mirror\") }";
    RECURSION = 210, "recursive call",
        "Calls are inlined, so a function cannot call itself, directly or through others.",
        "fn f<B>(x: f32[B]) -> f32[B] { f(x) }";
    DUPLICATE_DEFINITION = 211, "duplicate definition",
        "Two items of a block have the same name.",
        "fn f<B>(x: f32[B]) -> f32[B] { x } fn f<C>(y: f32[C]) -> f32[C] { y }";
    DUPLICATE_PARAMETER = 212, "duplicate parameter",
        "Two parameters, or two names in angle brackets, are the same.",
        "fn f<B>(x: f32[B], x: f32[B]) -> f32[B] { x }";
    MISSING_CONST = 213, "constant missing in a call",
        "A function with `const N` is called with its value: `f::<2>(x)`.",
        "fn g<const N, B>(x: f32[B]) -> f32[B] { x * N } fn f<B>(x: f32[B]) -> f32[B] { g(x) }";
    CONST_COUNT = 214, "wrong number of constants",
        "The values in `::<…>` fit the `const` names of the function one by one.",
        "fn g<const N, B>(x: f32[B]) -> f32[B] { x * N } fn f<B>(x: f32[B]) -> f32[B] { g::<1, 2>(x) }";
    RESULT_COUNT = 215, "wrong number of results",
        "The body gives another number of values than stand after `->`.",
        "fn f<B>(x: f32[B]) -> (f32[B], f32[B]) { x }";
    TUPLE_PATTERN = 216, "tuple of the wrong length",
        "The pattern has another number of names than the tuple has values, or the value is no tuple.",
        "fn f<B>(x: f32[B]) -> f32[B] { let (a, b, c) = (x, x); a }";
    TUPLE_VALUE = 217, "tuple where an array is wanted",
        "Operations work on arrays; take a tuple apart with `let (a, b) = …;`.",
        "fn f<B>(x: f32[B]) -> f32[B] { exp((x, x)) }";
    NO_RESULT = 218, "function without a value",
        "The body ends without an expression. The last expression, without `;`, is the value.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x; }";
    ASSIGN_UNKNOWN = 219, "assignment to a name that is not bound",
        "Only a name bound by `let` before can be bound anew.",
        "fn f<B>(x: f32[B]) -> f32[B] { y = x; x }";
    NO_EFFECT = 220, "statement without effect",
        "The value of an expression with `;` is lost. Bind it with `let`, or leave it out.",
        "fn f<B>(x: f32[B]) -> f32[B] { exp(x); x }";
    RESERVED_NAME = 221, "reserved name",
        "The name is a dtype or has a fixed meaning in the language or in generated code.",
        "fn f<B>(f32: f32[B]) -> f32[B] { f32 }";
    FUNCTION_AS_VALUE = 222, "function used as a value",
        "There are no function values. Call it: `exp(x)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x + exp }";
    UNKNOWN_ATTRIBUTE = 223, "unknown attribute of an array",
        "An array has `.T`, `.shape`, `.ndim`, `.size` and every operation as a method, called with parentheses.",
        "fn f<B>(x: f32[B]) -> f32[B] { x.lenght }";

    // E03xx: dtypes.
    PROMOTION = 301, "promotion that needs a cast",
        "NumPy would make a wider float out of these dtypes, such as `f64` of `i64` and `f32`, or has none for them, such as for `f16` and `bf16`. Say which dtype is meant: `x.astype(f32) + y`.",
        "fn f<B>(x: i64[B], y: f32[B]) -> f32[B] { x + y }";
    INTEGER_DIVISION = 302, "division of integers",
        "NumPy's `/` would make `f64` out of integers. Write `floor_divide(a, b)`, or cast an operand with `.astype(f32)`.",
        "fn f<B>(x: i64[B]) -> i64[B] { x / 2 }";
    FLOAT_FUNCTION = 303, "float function of integers",
        "The function is defined for floats, and NumPy would make `f64`. Cast with `.astype(f32)`.",
        "fn f<B>(x: i64[B]) -> f64[B] { exp(x) }";
    INTEGER_MEAN = 304, "mean of integers",
        "NumPy's mean of integers is `f64`. Say so with `.astype(f64)`, or choose `f32`.",
        "fn f<B>(x: i64[B]) -> f64[] { x.mean() }";
    LITERAL_RANGE = 305, "literal out of range",
        "The literal does not fit the dtype of the array it meets.",
        "fn f<B>(x: u8[B]) -> u8[B] { x + 300 }";
    LITERAL_KIND = 306, "float literal with an integer array",
        "A float literal would make `f64` out of an integer array. Cast the array, or write an integer.",
        "fn f<B>(x: i64[B]) -> i64[B] { x * 0.5 }";
    BOOL_ARITHMETIC = 307, "arithmetic on `bool`",
        "The operation is not defined for `bool`. Use `&`, `|`, `^`, `~`, or cast with `.astype(…)`.",
        "fn f<B>(x: bool[B]) -> bool[B] { x - x }";
    DTYPE_RULE = 308, "operation not defined for the dtype",
        "The operation takes other dtypes: bitwise operations integers and `bool`, shifts integers, `sign` of numbers.",
        "fn f<B>(x: f32[B]) -> f32[B] { x & x }";
    RESULT_DTYPE = 309, "result of another dtype",
        "The value's dtype is not the declared one. Declare the value's own, or cast with `.astype(…)`.",
        "fn f<B>(x: f32[B]) -> f64[B] { x }";
    ARGUMENT_DTYPE = 310, "argument of another dtype",
        "The function was declared for another dtype. Cast with `.astype(…)`.",
        "fn g<B>(x: f64[B]) -> f64[B] { x } fn f<B>(x: f32[B]) -> f64[B] { g(x) }";
    CONDITION_DTYPE = 311, "condition that is not `bool`",
        "The condition of `where` is `bool`: compare first, `x != 0`.",
        "fn f<B>(x: f32[B]) -> f32[B] { where(x, x, 0) }";
    INDEX_DTYPE = 312, "index that is not an integer",
        "Index arrays are of an integer dtype.",
        "fn f<B>(x: f32[B], i: f32[B]) -> f32[B] { x[i] }";
    UNKNOWN_DTYPE = 313, "unknown dtype",
        "Dtypes are `bool u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64`, and the variables declared with a bound, `T: Float`.",
        "fn f<B>(x: float32[B]) -> float32[B] { x }";
    ANNOTATION_DTYPE = 314, "annotation of another dtype",
        "The type written in `let` is not the value's.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y: f64[B] = x; x }";

    // E04xx: shapes.
    SHAPE = 401, "shapes that do not fit",
        "The operation wants its operands' shapes to agree.",
        "fn f<B>(x: f32[B], y: f32[B, 2]) -> f32[B, 3] { stack((x, y)) }";
    BROADCAST = 402, "cannot broadcast",
        "Two axes broadcast when they are equal or one is the literal `1`. A symbol is never assumed to be 1.",
        "fn f<N>(x: f32[N, 4], w: f32[N, 3]) -> f32[N, 4] { x * w }";
    UNPROVABLE = 403, "dimensions that cannot be proved equal",
        "The two are different expressions of the declared names. Use one name for both, or state it: `where B == C`.",
        "fn f<B, C>(x: f32[B], y: f32[C]) -> f32[B] { x + y }";
    MATMUL_SHAPE = 404, "`@` of arrays that do not fit",
        "The last axis of the left operand and the last but one of the right must be equal.",
        "fn f<B>(x: f32[B, 3], w: f32[4, 5]) -> f32[B, 5] { x @ w }";
    MATMUL_SCALAR = 405, "`@` with a scalar",
        "`@` takes arrays of one axis or more. Write `*`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x @ 2 }";
    RESHAPE = 406, "reshape to another number of elements",
        "The product of the new sizes is not the old one.",
        "fn f<B>(x: f32[B, 4]) -> f32[B, 3] { x.reshape(B, 3) }";
    RESULT_SHAPE = 407, "result of another shape",
        "The value's shape is not the declared one.",
        "fn f<B>(x: f32[B, 4]) -> f32[B] { x }";
    ARGUMENT_SHAPE = 408, "argument of another shape",
        "The function was declared for another shape.",
        "fn g<B>(x: f32[B, 3]) -> f32[B, 3] { x } fn f<B>(x: f32[B, 4]) -> f32[B, 4] { g(x) }";
    UNKNOWN_DIM = 409, "unknown dimension",
        "The name is not declared in the function's angle brackets.",
        "fn f<B>(x: f32[B, C]) -> f32[B, C] { x }";
    UNBOUND_DIM = 410, "dimension that no argument gives",
        "The name appears in no parameter's shape by itself, so that a call cannot find its size. Add a parameter with an axis `B`, or write the derived axis as a name of its own with a `where`.",
        "fn f<B>(x: f32[2*B]) -> f32[2*B] { x }";
    BAD_DIM = 411, "not a dimension",
        "A dimension is made of integers and declared names by `+ - * / %`, where `/` divides as `floor_divide` does.",
        "fn f<B>(x: f32[B ** B]) -> f32[B] { x.sum(axis=0) }";
    NEGATIVE_DIM = 412, "negative size",
        "A size is zero or more.",
        "fn f<B>(x: f32[B, -1]) -> f32[B] { x.sum(axis=1) }";
    ANNOTATION_SHAPE = 413, "annotation of another shape",
        "The shape written in `let` is not the value's.",
        "fn f<B, C>(x: f32[B, C]) -> f32[B, C] { let y: f32[C, B] = x; y }";
    CONFLICTING_WHERE = 414, "constraint that never holds",
        "The constraint contradicts the others or is false for all sizes.",
        "fn f<B>(x: f32[B]) -> f32[B] where 2 == 3 { x }";
    UNUSED_WHERE = 415, "constraint that cannot be used",
        "An equality can be used when one of its sides is a declared name or it is `a % n == 0`.",
        "fn f<B, C>(x: f32[B], y: f32[C]) -> f32[B] where B * B == C * C { x }";
    DIVISIBILITY = 417, "division that may leave a remainder",
        "The size must be divisible here, and that cannot be proved. State it: `where C % 2 == 0`.",
        "fn f<C>(x: f32[C]) -> f32[C] { let (a, b) = split(x, 2); concatenate((a, b)) }";

    // E05xx: axes and indices.
    AXIS_RANGE = 501, "axis out of range",
        "An array of `n` axes has the axes `-n` to `n - 1`.",
        "fn f<B>(x: f32[B]) -> f32[] { x.sum(axis=1) }";
    DUPLICATE_AXIS = 502, "axis given twice",
        "Each axis can be given once.",
        "fn f<B, C>(x: f32[B, C]) -> f32[] { x.sum(axis=(0, 0)) }";
    EMPTY_REDUCTION = 503, "reduction of no elements",
        "The axis has size zero, and the operation has no value for no elements.",
        "fn f<B>(x: f32[B, 0]) -> f32[B] { x.max(axis=1) }";
    INDEX_RANGE = 504, "index out of range",
        "The index is known at compile time, and the axis is shorter.",
        "fn f<B>(x: f32[B, 3]) -> f32[B] { x[:, 3] }";
    ZERO_STEP = 505, "slice with step zero",
        "A step is any integer but zero.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[::0] }";
    TOO_MANY_INDICES = 506, "too many indices",
        "The array has fewer axes than there are indices. `None` and `...` do not count.",
        "fn f<B>(x: f32[B]) -> f32[] { x[0, 0] }";
    MASK_INDEX = 507, "boolean mask as an index",
        "The shape of the result would depend on the data. Keep the shape and choose between elements: `where(mask, x, 0)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[x > 0] }";
    TWO_ELLIPSES = 508, "two `...` in an index",
        "One `...` stands for all axes that are not named.",
        "fn f<B>(x: f32[B]) -> f32[B] { x[..., ...] }";
    AXIS_COUNT = 509, "wrong number of axes",
        "The list names each axis of the array once.",
        "fn f<B, C>(x: f32[B, C]) -> f32[C, B] { x.transpose(0) }";
    SQUEEZE = 510, "squeeze of an axis that is not 1",
        "Only an axis of the literal size 1 can be taken out.",
        "fn f<B, C>(x: f32[B, C]) -> f32[B] { x.squeeze(axis=1) }";
    INDEX_OF_SCALAR = 511, "index of a scalar",
        "A scalar has no axes.",
        "fn f(x: f32[]) -> f32[] { x[0] }";
    SLICE_BOUND = 512, "slice bound that is not known",
        "Slice bounds are integers and declared dimensions, so that the shape of the result is known.",
        "fn f<B>(x: f32[B], i: i64[]) -> f32[B] { x[i:] }";
    RANK = 513, "array with the wrong number of axes",
        "The operation wants another number of axes.",
        "fn f<B>(x: f32[B]) -> f32[] { trace(x) }";

    // E06xx: structs.
    UNKNOWN_STRUCT = 601, "unknown struct",
        "No struct of this name stands in the block or was imported.",
        "fn f<B>(x: f32[B], n: Norm<B>) -> f32[B] { x }";
    UNKNOWN_FIELD = 602, "unknown field",
        "The struct has no field of this name.",
        "struct Norm<C> { weight: f32[C] } fn f<C>(n: Norm<C>) -> f32[C] { n.wieght }";
    STRUCT_ARGUMENTS = 603, "wrong number of dimensions for a struct",
        "The dimensions in `Norm<C>` fit the struct's own one by one.",
        "struct Norm<C> { weight: f32[C] } fn f<B, C>(n: Norm<B, C>) -> f32[C] { n.weight }";
    NOT_A_STRUCT = 604, "field of something that is not a struct",
        "Only parameter structs and their tuples have fields.",
        "fn f<B>(x: f32[B]) -> f32[B] { x.0 }";
    REPEAT_COUNT = 605, "repeat count that is not a constant",
        "The `4` of `[Block<C>; 4]` is an integer known at compile time.",
        "struct Net<C> { blocks: [f32[C]; C] }";
    DUPLICATE_FIELD = 606, "duplicate field",
        "Two fields of a struct have the same name.",
        "struct Norm<C> { weight: f32[C], weight: f32[C] }";
    RECURSIVE_STRUCT = 607, "struct that contains itself",
        "A struct holds arrays and other structs, a known number of them.",
        "struct Net<C> { next: Net<C> }";
    STRUCT_AS_ARRAY = 608, "struct where an array is wanted",
        "Operations work on the arrays of a struct: `n.weight`.",
        "struct Norm<C> { weight: f32[C] } fn f<C>(n: Norm<C>) -> f32[C] { exp(n) }";
    STRUCT_MISMATCH = 609, "argument of another struct",
        "The function takes another struct, or the same with other dimensions.",
        "struct A<C> { w: f32[C] } struct B<C> { w: f32[C] } fn g<C>(a: A<C>) -> f32[C] { a.w } fn f<C>(b: B<C>) -> f32[C] { g(b) }";
    UNUSED_DIM = 610, "dimension without use",
        "The name in angle brackets appears in no parameter or field.",
        "struct Norm<C, D> { weight: f32[C] }";
    FIELD_TYPE = 611, "field that is not of arrays",
        "A field is an array, a struct, or a tuple or repetition of these.",
        "struct Norm<C> { weight: f32[C], eps: f32 }";
    TUPLE_INDEX = 612, "tuple field out of range",
        "The tuple or repetition has fewer fields.",
        "struct Net<C> { blocks: [f32[C]; 2] } fn f<C>(n: Net<C>) -> f32[C] { n.blocks.2 }";

    // E07xx: templates and control flow.
    CONDITION = 701, "condition that is not a constant",
        "An `if` is decided at compile time. For a choice between elements write `where(condition, a, b)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { if x > 0 { x } else { -x } }";
    LOOP_BOUNDS = 702, "loop bounds that are not constants",
        "A `for` is unrolled at compile time: its bounds are integers known then.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x; for i in 0..B { y = y + x; } y }";
    LITERAL_RESULT = 703, "literal as a result",
        "A literal has no dtype or shape of its own. Write `full((B,), 1, dtype=f32)` or `zeros_like(x)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { 1 }";
    PARTIAL_TEMPLATE = 705, "function with types on some parameters only",
        "Either all parameters and the result have types, or none: then the function is a template, checked where it is called.",
        "fn f<B>(x: f32[B], y) -> f32[B] { x + y }";
    BRANCH_VALUE = 706, "branch without a value",
        "Both sides of an `if` end with an expression.",
        "fn f<B>(x: f32[B]) -> f32[B] { if true { let y = x; } else { x } }";
    STATIC_VALUE = 708, "value that must be known at compile time",
        "Axes, sizes, flags and modes are constants.",
        "fn f<B>(x: f32[B], i: i64[]) -> f32[] { x.sum(axis=i) }";
    LOOP_VALUE = 709, "loop with a value",
        "A `for` has no value; bind names anew in it.",
        "fn f<B>(x: f32[B]) -> f32[B] { for i in 0..2 { x } x }";

    // E08xx: limits and what is not supported.
    NESTING = 801, "nested too deeply",
        "Expressions and types nest at most 128 levels deep, where a block counts twice, and an expression has at most 256 operators in a row. Name parts with `let`.",
        "fn f<B>(x: f32[B]) -> f32[B] { - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - x }";
    UNROLL_LIMIT = 802, "loop too long to unroll",
        "A `for` is unrolled at compile time, at most 1024 times.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x; for i in 0..100000 { y = y + x; } y }";
    RANK_LIMIT = 803, "array of more than 8 axes",
        "Arrays have at most 8 axes.",
        "fn f<B>(x: f32[B, 1, 1, 1, 1, 1, 1, 1, 1]) -> f32[B] { x.reshape(B) }";
    NOT_SUPPORTED = 804, "not supported yet",
        "The language has it, this version does not compile it.",
        "fn f<B>(x: f32[B]) -> f32[B] { sort(x) }";
    SIZE_LIMIT = 805, "size beyond 64 bits",
        "Sizes and the number of an array's elements fit 63 bits.",
        "fn f(x: f32[9999999999999999999]) -> f32[] { x.sum() }";
    GRAPH_LIMIT = 806, "function too large",
        "The function has too many operations after inlining and unrolling. Split it, and call its parts from Rust.",
        "fn f<B>(x: f32[B]) -> f32[B] { let y = x; for i in 0..1000 { for j in 0..1000 { y = y * x; } } y }";

    // E09xx: gradients.
    GRAD_SCALAR = 902, "gradient of something that is not one number",
        "`grad` and `value_and_grad` differentiate functions whose result is a 0-d array of floats. Reduce the result, with `.mean()` or `.sum()`, or use `vjp`, which takes the cotangent of any result.",
        "fn g<B>(x: f32[B]) -> f32[B] { x * x }\nfn f<B>(x: f32[B]) -> f32[B] { grad(g)(x) }";
    GRAD_WRT = 903, "gradient by something that has none",
        "`wrt` names parameters of the function that is differentiated, those of floats.",
        "fn g<B>(x: f32[B], y: i64[B]) -> f32[] { (x * x).sum() }\nfn f<B>(x: f32[B], y: i64[B]) -> f32[B] { grad(g, wrt=y)(x, y) }";
    GRAD_FUNCTION = 904, "gradient of something that is not a function",
        "`grad`, `value_and_grad`, `vjp` and `jvp` take the name of a function of the block, of an operation, or another of their kind: `grad(grad(f))(x)`.",
        "fn f<B>(x: f32[B]) -> f32[B] { grad(x * x)(x) }";
    GRAD_DIRECTION = 905, "cotangent or tangent of another type",
        "The last argument of `vjp(f)(…)` has the type of the result of `f`, that of `jvp(f)(…)` the type of the argument that is differentiated by; where these are several, it is a tuple.",
        "fn g<B>(x: f32[B]) -> f32[] { x.sum() }\nfn f<B>(x: f32[B]) -> f32[B] { let (y, dx) = vjp(g)(x, x); dx }";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_rows_are_whole() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} {}", pair[0].name, pair[1].name);
        }
        for row in TABLE {
            assert!((101..1000).contains(&row.code.0), "{}", row.name);
            assert!(row.explanation.ends_with('.'), "{}", row.name);
            assert!(!row.title.is_empty() && !row.title.ends_with('.'), "{}", row.name);
            assert!(!row.example.is_empty(), "{}", row.name);
            assert_eq!(row.code.row().map(|found| found.name), Some(row.name));
        }
    }
}
