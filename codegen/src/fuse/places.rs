//! Where elements are wanted.
//!
//! In: an index, and the guards under which it is within its array. Out: a [`Place`]. Always: equal places are one, so that the
//! builder, which asks for most nodes where it asked for the one before, compares numbers. Next: [`super::builder`].

use crate::hash::Table;
use crate::kernel::Guard;
use crate::shape::Dim;
use std::collections::hash_map::Entry;
use std::rc::Rc;

pub struct Place {
    number: usize,
    pub index: Vec<Dim>,
    pub guards: Vec<Guard>,
}

impl Place {
    pub fn number(&self) -> usize {
        self.number
    }
}

/// All places so far.
#[derive(Default)]
pub struct Places(Table<(Vec<Dim>, Vec<Guard>), Rc<Place>>);

impl Places {
    pub fn of(&mut self, index: Vec<Dim>, guards: Vec<Guard>) -> Rc<Place> {
        let number = self.0.len();
        let new =
            |(index, guards): &(Vec<Dim>, Vec<Guard>)| Place { number, index: index.clone(), guards: guards.clone() };
        match self.0.entry((index, guards)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(free) => {
                let place = Rc::new(new(free.key()));
                free.insert(place).clone()
            }
        }
    }
}
