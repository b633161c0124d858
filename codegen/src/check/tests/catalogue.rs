//! The catalogue's own examples trigger its codes.

use super::{checked, errors};
use crate::errors::TABLE;

#[test]
fn examples_trigger_their_codes() {
    let mut wrong = Vec::new();
    for row in TABLE {
        if std::str::FromStr::from_str(row.example).map(|_: proc_macro2::TokenStream| ()).is_err() {
            continue;
        }
        let (_, diags) = checked(row.example);
        if !diags.iter().any(|d| d.code == row.code) {
            wrong.push(format!("{} {}\n  {}\n{}", row.code, row.name, row.example, errors(row.example)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
