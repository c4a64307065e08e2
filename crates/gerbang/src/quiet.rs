//! Memory that holds keys leaves this process in no other way: no core dump, and nobody else of the
//! same user looks into it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Turns core dumps off, for this process and for good. The limit alone does not hold where the system
/// pipes dumps to a program; the switch does, and refuses debuggers as well.
pub(crate) fn no_dumps() {
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let switched = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = limited.and(switched) {
        eprintln!("gerbang: core dumps cannot be turned off ({error}): keys may be in one");
    }
}
