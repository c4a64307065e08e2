//! A business to measure: made by the program's own commands, served by the program as it is shipped, with a
//! supplier and a receiver of callbacks in processes of their own.

use crate::Plan;
use crate::client::{Ask, Connection, Right};
use crate::process::{Process, Served, listening, own};
use crate::stands::{COUNTS, PATH, TIMES};
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What every member buys with.
pub(crate) const PIN: &str = "480913";
pub(crate) const PASSWORD: &str = "teh-manis-3";
/// What a member may ask for in a second as the program comes.
pub(crate) const RATE: u32 = 200;
/// The same where one member is meant to ask for most of everything.
pub(crate) const HIGH_RATE: u32 = 100_000;
/// What each of them begins with.
const BALANCE: i64 = 9_000_000_000;
/// Answers to a purchase that is taken.
pub(crate) const TAKEN: Right = Right::Says(&["akan diproses"]);
/// Answers to a question about a purchase that was taken.
pub(crate) const KNOWN: Right =
    Right::Says(&["status Menunggu Jawaban", "status Sukses", "status Gagal"]);
/// Answers to a question for the balance.
pub(crate) const BALANCES: Right = Right::Says(&["Saldo "]);

/// How much the supplier takes.
#[derive(Clone, Copy)]
pub(crate) enum Supplier {
    /// The limits of `config/suppliers/okeconnect.example.toml`: what is accepted waits for them.
    Sample,
    /// 512 at one time, and no limit a second.
    All,
}

impl Supplier {
    const fn limits(self) -> &'static str {
        match self {
            Self::Sample => "concurrency = 64\nper_second = 20\n",
            Self::All => "concurrency = 512\n",
        }
    }

    /// For people.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Sample => "the supplier takes 64 at once and 20 a second",
            Self::All => "the supplier takes 512 at once",
        }
    }
}

/// What kind of business.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) members: i64,
    /// Beside the one that is bought.
    pub(crate) products: usize,
    pub(crate) rate: u32,
    pub(crate) supplier: Supplier,
    /// Members come from other addresses, through a proxy on this machine.
    pub(crate) proxied: bool,
}

impl Wanted {
    /// One product, rates as the program comes, a supplier with the limits of the sample.
    pub(crate) const fn of(members: i64) -> Self {
        let supplier = Supplier::Sample;
        Self { members, products: 0, rate: RATE, supplier, proxied: false }
    }

    /// What the head of a table says of it.
    pub(crate) fn shown(&self, plan: &Plan) -> String {
        format!(
            "{} connections, {} members, {}; the program serves with everything it always runs, without TLS, a member may ask {} times a \
             second; {}, over HTTP, and callbacks are received, in processes of their own",
            plan.connections,
            self.members,
            plan.times(),
            self.rate,
            self.supplier.shown()
        )
    }
}

/// The code of a member, from 1.
pub(crate) fn code(number: i64) -> String {
    format!("OK{number:05}")
}

/// Who asks, as fields of a query.
pub(crate) fn who(member: i64) -> String {
    format!("memberID={}&pin={PIN}&password={PASSWORD}", code(member))
}

/// A purchase; its reference and its number follow from the prefix and the number.
pub(crate) fn purchase(prefix: &str, number: u64, member: i64) -> String {
    let dest = number % 10_000_000_000;
    format!("/trx?product=T1&dest=08{dest:010}&refID={prefix}{number}&{}", who(member))
}

/// A database on the server of the run, dropped when this is.
struct Database {
    server: Arc<pgtest::Server>,
    name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        // It only disturbs the next round; the server goes in the end.
        let _ = self.server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// One that is not served yet.
pub(crate) struct Business {
    program: PathBuf,
    pub(crate) data: PathBuf,
    wanted: Wanted,
    /// The path of its price list.
    pub(crate) list: String,
    receiver: (Process, SocketAddr),
    database: Option<Database>,
    folder: tempfile::TempDir,
}

impl Business {
    pub(crate) fn new(plan: &Plan, wanted: Wanted) -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let folder = tempfile::tempdir_in(&plan.folder)?;
        let database = plan.server.as_ref().map(|server| -> anyhow::Result<Database> {
            let name = format!("business{}", NEXT.fetch_add(1, Ordering::Relaxed));
            server.database(&name)?;
            Ok(Database { server: server.clone(), name })
        });
        let mut business = Self {
            program: plan.program.clone(),
            data: folder.path().join("data"),
            wanted,
            list: String::new(),
            receiver: own("receive")?,
            database: database.transpose()?,
            folder,
        };
        business.fill()?;
        Ok(business)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("GERBANG_DATA").env_remove("GERBANG_MASTER_KEY");
        match &self.database {
            Some(database) => command.env("GERBANG_DATABASE", database.server.url(&database.name)),
            None => command.env_remove("GERBANG_DATABASE"),
        };
        command.arg("--data").arg(&self.data);
        command
    }

    /// Runs a command that must succeed; its stdout.
    pub(crate) fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = self.command().args(words).output();
        let output = output.with_context(|| {
            format!("cannot start {}; docs/benchmarks.md says how", self.program.display())
        })?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{words:?}: {errors}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<String> {
        let path = self.data.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let wanted = self.wanted;
        let begun = self.run(&["--json", "init"])?;
        let list = begun.split('"').find(|text| text.starts_with("/harga/json?id="));
        list.context("no price list")?.clone_into(&mut self.list);
        let config = self.data.join("gerbang.toml");
        let mut text = std::fs::read_to_string(&config)?
            .replace("127.0.0.1:8080", "127.0.0.1:0")
            .replace("# metrics_listen = \"127.0.0.1:9464\"", "metrics_listen = \"127.0.0.1:0\"")
            .replace("callback_allow = []", "callback_allow = [\"127.0.0.0/8\"]")
            .replace(
                "requests_per_second_per_member = 200",
                &format!("requests_per_second_per_member = {}", wanted.rate),
            );
        if wanted.proxied {
            text = text.replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]");
        }
        std::fs::write(&config, text)?;
        let mut goods = "kode,keterangan,produk,kategori,harga,status,dest_rule\n\
                         T1,Three 1.000,Three,PULSA,1321,1,phone\n"
            .to_owned();
        for number in 0..wanted.products {
            let name = format!("Smart 10GB + 20GB (01-05) {number} Hari");
            writeln!(goods, "P{number},{name},Data Smart Combo,KUOTA SMARTFREN,67760,1,phone")?;
        }
        self.run(&["product", "import", &self.write("goods.csv", &goods)?])?;
        let callback = format!("http://{}{PATH}", self.receiver.1);
        if wanted.proxied {
            // One by one, because those of a file come in from addresses they name alone.
            for code in (1..=wanted.members).map(code) {
                let add = ["member", "add", &code, "--pin", PIN, "--password", PASSWORD];
                self.run(&[&add[..], &["--callback", &callback]].concat())?;
                self.run(&["member", "credit", &code, &BALANCE.to_string(), "--note", "bench"])?;
            }
            return Ok(());
        }
        let mut members = "kode,nama,pin,password,saldo,ips,callback\n".to_owned();
        for code in (1..=wanted.members).map(code) {
            writeln!(members, "{code},Toko,{PIN},{PASSWORD},{BALANCE},127.0.0.1,{callback}")?;
        }
        self.run(&["member", "import", &self.write("members.csv", &members)?])?;
        Ok(())
    }

    /// Serves it, and gives it its supplier and the route of its product.
    pub(crate) fn serve(self) -> anyhow::Result<Serving> {
        // Not beside the database: its size is looked at.
        let (log, began) = (self.folder.path().join("log"), Instant::now());
        let (mut metrics, mut address) = (None, None);
        let started =
            Process::start(self.command().arg("serve").stderr(File::create(&log)?), |line| {
                let found = line.strip_prefix("metrics on http://");
                let found = found.and_then(|rest| rest.strip_suffix("/metrics")?.parse().ok());
                metrics = metrics.or(found);
                address = address.or_else(|| listening(line));
                metrics.zip(address)
            });
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let (process, (metrics, address)) = started.with_context(said)?;
        let started = began.elapsed();
        let settings = said();
        let settings =
            settings.split("\"settings\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let settings = settings.unwrap_or("settings unknown").to_owned();
        let back = format!("http://{address}/callback/sim/hush");
        let mut simulate = Command::new(&self.program);
        simulate.args(["simulate", "--listen", "127.0.0.1:0", "--callback", &back]);
        let supplier = Process::start(&mut simulate, listening)?;
        let text = format!(
            "[okeconnect]\nref_prefix='g-'\nbase='http://{}'\nmember='OK1'\npin='1'\npassword='2'\n\
             [limits]\n{}[callback]\nsecret='hush'\n",
            supplier.1,
            self.wanted.supplier.limits()
        );
        self.run(&["supplier", "add", "sim", "--file", &self.write("supplier.toml", &text)?])?;
        self.run(&[
            "route",
            "set",
            "T1",
            "sim",
            "--sku",
            "T1",
            "--cost",
            "1200",
            "--priority",
            "1",
        ])?;
        let _supplier = supplier.0;
        Ok(Serving { process, address, metrics, started, settings, _supplier, business: self })
    }
}

/// One that is served.
pub(crate) struct Serving {
    process: Process,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
    /// From its beginning until it said that it listens.
    pub(crate) started: Duration,
    /// What the store says of itself: durability is part of the result.
    pub(crate) settings: String,
    _supplier: Process,
    pub(crate) business: Business,
}

impl Serving {
    /// A new one.
    pub(crate) fn open(plan: &Plan, wanted: Wanted) -> anyhow::Result<Self> {
        Business::new(plan, wanted)?.serve()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it answers, and whose processor time that takes: the database's too.
    pub(crate) fn served(&self) -> Served {
        let database = self.business.database.as_ref().and_then(|database| database.server.id());
        let pids = std::iter::once(self.id()).chain(database).collect();
        Served { address: self.address, pids }
    }

    async fn ask(&self, address: SocketAddr, target: &str) -> anyhow::Result<String> {
        Connection::open(address).await?.get(target, "").await
    }

    /// A figure of its metrics.
    pub(crate) async fn gauge(&self, name: &str) -> anyhow::Result<u64> {
        let text = self.ask(self.metrics, "/metrics").await?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("gerbang_")?.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no {name} in its metrics"))?.parse()?)
    }

    /// How many purchases whose references begin so were told to members, and how many callbacks that took.
    pub(crate) async fn told(&self, first: &str) -> anyhow::Result<(u64, u64)> {
        let target = format!("{COUNTS}?refid={first}");
        let said = self.ask(self.business.receiver.1, &target).await?;
        let (purchases, callbacks) = said.split_once(' ').context("no counts")?;
        Ok((purchases.parse()?, callbacks.parse()?))
    }

    /// How often this purchase was told.
    pub(crate) async fn times_told(&self, reference: &str) -> anyhow::Result<u64> {
        let target = format!("{TIMES}?refid={reference}");
        Ok(self.ask(self.business.receiver.1, &target).await?.parse()?)
    }

    /// Ends in order, and proves the books.
    pub(crate) fn close(self) -> anyhow::Result<String> {
        self.process.end()?;
        self.business.run(&["verify"])
    }
}

/// Purchases by all members in turn, or half of them by the first; references never repeat.
pub(crate) fn purchases(
    members: i64,
    half: bool,
    next: Arc<AtomicU64>,
) -> impl Fn(usize, u64) -> Ask + Clone + Send + 'static {
    move |_, _| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let own = i64::try_from(number).unwrap_or_default() % members + 1;
        let member = if half && number.is_multiple_of(2) { 1 } else { own };
        Ask::new(purchase("b", number, member), TAKEN)
    }
}
