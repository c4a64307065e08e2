//! What can be typed: every subcommand with the help that teaches it.

use super::ask::{AccountArgs, BuyArgs, CheckArgs, PricesArgs};
use clap::{Args, Parser, Subcommand};
use office::{MemberAdd, MemberSet, ProductSet, RouteSet, SupplierExplain, SupplierSet, TrxList};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Gerbang, an open H2H aggregator of digital products.
///
/// Start with `gerbang demo`: it creates a business with one member, some products and a sandbox
/// supplier, serves it, and prints the curl lines of a first purchase.
///
/// Commands work with or without a running server: beside one they ask it through its socket in
/// the data folder, otherwise they open the database themselves.
#[derive(Parser)]
#[command(version, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Folder of the business: database, master key, gerbang.toml. Default: what `data` says in the
    /// configuration file, or gerbang-data.
    #[arg(long, global = true, env = "GERBANG_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Configuration file. Default: gerbang.toml in the data folder.
    #[arg(long, global = true)]
    pub(super) config: Option<PathBuf>,
    /// Print JSON for machines instead of tables.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    #[command(flatten)]
    Business(BusinessVerb),
    /// Buy at any server of the protocol, and wait for the final state.
    ///
    /// Exit code: 0 delivered, 1 failed (nothing paid), 2 not decided yet.
    Buy(BuyArgs),
    /// Ask about a purchase, and wait while it is pending. Exit code as for buy.
    Check(CheckArgs),
    /// Your balance at a server.
    Balance(AccountArgs),
    /// A server's price list.
    Prices(PricesArgs),
    /// A supplier to test against, over real HTTP: okeconnect text and Digiflazz JSON.
    ///
    /// Takes any credentials, misbehaves by seed, keeps its own ledger at /ledger. Delivers nothing.
    Simulate(SimulateArgs),
}

/// What is about a business of one's own.
#[derive(Subcommand)]
pub(super) enum BusinessVerb {
    /// Create an empty business: folder, master key, configuration, database.
    Init,
    /// Serve members, until SIGTERM or ctrl-C; requests in flight are finished.
    Serve,
    /// Create a demo business when absent, and serve it.
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Days of made-up purchases to begin with; 0 for none.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(0..=400))]
        days: i64,
        /// This many times as many of them: how the console feels in a large business.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=2_000))]
        busy: u64,
    },
    /// Members and their balances.
    #[command(subcommand)]
    Member(MemberVerb),
    /// Enter into the books what concerns no member.
    #[command(subcommand)]
    Book(BookVerb),
    /// Products: import, list, show, change.
    #[command(subcommand)]
    Product(ProductVerb),
    /// Price lists.
    #[command(subcommand)]
    Price(PriceVerb),
    /// Suppliers: list, pause, patience.
    #[command(subcommand)]
    Supplier(SupplierVerb),
    /// Where a product is bought: supplier, SKU, cost, order.
    #[command(subcommand)]
    Route(RouteVerb),
    /// Transactions: list, the whole story of one, decide a suspect.
    #[command(subcommand)]
    Trx(TrxVerb),
    /// Callbacks to members: list, send again.
    #[command(subcommand)]
    Callback(CallbackVerb),
    /// People who work in the console, and tokens for scripts.
    #[command(subcommand)]
    User(UserVerb),
    /// Prove that the books are right, and that nobody without the master key changed what was written.
    ///
    /// Balances and states follow from the ledger; ledger and journal are chained; and every purchase,
    /// attempt, callback, paper (users, tickets, approvals), member, price, route and supplier is what its
    /// last line in the journal stamped (with master.key at hand). Names what was changed, removed or
    /// inserted, and exits non-zero. A whole database that was set back is found only with a head that
    /// was noted earlier. Works beside a running server.
    Verify(VerifyArgs),
    /// Copy the database, consistently, also while the server runs; the copy is verified.
    ///
    /// The master key is not in the copy: keep master.key elsewhere, the copy is useless without.
    Backup {
        /// The new file.
        to: PathBuf,
    },
    /// Put a backup in place, or tell a business that it was restored; then open it again.
    ///
    /// Three steps, told in docs/restore.md: `gerbang restore FILE` verifies the copy and puts it into
    /// the data folder (without FILE: marks the database that is there, after pg_restore or a copy made
    /// by hand). Purchases, deliveries and references get new numbers, so that none of the lost part is
    /// used twice, and what was open is asked about and never sent. `gerbang serve` then serves
    /// everything but sales, while the suppliers' statements are compared. `gerbang restore --open`
    /// begins to sell.
    Restore(RestoreArgs),
    /// The master key: what is sealed under which, and a change to another one.
    #[command(subcommand)]
    Key(KeyVerb),
    /// Move the business from its file into an empty PostgreSQL database; proved on both sides.
    ///
    /// Stop the server first. Open purchases move too and go on there. The file is renamed
    /// afterwards, so that nobody goes on with it; then set `database` in gerbang.toml.
    MigrateStore {
        /// The file; the data folder's by itself.
        #[arg(long)]
        from: Option<PathBuf>,
        /// postgres://user:password@host/name
        #[arg(long, env = "GERBANG_DATABASE", hide_env_values = true)]
        to: String,
    },
}

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// A head that was noted earlier, from the log or from verify: ledger=NUMBER:HASH or
    /// journal=NUMBER:HASH. May be given more than once.
    #[arg(long = "head", value_name = "HEAD")]
    pub(super) head: Vec<String>,
    /// The file that `heads_file` names: every head in it is compared, and its signatures.
    #[arg(long, value_name = "FILE")]
    pub(super) heads: Option<PathBuf>,
    /// Go on from the proof of before that this file holds, and write the new one there when
    /// everything holds. Without the file everything is read, and it is made.
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// With --checkpoint: read everything all the same, and begin a new one. Now and then you should.
    #[arg(long, requires = "checkpoint")]
    pub(super) whole: bool,
}

#[derive(Subcommand)]
pub(super) enum KeyVerb {
    /// The id of the key in place, and how many sealed values are under it and under others.
    Show,
    /// Change the master key: everything that is sealed is sealed anew under a new one.
    ///
    /// When somebody who had it leaves, or a copy of it is lost. Stop the server first, on PostgreSQL all
    /// nodes. The new key is written to master.key.new, and takes the place of master.key at the end; the old
    /// one stays beside it as master.key.old-ID, because backups from before open with it. Whatever
    /// interrupts it: run it again, and until it has ended nothing is served. Portal sessions and the
    /// members' sandbox begin anew.
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(super) struct RotateArgs {
    /// Where the key comes from GERBANG_MASTER_KEY: the variable that holds the new one, 64 hexadecimal
    /// digits.
    #[arg(long, value_name = "NAME")]
    pub(super) new_key_env: Option<String>,
}

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The backup.
    #[arg(conflicts_with = "open")]
    pub(super) file: Option<PathBuf>,
    /// There is a business in the folder: put its file aside, under another name, and restore.
    #[arg(long, requires = "file")]
    pub(super) replace: bool,
    /// The highest T# that anybody saw before the loss, when more than 100 a second were sold and the
    /// mark is lost too.
    #[arg(long, value_name = "T#", conflicts_with = "open")]
    pub(super) seen: Option<i64>,
    /// Sell again: the suppliers' statements of the lost time were compared.
    #[arg(long)]
    pub(super) open: bool,
    /// With --open: what was looked at, for the journal.
    #[arg(long, requires = "open")]
    pub(super) note: Option<String>,
}

#[derive(Args)]
pub(super) struct SimulateArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub(super) listen: SocketAddr,
    /// Repeats a run.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Purchases of a hundred that something goes wrong with.
    #[arg(long, default_value_t = 0)]
    pub(super) faults: u64,
    /// Where callbacks go: http://127.0.0.1:8080/callback/SUPPLIER/SECRET
    #[arg(long, default_value = "")]
    pub(super) callback: String,
    /// Signs Digiflazz webhooks.
    #[arg(long, default_value = "")]
    pub(super) webhook_secret: String,
    /// Fields of a hundred in Digiflazz answers that come as a float, null or not at all.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub(super) odd: u64,
    /// The Digiflazz user name that is let in.
    #[arg(long, default_value = "", requires = "api_key")]
    pub(super) username: String,
    /// Its key; with one, signs are checked.
    #[arg(long, default_value = "", requires = "username")]
    pub(super) api_key: String,
}

#[derive(Subcommand)]
pub(super) enum UserVerb {
    /// List users.
    List,
    /// Add a user; without --password one is made and shown once.
    Add {
        /// Login.
        login: String,
        /// owner, admin, finance, cs or readonly.
        #[arg(long)]
        role: String,
        /// Shown to others.
        #[arg(long)]
        name: Option<String>,
        /// At least 10 characters, and not one that is tried first.
        #[arg(long, env = "GERBANG_USER_PASSWORD", hide_env_values = true)]
        password: Option<String>,
    },
    /// Change role, activity or password; their sessions end.
    Set {
        /// Login.
        login: String,
        /// owner, admin, finance, cs or readonly.
        #[arg(long)]
        role: Option<String>,
        /// May they log in?
        #[arg(long)]
        active: Option<bool>,
        /// A new password; role and second factor stay as they are.
        #[arg(long, env = "GERBANG_USER_PASSWORD", hide_env_values = true)]
        password: Option<String>,
        /// They lost their app and their recovery codes: their second factor is taken away.
        #[arg(long)]
        forget_second_factor: bool,
    },
    /// A token for scripts on /admin/v1; shown once.
    Token {
        /// What it is for.
        name: String,
        /// What it may: what its person may, or less; `feed` for one that reports bank credits.
        #[arg(long, default_value = "readonly")]
        role: String,
        /// Whose program it is: it ends with that user's role, lock or removal.
        #[arg(long)]
        user: String,
        /// Days it lives, 90 when not given.
        #[arg(long)]
        days: Option<i64>,
    },
}

/// What a file of members may call its columns.
fn headings() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let all = office::member_headings();
        format!("Headings, and what else is understood (in any case, with _ or points):\n{all}")
    });
    &TEXT
}

#[derive(Subcommand)]
pub(super) enum MemberVerb {
    /// Add a member.
    Add(MemberAddArgs),
    /// List members with their balances.
    List,
    /// One member with all settings.
    Show {
        /// Member code.
        code: String,
    },
    /// Change settings; only what is given changes.
    Set(MemberSet),
    /// Import members from another center, with their balances, or change many at once.
    ///
    /// CSV (commas, semicolons or tabs) with the column kode, and any of nama, pin, password, saldo,
    /// level, upline, markup, markups (T1:150 T5:200), ips, callback, signing, status (1 or 0),
    /// credit_limit, daily_limit, same_day_guard, sedang, sn_ref, seller, dialect, webhook. A column that
    /// is absent and a cell that is empty leave a member as it is; - takes away what can be taken away. A
    /// new one needs kode, pin and password. Headings of other centers are understood, see below. A code
    /// that stands in two lines is odd in both, and so is a row of sums.
    ///
    /// saldo opens the balance of a member that never moved money; it is booked from the account
    /// `opening`, not from cash, and a file that opens balances is carried out once. PIN and password
    /// work from the addresses in the column ips only until they are changed; without an address the
    /// member cannot come in. All of the file is one commit, or nothing of it.
    #[command(after_long_help = headings())]
    Import {
        /// .csv, .tsv or .txt
        file: PathBuf,
        /// Price level of new members whose line names none; the first one otherwise.
        #[arg(long)]
        level: Option<String>,
        /// Only show what would change. Ends with status 3 when lines are odd, also those that
        /// --skip-wrong leaves out.
        #[arg(long)]
        dry_run: bool,
        /// Leave odd lines out instead of refusing the file.
        #[arg(long)]
        skip_wrong: bool,
    },
    /// All members with their settings as CSV, as import takes it; without secrets and balances.
    Export,
    /// Deposit (or with a negative amount withdraw) by hand.
    #[command(allow_negative_numbers = true)]
    Credit {
        /// Member code.
        code: String,
        /// Rupiah: 50000 or 50.000, negative to take back.
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// Who and why; kept in the ledger.
        #[arg(long)]
        note: String,
    },
}

#[derive(Args)]
pub(super) struct MemberAddArgs {
    /// For example OK00124.
    code: String,
    /// Shown to operators.
    #[arg(long, default_value = "")]
    name: String,
    /// Transaction PIN.
    #[arg(long)]
    pin: String,
    /// H2H password.
    #[arg(long)]
    password: String,
    /// Price level; the first one otherwise.
    #[arg(long)]
    level: Option<String>,
    /// Where final states are told.
    #[arg(long)]
    callback: Option<String>,
    /// Address or network it may call from; may be given several times.
    #[arg(long = "ip")]
    ips: Vec<String>,
    /// Whose downline it is; downlines are off until an owner turns them on.
    #[arg(long)]
    upline: Option<String>,
    /// What it pays more than its upline, in rupiah.
    #[arg(long)]
    markup: Option<String>,
}

impl From<MemberAddArgs> for MemberAdd {
    fn from(args: MemberAddArgs) -> Self {
        let MemberAddArgs { code, name, pin, password, level, callback, ips, upline, markup } =
            args;
        Self { code, name, pin, password, level, callback, ips, upline, markup }
    }
}

#[derive(Subcommand)]
pub(super) enum ProductVerb {
    /// Import products with prices from CSV or a price list in JSON: all lines or none, and only what
    /// the file names.
    ///
    /// JSON is the shape of GET /harga/json: kode, keterangan, produk, kategori, harga, status.
    /// CSV (commas, semicolons or tabs) has the same names in its header, and may add dest_rule (any,
    /// phone, digits:11-12, any+#/space), qty_min and qty_max (open denomination), cut_off (23:00-01:00;
    /// a dash for none), level, supplier, cost and sku. A column that is absent and a cell that is empty leave
    /// a product as it is; a new one needs kode, keterangan and harga.
    Import {
        /// .csv, .tsv, .txt or .json
        file: PathBuf,
        /// Price level of the prices; the first one otherwise.
        #[arg(long)]
        level: Option<String>,
        /// The routes are to this supplier; one that is missing is made (SKU: code in lower case, cost:
        /// price, unless given).
        #[arg(long)]
        supplier: Option<String>,
        /// Only show what would change. Ends with status 3 when lines are wrong, also those that
        /// --skip-wrong leaves out.
        #[arg(long)]
        dry_run: bool,
        /// Leave wrong lines out instead of refusing the file.
        #[arg(long)]
        skip_wrong: bool,
    },
    /// List products.
    List {
        /// Part of code, name, group or category.
        filter: Option<String>,
    },
    /// One product with prices and routes.
    Show {
        /// Product code.
        code: String,
    },
    /// Change a product or its price; only what is given changes.
    Set(ProductSet),
}

#[derive(Subcommand)]
pub(super) enum PriceVerb {
    /// The price list of a level, as members of it see it.
    List {
        /// Price level; the first one otherwise.
        #[arg(long)]
        level: Option<String>,
    },
}

#[derive(Subcommand)]
pub(super) enum SupplierVerb {
    /// List suppliers, with circuit and deposit as far as known.
    List,
    /// Add a supplier, or give one new settings.
    ///
    /// The settings are TOML with one table named after the connector: okeconnect, digiflazz,
    /// template or sandbox; see docs/suppliers.md. Prints the path for its callbacks.
    Add {
        /// Supplier code.
        code: String,
        /// Settings file.
        #[arg(long)]
        file: PathBuf,
        /// Shown to operators.
        #[arg(long)]
        name: Option<String>,
    },
    /// What a text of the supplier would do to a purchase, and why.
    ///
    /// Runs the very reading of the engine. Give --sku, --dest and --ref of the purchase; what is
    /// not given is assumed, and said.
    Explain(SupplierExplain),
    /// Read the supplier's price list and bring costs, stock and prices in step with it.
    ///
    /// What follows is ruled by [sync] in its settings; see docs/suppliers.md.
    Sync {
        /// Supplier code.
        code: String,
        /// Only show what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// Pause a supplier or change its patience.
    Set(SupplierSet),
}

#[derive(Subcommand)]
pub(super) enum RouteVerb {
    /// Add, change or remove the route of a product to a supplier.
    Set(RouteSet),
}

#[derive(Subcommand)]
pub(super) enum TrxVerb {
    /// The newest transactions.
    List(TrxList),
    /// The whole story of one: decision, attempts with raw exchanges, ledger, callback tries.
    Show {
        /// Its number, T#.
        no: i64,
    },
    /// Decide a pending or suspect transaction by hand.
    Resolve {
        /// Its number, T#.
        no: i64,
        #[command(flatten)]
        verdict: VerdictArgs,
        /// With --reverse: the supplier gives its price back; else it is our loss.
        #[arg(long)]
        returned: bool,
        /// Who and why; kept in the journal.
        #[arg(long)]
        note: String,
    },
}

#[derive(Subcommand)]
pub(super) enum BookVerb {
    /// Cash was paid in to a supplier.
    TopUp {
        /// Supplier code.
        supplier: String,
        #[command(flatten)]
        entry: EntryArgs,
    },
    /// Cash was paid for something else than goods.
    Expense {
        /// For what: sewa, gaji, biaya-bank.
        name: String,
        #[command(flatten)]
        entry: EntryArgs,
    },
    /// Owners put cash in.
    Capital {
        #[command(flatten)]
        entry: EntryArgs,
    },
}

#[derive(Args)]
pub(super) struct EntryArgs {
    /// Rupiah: 50000 or 50.000, negative when it came back.
    #[arg(allow_hyphen_values = true)]
    pub(super) amount: String,
    /// Which cash account: the code of a bank, or `manual` for the till.
    #[arg(long, default_value = "manual")]
    pub(super) cash: String,
    /// Who and why; kept in the ledger.
    #[arg(long)]
    pub(super) note: String,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct VerdictArgs {
    /// It was delivered, with this SN.
    #[arg(long, value_name = "SN")]
    pub(super) success: Option<String>,
    /// It was not delivered: refund, for this reason.
    #[arg(long, value_name = "REASON")]
    pub(super) fail: Option<String>,
    /// It was a success and is taken back: refund, for this reason.
    #[arg(long, value_name = "REASON")]
    pub(super) reverse: Option<String>,
    /// It stays as it is; the suspicion is settled.
    #[arg(long)]
    pub(super) keep: bool,
}

#[derive(Subcommand)]
pub(super) enum CallbackVerb {
    /// The newest callbacks.
    List {
        /// Only this member's.
        #[arg(long)]
        member: Option<String>,
        /// waiting, delivered, exhausted or parked.
        #[arg(long)]
        state: Option<String>,
        /// Only those of this transaction.
        #[arg(long)]
        trx: Option<i64>,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Call a member's URL with a callback that is about nothing.
    Test {
        /// Member code.
        member: String,
    },
    /// Send again, from the first try: by number, by member, or by state.
    Replay {
        /// Numbers of callbacks.
        ids: Vec<i64>,
        /// All of this member.
        #[arg(long)]
        member: Option<String>,
        /// All in this state.
        #[arg(long)]
        state: Option<String>,
    },
}
