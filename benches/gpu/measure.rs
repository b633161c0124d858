//! The time of a call on a device.
//!
//! In: a call. Out: the times of turns of calls. Always: a turn is between two events of the device, so what the host does
//! between calls is in it only where the device waits for that; the first calls, which compile, are in no turn.
//! Next: [`crate::workloads`].

use ndfuse::{Device, Result};

/// The least time of a turn, in milliseconds.
const TURN: f64 = 20.0;
/// Turns; the median is told.
const TURNS: usize = 15;

/// A call to be measured.
pub struct Case {
    pub system: &'static str,
    /// What it must read and write at least.
    pub bytes: f64,
    /// What its products multiply and add; 0 where memory is all that counts.
    pub flops: f64,
    pub call: Box<dyn FnMut() -> Result<()>>,
}

#[derive(Clone, Copy)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

pub struct Rates {
    pub bytes: f64,
    pub flops: f64,
    /// Of a call.
    pub milliseconds: Spread,
}

pub fn measure(device: &Device, case: &mut Case) -> Result<Rates> {
    let (begin, end) = (device.event()?, device.event()?);
    let mut turn = |calls: usize| -> Result<f64> {
        begin.record()?;
        for _ in 0..calls {
            (case.call)()?;
        }
        end.record()?;
        Ok(begin.elapsed_ms(&end)? / calls as f64)
    };
    turn(2)?;
    let calls = ((TURN / turn(1)?.max(1e-4)) as usize).clamp(1, 10_000);
    let mut times = (0..TURNS).map(|_| turn(calls)).collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    let milliseconds = Spread { least: times[0], median: times[TURNS / 2], most: times[TURNS - 1] };
    Ok(Rates { bytes: case.bytes, flops: case.flops, milliseconds })
}
