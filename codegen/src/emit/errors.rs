//! Diagnostics as code: one `compile_error!` each, at the user's tokens.
//!
//! In: diagnostics. Out: tokens. Always: the first token of an invocation has
//! the first span of the place and all others the last, so that rustc
//! underlines the range between them. Next: [`crate::diagnostic`].

use crate::diagnostic::Diagnostic;
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// `::core::compile_error! { "…" }` for each diagnostic; in the place of an
/// expression they need braces around them.
pub fn compile_errors(diagnostics: &[Diagnostic]) -> TokenStream {
    diagnostics.iter().flat_map(compile_error).collect()
}

fn compile_error(diagnostic: &Diagnostic) -> Vec<TokenTree> {
    let (first, last) = (diagnostic.loc.first, diagnostic.loc.last);
    let punct = |c, spacing, span: Span| -> TokenTree {
        let mut punct = Punct::new(c, spacing);
        punct.set_span(span);
        punct.into()
    };
    let mut text = Literal::string(&diagnostic.text());
    text.set_span(last);
    let mut braces = Group::new(Delimiter::Brace, TokenTree::from(text).into());
    braces.set_span(last);
    vec![
        punct(':', Spacing::Joint, first),
        punct(':', Spacing::Alone, last),
        Ident::new("core", last).into(),
        punct(':', Spacing::Joint, last),
        punct(':', Spacing::Alone, last),
        Ident::new("compile_error", last).into(),
        punct('!', Spacing::Alone, last),
        braces.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Loc;
    use crate::errors;

    #[test]
    fn one_invocation_a_diagnostic_from_the_first_span_to_the_last() {
        let tokens: Vec<TokenTree> = "alpha + beta".parse::<TokenStream>().unwrap().into_iter().collect();
        let loc = Loc::new(tokens[0].span(), tokens[2].span());
        let one = Diagnostic::new(errors::BROADCAST, loc, "cannot `\"`").note("a note").help("mend it");
        let out = compile_errors(&[one.clone(), one]);
        let text = ":: core :: compile_error ! { \"[E0402] cannot `\\\"`\\n  = note: a note\\n  = help: mend it\" }";
        assert_eq!(out.to_string(), format!("{text} {text}"));
        let spans: Vec<usize> = out.into_iter().take(8).map(|token| token.span().start().column).collect();
        assert_eq!(spans, [0, 8, 8, 8, 8, 8, 8, 8]);
    }
}
