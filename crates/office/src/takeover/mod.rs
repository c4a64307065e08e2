//! Taking over a business: members of another center with their balances, as one file. First a plan,
//! which can be looked at; then all of it as one act, or nothing.
//!
//! One act is one commit here too, although it may add thousands of members: half a take-over would
//! leave balances that two persons never looked at. So a file is bounded, and its lane waits for it.
//! The gate of two persons weighs the opening balances together with what credit limits give. A file
//! that waits is kept sealed until the second person decides; then it is read anew.
//!
//! Credentials that come with a file are marked, and work from allowed addresses only until they are
//! changed.

mod file;
mod plan;
mod tree;

use crate::access::{Actor, Permission};
use crate::act::Act;
use crate::money::Done;
use crate::papers::{Sheet, digest, drop, is_stale, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::proposals::{Prepared, Proposal};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{AccountName, Kind, Movement, Weight};
use engine::{Errand, PaperChange};
use plan::Plan;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CatalogChange, Purpose, Sealed};
use types::{MemberCode, Rupiah};

pub use file::member_headings;

pub(crate) const KIND: &str = "takeover";
/// Of a file with odd lines; they stand below the first line of what is told.
pub(crate) const ODD_LINES: &str = "odd_lines";
/// Most changes, odd lines and names that are told one by one; the rest is counted.
const TOLD_MOST: usize = 500;
const WRONG_MOST: usize = 20;
/// Tries when others change the same at the same moment.
const TRIES: usize = 5;

/// How a file of members is imported.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TakeoverHow {
    /// Price level of new members whose line names none; the first one otherwise.
    pub level: Option<String>,
    /// Only say what would change.
    pub dry_run: bool,
    /// Leave odd lines out instead of refusing the file.
    pub skip_wrong: bool,
}

/// A file of members. No `Debug`: it carries secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Takeover {
    /// The file.
    pub text: String,
    /// What is done with it.
    #[serde(flatten)]
    pub how: TakeoverHow,
}

impl Takeover {
    /// What the journal says of it: never what is in it.
    pub(crate) fn told(&self, office: &Office) -> Value {
        json!({"file": office.file_mark(&file::plain(&self.text)), "how": self.how})
    }
}

/// A take-over as a second person sees it; the file itself is kept sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Digest of the file; keyed, because credentials are in it.
    pub file: String,
    /// Its lines.
    pub rows: usize,
    /// Members that it adds.
    pub new: usize,
    /// Members whose balance it opens.
    pub openings: usize,
    /// Sum of those that members have.
    #[serde(default)]
    pub balances: i64,
    /// Sum of those that members owe us: never positive.
    #[serde(default)]
    pub debts: i64,
    /// What credit limits give.
    #[serde(default)]
    pub credit_limits: i64,
    /// All of these without their signs: what two persons are asked about.
    pub gives: i64,
    /// Odd lines are left out instead of refusing the file.
    #[serde(default)]
    pub skip_wrong: bool,
    /// Lines that are left out as odd.
    #[serde(default)]
    pub left_out: usize,
    /// Price level of new members whose line names none.
    #[serde(default)]
    pub level: String,
    /// Digest of who gets what, line by line.
    #[serde(default)]
    pub plan: String,
}

/// What is kept of a file: that it was carried out, or what waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    by: String,
    /// What a repetition hears.
    answer: Value,
    /// The file, while it waits.
    sealed: Option<String>,
    how: TakeoverHow,
}

pub(crate) fn place(file: &str) -> String {
    format!("takeover/{file}")
}

fn shown(file: &str, how: &TakeoverHow, plan: &Plan) -> Opened {
    Opened {
        file: file.to_owned(),
        rows: plan.read,
        new: plan.new,
        openings: plan.openings.len(),
        balances: plan.balances.get(),
        debts: plan.debts.get(),
        credit_limits: plan.limits.get(),
        gives: plan.weight.get(),
        skip_wrong: how.skip_wrong,
        left_out: plan.wrong.len(),
        level: plan.level.clone(),
        plan: plan.digest(file),
    }
}

fn answer_of(office: &Office, file: &str, plan: &Plan) -> Value {
    let catalog = office.handle.catalog();
    let absent = catalog.members().iter().filter(|m| !plan.named.contains(&m.member.code)).count();
    let mut answer = json!({
        "imported": plan.read, "new": plan.new, "changed": plan.records.len().saturating_sub(plan.new),
        "unchanged": plan.read.saturating_sub(plan.records.len()), "wrong": plan.wrong.len(),
        "not_in_file": absent, "openings": plan.openings.len(),
        "balances": plan.balances.get(), "debts": plan.debts.get(),
        "credit_limits": plan.limits.get(), "gives": plan.weight.get(),
        "without_address": plan.without_address, "file": file,
    });
    if plan.without_address > 0 {
        answer["note"] = json!(format!(
            "{} of these members cannot come in yet: PIN and password of an import work only from \
             the addresses in the column ips, and theirs is empty. Give them an address, or a new \
             PIN and password",
            plan.without_address
        ));
    }
    answer
}

/// What somebody hears who brings a file again: what became of it, and what can be done now.
fn again(office: &Office, kept: &Sheet<Kept>) -> Value {
    let Kept { by, answer, sealed, .. } = &kept.body;
    let at = office.handle.zone().civil(kept.at);
    let told = if sealed.is_some() {
        format!(
            "{by} brought this file at {at}, and it waits for a second person; nothing was done \
             again. Agree to it or refuse it in the console, under Money; when it is refused it can \
             be imported again"
        )
    } else {
        let number = |name: &str| answer[name].as_i64().unwrap_or_default();
        let (new, changed, openings) = (number("new"), number("changed"), number("openings"));
        format!(
            "this file was carried out at {at} for {by}: {new} new members, {changed} changed, \
             {openings} balances opened; nothing was done again. To change settings, import a file \
             without the column saldo (`gerbang member export` makes one); a balance is corrected \
             with `gerbang member credit`"
        )
    };
    json!({"state": "repeated", "told": told, "by": by, "at": kept.at.get(), "first": answer})
}

/// What a plan writes.
async fn errand(office: &Office, by: &Actor, file: &str, plan: &Plan) -> anyhow::Result<Errand> {
    let mut ended = Vec::new();
    let catalog = office.handle.catalog();
    for record in &plan.records {
        let old = catalog.member_by_id(record.member.id);
        if old.is_some_and(|old| old.ip_allow != record.ip_allow) {
            ended.extend(crate::allowlist::ended(office, &record.member.code).await?);
        }
    }
    let changes = plan.records.iter().cloned().map(CatalogChange::Member).collect();
    let mut errand = office.edit(changes, "").await?;
    errand.papers.extend(ended);
    let short: String = file.chars().take(12).collect();
    let moves = plan.openings.iter().map(|(member, amount)| Movement {
        member: *member,
        amount: *amount,
        other: AccountName::Opening,
        kind: Kind::Opening,
        note: format!("{}: opening balance, file {short}", by.shown()),
    });
    errand.moves = moves.collect();
    Ok(errand)
}

fn refused(plan: &Plan, rows: usize) -> anyhow::Error {
    let mut told = plan.oddities();
    let more = told.len().saturating_sub(WRONG_MOST);
    told.truncate(WRONG_MOST);
    let mut why = format!(
        "{} of {rows} lines are odd; nothing was imported\n{}",
        plan.wrong.len(),
        told.join("\n")
    );
    if more > 0 {
        why += &format!("\nand {more} more");
    }
    Problem::asked(ODD_LINES, why).into()
}

/// What would change, for people.
fn preview(
    mut answer: Value,
    office: &Office,
    file: &str,
    mut plan: Plan,
) -> anyhow::Result<Value> {
    let catalog = office.handle.catalog();
    let all = catalog.members();
    let codes = all.iter().map(|entry| &entry.member.code);
    let absent: Vec<&str> = codes
        .filter(|code| !plan.named.contains(*code))
        .map(MemberCode::as_str)
        .take(TOLD_MOST)
        .collect();
    answer["imported"] = json!(0);
    answer["dry_run"] = json!(true);
    answer["plan"] = json!(plan.digest(file));
    answer["not_named"] = json!(absent);
    answer["wrong_lines"] = plan.oddities().into_iter().take(TOLD_MOST).collect();
    answer["beyond"] = json!(plan.told.len().saturating_sub(TOLD_MOST));
    plan.told.truncate(TOLD_MOST);
    answer["changes"] = serde_json::to_value(plan.told)?;
    Ok(answer)
}

/// Imports a file of members, or says what would change.
pub(crate) async fn import(
    office: &Office,
    act: &Act<'_>,
    import: &Takeover,
) -> anyhow::Result<Value> {
    for _ in 0..TRIES {
        match once(office, act, import).await {
            Err(error) if is_stale(&error) || crate::operations::is_outdated(&error) => {}
            done => return done,
        }
    }
    Err(Problem::conflict("busy", "others change the same; send it again").into())
}

async fn once(office: &Office, act: &Act<'_>, import: &Takeover) -> anyhow::Result<Value> {
    let text = file::plain(&import.text);
    let (actor, how, file) = (act.actor, &import.how, office.file_mark(&text));
    let mut before = office.sheet::<Kept>(KIND, &file).await?;
    if before.is_none() {
        // One from before has a plain digest for its name.
        before = office.sheet::<Kept>(KIND, &digest(&text)).await?;
    }
    if let Some(kept) = before.as_ref().filter(|_| !how.dry_run) {
        return Ok(again(office, kept));
    }
    // What is written rests on what was read: one editor at a time.
    let _editing = office.editing.lock().await;
    let _began = office.begin();
    let lines = file::read(&text)?;
    let plan = plan::plan(office, how, &lines).await?;
    let mut answer = answer_of(office, &file, &plan);
    if how.dry_run {
        answer["before"] = before.map_or(Value::Null, |kept| again(office, &kept));
        return preview(answer, office, &file, plan);
    }
    if !plan.wrong.is_empty() && !how.skip_wrong {
        return Err(refused(&plan, lines.len()));
    }
    if !plan.openings.is_empty() {
        actor.must(Permission::MoveMoney)?;
    }
    let opened = shown(&file, how, &plan);
    if plan.records.is_empty() {
        if opened.left_out > 0 {
            let told = serde_json::to_value(&opened)?;
            office.audit(actor, "member import", &told, "nothing to change").await;
        }
        return Ok(answer);
    }
    let kept = |answer: &Value, sealed| {
        let (by, how) = (actor.name.clone(), how.clone());
        put(KIND, &file, 0, "", &Kept { by, answer: answer.clone(), sealed, how })
    };
    let act = act.about(&serde_json::to_value(&opened)?);
    let rules = office.rules().await?;
    match office.alone(actor, Weight::Amount(plan.weight), rules.limits()).await? {
        Some(spent) => {
            let mut errand = errand(office, actor, &file, &plan).await?;
            errand.papers.extend(spent);
            // Without money it may be imported again: it changes nothing then, or puts back what was
            // changed since.
            if !plan.openings.is_empty() {
                errand.papers.push(kept(&answer, None)?);
            }
            office.carry_out(&act, errand, &answer).await?;
            Ok(answer)
        }
        None => {
            let sealed = STANDARD.encode(office.key.seal(&place(&file), &text)?.0);
            let mut waiting = serde_json::to_value(&opened)?;
            waiting["state"] = json!("waiting");
            let paper = kept(&waiting, Some(sealed))?;
            let proposal = Proposal::Takeover(opened);
            let done = office.wait(&act, &proposal, &rules, vec![paper]).await?;
            let mut told = serde_json::to_value(&done)?;
            if let (Some(told), Value::Object(opened)) = (told.as_object_mut(), waiting) {
                told.extend(opened.into_iter().filter(|(name, _)| name != "state"));
            }
            Ok(told)
        }
    }
}

impl Office {
    /// What a file is called: UTF-8 with lines that end in LF. Who has the database guesses no PIN
    /// from it.
    fn file_mark(&self, text: &str) -> String {
        types::hex(self.key.digest(Purpose::MemberFile, text))
    }

    /// A file that waits, from what is there now.
    pub(crate) async fn prepare_takeover(
        &self,
        by: &Actor,
        asked: &Opened,
    ) -> anyhow::Result<Prepared> {
        let missing = || Problem::missing("the file that waited is not here any more");
        let sheet = self.sheet::<Kept>(KIND, &asked.file).await?.ok_or_else(missing)?;
        let Kept { by: asker, how, sealed, .. } = sheet.body;
        let sealed =
            STANDARD.decode(sealed.ok_or_else(missing)?).context("the file that waited")?;
        let text = self.key.open(&place(&asked.file), &Sealed(sealed))?;
        if self.file_mark(&text) != asked.file && digest(&text) != asked.file {
            bail!("the file that waited is another one");
        }
        let lines = file::read(&text)?;
        let plan = plan::plan(self, &how, &lines).await?;
        if !plan.wrong.is_empty() && !how.skip_wrong {
            return Err(refused(&plan, lines.len()));
        }
        let now = shown(&asked.file, &how, &plan);
        if now != *asked {
            let why = format!(
                "the file comes to something else now than what was asked for: {} members, of whom \
                 {} are new, with {} in all instead of {}; refuse it, and import it again",
                now.rows,
                now.new,
                Rupiah::new(now.gives),
                Rupiah::new(asked.gives),
            );
            return Err(Problem::conflict("changed_since", why).into());
        }
        let mut errand = errand(self, by, &asked.file, &plan).await?;
        let answer = answer_of(self, &asked.file, &plan);
        let kept = Kept { by: asker, answer, sealed: None, how };
        errand.papers.push(put(KIND, &asked.file, sheet.version, "", &kept)?);
        Ok(Prepared { errand, weight: Weight::Amount(plan.weight), done: Done::Changed })
    }

    /// What goes with a file that is refused: it may be brought again.
    pub(crate) async fn takeover_refused(
        &self,
        asked: &Opened,
    ) -> anyhow::Result<Vec<PaperChange>> {
        let found = self.sheet::<Kept>(KIND, &asked.file).await?;
        let waits = found.filter(|sheet| sheet.body.sealed.is_some());
        Ok(waits.map(|sheet| drop(KIND, &asked.file, sheet.version)).into_iter().collect())
    }
}
