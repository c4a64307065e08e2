//! Subcommands: from what was typed to an operation, and its answer to the terminal.

mod cli;
mod copy;
mod demo;
mod import;
mod render;
mod serve;
mod simulate;
mod verify;

pub(crate) use cli::Cli;

use crate::assemble::House;
use crate::config::{Config, DEFAULT};
use crate::data::DataDir;
use crate::door;
use crate::goods;
use crate::operations::{Operation, SupplierAdd, Verdict, execute};
use anyhow::{Context as _, bail};
use cli::{
    CallbackVerb, MemberVerb, PriceVerb, ProductVerb, RouteVerb, SupplierVerb, TrxVerb, Verb,
    VerdictArgs,
};
use render::{Screen, Shape};
use serde_json::{Value, json};
use std::path::PathBuf;
use store::CatalogChange;

pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    let (data, config) = place(cli.data, cli.config)?;
    let screen = Screen::new(cli.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (operation, shape) = match cli.verb {
            Verb::Init => return screen.show(&init(&data, &config).await?, Shape::Record),
            Verb::Serve => return serve::serve(&data, &config, None).await,
            Verb::Demo { listen } => return demo::demo(&data, config, listen).await,
            Verb::Simulate(args) => return simulate::simulate(args).await,
            Verb::Verify => return verify::verify(&data, &screen),
            Verb::Backup { to } => return copy::backup(&data, &to, &screen),
            Verb::Member(verb) => member(verb),
            Verb::Product(verb) => product(verb)?,
            Verb::Price(PriceVerb::List { level }) => {
                (Operation::PriceList { level }, Shape::Prices)
            }
            Verb::Supplier(SupplierVerb::List) => (Operation::SupplierList, Shape::Suppliers),
            Verb::Supplier(SupplierVerb::Add { code, file, name }) => {
                let settings = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                let add = SupplierAdd { code, name, settings };
                (Operation::SupplierAdd(Box::new(add)), Shape::Record)
            }
            Verb::Supplier(SupplierVerb::Explain { code, text, on }) => {
                (Operation::SupplierExplain { code, text, on }, Shape::Record)
            }
            Verb::Supplier(SupplierVerb::Set(set)) => {
                (Operation::SupplierSet(Box::new(set)), Shape::Suppliers)
            }
            Verb::Route(RouteVerb::Set(set)) => (Operation::RouteSet(Box::new(set)), Shape::Record),
            Verb::Trx(verb) => trx(verb)?,
            Verb::Callback(verb) => callback(verb),
        };
        screen.show(&carry_out(&data, &config, operation).await?, shape)
    })
}

/// Where the business is, and how it is configured: either may name the other.
fn place(data: Option<PathBuf>, config: Option<PathBuf>) -> anyhow::Result<(DataDir, Config)> {
    let Some(path) = config else {
        let data = DataDir::new(&data.unwrap_or_else(|| PathBuf::from("gerbang-data")));
        let config = Config::load(&data.config())?;
        return Ok((data, config));
    };
    if !path.exists() {
        bail!("there is no {}", path.display());
    }
    let config = Config::load(&path)?;
    let named = data.or_else(|| config.data.clone());
    let data = DataDir::new(&named.unwrap_or_else(|| PathBuf::from("gerbang-data")));
    Ok((data, config))
}

/// Asks the running server, or opens the business when there is none.
async fn carry_out(data: &DataDir, config: &Config, operation: Operation) -> anyhow::Result<Value> {
    if !data.exists() {
        bail!("there is no business in {}; `gerbang init` creates one", data.path().display());
    }
    // A server holds the lock; what holds it without a socket is starting, ending, or a command.
    if let Some(free) = data.try_lock()? {
        drop(free);
        let (house, _) = House::open(data, config)?;
        return execute(&house, operation).await;
    }
    door::ask(data, &operation).await
}

fn member(verb: MemberVerb) -> (Operation, Shape) {
    match verb {
        MemberVerb::Add(args) => (Operation::MemberAdd(Box::new(args.into())), Shape::Record),
        MemberVerb::List => (Operation::MemberList, Shape::Members),
        MemberVerb::Show { code } => (Operation::MemberShow { code }, Shape::Record),
        MemberVerb::Set(set) => (Operation::MemberSet(Box::new(set)), Shape::Record),
        MemberVerb::Credit { code, amount, note } => {
            (Operation::MemberCredit { code, amount, note }, Shape::Record)
        }
    }
}

fn product(verb: ProductVerb) -> anyhow::Result<(Operation, Shape)> {
    Ok(match verb {
        ProductVerb::Import { file, level, supplier } => {
            let rows = import::read(&file)?;
            (Operation::ProductImport { rows, level, supplier }, Shape::Record)
        }
        ProductVerb::List { filter } => (Operation::ProductList { filter }, Shape::Products),
        ProductVerb::Show { code } => (Operation::ProductShow { code }, Shape::Record),
        ProductVerb::Set(set) => (Operation::ProductSet(Box::new(set)), Shape::Record),
    })
}

fn trx(verb: TrxVerb) -> anyhow::Result<(Operation, Shape)> {
    Ok(match verb {
        TrxVerb::List(list) => (Operation::TrxList(Box::new(list)), Shape::Trxs),
        TrxVerb::Show { no } => (Operation::TrxShow { no }, Shape::Story),
        TrxVerb::Resolve { no, verdict, note } => {
            let VerdictArgs { success, fail, reverse, keep } = verdict;
            let verdict = match (success, fail, reverse, keep) {
                (Some(sn), None, None, false) => Verdict::Success { sn },
                (None, Some(reason), None, false) => Verdict::Fail { reason },
                (None, None, Some(reason), false) => Verdict::Reverse { reason },
                (None, None, None, true) => Verdict::Keep,
                _ => bail!("say one of --success, --fail, --reverse, --keep"),
            };
            (Operation::TrxResolve { no, verdict, note }, Shape::Record)
        }
    })
}

fn callback(verb: CallbackVerb) -> (Operation, Shape) {
    match verb {
        CallbackVerb::List { member, state, trx, limit } => {
            (Operation::CallbackList { member, state, trx, limit }, Shape::Callbacks)
        }
        CallbackVerb::Replay { ids, member, state } => {
            (Operation::CallbackReplay { ids, member, state }, Shape::Record)
        }
    }
}

async fn init(data: &DataDir, config: &Config) -> anyhow::Result<Value> {
    if data.exists() {
        bail!("there is a business in {} already", data.path().display());
    }
    data.create()?;
    if !data.config().exists() {
        std::fs::write(data.config(), DEFAULT)?;
    }
    let (house, _) = House::create(data, config)?;
    let mut id = [0; 8];
    getrandom::fill(&mut id).context("no randomness from the system")?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    house
        .change(vec![
            CatalogChange::Level(goods::first_level(&id)?),
            CatalogChange::Supplier(goods::sandbox_supplier()?),
        ])
        .await?;
    Ok(json!({
        "created": data.path().display().to_string(), "price_list": format!("/harga/json?id={id}"),
        "next": "gerbang member add, gerbang product import, gerbang serve",
    }))
}
