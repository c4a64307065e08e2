//! Members: add, list, show, set.

use crate::act::Act;
use crate::money::Done;
use crate::plug::{Office, network};
use crate::problem::Problem;
use crate::proposals::Prepared;
use anyhow::{Context as _, anyhow, bail};
use domain::{Dialect, Member, Weight, Wording};
use engine::{MemberEntry, beside, place};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{CatalogChange, Imported, MemberRecord};
use types::{LevelCode, MemberCode, MemberId, Rupiah, UtcMillis};

/// No `Debug`: it carries secrets.
#[allow(missing_docs)]
#[derive(Default, Serialize, Deserialize)]
pub struct MemberAdd {
    pub code: String,
    pub name: String,
    pub pin: String,
    pub password: String,
    pub level: Option<String>,
    pub callback: Option<String>,
    pub ips: Vec<String>,
    #[serde(default)]
    pub upline: Option<String>,
    #[serde(default)]
    pub markup: Option<String>,
}

/// Only what is given changes; an empty text clears what can be cleared.
#[allow(missing_docs)]
#[derive(Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct MemberSet {
    /// Member code.
    pub code: String,
    /// Shown to operators.
    #[arg(long)]
    pub name: Option<String>,
    /// May it buy?
    #[arg(long)]
    pub active: Option<bool>,
    /// Price level.
    #[arg(long)]
    pub level: Option<String>,
    /// New transaction PIN.
    #[arg(long)]
    pub pin: Option<String>,
    /// New H2H password.
    #[arg(long)]
    pub password: Option<String>,
    /// Hours, at most 24, that the PIN and password of before work beside the new ones.
    #[arg(long)]
    pub keep_old_hours: Option<u32>,
    /// Secret that signs its callbacks; "" for none.
    #[arg(long)]
    pub signing: Option<String>,
    /// Callback URL; "" for none.
    #[arg(long)]
    pub callback: Option<String>,
    /// Networks it may call from, separated by spaces or commas; "" for any.
    #[arg(long)]
    pub ips: Option<String>,
    /// How far below zero its balance may go.
    #[arg(long)]
    pub credit_limit: Option<String>,
    /// Most it may buy in one day; "" for no limit.
    #[arg(long)]
    pub daily_limit: Option<String>,
    /// Ask for `counter` on an equal purchase of the same day.
    #[arg(long)]
    pub same_day_guard: Option<bool>,
    /// `sedang diproses` instead of `akan diproses`.
    #[arg(long)]
    pub sedang: Option<bool>,
    /// `SN/Ref:` instead of `SN:` in callbacks.
    #[arg(long)]
    pub sn_ref: Option<bool>,
    /// A marketplace that resells us: no, text (OtomaX order) or json (POST /seller/topup).
    #[arg(long)]
    pub seller: Option<String>,
    /// Habits of another center that its program expects, separated by spaces or commas:
    /// repeat-accept or repeat-check, check-by-ref, no-balance, aliases, failed-price; "" for none.
    #[arg(long)]
    pub dialect: Option<String>,
    /// Callbacks as signed JSON, posted, instead of text in a query.
    #[arg(long)]
    pub webhook: Option<bool>,
    /// Purchases go to the sandbox and move no money.
    #[arg(long)]
    pub sandbox: Option<bool>,
    /// It forgot the password of its portal: it chooses a new one at its next login, with PIN and
    /// H2H password from an allowed address.
    #[arg(long)]
    #[serde(default)]
    pub forget_portal_password: bool,
    /// Whose downline it is: a member code; "" for nobody's.
    #[arg(long)]
    pub upline: Option<String>,
    /// What it pays more than its upline, in rupiah.
    #[arg(long)]
    pub markup: Option<String>,
    /// The same for single products: `T1:150 T5:200`; "" for none.
    #[arg(long)]
    pub markups: Option<String>,
}

impl MemberSet {
    /// The credit limit, when nothing else is to change.
    pub(super) fn only_credit_limit(&self) -> Option<&str> {
        let limit = self.credit_limit.as_deref()?;
        let only = Self {
            code: self.code.clone(),
            credit_limit: self.credit_limit.clone(),
            ..Self::default()
        };
        (*self == only).then_some(limit)
    }
}

/// Longest overlap of old and new credentials.
const KEEP_MOST_HOURS: u32 = 24;

pub(crate) fn networks(text: &str) -> anyhow::Result<Vec<IpNet>> {
    text.split([' ', ',']).filter(|part| !part.is_empty()).map(network).collect()
}

pub(crate) async fn create(
    office: &Office,
    act: &Act<'_>,
    new: &MemberAdd,
) -> anyhow::Result<MemberCode> {
    let code = MemberCode::parse(&new.code)?;
    let catalog = office.handle.catalog();
    if catalog.member(&code).is_some() {
        bail!("member {code} exists already");
    }
    if new.pin.is_empty() || new.password.is_empty() {
        bail!("PIN and password must not be empty");
    }
    office.must_be_strong(code.as_str(), Some(&new.pin), Some(&new.password)).await?;
    if let Some(url) = &new.callback {
        wire::check_callback_url(url)?;
    }
    let level = level(office, new.level.as_deref())?;
    let last = catalog.members().last().map_or(0, |entry| entry.member.id.get());
    let seal = |column: &str, plain: &str| office.key.seal(&place(&code, column), plain);
    let mut record = MemberRecord {
        pin: seal("pin", &new.pin)?,
        password: seal("password", &new.password)?,
        signing: None,
        ip_allow: networks(&new.ips.join(" "))?,
        imported: Imported::default(),
        member: Member {
            id: MemberId::new(last.checked_add(1).context("no number is left for a member")?),
            code: code.clone(),
            name: new.name.clone(),
            active: true,
            level,
            credit_limit: Rupiah::ZERO,
            daily_limit: None,
            same_day_guard: false,
            callback_url: new.callback.clone(),
            wording: Wording::default(),
            dialect: Dialect::default(),
            upline: None,
            sandbox: false,
        },
    };
    if new.upline.as_ref().is_some_and(|code| !code.trim().is_empty()) {
        office.must_have_downlines().await?;
        let (upline, markup) = (new.upline.as_deref(), new.markup.as_deref());
        crate::downlines::place(&catalog, &mut record.member, upline, markup, None)?;
    }
    office.change(act, vec![CatalogChange::Member(record)]).await?;
    Ok(code)
}

/// The named level, or the first one.
pub(crate) fn level(office: &Office, name: Option<&str>) -> anyhow::Result<LevelCode> {
    let catalog = office.handle.catalog();
    let levels = catalog.levels();
    match name {
        None => levels.keys().next().cloned().context("there is no price level yet"),
        Some(name) => {
            let code = LevelCode::parse(name)?;
            if levels.contains_key(&code) {
                return Ok(code);
            }
            let known: Vec<&str> = levels.keys().map(LevelCode::as_str).collect();
            bail!("there is no price level {code}; known: {}", known.join(", "))
        }
    }
}

pub(super) async fn add(office: &Office, act: &Act<'_>, new: MemberAdd) -> anyhow::Result<Value> {
    let code = create(office, act, &new).await?;
    show(office, code.as_str()).await
}

pub(crate) fn id_of(office: &Office, code: &str) -> anyhow::Result<(MemberCode, MemberId)> {
    let code = MemberCode::parse(code)?;
    let catalog = office.handle.catalog();
    let entry = catalog
        .member(&code)
        .ok_or_else(|| anyhow!("there is no member {code}; `gerbang member list` shows all"))?;
    Ok((code, entry.member.id))
}

pub(crate) fn member_id(office: &Office, code: Option<&str>) -> anyhow::Result<Option<MemberId>> {
    code.map(|code| id_of(office, code).map(|(_, id)| id)).transpose()
}

pub(super) async fn list(office: &Office) -> anyhow::Result<Value> {
    let accounts = office.handle.reads().ask(|reads| reads.accounts()).await??;
    let accounts: std::collections::HashMap<_, _> = accounts.into_iter().collect();
    let catalog = office.handle.catalog();
    let rows: Vec<Value> = catalog
        .members()
        .into_iter()
        .map(|entry| {
            let member = &entry.member;
            let balance = accounts.get(&member.id).map_or(Rupiah::ZERO, |account| account.balance);
            json!({
                "code": member.code.as_str(), "name": member.name, "balance": balance.get(),
                "level": member.level.as_str(), "active": member.active,
                "dialect": member.dialect.to_string(),
            })
        })
        .collect();
    Ok(Value::Array(rows))
}

pub(super) async fn show(office: &Office, code: &str) -> anyhow::Result<Value> {
    let (code, id) = id_of(office, code)?;
    let balance = office.handle.reads().ask(move |reads| reads.balance(id)).await??;
    let catalog = office.handle.catalog();
    let entry = catalog.member(&code).context("the member is gone")?;
    let member = &entry.member;
    let ips: Vec<String> = entry.ip_allow.iter().map(ToString::to_string).collect();
    let gone = office.gone(id).await?.map(|paper| paper.tag);
    let is_gone = gone.is_some() && gone == member.callback_url;
    Ok(json!({
        "code": member.code.as_str(), "name": member.name,
        "balance": balance.unwrap_or_default().get(), "active": member.active,
        "level": member.level.as_str(), "credit_limit": member.credit_limit.get(),
        "daily_limit": member.daily_limit.map(Rupiah::get),
        "same_day_guard": member.same_day_guard, "callback": member.callback_url,
        "callback_gone": is_gone,
        "signed_callbacks": entry.signing.is_some(), "ips": ips,
        "imported": imported(entry),
        "sedang": member.wording.sedang, "sn_ref": member.wording.sn_ref,
        "seller": member.wording.seller.word(), "dialect": member.dialect.to_string(),
        "webhook": member.wording.webhook,
        "portal_password": office.has_portal_password(&code).await?,
        "sandbox": member.sandbox, "upline": above(&catalog, member),
        "markup": member.upline.as_ref().map(|upline| upline.markup.get()),
        "markups": member.upline.as_ref().map(|upline| upline.markups.to_string()),
    }))
}

/// Which credentials came with an import and work from allowed addresses only; `null` for none.
fn imported(entry: &MemberEntry) -> Option<&'static str> {
    match (entry.imported.pin, entry.imported.password) {
        (false, false) => None,
        (true, false) => Some("pin"),
        (false, true) => Some("password"),
        (true, true) => Some("pin and password"),
    }
}

/// The code of a member's upline.
pub(crate) fn above(catalog: &engine::Catalog, member: &Member) -> Option<String> {
    let upline = member.upline.as_ref()?;
    catalog.member_by_id(upline.member).map(|entry| entry.member.code.to_string())
}

pub(crate) fn limit(text: &str) -> anyhow::Result<Rupiah> {
    let amount: Rupiah = text.parse()?;
    if amount.is_negative() { bail!("a limit cannot be negative") } else { Ok(amount) }
}

/// What a new credit limit gives to a member; less of it gives nothing.
pub(crate) fn raised(old: Rupiah, new: Rupiah) -> anyhow::Result<Weight> {
    Ok(Weight::Amount(new.minus(old)?.max(Rupiah::ZERO)))
}

impl Office {
    /// What a credit limit comes to, alone.
    pub(crate) async fn prepare_credit_limit(
        &self,
        member: &str,
        text: &str,
    ) -> anyhow::Result<Prepared> {
        let (code, _) = id_of(self, member)?;
        let mut record = record_of(self, &code).await?;
        let new = limit(text)?;
        let weight = raised(record.member.credit_limit, new)?;
        record.member.credit_limit = new;
        let errand = self.edit(vec![CatalogChange::Member(record)], "").await?;
        Ok(Prepared { errand, weight, done: Done::Changed })
    }
}

pub(super) async fn set(office: &Office, act: &Act<'_>, set: MemberSet) -> anyhow::Result<Value> {
    let (code, _) = id_of(office, &set.code)?;
    office.must_be_strong(code.as_str(), set.pin.as_deref(), set.password.as_deref()).await?;
    let mut record = record_of(office, &code).await?;
    let (mut papers, mut lines) = (Vec::new(), Vec::new());
    if set.forget_portal_password {
        papers.extend(office.portal_password_gone(&code).await?);
        let detail = json!({"member": code.as_str()});
        lines.push(office.line(act.actor, "portal password reset", &detail, ""));
    }
    if let Some(text) = &set.credit_limit {
        let new = limit(text)?;
        let weight = raised(record.member.credit_limit, new)?;
        let limits = office.rules().await?.limits();
        let alone = office.alone(act.actor, weight, limits).await?;
        let why = "this credit limit needs a second person: change it by itself, without the rest";
        papers.extend(alone.ok_or_else(|| Problem::asked("limit_alone", why))?);
        record.member.credit_limit = new;
    }
    let catalog = office.handle.catalog();
    if set.upline.is_some() || set.markup.is_some() || set.markups.is_some() {
        let member = &mut record.member;
        let new = set.upline.as_deref().map(str::trim).filter(|code| !code.is_empty());
        if new.is_some() && new != above(&catalog, member).as_deref() {
            office.must_have_downlines().await?;
        }
        let (upline, markup) = (set.upline.as_deref(), set.markup.as_deref());
        crate::downlines::place(&catalog, member, upline, markup, set.markups.as_deref())?;
    }
    apply(office, &mut record, &set)?;
    let old = catalog.member(&code).context("the member is gone")?;
    let kept = keep_old(office, old, &set)?;
    let (pin, password) = (set.pin.as_deref(), set.password.as_deref());
    renew(office, &mut record, Some(old), (pin, password), kept, false)?;
    if set.ips.is_some() {
        papers.extend(crate::allowlist::ended(office, &code).await?);
        must_come_from_somewhere(&code, record.imported, &record.ip_allow)?;
    }
    if set.sandbox == Some(true) {
        papers.extend(office.first_sandbox_login(&code).await?);
    }
    let mut errand = office.edit(vec![CatalogChange::Member(record)], "").await?;
    // What ends for two reasons ends once.
    papers.retain(|paper| !errand.papers.iter().any(|other| other.key == paper.key));
    errand.papers.extend(papers);
    errand.lines.extend(lines);
    office.carry_out(act, errand, &act.told()).await?;
    show(office, code.as_str()).await
}

/// What is changed by saying so, and concerns nothing else.
pub(crate) fn apply(
    office: &Office,
    record: &mut MemberRecord,
    set: &MemberSet,
) -> anyhow::Result<()> {
    let member = &mut record.member;
    if let Some(name) = &set.name {
        member.name.clone_from(name);
    }
    if let Some(active) = set.active {
        member.active = active;
    }
    if let Some(name) = &set.level {
        member.level = level(office, Some(name))?;
    }
    if let Some(text) = &set.daily_limit {
        member.daily_limit = if text.is_empty() { None } else { Some(limit(text)?) };
    }
    if let Some(guard) = set.same_day_guard {
        member.same_day_guard = guard;
    }
    if let Some(url) = &set.callback {
        member.callback_url = if url.is_empty() {
            None
        } else {
            wire::check_callback_url(url)?;
            Some(url.clone())
        };
    }
    if let Some(sedang) = set.sedang {
        member.wording.sedang = sedang;
    }
    if let Some(sn_ref) = set.sn_ref {
        member.wording.sn_ref = sn_ref;
    }
    if let Some(seller) = &set.seller {
        member.wording.seller = seller.parse()?;
    }
    if let Some(dialect) = &set.dialect {
        member.dialect = dialect.parse()?;
    }
    if let Some(webhook) = set.webhook {
        member.wording.webhook = webhook;
    }
    if let Some(sandbox) = set.sandbox {
        member.sandbox = sandbox;
    }
    if let Some(secret) = &set.signing {
        let place = place(&member.code, "signing");
        let seal = || office.key.seal(&place, secret);
        record.signing = if secret.is_empty() { None } else { Some(seal()?) };
    }
    if let Some(ips) = &set.ips {
        record.ip_allow = networks(ips)?;
    }
    Ok(())
}

/// New credentials, each of which is `imported` or not; `kept` is what works beside them for a while.
/// One that stays what it was stays marked as it was.
pub(crate) fn renew(
    office: &Office,
    record: &mut MemberRecord,
    old: Option<&Arc<MemberEntry>>,
    (pin, password): (Option<&str>, Option<&str>),
    kept: Option<UtcMillis>,
    imported: bool,
) -> anyhow::Result<()> {
    if pin.is_none() && password.is_none() {
        return Ok(());
    }
    let code = record.member.code.clone();
    let seal = |column: &str, plain: &str| -> anyhow::Result<_> {
        if plain.is_empty() {
            bail!("{column} must not be empty");
        }
        Ok(office.key.seal(&place(&code, column), plain)?)
    };
    if let Some(pin) = pin {
        record.pin = seal("pin", pin)?;
        if old.is_none_or(|old| old.pin.expose() != pin) {
            record.imported.pin = imported;
        }
    }
    if let Some(password) = password
        && old.is_none_or(|old| old.password.expose() != password)
    {
        record.imported.password = imported;
    }
    // Sealed anew also with another PIN alone: the pair of before ends with it.
    let before = old.map_or("", |old| old.password.expose());
    let password = password.unwrap_or(before);
    let pair = kept
        .zip(old)
        .map(|(until, old)| beside(password, old.pin.expose(), old.password.expose(), until));
    record.password = seal("password", pair.as_deref().unwrap_or(password))?;
    Ok(())
}

/// Credentials that came with an import need a list of addresses, and one that says something: nobody
/// could come in without, and everybody with one of the whole network.
pub(crate) fn must_come_from_somewhere(
    code: &MemberCode,
    imported: Imported,
    ips: &[IpNet],
) -> Result<(), Problem> {
    if !imported.any() {
        return Ok(());
    }
    let wide = |net: &&IpNet| match net {
        IpNet::V4(net) => net.prefix_len() < 8,
        IpNet::V6(net) => net.prefix_len() < 16,
    };
    // All together no more than one such network.
    const WHOLE: u64 = 1 << 40;
    let share = |net: &IpNet| match net {
        IpNet::V4(net) => WHOLE.checked_shr(u32::from(net.prefix_len().saturating_sub(8))),
        IpNet::V6(net) => WHOLE.checked_shr(u32::from(net.prefix_len().saturating_sub(16))),
    };
    let shares = ips.iter().map(|net| share(net).unwrap_or(0));
    let all = shares.fold(0_u64, u64::saturating_add);
    let what = match (ips.is_empty(), ips.iter().find(wide)) {
        (false, None) if all <= WHOLE => return Ok(()),
        (false, None) => "all of them together are as good as any".to_owned(),
        (true, _) => "an empty list is none".to_owned(),
        (false, Some(net)) => format!("{net} is as good as any"),
    };
    let why = format!(
        "PIN or password of {code} came with an import and works from allowed addresses only, and \
         {what}: name those it calls from, or change PIN and password first"
    );
    Err(Problem::asked("imported_credentials", why))
}

/// A member as it is stored.
pub(crate) async fn record_of(office: &Office, code: &MemberCode) -> anyhow::Result<MemberRecord> {
    let rows = office.handle.reads().ask(|reads| reads.catalog()).await??;
    let found = rows.members.into_iter().find(|record| record.member.code == *code);
    found.context("the member is gone")
}

/// Until when the credentials of before work too.
fn keep_old(
    office: &Office,
    old: &MemberEntry,
    set: &MemberSet,
) -> anyhow::Result<Option<UtcMillis>> {
    let Some(hours) = set.keep_old_hours else { return Ok(None) };
    if set.pin.is_none() && set.password.is_none() {
        bail!("--keep-old-hours goes with a new PIN or password");
    }
    match hours {
        0 => Ok(None),
        _ if old.imported.any() => {
            let why = "the old PIN and password came with an import: they end at once when they are \
                       changed";
            Err(Problem::asked("imported_credentials", why).into())
        }
        hours if hours <= KEEP_MOST_HOURS => {
            Ok(Some(office.handle.now().utc.after(i64::from(hours).saturating_mul(3_600_000))))
        }
        hours => bail!("{hours} hours are too many: the old pair works for at most 24"),
    }
}

/// What became of an act that the gate weighed, as commands show it.
pub(super) fn told(done: Done) -> Value {
    match done {
        Done::Moved { member, amount, balance } => {
            json!({"code": member, "moved": amount, "balance": balance})
        }
        Done::Changed => json!({"state": "changed"}),
        Done::Waiting { approval } => json!({"state": "waiting", "approval": approval}),
        Done::Repeated { first } => json!({"state": "repeated", "first": first}),
    }
}
