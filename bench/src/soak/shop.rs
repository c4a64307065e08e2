//! The real program with members, a supplier over HTTP and a receiver of callbacks; its memory and disk.

use crate::accepts::{Listening, listen};
use anyhow::{Context as _, ensure};
use http::Response;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use simulator::{Plan as Fate, Simulator};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Members that buy.
pub(crate) const MEMBERS: usize = 10;
pub(crate) const PIN: &str = "480913";
pub(crate) const PASSWORD: &str = "teh-manis-3";

/// How often each purchase was told, by its reference.
type Told = Arc<Mutex<HashMap<String, u32>>>;

pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    program: PathBuf,
    data: PathBuf,
    child: Child,
    told: Told,
    _receiver: Listening,
    _supplier: Simulator,
    _folder: tempfile::TempDir,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) resident_kib: u64,
    pub(crate) disk: u64,
}

/// The code of a member.
pub(crate) fn member(number: usize) -> String {
    format!("OK{:05}", 100 + number % MEMBERS)
}

fn run(program: &Path, data: &Path, words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg("--data")
        .arg(data)
        .args(words)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{words:?}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Shop {
    pub(crate) async fn open(folder: &Path, program: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let data = folder.path().join("data");
        let told = Told::default();
        let heard = told.clone();
        let receiver = listen(move |_, request: http::Request<Incoming>| {
            let query = request.uri().query().unwrap_or_default();
            let named = query.split('&').find_map(|pair| pair.strip_prefix("refid="));
            let mut told = heard.lock().unwrap_or_else(PoisonError::into_inner);
            *told.entry(named.unwrap_or("without").to_owned()).or_default() += 1;
            async { Response::new(Full::new(Bytes::from_static(b"OK"))) }
        })
        .await?;
        let supplier = Simulator::start(TcpListener::bind("127.0.0.1:0").await?, Fate::default())?;
        let run = |words: &[&str]| run(program, &data, words);
        run(&["init"])?;
        let config = data.join("gerbang.toml");
        let text = std::fs::read_to_string(&config)?
            .replace("127.0.0.1:8080", "127.0.0.1:0")
            .replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]")
            .replace("callback_allow = []", "callback_allow = [\"127.0.0.0/8\"]");
        std::fs::write(&config, text)?;
        let goods = folder.path().join("goods.csv");
        let line = "kode,keterangan,produk,kategori,harga,status,dest_rule\n\
                    T1,Three 1.000,Three,PULSA,1321,1,phone\n";
        std::fs::write(&goods, line)?;
        run(&["product", "import", &goods.display().to_string()])?;
        let settings = folder.path().join("supplier.toml");
        let base = supplier.address;
        std::fs::write(
            &settings,
            format!(
                "[okeconnect]\nref_prefix='g-'\nbase='http://{base}'\nmember='OK1'\npin='1'\n\
                 password='2'\n[callback]\nsecret='hush'\n"
            ),
        )?;
        run(&["supplier", "add", "sim", "--file", &settings.display().to_string()])?;
        run(&["route", "set", "T1", "sim", "--sku", "T1", "--cost", "1200", "--priority", "1"])?;
        let url = format!("http://{}/h2h", receiver.address);
        for number in 0..MEMBERS {
            let code = member(number);
            let who = ["member", "add", &code, "--name", "Toko", "--pin", PIN];
            run(&[&who[..], &["--password", PASSWORD, "--callback", &url]].concat())?;
            run(&["member", "credit", &code, "1.000.000.000", "--note", "soak"])?;
        }
        let mut child = Command::new(program)
            .arg("--data")
            .arg(&data)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let address: SocketAddr = loop {
            let line = lines.next().context("the program ended")??;
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.parse()?;
            }
        };
        // Somebody must go on reading, or the program waits.
        std::thread::spawn(move || lines.for_each(drop));
        supplier.call_back(&format!("http://{address}/callback/sim/hush"));
        Ok(Self {
            address,
            program: program.to_owned(),
            data,
            child,
            told,
            _receiver: receiver,
            _supplier: supplier,
            _folder: folder,
        })
    }

    pub(crate) fn held(&self) -> anyhow::Result<Held> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = line.and_then(|line| line.split_whitespace().next());
        let mut disk = 0;
        for entry in std::fs::read_dir(&self.data)? {
            // A file may be renamed in between.
            let Ok(about) = entry?.metadata() else { continue };
            disk += if about.is_file() { about.len() } else { 0 };
        }
        Ok(Held { resident_kib: resident.context("no VmRSS")?.parse()?, disk })
    }

    /// How often this purchase was told.
    pub(crate) fn times_told(&self, reference: &str) -> u32 {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(reference).copied().unwrap_or_default()
    }

    /// Ends in order, and proves the books.
    pub(crate) fn close(mut self) -> anyhow::Result<String> {
        let id = self.child.id().to_string();
        ensure!(Command::new("kill").arg(&id).status()?.success(), "cannot end {id}");
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < Duration::from_secs(60), "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
        run(&self.program, &self.data, &["verify"])
    }
}
