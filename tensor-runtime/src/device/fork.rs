//! Whether a process was forked.
//!
//! In: nothing. Out: a number of the process. Always: a child that was made by `fork` has another than its parent; it costs no
//! call of the system, for it is asked several times a launch. Next: [`super::gpu`].

#[cfg(unix)]
use std::ffi::c_int;
#[cfg(unix)]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often this process and those before it were forked since somebody asked.
static FORKS: AtomicU64 = AtomicU64::new(0);

#[cfg(unix)]
type Handler = Option<unsafe extern "C" fn()>;

#[cfg(unix)]
unsafe extern "C" {
    fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
}

#[cfg(unix)]
unsafe extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// The number of this process.
pub(super) fn process() -> u64 {
    #[cfg(unix)]
    {
        static WATCHED: OnceLock<bool> = OnceLock::new();
        // SAFETY: the handler lives as long as the process, and adds to a number, which any moment of a fork allows.
        if !WATCHED.get_or_init(|| unsafe { pthread_atfork(None, None, Some(forked)) } == 0) {
            return std::process::id().into();
        }
    }
    FORKS.load(Ordering::Relaxed)
}
