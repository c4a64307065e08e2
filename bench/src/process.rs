//! Processes that a measurement needs, each apart from the clients: started, waited for until they serve,
//! ended by their own ids.

use anyhow::{Context as _, ensure};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running process; ended when dropped. Ours also end when their input does, should this process die.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts it, and reads what it says until `told` has found everything.
    pub(crate) fn start<T>(
        command: &mut Command,
        mut told: impl FnMut(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            child.with_context(|| format!("cannot start {name}; docs/benchmarks.md says how"))?;
        let said = child.stdout.take();
        let process = Self(child);
        let mut lines = BufReader::new(said.context("no output")?).lines();
        let found = loop {
            let line = lines.next().with_context(|| format!("{name} ended"))??;
            if let Some(found) = told(&line) {
                break found;
            }
        };
        // Somebody must go on reading, or it waits.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((process, found))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends in order, within a minute.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        let id = self.0.id().to_string();
        ensure!(Command::new("kill").arg(&id).status()?.success(), "cannot end {id}");
        let began = Instant::now();
        while self.0.try_wait()?.is_none() {
            ensure!(began.elapsed() < Duration::from_secs(60), "{id} does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// A subcommand of this program that says where it listens.
pub(crate) fn own(verb: &str) -> anyhow::Result<(Process, SocketAddr)> {
    Process::start(Command::new(std::env::current_exe()?).arg(verb), listening)
}

/// The address in a line that says it.
pub(crate) fn listening(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on http://")?.parse().ok()
}

/// Who answers: where, and by which processes with all their children.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) pids: Vec<u32>,
}

/// Processor time so far of these processes and of those they began; none when one of them is gone.
pub(crate) fn cpu(roots: &[u32]) -> Option<Duration> {
    let mut all = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()? {
        let Some(pid) = entry.ok()?.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // Others come and go while this is read.
        if let Some(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()
            && let Some(found) = times(&stat)
        {
            all.insert(pid, found);
        }
    }
    let mut ticks = 0;
    let mut known = roots.to_vec();
    let mut at = 0;
    while let Some(pid) = known.get(at).copied() {
        ticks += all.get(&pid)?.1;
        known.extend(all.iter().filter(|(_, (parent, _))| *parent == pid).map(|(child, _)| *child));
        at += 1;
    }
    // A hundred a second, whatever the kernel was built with: proc(5), USER_HZ.
    Some(Duration::from_millis(ticks * 10))
}

/// The parent, and user and system time in ticks, of a line of `/proc/PID/stat`.
fn times(stat: &str) -> Option<(u32, u64)> {
    // The name before it may hold anything, also brackets and spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((u32::try_from(number(1)?).ok()?, number(11)? + number(12)?))
}

/// Memory that a process has, in KiB.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("no VmRSS")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "7 (a) b) (c) S 3 7 7 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 1 0 5 6 7";
        assert_eq!(times(stat), Some((3, 300)));
        assert_eq!(times("7 (a"), None);
    }

    #[test]
    fn children_count_and_what_is_gone_is_no_figure() {
        let (child, ()) =
            Process::start(Command::new("sh").args(["-c", "echo up; read line"]), |_| Some(()))
                .unwrap();
        assert!(cpu(&[child.id()]).is_some() && cpu(&[std::process::id()]).is_some());
        let id = child.id();
        drop(child);
        assert_eq!(cpu(&[id]), None);
    }
}
