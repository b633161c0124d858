//! About how much work a step is.
//!
//! In: a step, the sizes of a call. Out: machine instructions on single elements, about. Always: it depends on the sizes
//! alone. Next: [`super::jobs`].

use crate::plan::{Action, BufferId, Launch, Plan, Slot};

pub(super) fn of(plan: &'static Plan, action: &'static Action, sizes: &[i64]) -> u64 {
    let size = |slot: &Slot| sizes.get(usize::from(*slot)).map_or(0, |&n| n.max(0) as u64);
    let all = |slots: &[Slot]| slots.iter().map(size).fold(1, u64::saturating_mul);
    let of_launch = |launch: &Launch| all(launch.extents).saturating_mul(u64::from(launch.cost.max(1)));
    match action {
        Action::Launch(launch) => of_launch(launch),
        Action::Dot(dot) => {
            let product = dot.axes.iter().map(|l| size(&l.extent)).fold(1, u64::saturating_mul);
            product.saturating_add(dot.epilogue.as_ref().map_or(0, |epilogue| of_launch(&epilogue.launch)))
        }
        Action::Scatter(scatter) => {
            let elements = |id: BufferId| plan.buffers.get(usize::from(id)).map_or(0, |buffer| all(buffer.dims));
            elements(scatter.updates).saturating_add(elements(scatter.out))
        }
    }
}
