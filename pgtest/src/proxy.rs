//! A TCP proxy in front of a server: cuts connections at chosen words, or lets nothing through.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a message that holds the chosen word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It never arrives; the connection is cut.
    Before,
    /// It arrives; the answer does not, the connection is cut.
    After,
}

struct Plan {
    /// Left before the cut.
    left: u64,
    word: Vec<u8>,
    way: Way,
}

/// A listening proxy; its connections end with it.
pub struct Proxy {
    address: SocketAddr,
    plan: Arc<Mutex<Option<Plan>>>,
    cuts: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the accept.
        let _ = TcpStream::connect(self.address);
    }
}

impl Proxy {
    /// In front of a port on loopback.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (plan, cuts) = (Arc::new(Mutex::new(None)), Arc::new(AtomicU64::new(0)));
        let over = Arc::new(AtomicBool::new(false));
        let (its_plan, its_cuts, its_over) = (plan.clone(), cuts.clone(), over.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if its_over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                carry(client, server, &its_plan, &its_cuts);
            }
        });
        Ok(Self { address, plan, cuts, over })
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts at the n-th message from now on that holds the word.
    pub fn cut(&self, word: &[u8], nth: u64, way: Way) {
        if let Ok(mut plan) = self.plan.lock() {
            *plan = Some(Plan { left: nth, word: word.to_vec(), way });
        }
    }

    /// How often it cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

fn due(plan: &Mutex<Option<Plan>>, bytes: &[u8]) -> Option<Way> {
    let mut plan = plan.lock().ok()?;
    let now = plan.as_mut()?;
    if !bytes.windows(now.word.len()).any(|window| window == now.word) {
        return None;
    }
    now.left = now.left.saturating_sub(1);
    if now.left > 0 {
        return None;
    }
    plan.take().map(|plan| plan.way)
}

fn carry(
    client: TcpStream,
    server: TcpStream,
    plan: &Arc<Mutex<Option<Plan>>>,
    cuts: &Arc<AtomicU64>,
) {
    let deaf = Arc::new(AtomicBool::new(false));
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
    let (plan, cuts, its_deaf) = (plan.clone(), cuts.clone(), deaf.clone());
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let way = due(&plan, &buffer[..count]);
            if way == Some(Way::After) {
                its_deaf.store(true, Ordering::SeqCst);
            }
            if way != Some(Way::Before) && to.write_all(&buffer[..count]).is_err() {
                break;
            }
            if way.is_some() {
                cuts.fetch_add(1, Ordering::Relaxed);
                // The server gets the time to do what it was told.
                std::thread::sleep(Duration::from_millis(100));
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if deaf.load(Ordering::SeqCst) || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        if !deaf.load(Ordering::SeqCst) {
            let _ = to.shutdown(Shutdown::Both);
        }
    });
}
