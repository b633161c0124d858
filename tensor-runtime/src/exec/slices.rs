//! Few long rows: each is cut into slices, for several threads.
//!
//! In: a launch whose kernel may be cut. Out: its outputs are written, pass by pass: jobs leave what their slices come to, and the last
//! joins it. Always: how rows are cut follows from the extents alone, and so do the bits; whether a row's slices are several
//! threads' or one's does not matter to them. Next: [`crate::kernel`], its `slice`.

use crate::MAX_RANK;
use crate::error::Result;
use crate::kernel::slice::{Slice, State, Total};
use crate::kernel::{TILE, Window};
use crate::plan::{Cut, Launch, Plan};

use super::few::Few;
use super::launch::{Faults, Found, Ready, Shared, accesses, axis_of, narrow};
use super::{internal, jobs};

/// So many rows are enough for most machines' threads.
const ENOUGH: isize = 16;
/// The least elements of a slice, for a job is a call of the kernel a pass; and the most slices of a row.
const LEAST: usize = 24 * TILE;
const MOST: usize = 32;
/// The least work of a row, in about machine instructions on single elements: a launch of one job has no slices.
const WORTH: isize = jobs::LEAST_CUT as isize;

/// A launch, cut.
pub(super) struct Slices<'a> {
    launch: &'static Launch,
    ready: &'a Ready,
    cut: Cut,
    rows: usize,
    /// Of a row, of so many elements each but the last.
    count: usize,
    each: usize,
    /// For each row, for each slice, what its reductions come to; and for each row.
    states: Vec<State>,
    totals: Vec<Total>,
    faults: Faults,
}

/// The slices of a launch, if it is few long rows.
pub(super) fn of<'a>(launch: &'static Launch, ready: &'a Ready) -> Option<Slices<'a>> {
    let cut = launch.cpu.cut().filter(|_| !ready.is_across())?;
    let (par, red) = ready.extents[..ready.axes].split_at(launch.par);
    let product = |extents: &[isize]| extents.iter().fold(1isize, |n, &extent| n.saturating_mul(extent));
    let (rows, length) = (product(par), *red.last()?);
    let worth = product(red).saturating_mul(launch.cost.max(1) as isize) >= WORTH;
    let most = (length as usize / LEAST).min(MOST);
    if rows >= ENOUGH || most < 2 || !worth {
        return None;
    }
    let each = (length as usize).div_ceil(most).next_multiple_of(TILE);
    let (rows, count) = (rows as usize, (length as usize).div_ceil(each));
    let apart = (0..launch.par).all(|axis| ready.extents[axis] == 1 || ready.splits(launch, axis));
    apart.then(|| {
        let reductions = rows * usize::from(cut.states);
        let states = (0..reductions * count).map(|_| State::default()).collect();
        let totals = (0..reductions).map(|_| Total::default()).collect();
        Slices { launch, ready, cut, rows, count, each, states, totals, faults: Faults::default() }
    })
}

impl Slices<'_> {
    /// Runs the launch.
    pub(super) fn run(self, plan: &'static Plan) -> Result<()> {
        let (threads, passes) = (jobs::threads(usize::MAX), usize::from(self.cut.passes));
        let this = Shared::new(|(row, pass, slice)| self.job(row, pass, slice));
        // What stands behind the passes is the first slice's, and a pass over the elements everyone's.
        let last = if self.cut.again { self.count } else { 1 };
        let slices = |pass: usize| if pass < passes { self.count } else { last };
        let done = if self.rows.is_multiple_of(threads) || self.rows >= 4 * threads {
            // A row is a thread's, whose caches hold it.
            let row = |row| {
                (0..=passes).for_each(|pass| (0..slices(pass)).for_each(|slice| this.call((row, pass, slice))));
            };
            jobs::run(self.rows, &row)
        } else {
            let all = |pass: usize| {
                let n = slices(pass);
                jobs::run(self.rows * n, &|i| this.call((i / n, pass, i % n)))
            };
            (0..=passes).try_for_each(all)
        };
        self.faults.told(plan)?;
        done.map_err(|text| internal(plan, format!("kernel {}: {text}", self.launch.name)))
    }

    /// A pass over a slice of a row.
    fn job(&self, row: usize, pass: usize, number: usize) {
        let (launch, lane) = (self.launch, self.ready.axes - 1);
        let end = ((number + 1) * self.each).min(self.ready.extents[lane] as usize);
        let part = (number * self.each) as isize..end as isize;
        let ends = pass < usize::from(self.cut.passes) || number > 0;
        let mut ranges = [const { 0..0 }; MAX_RANK];
        let mut rest = row as isize;
        for axis in (0..launch.par).rev() {
            let extent = self.ready.extents[axis];
            ranges[axis] = rest % extent..rest % extent + 1;
            rest /= extent;
        }
        let mut outputs: Few<Window, 2> = Few::new();
        for (k, whole) in self.ready.outputs(launch).iter().enumerate() {
            let (k, window) = (launch.inputs.len() + k, outputs.push(*whole));
            let axes = accesses(launch, k);
            ranges[..launch.par].iter().enumerate().for_each(|(axis, range)| narrow(window, axes, axis, range));
            match axis_of(launch, k, lane, window.rank) {
                Found::No if !ends => {}
                Found::No => window.size.fill(0),
                Found::At(_) | Found::Twice => narrow(window, axes, lane, &part),
            }
        }
        let of_row = |n: usize| row * n..(row + 1) * n;
        let reductions = usize::from(self.cut.states);
        let (states, totals) = (&self.states[of_row(self.count * reductions)], &self.totals[of_row(reductions)]);
        let slice = Slice { pass, number, lane: part, ends, states, totals };
        // SAFETY: jobs that run meanwhile have other rows, on an axis that all outputs have, or other slices. Outputs along the
        // lane have the slice's part; of others one job of a row, behind its last pass, has the row, and the rest nothing.
        let fault = unsafe { self.ready.kernel(launch, &outputs, &ranges, Some(&slice)) };
        self.faults.note(fault);
    }
}
