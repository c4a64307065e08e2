//! What can be typed: every subcommand with the help that teaches it.

use super::ask::{AccountArgs, BuyArgs, CheckArgs, PricesArgs};
use clap::{Args, Parser, Subcommand};
use office::{MemberAdd, MemberSet, ProductSet, RouteSet, SupplierExplain, SupplierSet, TrxList};
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Prove that ledger, journal and transactions agree and that nobody changed them.
    ///
    /// Works beside a running server. Exits non-zero and names the first row that was changed,
    /// removed or inserted.
    Verify,
    /// Copy the database, consistently, also while the server runs; the copy is verified.
    ///
    /// The master key is not in the copy: keep master.key elsewhere, the copy is useless without.
    Backup {
        /// The new file.
        to: PathBuf,
    },
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
        /// What it may: owner, admin, finance, cs or readonly.
        #[arg(long, default_value = "readonly")]
        role: String,
    },
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
    /// Import products with prices from CSV or a price list in JSON: all lines or none.
    ///
    /// JSON is the shape of GET /harga/json: kode, keterangan, produk, kategori, harga, status.
    /// CSV has the same names in its first line, and may add dest_rule (any, phone, digits:11-12, any+#/space),
    /// qty_min and qty_max (open denomination), cut_off (23:00-01:00), cost and sku.
    Import {
        /// .csv or .json
        file: PathBuf,
        /// Price level of the prices; the first one otherwise.
        #[arg(long)]
        level: Option<String>,
        /// Make routes to this supplier too (SKU: code in lower case, cost: price, unless given).
        #[arg(long)]
        supplier: Option<String>,
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
        /// Who and why; kept in the journal.
        #[arg(long)]
        note: String,
    },
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
