//! Any text is accepted or refused, never a panic; what is accepted is valid.

use super::{checked, messages};
use crate::errors::TABLE;
use crate::syntax::parse::{is_inline, parse};
use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use std::str::FromStr;

const NUMBERS: &str = include_str!("../../../tests/data/numpy_cases.txt");

/// A small generator of numbers: xorshift.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Every token, groups included, in the order of the text.
fn leaves(tokens: TokenStream, out: &mut Vec<TokenTree>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            leaves(group.stream(), out);
        }
        out.push(token);
    }
}

/// One token deleted, doubled, exchanged for one of the pool, or a number for
/// an extreme one.
fn mutate(tokens: TokenStream, rng: &mut Rng, pool: &[TokenTree], target: &mut usize) -> TokenStream {
    let mut out = Vec::new();
    for token in tokens {
        let hit = *target == 0;
        *target = target.wrapping_sub(1);
        if hit {
            match rng.below(5) {
                0 => {}
                1 => out.extend([token.clone(), token]),
                2 => {
                    let extremes = [0i128, -1, 1, 2, 7, i128::from(i64::MAX), i128::from(i64::MIN), i128::MAX];
                    out.push(Literal::i128_unsuffixed(extremes[rng.below(extremes.len())].max(0)).into());
                }
                _ => out.push(pool[rng.below(pool.len())].clone()),
            }
            continue;
        }
        out.push(match token {
            TokenTree::Group(group) => Group::new(group.delimiter(), mutate(group.stream(), rng, pool, target)).into(),
            other => other,
        });
    }
    out.into_iter().collect()
}

#[test]
fn mutated_sources_never_panic() {
    let numbers = NUMBERS.split("\n\n").filter_map(|case| case.lines().next());
    let sources: Vec<TokenStream> = TABLE
        .iter()
        .map(|row| row.example)
        .chain(messages::CASES.iter().copied())
        .chain(numbers)
        .filter(|s| !s.is_empty() && !s.contains("100000") && !s.contains("0..1000"))
        .filter_map(|s| TokenStream::from_str(s).ok())
        .collect();
    let mut pool = Vec::new();
    sources.iter().for_each(|s| leaves(s.clone(), &mut pool));
    let mut rng = Rng(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for round in 0..3000 {
        let source = &sources[rng.below(sources.len())];
        let mut all = Vec::new();
        leaves(source.clone(), &mut all);
        let mut target = rng.below(all.len());
        let mut mutant = mutate(source.clone(), &mut rng, &pool, &mut target);
        if round % 3 == 0 {
            let mut target = rng.below(all.len());
            mutant = mutate(mutant, &mut rng, &pool, &mut target);
        }
        let text = mutant.to_string();
        let outcome = std::panic::catch_unwind(|| checked(&text).1.len());
        match outcome {
            Ok(errors) => accepted += usize::from(errors == 0),
            Err(_) => panic!("this panics: {text}"),
        }
    }
    assert!(accepted > 20, "{accepted} of 3000 mutants have no error: the mutations are too wild");
}

/// As deep as the parser lets a source be, on the stack of a thread.
#[test]
fn the_deepest_source_fits_the_stack() {
    let deep = |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    for body in [
        deep("(", "x", ")", 120),
        deep("exp(", "x", ")", 120),
        deep("-", "x", "", 120),
        deep("{ ", "x", " }", 120),
        deep("silu(", "x", ")", 120),
        deep("x + (", "x", ")", 120),
        format!("x{}", " + x".repeat(4000)),
        format!("x{}", ".exp()".repeat(4000)),
    ] {
        checked(&format!("fn f<B>(x: f32[B]) -> f32[B] {{ {body} }}"));
    }
    let chain: String = (0..300).map(|k| format!("fn t{}(x) {{ t{k}(x) }} ", k + 1)).collect();
    let (_, diags) = checked(&format!("fn t0(x) {{ x }} {chain} fn f<B>(x: f32[B]) -> f32[B] {{ t300(x) }}"));
    assert_eq!(diags.len(), 1);
}

/// Tokens without a place, as a macro may make them.
#[test]
fn invisible_groups_are_looked_through() {
    let inner = TokenStream::from_str("x + 1").expect("tokens");
    let group: TokenTree = Group::new(Delimiter::None, inner).into();
    let body: TokenTree = Group::new(Delimiter::Brace, group.into()).into();
    let mut tokens = TokenStream::from_str("fn f<B>(x: f32[B]) -> f32[B]").expect("tokens");
    tokens.extend([body]);
    assert!(!is_inline(tokens.clone()));
    let (block, diags) = parse(tokens);
    assert!(diags.is_empty());
    let (checked, diags) = crate::check::check(&block);
    assert!(diags.is_empty() && checked.functions[0].graph.is_some());
}
