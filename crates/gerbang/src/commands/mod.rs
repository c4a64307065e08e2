//! Subcommands: from what was typed to an operation, and its answer to the terminal.

mod ask;
mod cli;
mod copy;
mod demo;
mod history;
mod import;
mod key;
mod moving;
mod render;
mod restore;
mod serve;
mod simulate;
mod verify;

pub(crate) use cli::Cli;

use crate::assemble::House;
use crate::config::{Config, DEFAULT};
use crate::data::DataDir;
use crate::door;
use crate::goods;
use crate::keyproof;
use crate::storage::Storage;
use anyhow::{Context as _, bail};
use cli::{
    BookVerb, BusinessVerb, CallbackVerb, EntryArgs, KeyVerb, MemberVerb, PriceVerb, ProductVerb,
    RouteVerb, SupplierVerb, TrxVerb, UserVerb, Verb, VerdictArgs,
};
use engine::Zone;
use office::{
    Actor, Entry, Import, ImportHow, NewToken, NewUser, Operation, Rules, SupplierAdd, Takeover,
    TakeoverHow, Verdict, execute,
};
use render::{Screen, Shape};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use store::{CatalogChange, StampKey};

pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let screen = Screen::new(cli.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.verb {
            Verb::Buy(args) => ask::buy(args, &screen).await,
            Verb::Check(args) => ask::check(args, &screen).await,
            Verb::Balance(args) => ask::balance(args, &screen).await,
            Verb::Prices(args) => ask::prices(args, &screen).await,
            Verb::Simulate(args) => simulate::simulate(args).await.map(|()| ExitCode::SUCCESS),
            Verb::Business(verb) => {
                let (data, config) = place(cli.data, cli.config)?;
                business(verb, &data, config, &screen).await
            }
        }
    })
}

/// Exit code of a dry run that found odd lines.
const ODD: u8 = 3;

/// The end of what is well or an error.
fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

/// Everything about a business of our own.
async fn business(
    verb: BusinessVerb,
    data: &DataDir,
    config: Config,
    screen: &Screen,
) -> anyhow::Result<ExitCode> {
    let (operation, shape) = match verb {
        BusinessVerb::Init => {
            return done(screen.show(&init(data, &config).await?, Shape::Record));
        }
        BusinessVerb::Serve => return done(serve::serve(data, &config, None).await),
        BusinessVerb::Demo { listen, days, busy } => {
            return done(demo::demo(data, config, listen, (days, busy)).await);
        }
        BusinessVerb::Verify(args) => {
            return done(verify::verify(data, &config, &args, screen));
        }
        BusinessVerb::Backup { to } => {
            let storage = Storage::of(data, &config);
            let key = stamp_key(data, &storage)?;
            return done(copy::backup(&storage, key.as_ref(), &to, screen));
        }
        BusinessVerb::Restore(args) if args.open => {
            let note = args.note.unwrap_or_default();
            (Operation::Reopen { note }, Shape::Record)
        }
        BusinessVerb::Restore(args) => {
            return done(restore::restore(data, &config, &args, screen));
        }
        BusinessVerb::Key(KeyVerb::Show) => return done(key::show(data, &config, screen)),
        BusinessVerb::Key(KeyVerb::Rotate(args)) => {
            return done(key::rotate(data, &config, &args, screen));
        }
        BusinessVerb::MigrateStore { from, to } => {
            return done(moving::move_store(data, config, from, to, screen));
        }
        BusinessVerb::Member(verb) => member(verb)?,
        BusinessVerb::Book(verb) => book(verb),
        BusinessVerb::Product(verb) => product(verb)?,
        BusinessVerb::Price(PriceVerb::List { level }) => {
            (Operation::PriceList { level }, Shape::Prices)
        }
        BusinessVerb::Supplier(SupplierVerb::List) => (Operation::SupplierList, Shape::Suppliers),
        BusinessVerb::Supplier(SupplierVerb::Add { code, file, name }) => {
            let settings = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let add = SupplierAdd { code, name, settings };
            (Operation::SupplierAdd(Box::new(add)), Shape::Record)
        }
        BusinessVerb::Supplier(SupplierVerb::Explain(given)) => {
            (Operation::SupplierExplain(Box::new(given)), Shape::Record)
        }
        BusinessVerb::Supplier(SupplierVerb::Sync { code, dry_run }) => {
            (Operation::SupplierSync { code, dry_run }, Shape::Sync)
        }
        BusinessVerb::Supplier(SupplierVerb::Set(set)) => {
            (Operation::SupplierSet(Box::new(set)), Shape::Suppliers)
        }
        BusinessVerb::Route(RouteVerb::Set(set)) => {
            (Operation::RouteSet(Box::new(set)), Shape::Record)
        }
        BusinessVerb::Trx(verb) => trx(verb)?,
        BusinessVerb::Callback(verb) => callback(verb),
        BusinessVerb::User(verb) => user(verb)?,
    };
    let told = carry_out(data, &config, operation).await?;
    screen.show(&told, shape)?;
    let is_odd = matches!(shape, Shape::Plan) && told["wrong"].as_u64().is_some_and(|odd| odd > 0);
    Ok(if is_odd { ExitCode::from(ODD) } else { ExitCode::SUCCESS })
}

/// What stamps are proved with; none where master.key is not at hand.
fn stamp_key(data: &DataDir, storage: &Storage) -> anyhow::Result<Option<StampKey>> {
    let Ok(key) = data.master_key() else { return Ok(None) };
    if !storage.exists()? {
        return Ok(None);
    }
    keyproof::keys_in(storage, &key).map(|keys| Some(StampKey::of(&keys)))
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
    let storage = Storage::of(data, config);
    storage.must_exist(data, config)?;
    // A server holds the lock; what holds it without a socket is starting, ending, or a command.
    if let Some(free) = data.try_lock()? {
        drop(free);
        let (house, _) = House::open(data, config)?;
        let done = execute(&house.office, &Actor::local(), operation).await;
        storage.rest();
        return done;
    }
    door::ask(data, &operation).await
}

fn member(verb: MemberVerb) -> anyhow::Result<(Operation, Shape)> {
    Ok(match verb {
        MemberVerb::Add(args) => (Operation::MemberAdd(Box::new(args.into())), Shape::Record),
        MemberVerb::List => (Operation::MemberList, Shape::Members),
        MemberVerb::Show { code } => (Operation::MemberShow { code }, Shape::Record),
        MemberVerb::Set(set) => (Operation::MemberSet(Box::new(set)), Shape::Record),
        MemberVerb::Credit { code, amount, note } => {
            (Operation::MemberCredit { code, amount, note }, Shape::Record)
        }
        MemberVerb::Import { file, level, dry_run, skip_wrong } => {
            let text = import::text(&file)?;
            let how = TakeoverHow { level, dry_run, skip_wrong };
            let shape = if dry_run { Shape::Plan } else { Shape::Record };
            (Operation::MemberImport(Box::new(Takeover { text, how })), shape)
        }
        MemberVerb::Export => (Operation::MemberExport, Shape::File),
    })
}

fn book(verb: BookVerb) -> (Operation, Shape) {
    let (kind, name, entry) = match verb {
        BookVerb::TopUp { supplier, entry } => ("top_up", supplier, entry),
        BookVerb::Expense { name, entry } => ("expense", name, entry),
        BookVerb::Capital { entry } => ("capital", String::new(), entry),
    };
    let EntryArgs { amount, cash, note } = entry;
    let entry = Entry { kind: kind.to_owned(), name, cash, amount, note };
    (Operation::Book(Box::new(entry)), Shape::Record)
}

fn product(verb: ProductVerb) -> anyhow::Result<(Operation, Shape)> {
    Ok(match verb {
        ProductVerb::Import { file, level, supplier, dry_run, skip_wrong } => {
            let rows = import::read(&file)?;
            let how = ImportHow { level, supplier, dry_run, skip_wrong };
            let shape = if dry_run { Shape::Plan } else { Shape::Record };
            (Operation::ProductImport(Box::new(Import { rows, how })), shape)
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
        TrxVerb::Resolve { no, verdict, returned, note } => {
            let VerdictArgs { success, fail, reverse, keep } = verdict;
            if returned && reverse.is_none() {
                bail!("--returned belongs to --reverse");
            }
            let verdict = match (success, fail, reverse, keep) {
                (Some(sn), None, None, false) => Verdict::Success { sn },
                (None, Some(reason), None, false) => Verdict::Fail { reason },
                (None, None, Some(reason), false) => Verdict::Reverse { reason, returned },
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
        CallbackVerb::Test { member } => (Operation::CallbackTest { member }, Shape::Record),
        CallbackVerb::Replay { ids, member, state } => {
            (Operation::CallbackReplay { ids, member, state }, Shape::Record)
        }
    }
}

fn user(verb: UserVerb) -> anyhow::Result<(Operation, Shape)> {
    Ok(match verb {
        UserVerb::List => (Operation::UserList, Shape::Users),
        UserVerb::Add { login, role, name, password } => {
            let password = match password {
                Some(password) => password,
                None => {
                    let fresh = fresh_password()?;
                    eprintln!("password (shown once): {fresh}");
                    fresh
                }
            };
            let name = name.unwrap_or_default();
            (Operation::UserAdd(Box::new(NewUser { login, name, password, role })), Shape::Record)
        }
        UserVerb::Set { login, role, active, password, forget_second_factor } => {
            let set = Operation::UserSet { login, role, active, password, forget_second_factor };
            (set, Shape::Record)
        }
        UserVerb::Token { name, role, user, days } => {
            let new = NewToken { name, role, person: Some(user), days };
            (Operation::TokenAdd(Box::new(new)), Shape::Record)
        }
    })
}

fn fresh_password() -> anyhow::Result<String> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).context("no randomness from the system")?;
    Ok(types::hex(random))
}

async fn init(data: &DataDir, config: &Config) -> anyhow::Result<Value> {
    let storage = Storage::of(data, config);
    if storage.exists()? {
        bail!("there is a business in {} already", storage.shown());
    }
    storage.is_new(data, config)?;
    // Before the key is made: a key alone tells of a business that was lost.
    Zone::new(&config.zone)?;
    data.create()?;
    if !data.config().exists() {
        std::fs::write(data.config(), DEFAULT)?;
    }
    let (house, _) = House::create(data, config)?;
    let mut id = [0; 8];
    getrandom::fill(&mut id).context("no randomness from the system")?;
    let id = types::hex(id);
    house.office.set_up("init", vec![CatalogChange::Level(goods::first_level(&id)?)]).await?;
    let rules = Rules { second_factor: true, ..house.office.rules().await? };
    house.office.set_rules(&Actor::local(), &rules).await?;
    storage.rest();
    Ok(json!({
        "created": storage.shown(), "price_list": format!("/harga/json?id={id}"),
        "next": "gerbang user add NAME --role owner, gerbang member add, gerbang product import, gerbang supplier add, gerbang serve",
    }))
}
