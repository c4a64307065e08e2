//! `buy`, `check`, `balance`, `prices`: a member's side of the protocol, against any server of it.

use super::render::{Screen, Shape, spinner};
use clap::Args;
use gerbang_client::{Account, Client, Outcome, Patience, Qty, Rupiah, Step, Told, Wanted};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// Who asks whom.
#[derive(Args)]
pub(super) struct AccountArgs {
    /// The server, without /trx.
    #[arg(long, env = "GERBANG_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Member code there.
    #[arg(long, env = "GERBANG_MEMBER", default_value = "")]
    member: String,
    /// Transaction PIN; better given as GERBANG_PIN, which other users of the machine do not see.
    #[arg(long, env = "GERBANG_PIN", hide_env_values = true, default_value = "")]
    pin: String,
    /// H2H password; better given as GERBANG_PASSWORD.
    #[arg(long, env = "GERBANG_PASSWORD", hide_env_values = true, default_value = "")]
    password: String,
    /// Send `sign` instead of PIN and password.
    #[arg(long)]
    sign: bool,
}

/// A purchase.
#[derive(Args)]
pub(super) struct WantedArgs {
    /// Product code there.
    product: String,
    /// Destination: a phone number, a meter.
    dest: String,
    /// Nominal of an open denomination.
    #[arg(long)]
    qty: Option<String>,
    /// Seconds to wait for the final state; 0 does not wait.
    #[arg(long, default_value_t = 120)]
    wait: u64,
    #[command(flatten)]
    account: AccountArgs,
}

#[derive(Args)]
pub(super) struct BuyArgs {
    /// Your reference, once for each purchase; made up when absent.
    #[arg(long = "ref")]
    ref_id: Option<String>,
    /// Refuse above this price.
    #[arg(long)]
    harga_max: Option<String>,
    #[command(flatten)]
    wanted: WantedArgs,
}

#[derive(Args)]
pub(super) struct CheckArgs {
    /// The reference it was bought with.
    #[arg(long = "ref")]
    ref_id: String,
    #[command(flatten)]
    wanted: WantedArgs,
}

#[derive(Args)]
pub(super) struct PricesArgs {
    /// Id of the price list.
    id: String,
    #[command(flatten)]
    account: AccountArgs,
}

/// Exit code of a purchase that is not decided yet.
const OPEN: u8 = 2;

fn client(args: &AccountArgs) -> anyhow::Result<Client> {
    let AccountArgs { url, member, pin, password, sign } = args;
    let account = Account::plain(url, member, pin, password)?;
    Ok(Client::new(if *sign { account.signed() } else { account })?)
}

fn wanted(args: &WantedArgs, ref_id: &str, harga_max: Option<&str>) -> anyhow::Result<Wanted> {
    let plain = Wanted::new(&args.product.parse()?, args.dest.parse()?, ref_id.parse()?);
    let qty = args.qty.as_deref().map(|text| -> anyhow::Result<Qty> {
        let amount: Rupiah = text.parse()?;
        let number = u32::try_from(amount.get()).ok().and_then(Qty::new);
        number.ok_or_else(|| anyhow::anyhow!("--qty `{text}` is not a nominal"))
    });
    Ok(Wanted { qty: qty.transpose()?, harga_max: harga_max.map(str::parse).transpose()?, ..plain })
}

fn patience(wait: u64) -> Patience {
    Patience { most: Duration::from_secs(wait), ..Patience::default() }
}

/// The end of the command: what was told, and an exit code scripts can use.
fn end(screen: &Screen, wanted: &Wanted, told: &Told) -> anyhow::Result<ExitCode> {
    let (state, code) = match &told.outcome {
        Outcome::Success { .. } => ("success", ExitCode::SUCCESS),
        Outcome::Failed { .. } => ("failed", ExitCode::FAILURE),
        Outcome::Refused { .. } => ("refused", ExitCode::FAILURE),
        Outcome::NotSent { .. } => ("not sent", ExitCode::FAILURE),
        Outcome::Pending => ("pending", ExitCode::from(OPEN)),
        Outcome::NoData => ("no data", ExitCode::from(OPEN)),
        Outcome::Unknown { .. } => ("unknown", ExitCode::from(OPEN)),
    };
    let mut shown = json!({
        "state": state, "ref": wanted.ref_id.as_str(), "product": wanted.product,
        "dest": wanted.dest.as_str(),
    });
    let mut add = |key: &str, value: Value| {
        if let Some(fields) = shown.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    match &told.outcome {
        Outcome::Success { sn, price } => {
            add("sn", json!(sn.as_str()));
            add("price", json!(price.map(Rupiah::get)));
        }
        Outcome::Failed { reason } | Outcome::Refused { reason } => add("reason", json!(reason)),
        Outcome::NotSent { why } | Outcome::Unknown { why } => add("reason", json!(why)),
        Outcome::Pending | Outcome::NoData => {}
    }
    if !told.text.is_empty() {
        add("text", json!(told.text));
    }
    if code == ExitCode::from(OPEN) {
        add("next", json!("ask again with `gerbang check` and the same --ref; do not buy anew"));
    }
    screen.show(&shown, Shape::Record)?;
    Ok(code)
}

pub(super) async fn buy(args: BuyArgs, screen: &Screen) -> anyhow::Result<ExitCode> {
    let made_up = match &args.ref_id {
        Some(given) => given.clone(),
        None => {
            let mut random = [0; 8];
            getrandom::fill(&mut random)
                .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
            types::hex(random)
        }
    };
    let wanted = wanted(&args.wanted, &made_up, args.harga_max.as_deref())?;
    let client = client(&args.wanted.account)?;
    let spinner = spinner(&format!("buying, reference {made_up}"));
    let patience = patience(args.wanted.wait);
    let told = client.buy_and_wait(&wanted, patience, |step| show(&spinner, step)).await;
    spinner.finish_and_clear();
    end(screen, &wanted, &told)
}

pub(super) async fn check(args: CheckArgs, screen: &Screen) -> anyhow::Result<ExitCode> {
    let wanted = wanted(&args.wanted, &args.ref_id, None)?;
    let client = client(&args.wanted.account)?;
    let spinner = spinner(&format!("asking about {}", args.ref_id));
    let mut told = client.check(&wanted).await;
    if told.outcome == Outcome::Pending {
        spinner.set_message("pending");
        let patience = patience(args.wanted.wait);
        told = client.wait(&wanted, patience, told, |step| show(&spinner, step)).await;
    }
    spinner.finish_and_clear();
    end(screen, &wanted, &told)
}

fn show(spinner: &indicatif::ProgressBar, step: &Step) {
    spinner.set_message(step.to_string());
}

pub(super) async fn balance(args: AccountArgs, screen: &Screen) -> anyhow::Result<ExitCode> {
    let balance = client(&args)?.balance().await?;
    let shown = json!({"member": args.member, "balance": balance.get()});
    screen.show(&shown, Shape::Record)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn prices(mut args: PricesArgs, screen: &Screen) -> anyhow::Result<ExitCode> {
    // The list needs no account; the client wants a code.
    if args.account.member.is_empty() {
        args.account.member.push('-');
    }
    let rows = client(&args.account)?.prices(&args.id).await?;
    let shown = rows.iter().map(|row| {
        json!({
            "kode": row.kode, "keterangan": row.keterangan, "produk": row.produk,
            "kategori": row.kategori, "harga": row.harga, "status": row.status,
        })
    });
    screen.show(&Value::Array(shown.collect()), Shape::Prices)?;
    Ok(ExitCode::SUCCESS)
}
