//! Places at which a test may have the process die or break, in builds with the feature
//! `crash-points`; in any other build this is nothing.

/// Dies when `GERBANG_CRASH_AT` is `place:n` and this is the n-th time here.
#[cfg(feature = "crash-points")]
pub fn crash_point(place: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicI64, Ordering};
    static PLAN: LazyLock<Option<(String, AtomicI64)>> = LazyLock::new(|| {
        let text = std::env::var("GERBANG_CRASH_AT").ok()?;
        let (place, count) = text.split_once(':')?;
        Some((place.to_owned(), AtomicI64::new(count.parse().ok()?)))
    });
    if let Some((wanted, left)) = PLAN.as_ref()
        && wanted == place
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        // A test that finds it dead sees where it died.
        eprintln!("dies at {place}");
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(feature = "crash-points"))]
pub const fn crash_point(_: &str) {}

/// Panics while a file with the name of `place` stands in the folder `GERBANG_PANIC_WHILE`.
#[cfg(feature = "crash-points")]
pub fn panic_point(place: &str) {
    use std::path::PathBuf;
    use std::sync::LazyLock;
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("GERBANG_PANIC_WHILE").map(PathBuf::from));
    if let Some(folder) = FOLDER.as_ref() {
        assert!(!folder.join(place).exists(), "a test wants `{place}` to break");
    }
}

/// Nothing.
#[cfg(not(feature = "crash-points"))]
pub const fn panic_point(_: &str) {}
