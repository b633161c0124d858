//! Threads of rayon's pool that stay awake for a thread that has jobs for them.
//!
//! In: a task, and how many threads it is for. Out: it has run on the caller's thread and on those of the others that came in
//! time. Always: when [`run`] returns nobody runs the task; no thread is waited for that has not begun with it; who waits
//! for the next task does what else the pool has to do, for [`IDLE`] at most. Next: [`super::jobs`].
//!
//! To wake a thread takes as long as a step of a small network; a thread that is awake begins in less than a microsecond.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// So long a thread waits for the next task before it goes.
const IDLE: Duration = Duration::from_micros(200);
/// So long it waits before it looks for other work, too: what others are asked to do is theirs until they are awake.
const ALONE: Duration = Duration::from_micros(50);
/// After so long a thread lets the pool decide what it does next: it may have been lent by one that waits for something.
const SHIFT: Duration = Duration::from_millis(1);
/// Looks for a task between two looks for other work, while a task may come at any moment.
const LOOKS: usize = 32;

/// What to do, by the thread's number: the leader's is 0, and others have the same one from task to task, mostly.
type Task<'a> = dyn Fn(usize) + Sync + 'a;

/// The threads that wait for one leader's tasks.
#[derive(Default)]
struct Crew {
    /// How many tasks there have been.
    serial: AtomicUsize,
    /// The task that may be begun with, if any: a reference that the leader's stack holds.
    task: AtomicPtr<&'static Task<'static>>,
    /// How many threads may be running it.
    inside: AtomicUsize,
    /// How many threads wait for tasks, or have been asked to.
    present: AtomicUsize,
}

thread_local! {
    /// This thread's crew, once it has led one.
    static OWN: OnceCell<Arc<Crew>> = const { OnceCell::new() };
    /// Whether this thread leads or is in a crew: then it enters no other.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as busy as long as it lives.
struct Busy(bool);

impl Busy {
    fn begin() -> Busy {
        Busy(BUSY.replace(true))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(self.0);
    }
}

/// Runs `task` on this thread, and on up to `others` threads of the current pool at the same time. It must not panic.
pub(super) fn run(others: usize, task: &Task<'_>) {
    let _busy = Busy::begin();
    let crew = OWN.try_with(|own| own.get_or_init(Arc::default).clone());
    // A thread that is going away has none.
    let Ok(crew) = crew else { return task(0) };
    for number in crew.present.load(Ordering::Relaxed)..others {
        crew.present.fetch_add(1, Ordering::Relaxed);
        let crew = crew.clone();
        rayon::spawn(move || wait(crew, 1 + number));
    }
    crew.lead(task);
}

impl Crew {
    fn lead(&self, task: &Task<'_>) {
        // SAFETY: only lifetimes differ; the reference is withdrawn below, before its own lifetime ends.
        let mut open: &'static Task<'static> = unsafe { std::mem::transmute::<&Task<'_>, _>(task) };
        let closes = Closes(self);
        self.task.store(&raw mut open, Ordering::SeqCst);
        self.serial.fetch_add(1, Ordering::Release);
        task(0);
        drop(closes);
    }

    /// Takes part in the task that is open, if one is.
    fn join(&self, number: usize) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let open = self.task.load(Ordering::SeqCst);
        if !open.is_null() {
            // SAFETY: the leader withdraws the pointer and then waits until nobody is inside, both in the one order of all
            // sequentially consistent operations, in which this thread was inside before it found the pointer.
            unsafe { (*open)(number) };
        }
        self.inside.fetch_sub(1, Ordering::Release);
    }
}

/// Withdraws the open task, and waits for those who run it.
struct Closes<'a>(&'a Crew);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.task.store(std::ptr::null_mut(), Ordering::SeqCst);
        let mut looks = 0;
        while self.0.inside.load(Ordering::SeqCst) > 0 {
            pause(&mut looks);
        }
    }
}

/// Waits for a moment, and for longer when there have been many.
fn pause(looks: &mut usize) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

/// Takes part in the tasks of a crew's leader until there are none.
fn wait(crew: Arc<Crew>, number: usize) {
    let is_own = OWN.with(|own| own.get().is_some_and(|own| Arc::ptr_eq(own, &crew)));
    if is_own || BUSY.get() {
        crew.present.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let _busy = Busy::begin();
    let begin = Instant::now();
    let (mut last, mut looks) = (begin, 0);
    // The task for which this thread was asked may be open.
    let mut seen = crew.serial.load(Ordering::Acquire).wrapping_sub(1);
    loop {
        let serial = crew.serial.load(Ordering::Acquire);
        if serial != seen {
            seen = serial;
            crew.join(number);
            (last, looks) = (Instant::now(), 0);
            continue;
        }
        pause(&mut looks);
        if !looks.is_multiple_of(LOOKS) {
            continue;
        }
        let idle = last.elapsed();
        if idle > IDLE {
            crew.present.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        if begin.elapsed() > SHIFT {
            rayon::spawn(move || wait(crew, number));
            return;
        }
        if idle > ALONE {
            rayon::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tasks that are over when `run` returns, of leaders outside and inside of pools, with pauses in which the others leave.
    #[test]
    fn a_task_is_over_when_its_leader_goes_on() {
        let lead = || {
            for round in 0..400 {
                let (begun, ended, led) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
                run(round % 4, &|number| {
                    begun.fetch_add(1, Ordering::Relaxed);
                    led.fetch_add(usize::from(number == 0), Ordering::Relaxed);
                    std::hint::black_box((0..round * 7).sum::<usize>());
                    ended.fetch_add(1, Ordering::Relaxed);
                });
                let [begun, ended, led] = [&begun, &ended, &led].map(|n| n.load(Ordering::Relaxed));
                assert!(begun == ended && led == 1, "{begun} begun, {ended} ended, {led} led");
                if round % 100 == 0 {
                    std::thread::sleep(2 * IDLE);
                }
            }
        };
        std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(lead))));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| rayon::join(lead, lead));
        }
    }

    /// Two threads are at one task at once, mostly.
    #[test]
    fn others_come() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let attempt = |_| {
            let here = AtomicUsize::new(0);
            let begin = Instant::now();
            pool.install(|| {
                run(1, &|_| {
                    here.fetch_add(1, Ordering::SeqCst);
                    while here.load(Ordering::SeqCst) < 2 && begin.elapsed() < Duration::from_millis(100) {
                        std::thread::yield_now();
                    }
                });
            });
            here.load(Ordering::SeqCst) == 2
        };
        assert!((0..20).map(attempt).filter(|&both| both).count() >= 5);
    }

    /// Who waits for tasks does other work of the pool meanwhile, and leaves when there are none.
    #[test]
    fn the_pool_goes_on() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        for _ in 0..20 {
            let done = AtomicUsize::new(0);
            pool.install(|| {
                run(1, &|_| ());
                let wait = || {
                    done.fetch_add(1, Ordering::SeqCst);
                    while done.load(Ordering::SeqCst) < 2 {
                        std::thread::yield_now();
                    }
                };
                rayon::join(wait, wait);
            });
        }
    }
}
