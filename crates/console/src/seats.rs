//! What takes long has few seats, and none of them is a thread that purchases are answered on.
//!
//! Pages with figures, files that are read and files that are made run on threads of their own. A
//! person makes one file at a time, and the next one when that was sent or given up: who reads
//! slowly holds no seat, and a piece of a long file or a short one, of which there is room for so many
//! bytes in all.

use crate::door::Door;
use hyper::body::Bytes;
use office::{Background, Problem};
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Files that are made at one time at one door.
const FILES: usize = 2;
/// Pages with figures that are made at one time at one door.
const FIGURES: usize = 4;
/// KiB of files that are whole and wait to be sent, at one door.
const WAITING_KIB: u32 = 32 << 10;
/// How long a file waits for its seat: the pieces of others hold it for a moment.
const FILE_PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether who takes a file away is still signed in.
const SESSION_EVERY: Duration = Duration::from_secs(2);
/// How long a page waits for its seat.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Reads little.
    Light,
    /// Reads figures, or a file that was sent.
    Figures,
    /// Makes a file.
    File,
}

/// Pages that read figures; those that take a file are added to them.
const HEAVY: [&str; 17] = [
    "/console",
    "/console/trx",
    "/console/members",
    "/console/members/{}",
    "/console/members/{}/statement",
    "/console/suppliers",
    "/console/suppliers/{}",
    "/console/money/account/{}",
    "/console/money/closing",
    "/console/reports",
    "/portal",
    "/portal/trx",
    "/portal/statement",
    "/portal/network",
    "/admin/v1/trx",
    "/admin/v1/members/{}/statement",
    "/admin/v1/reports",
];

impl Weight {
    /// Of a route.
    pub(crate) fn of(path: &str, takes_file: bool) -> Self {
        if crate::door::is_file(path) {
            Self::File
        } else if takes_file || HEAVY.contains(&path) {
            Self::Figures
        } else {
            Self::Light
        }
    }
}

/// Seats of one door.
struct Row {
    files: Arc<Semaphore>,
    /// Room for files that are whole and wait to be sent.
    waiting: Arc<Semaphore>,
    figures: Arc<Semaphore>,
    /// A thread for each seat.
    threads: Background,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            files: Arc::new(Semaphore::new(FILES)),
            waiting: Arc::new(Semaphore::new(usize::try_from(WAITING_KIB).unwrap_or_default())),
            figures: Arc::new(Semaphore::new(FIGURES)),
            threads: Background::new("pages", FILES.saturating_add(FIGURES)),
        }
    }
}

/// All seats: members at their portal take none from the console.
#[derive(Default)]
pub(crate) struct Seats {
    console: Arc<Row>,
    portal: Arc<Row>,
    /// Whose file is being made or sent. No more than are signed in.
    busy: Arc<Mutex<HashSet<String>>>,
}

/// Somebody's one file, until it was sent.
pub(crate) struct Turn {
    who: String,
    door: Door,
    busy: Arc<Mutex<HashSet<String>>>,
    room: Option<OwnedSemaphorePermit>,
}

impl Turn {
    pub(crate) const fn door(&self) -> Door {
        self.door
    }

    /// Takes room for a file that is whole, until it was sent.
    ///
    /// # Errors
    /// When others' files take it.
    pub(crate) fn weigh(&mut self, bytes: usize, seats: &Seats) -> Result<(), Problem> {
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, WAITING_KIB);
        let room = seats.row(self.door).waiting.clone().try_acquire_many_owned(kib);
        let told = "too many files wait to be sent at this moment; try again in a few seconds";
        self.room = Some(room.map_err(|_| busy(told))?);
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.who);
    }
}

/// Makes the next piece of a file; none when it is whole.
pub(crate) type Making = Box<dyn FnMut() -> anyhow::Result<Option<Bytes>> + Send>;

/// False when the session that asked for a file has ended.
pub(crate) type GoesOn = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// A file that is made while it is sent.
pub(crate) struct Feed {
    pub(crate) make: Making,
    pub(crate) pieces: mpsc::Sender<Bytes>,
    /// True when there is no other piece: whatever ends before that was cut.
    pub(crate) is_whole: Arc<AtomicBool>,
    pub(crate) goes_on: GoesOn,
}

/// What is done, later.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send>>;

fn busy(detail: &str) -> Problem {
    Problem { code: "busy", status: 503, detail: detail.to_owned() }
}

impl Seats {
    fn row(&self, door: Door) -> &Arc<Row> {
        match door {
            Door::Console => &self.console,
            Door::Portal => &self.portal,
        }
    }

    /// Does it where it delays nobody. A file comes with its turn, which ends when that is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        weight: Weight,
        door: Door,
        who: &str,
        work: Work<T>,
    ) -> anyhow::Result<(T, Option<Turn>)> {
        let row = self.row(door);
        let (seat, turn) = match weight {
            Weight::Light => return Ok((work.await?, None)),
            Weight::Figures => {
                let seat = row.figures.clone().acquire_owned();
                let seat = tokio::time::timeout(PATIENCE, seat).await;
                let seat = seat.ok().and_then(Result::ok);
                let told =
                    "too many figures are asked for at this moment; try again in a few seconds";
                (seat.ok_or_else(|| busy(told))?, None)
            }
            Weight::File => {
                let turn = self.turn(door, who).ok_or_else(|| {
                    busy("another file of yours is being made or sent; take that first")
                })?;
                let told = "too many files are made at this moment; try again in a few seconds";
                let seat = row.files.clone().acquire_owned();
                let seat = tokio::time::timeout(FILE_PATIENCE, seat).await;
                (seat.ok().and_then(Result::ok).ok_or_else(|| busy(told))?, Some(turn))
            }
        };
        apart(&row.threads, seat, turn, work).await
    }

    fn turn(&self, door: Door, who: &str) -> Option<Turn> {
        let who = format!("{} {who}", door.root());
        let fresh = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(who.clone());
        fresh.then(|| Turn { who, door, busy: self.busy.clone(), room: None })
    }

    /// Makes a file piece by piece, each when there is room for it and in a seat: who reads slowly
    /// holds none. Ends with the file, with the session, or when nobody takes it any more.
    pub(crate) fn feed(&self, door: Door, feed: Feed) {
        let row = self.row(door).clone();
        let Feed { mut make, pieces, is_whole, goes_on } = feed;
        tokio::spawn(async move {
            let mut seen = Instant::now();
            while let Ok(room) = pieces.reserve().await {
                if seen.elapsed() >= SESSION_EVERY {
                    if !goes_on().await {
                        return;
                    }
                    seen = Instant::now();
                }
                let Ok(seat) = row.files.clone().acquire_owned().await else { return };
                let made = row.threads.run(move || {
                    let _seat = seat;
                    (make(), make)
                });
                match made.await {
                    Ok((Ok(Some(piece)), next)) => {
                        room.send(piece);
                        make = next;
                    }
                    Ok((Ok(None), _)) => {
                        is_whole.store(true, Ordering::Relaxed);
                        return;
                    }
                    Ok((Err(error), _)) | Err(error) => {
                        tracing::error!(error = %format!("{error:#}"), "a file was cut");
                        return;
                    }
                }
            }
        });
    }
}

/// On a thread of its own, with its seat: it keeps both to its end, also when nobody waits any more.
async fn apart<T: Send + 'static>(
    threads: &Background,
    seat: OwnedSemaphorePermit,
    turn: Option<Turn>,
    work: Work<T>,
) -> anyhow::Result<(T, Option<Turn>)> {
    let runtime = tokio::runtime::Handle::current();
    let (made, turn) = threads
        .run(move || {
            let _seat = seat;
            (runtime.block_on(work), turn)
        })
        .await?;
    Ok((made?, turn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::console_routes;
    use std::sync::mpsc::channel;

    fn refused<T>(result: anyhow::Result<T>) -> u16 {
        result.err().and_then(|error| error.downcast::<Problem>().ok()).unwrap().status
    }

    #[test]
    fn heavy_routes_are_there() {
        let routes = console_routes();
        for path in HEAVY {
            assert!(routes.iter().any(|route| route.path == path), "{path}");
        }
    }

    /// One thread answers everybody; the files wait for what comes after them on that thread.
    #[tokio::test]
    async fn files_that_stand_still_stop_nobody() {
        let seats = Arc::new(Seats::default());
        let mut waiting = Vec::new();
        let mut running = Vec::new();
        for who in ["ani", "budi"] {
            let (go, wait) = channel::<()>();
            let (begin, begun) = tokio::sync::oneshot::channel();
            let seats = seats.clone();
            running.push(tokio::spawn(async move {
                let work: Work<()> = Box::pin(async move {
                    let _ = begin.send(());
                    Ok(wait.recv()?)
                });
                seats.run(Weight::File, Door::Portal, who, work).await
            }));
            begun.await.unwrap();
            waiting.push(go);
        }
        let quick = || -> Work<u8> { Box::pin(async { Ok(1) }) };
        let again = seats.run(Weight::File, Door::Portal, "ani", quick()).await;
        assert_eq!(refused(again), 503, "one at a time");
        let third = seats.run(Weight::File, Door::Portal, "citra", quick()).await;
        assert_eq!(refused(third), 503, "few seats");
        // Pages go on, and so does the other door, also for who has the same name there.
        seats.run(Weight::Figures, Door::Portal, "ani", quick()).await.unwrap();
        drop(seats.run(Weight::File, Door::Console, "ani", quick()).await.unwrap());
        for go in waiting {
            go.send(()).unwrap();
        }
        let mut turns = Vec::new();
        for file in running {
            turns.push(file.await.unwrap().unwrap().1.unwrap());
        }
        // Seats are free as soon as a file is made, a person's turn when it was sent.
        let (_, turn) = seats.run(Weight::File, Door::Portal, "citra", quick()).await.unwrap();
        drop(turn);
        assert_eq!(refused(seats.run(Weight::File, Door::Portal, "ani", quick()).await), 503);
        drop(turns);
        assert!(seats.run(Weight::File, Door::Portal, "ani", quick()).await.is_ok());
    }

    /// So many pieces, then the end, or a break.
    fn made(mut pieces: u8, breaks: bool) -> Making {
        Box::new(move || {
            pieces = pieces.saturating_sub(1);
            if pieces == 0 && breaks {
                anyhow::bail!("broken on purpose");
            }
            Ok((pieces > 0).then(|| Bytes::from(vec![pieces])))
        })
    }

    fn feed(seats: &Seats, make: Making) -> (mpsc::Receiver<Bytes>, Arc<AtomicBool>) {
        let (pieces, taken) = mpsc::channel(1);
        let is_whole: Arc<AtomicBool> = Arc::default();
        let goes_on: GoesOn = Box::new(|| Box::pin(async { true }));
        seats.feed(Door::Portal, Feed { make, pieces, is_whole: is_whole.clone(), goes_on });
        (taken, is_whole)
    }

    #[tokio::test]
    async fn who_reads_slowly_holds_no_seat() {
        let seats = Seats::default();
        let readers: Vec<_> = (0..5 * FILES).map(|_| feed(&seats, made(9, false))).collect();
        for (mut pieces, is_whole) in readers.into_iter().skip(1) {
            let quick: Work<u8> = Box::pin(async { Ok(1) });
            drop(seats.run(Weight::File, Door::Portal, "ani", quick).await.unwrap());
            let mut told = Vec::new();
            while let Some(piece) = pieces.recv().await {
                told.extend(piece);
            }
            assert_eq!(told, [8, 7, 6, 5, 4, 3, 2, 1]);
            assert!(is_whole.load(Ordering::Relaxed));
        }
    }

    #[tokio::test]
    async fn a_file_that_breaks_is_never_taken_for_whole() {
        let seats = Seats::default();
        let panics: Making = Box::new(|| panic!("broken on purpose"));
        for (make, count) in [(made(3, true), 2), (panics, 0)] {
            let (mut pieces, is_whole) = feed(&seats, make);
            for _ in 0..count {
                assert!(pieces.recv().await.is_some());
            }
            assert!(pieces.recv().await.is_none());
            assert!(!is_whole.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn files_that_wait_have_so_much_room() {
        let seats = Seats::default();
        let mut turns = ["ani", "budi"].map(|who| seats.turn(Door::Portal, who).unwrap());
        let most = usize::try_from(WAITING_KIB).unwrap() << 10;
        turns[0].weigh(most / 2 + 2048, &seats).unwrap();
        assert_eq!(turns[1].weigh(most / 2, &seats).unwrap_err().status, 503);
        drop(seats.turn(Door::Portal, "citra"));
        let [first, mut second] = turns;
        drop(first);
        // One that is longer than all room has all of it.
        second.weigh(2 * most, &seats).unwrap();
    }
}
