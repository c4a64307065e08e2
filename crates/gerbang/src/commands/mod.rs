//! Subcommands, one file each.

mod serve;
mod verify;

use crate::assemble::House;
use crate::books::{self, NewMember};
use crate::config::{Config, DEFAULT};
use crate::data::DataDir;
use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use store::{CatalogChange, TrxFilter};
use types::{MemberCode, Rupiah, TrxNo};

/// Gerbang, an open H2H aggregator of digital products.
///
/// Start with `gerbang demo`: it creates a business with one member, some products and a sandbox
/// supplier, and prints the curl lines of a first purchase.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// Folder of the business: database, master key, gerbang.toml.
    #[arg(long, global = true, default_value = "gerbang-data")]
    data: PathBuf,
    /// Configuration file; default is gerbang.toml in the data folder.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Create an empty business: folder, master key, configuration, database.
    Init,
    /// Serve members.
    Serve,
    /// Create a demo business when absent, and serve it.
    Demo {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Members and their balances.
    #[command(subcommand)]
    Member(MemberVerb),
    /// Transactions.
    #[command(subcommand)]
    Trx(TrxVerb),
    /// Prove that ledger, journal and transactions agree and that nobody changed them.
    Verify,
}

#[derive(Subcommand)]
enum MemberVerb {
    /// Add a member at the first price level.
    Add {
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
        /// Where final states are told.
        #[arg(long)]
        callback: Option<String>,
        /// Address or network it may call from; may be given several times.
        #[arg(long = "ip")]
        ips: Vec<IpNet>,
    },
    /// List members with their balances.
    List,
    /// Deposit (or with a negative amount withdraw) by hand.
    #[command(allow_negative_numbers = true)]
    Credit {
        /// Member code.
        code: String,
        /// Rupiah, 50000 or 50.000.
        amount: String,
        /// Who and why; kept in the ledger.
        #[arg(long)]
        note: String,
    },
}

#[derive(Subcommand)]
enum TrxVerb {
    /// The newest transactions.
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// The whole story of one transaction.
    Show {
        /// Its number, T#.
        no: i64,
    },
}

pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    let data = DataDir::new(&cli.data);
    let config_path = cli.config.clone().unwrap_or_else(|| data.config());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = Config::load(&config_path)?;
        match cli.verb {
            Verb::Init => init(&data, &config).await,
            Verb::Serve => serve::serve(&data, &config, None).await,
            Verb::Demo { listen } => serve::demo(&data, config, listen).await,
            Verb::Member(verb) => member(&open(&data, &config)?, verb).await,
            Verb::Trx(verb) => trx(&open(&data, &config)?, verb).await,
            Verb::Verify => verify::verify(&data),
        }
    })
}

fn open(data: &DataDir, config: &Config) -> anyhow::Result<House> {
    if !data.exists() {
        bail!("there is no business in {}; `gerbang init` creates one", data.path().display());
    }
    House::open(data, config)
}

async fn init(data: &DataDir, config: &Config) -> anyhow::Result<()> {
    if data.exists() {
        bail!("there is a business in {} already", data.path().display());
    }
    data.create()?;
    if !data.config().exists() {
        std::fs::write(data.config(), DEFAULT)?;
    }
    let house = House::open(data, config)?;
    let mut id = [0; 8];
    getrandom::fill(&mut id).context("no randomness from the system")?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    house
        .change(vec![
            CatalogChange::Level(books::first_level(&id)?),
            CatalogChange::Supplier(books::sandbox_supplier()?),
        ])
        .await?;
    println!("created {}; price list id {id}", data.path().display());
    Ok(())
}

async fn member(house: &House, verb: MemberVerb) -> anyhow::Result<()> {
    match verb {
        MemberVerb::Add { code, name, pin, password, callback, ips } => {
            let code = MemberCode::parse(&code)?;
            let new = NewMember {
                name,
                pin,
                password,
                callback_url: callback,
                ip_allow: ips,
                code: code.clone(),
            };
            house.add_member(new).await?;
            println!("added {code}");
        }
        MemberVerb::List => {
            let balances = house.handle.reads().ask(|reads| reads.balances()).await??;
            for entry in house.handle.catalog().members() {
                let found = balances.iter().find(|(id, _)| *id == entry.member.id);
                let balance = found.map_or(Rupiah::ZERO, |(_, balance)| *balance);
                println!("{:<12} {:>16}  {}", entry.member.code, balance, entry.member.name);
            }
        }
        MemberVerb::Credit { code, amount, note } => {
            let code = MemberCode::parse(&code)?;
            let balance = house.credit(&code, amount.parse()?, note).await?;
            println!("{code} Saldo {balance}");
        }
    }
    Ok(())
}

async fn trx(house: &House, verb: TrxVerb) -> anyhow::Result<()> {
    match verb {
        TrxVerb::List { limit } => {
            let filter = TrxFilter { limit, ..TrxFilter::default() };
            let page = house.handle.reads().ask(move |reads| reads.trx_page(&filter)).await??;
            for trx in page {
                println!(
                    "{:<10} {} {:<9} {:>12}  {}.{} R#{}",
                    trx.no,
                    house.handle.zone().civil(trx.created),
                    trx.state.word(),
                    trx.price,
                    trx.product,
                    trx.dest,
                    trx.ref_id
                );
            }
        }
        TrxVerb::Show { no } => {
            let no = TrxNo::new(no);
            let story = house.handle.reads().ask(move |reads| reads.story(no)).await??;
            let story = story.with_context(|| format!("there is no trx {no}"))?;
            let trx = &story.known.trx;
            println!(
                "T#{} {} R#{} {}.{}",
                trx.no,
                trx.state.word(),
                trx.ref_id,
                trx.product,
                trx.dest
            );
            let mut lines: Vec<(i64, String)> = Vec::new();
            for attempt in &story.known.attempts {
                let text = format!(
                    "attempt {} at {} as {} for {}: {:?}",
                    attempt.id.n, attempt.supplier, attempt.sku, attempt.cost, attempt.state
                );
                lines.push((attempt.created.get(), text));
            }
            for (seq, transfer) in &story.transfers {
                let text = format!(
                    "ledger {seq}: {} {} from {} to {}",
                    transfer.kind.word(),
                    transfer.amount,
                    transfer.from,
                    transfer.to
                );
                lines.push((transfer.at.get(), text));
            }
            for (seq, line) in &story.journal {
                let text = format!(
                    "journal {seq}: {} {} [{}] {} => {}",
                    line.channel.word(),
                    line.peer,
                    line.status,
                    line.request,
                    line.reply
                );
                lines.push((line.at.get(), text));
            }
            for delivery in &story.deliveries {
                let text = format!(
                    "callback {}: {} after {} tries; {}",
                    delivery.id,
                    delivery.state.word(),
                    delivery.tries,
                    delivery.message
                );
                lines.push((delivery.created.get(), text));
            }
            lines.sort_by_key(|(at, _)| *at);
            for (at, text) in lines {
                println!("{}  {text}", house.handle.zone().civil(types::UtcMillis::new(at)));
            }
        }
    }
    Ok(())
}
