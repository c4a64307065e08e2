//! What this machine itself may lack: descriptors, ports, memory. A want of our own says nothing of
//! the other side and passes, so whoever meets it waits.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::UdpSocket;
use tokio::net::TcpStream;

/// Descriptors kept for suppliers, callbacks, the database and files, where there are so many.
const RESERVE: u64 = 1_280;
/// Sockets that are tried out: what looking up a name needs at one time.
const TRIED_OUT: usize = 4;

/// True for an error that is about this machine and about nobody else.
pub(crate) fn is_ours(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::MFILE
                | Errno::NFILE
                | Errno::NOBUFS
                | Errno::NOMEM
                | Errno::ADDRNOTAVAIL
                | Errno::AGAIN
                | Errno::NETDOWN
        )
    )
}

/// True while this machine cannot open what a call needs.
pub(crate) fn is_short() -> bool {
    let mut opened = Vec::with_capacity(TRIED_OUT);
    for _ in 0..TRIED_OUT {
        match UdpSocket::bind("127.0.0.1:0") {
            Ok(socket) => opened.push(socket),
            Err(error) if is_ours(&error) => return true,
            // No such address here: nothing that a lookup would lack.
            Err(_) => return false,
        }
    }
    false
}

/// Bounds what waits in the kernel for a peer that reads slowly.
pub(crate) fn set_buffer(stream: &TcpStream, bytes: usize) {
    // Without either it is served all the same.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(stream, bytes);
}

/// How many files this process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    most: u64,
}

impl Descriptors {
    /// How many connections may be taken of those that are wanted: what is left beside the reserve,
    /// half where there are too few for one.
    #[must_use]
    pub fn connections(self, wanted: usize) -> usize {
        let left = self.most.saturating_sub(RESERVE).max(self.most / 2);
        wanted.min(usize::try_from(left).unwrap_or(usize::MAX)).max(1)
    }

    /// Most open files.
    #[must_use]
    pub const fn most(self) -> u64 {
        self.most
    }
}

/// Raises the soft limit of open files to the hard one; where that is refused, what there is counts.
#[must_use]
pub fn raise_descriptors() -> Descriptors {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    // No limit is as good as one that is never reached.
    Descriptors { most: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_what_we_call() {
        let of = |most| Descriptors { most }.connections(4_096);
        assert_eq!([of(524_288), of(4_096), of(1_024), of(64), of(0)], [4_096, 2_816, 512, 32, 1]);
    }

    #[test]
    fn a_want_of_our_own_is_told_from_their_refusal() {
        for ours in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
            assert!(is_ours(&ours.into()), "{ours}");
        }
        for theirs in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT, Errno::CONNRESET] {
            assert!(!is_ours(&theirs.into()), "{theirs}");
        }
        assert!(!is_short());
    }
}
