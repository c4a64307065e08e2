//! What a file of members comes to: who appears, what changes, which balances are opened, and what is
//! odd. Nothing is written here.

use super::TakeoverHow;
use super::file::{change, fits, is_sum, or_none, told};
use super::tree::Tree;
use crate::columns::Line;
use crate::money::amount_most;
use crate::operations::{apply, level, limit, must_come_from_somewhere, raised, renew};
use crate::plug::Office;
use crate::problem::Problem;
use anyhow::Context as _;
use domain::{Account, Dialect, Member, Weight, Wording};
use engine::{Catalog, MemberEntry};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use store::{Imported, MemberRecord, Places, Sealed};
use types::{MemberCode, MemberId, MoneyError, Rupiah};

/// One thing that changes: member, what, from, to.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) code: String,
    pub(super) what: &'static str,
    pub(super) from: String,
    pub(super) to: String,
}

/// What one line comes to.
struct Row {
    line: usize,
    record: MemberRecord,
    is_new: bool,
    opening: Option<Rupiah>,
    raised: Rupiah,
    told: Vec<Told>,
}

/// What a file comes to.
#[derive(Default)]
pub(super) struct Plan {
    /// Members that appear or change.
    pub(super) records: Vec<MemberRecord>,
    /// Their opening balances.
    pub(super) openings: Vec<(MemberId, Rupiah)>,
    pub(super) told: Vec<Told>,
    /// What is odd, by line.
    pub(super) wrong: BTreeMap<usize, Vec<String>>,
    /// Lines that are taken.
    pub(super) read: usize,
    pub(super) new: usize,
    /// Sum of the opening balances that members have.
    pub(super) balances: Rupiah,
    /// Sum of those that members owe us: never positive.
    pub(super) debts: Rupiah,
    /// What higher credit limits give.
    pub(super) limits: Rupiah,
    /// What it moves and gives in all: never negative.
    pub(super) weight: Rupiah,
    /// Members whose credentials work from nowhere, because they name no address.
    pub(super) without_address: usize,
    /// Price level of new members whose line names none.
    pub(super) level: String,
    pub(super) named: BTreeSet<MemberCode>,
}

impl Plan {
    fn odd(&mut self, line: usize, why: impl IntoIterator<Item = String>) {
        self.wrong.entry(line).or_default().extend(why);
    }

    fn take(&mut self, row: Row) -> Result<(), MoneyError> {
        if let Some(amount) = row.opening {
            let sum = if amount.is_negative() { &mut self.debts } else { &mut self.balances };
            *sum = sum.plus(amount)?;
            let size = amount.get().checked_abs().ok_or(MoneyError::Overflow)?;
            self.weight = self.weight.plus(Rupiah::new(size))?;
            self.openings.push((row.record.member.id, amount));
        }
        self.limits = self.limits.plus(row.raised)?;
        self.weight = self.weight.plus(row.raised)?;
        self.new = self.new.saturating_add(usize::from(row.is_new));
        let nowhere = row.record.imported.any() && row.record.ip_allow.is_empty();
        self.without_address = self.without_address.saturating_add(usize::from(nowhere));
        self.told.extend(row.told);
        self.records.push(row.record);
        Ok(())
    }

    /// Everything that is odd, in the order of the file.
    pub(super) fn oddities(&self) -> Vec<&str> {
        self.wrong.values().flatten().map(String::as_str).collect()
    }

    /// Of the file and of who gets what from it: another one is another act.
    pub(super) fn digest(&self, file: &str) -> String {
        let told: Vec<[&str; 4]> =
            self.told.iter().map(|t| [t.code.as_str(), t.what, &t.from, &t.to]).collect();
        crate::papers::digest(&serde_json::json!([file, told, self.oddities()]).to_string())
    }
}

/// What lines are read against.
struct Facts<'a> {
    office: &'a Office,
    catalog: Arc<Catalog>,
    records: HashMap<MemberId, MemberRecord>,
    accounts: HashMap<MemberId, Account>,
    /// Members that have an entry in the ledger, among those that a balance is opened for.
    moved: BTreeSet<MemberId>,
    /// Also those that the file adds.
    ids: HashMap<MemberCode, MemberId>,
    names: HashMap<MemberId, MemberCode>,
    is_demo: bool,
    downlines: bool,
    first_level: types::LevelCode,
}

fn cell<'a>(cells: &'a [(&'static str, String)], name: &str) -> Option<&'a str> {
    let found = cells.iter().find(|(column, _)| *column == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

impl<'a> Facts<'a> {
    async fn new(office: &'a Office, how: &TakeoverHow, lines: &[Line]) -> anyhow::Result<Self> {
        let catalog = office.handle.catalog();
        let reads = office.handle.reads();
        let rows = reads.ask(|reads| reads.catalog()).await??;
        let accounts: HashMap<_, _> =
            reads.ask(|reads| reads.accounts()).await??.into_iter().collect();
        let mut ids: HashMap<MemberCode, MemberId> = HashMap::new();
        for entry in catalog.members() {
            ids.insert(entry.member.code.clone(), entry.member.id);
        }
        let last = ids.values().max().map_or(0, |id| id.get());
        let mut next = last;
        let mut opened = BTreeSet::new();
        for (_, cells) in lines {
            let Some(code) = cell(cells, "kode").and_then(|code| MemberCode::parse(code).ok())
            else {
                continue;
            };
            let known = ids.get(&code).copied().filter(|id| id.get() <= last);
            match known {
                Some(id) if cell(cells, "saldo").is_some() => {
                    opened.extend(Some(id).filter(|id| accounts.get(id).is_none_or(is_unused)));
                }
                Some(_) => {}
                None => {
                    ids.entry(code).or_insert_with(|| {
                        next = next.saturating_add(1);
                        MemberId::new(next)
                    });
                }
            }
        }
        let moved = if opened.is_empty() {
            BTreeSet::new()
        } else {
            reads.ask(move |reads| moved_of(reads, &opened)).await??
        };
        Ok(Self {
            office,
            records: rows.members.into_iter().map(|record| (record.member.id, record)).collect(),
            accounts,
            moved,
            names: ids.iter().map(|(code, id)| (*id, code.clone())).collect(),
            ids,
            is_demo: office.is_demo().await?,
            downlines: office.rules().await?.downlines,
            first_level: level(office, how.level.as_deref())?,
            catalog,
        })
    }

    /// One line, or everything that is odd in it.
    fn row(&self, line: usize, cells: &[(&'static str, String)]) -> Result<Row, Vec<String>> {
        let one = |column: &str, value: &str, why: String| {
            vec![format!("line {line}: {}: {why}", told(column, value))]
        };
        let text = cell(cells, "kode").unwrap_or_default();
        let code = MemberCode::parse(text).map_err(|error| one("kode", text, error.to_string()))?;
        let id = self.ids.get(&code).copied();
        let id = id.ok_or_else(|| one("kode", text, "has no number".to_owned()))?;
        let entry = self.catalog.member_by_id(id);
        let known = self.records.get(&id);
        let mut record = known.cloned().unwrap_or_else(|| self.fresh(id, &code));
        let mut odd = Vec::new();
        for (column, value) in cells.iter().filter(|(_, value)| !value.is_empty()) {
            let mut try_it = || -> anyhow::Result<()> {
                fits(column, value).map_err(anyhow::Error::msg)?;
                if *column == "signing"
                    && entry.and_then(|e| e.signing.as_ref()).is_some_and(|s| s.expose() == value)
                {
                    return Ok(());
                }
                match change(column, value)? {
                    Some(set) => apply(self.office, &mut record, &set),
                    None => self.special(column, value, &mut record),
                }
            };
            if let Err(error) = try_it() {
                odd.extend(one(column, value, format!("{error:#}")));
            }
        }
        let renewed = self.credentials(cells, entry, &mut record);
        let placed = self.markups(cells, &mut record);
        for (column, error) in [renewed.as_ref().err(), placed.as_ref().err()].into_iter().flatten()
        {
            let value = cell(cells, column).unwrap_or_default();
            odd.extend(one(column, value, format!("{error:#}")));
        }
        // A list that stays empty is told by itself: strong ones may wait for their addresses.
        let listed = cell(cells, "ips").is_some() || !record.ip_allow.is_empty();
        let fits = must_come_from_somewhere(&code, record.imported, &record.ip_allow);
        if let Err(problem) = fits
            && listed
        {
            odd.extend(one("ips", cell(cells, "ips").unwrap_or_default(), problem.detail));
        }
        let opening = match self.opening(cells, id, &record) {
            Ok(opening) => opening,
            Err(error) => {
                odd.extend(one(
                    "saldo",
                    cell(cells, "saldo").unwrap_or_default(),
                    format!("{error:#}"),
                ));
                None
            }
        };
        let before = known.map_or(Rupiah::ZERO, |known| known.member.credit_limit);
        let raised = match raised(before, record.member.credit_limit) {
            Ok(Weight::Amount(amount)) => amount,
            Ok(Weight::Rule) => Rupiah::ZERO,
            Err(error) => {
                odd.extend(one("credit_limit", "", format!("{error:#}")));
                Rupiah::ZERO
            }
        };
        if !odd.is_empty() {
            return Err(odd);
        }
        let mut told = self.compared(known, &record, &renewed.unwrap_or_default());
        if let Some(amount) = opening {
            let (code, to) = (code.to_string(), amount.to_string());
            told.push(Told { code, what: "saldo", from: Rupiah::ZERO.to_string(), to });
        }
        Ok(Row { line, record, is_new: known.is_none(), opening, raised, told })
    }

    /// A member that the file adds, before its cells are read.
    fn fresh(&self, id: MemberId, code: &MemberCode) -> MemberRecord {
        MemberRecord {
            pin: Sealed(Vec::new()),
            password: Sealed(Vec::new()),
            signing: None,
            ip_allow: Vec::new(),
            imported: Imported::default(),
            member: Member {
                id,
                code: code.clone(),
                name: code.to_string(),
                active: true,
                level: self.first_level.clone(),
                credit_limit: Rupiah::ZERO,
                daily_limit: None,
                same_day_guard: false,
                callback_url: None,
                wording: Wording::default(),
                dialect: Dialect::default(),
                upline: None,
                sandbox: false,
            },
        }
    }

    /// Columns that are more than a setting. Those that need others are read after them.
    fn special(&self, column: &str, value: &str, record: &mut MemberRecord) -> anyhow::Result<()> {
        match column {
            "credit_limit" => record.member.credit_limit = limit(or_none(value))?,
            "upline" => {
                let above = match or_none(value) {
                    "" => None,
                    code => {
                        let code = MemberCode::parse(code)?;
                        let found = self.ids.get(&code).copied();
                        let why = "there is no such member, neither here nor in the file";
                        Some(found.context(why)?)
                    }
                };
                let now = record.member.upline.as_ref().map(|upline| upline.member);
                if above.is_some() && above != now && !self.downlines {
                    let why =
                        "downlines are off; an owner turns them on in the rules of the office";
                    return Err(Problem::forbidden(why).into());
                }
                crate::downlines::under(&mut record.member, above);
            }
            _ => {}
        }
        Ok(())
    }

    /// Both markups, after the upline.
    fn markups(
        &self,
        cells: &[(&'static str, String)],
        record: &mut MemberRecord,
    ) -> Result<(), (&'static str, anyhow::Error)> {
        for column in ["markup", "markups"] {
            let Some(value) = cell(cells, column).map(or_none) else { continue };
            // A center's list has a 0 for those that have no upline.
            if record.member.upline.is_none() && matches!(value, "" | "0") {
                continue;
            }
            let (all, single) =
                if column == "markup" { (Some(value), None) } else { (None, Some(value)) };
            crate::downlines::mark_up(&self.catalog, &mut record.member, all, single)
                .map_err(|error| (column, error))?;
        }
        Ok(())
    }

    /// PIN and password. They are marked whatever they are; weak ones need an address.
    fn credentials(
        &self,
        cells: &[(&'static str, String)],
        entry: Option<&Arc<MemberEntry>>,
        record: &mut MemberRecord,
    ) -> Result<Vec<&'static str>, (&'static str, anyhow::Error)> {
        let given = |name: &str, old: Option<&str>| {
            cell(cells, name).filter(|new| old.is_none_or(|old| old != *new))
        };
        let pin = given("pin", entry.map(|entry| entry.pin.expose()));
        let password = given("password", entry.map(|entry| entry.password.expose()));
        for (column, new) in [("pin", pin), ("password", password)] {
            if entry.is_none() && new.is_none() {
                return Err((column, anyhow::anyhow!("is missing; a new member needs one")));
            }
        }
        let both = [pin.map(|_| "pin"), password.map(|_| "password")];
        let renewed: Vec<&'static str> = both.into_iter().flatten().collect();
        let Some(column) = renewed.first().copied() else { return Ok(renewed) };
        renew(self.office, record, entry, (pin, password), None, true)
            .map_err(|error| (column, error))?;
        if self.is_demo || !record.ip_allow.is_empty() {
            return Ok(renewed);
        }
        let weak = crate::credentials::weakness(record.member.code.as_str(), pin, password);
        let Err(why) = weak else { return Ok(renewed) };
        let column = if why.code == "weak_pin" { "pin" } else { "password" };
        let text = format!(
            "{}; such a one works from allowed addresses only: name at least one in `ips`, or give \
             another",
            why.detail
        );
        Err((column, anyhow::anyhow!(text)))
    }

    /// The balance that is opened, when there is one.
    fn opening(
        &self,
        cells: &[(&'static str, String)],
        id: MemberId,
        record: &MemberRecord,
    ) -> anyhow::Result<Option<Rupiah>> {
        let Some(text) = cell(cells, "saldo") else { return Ok(None) };
        let amount: Rupiah = text.parse()?;
        amount_most(amount)?;
        let account = self.accounts.get(&id).cloned().unwrap_or_default();
        if amount == account.balance {
            return Ok(None);
        }
        if !is_unused(&account) || self.moved.contains(&id) {
            let (balance, code) = (account.balance, &record.member.code);
            anyhow::bail!(
                "{code} has moved money already and has {balance}: an opening balance is the first \
                 movement; leave the cell empty, and correct it with `gerbang member credit`"
            );
        }
        if amount.plus(record.member.credit_limit)?.is_negative() {
            anyhow::bail!("is below what its credit limit allows ({})", record.member.credit_limit);
        }
        Ok(Some(amount))
    }

    /// What differs, without what is secret.
    fn compared(
        &self,
        old: Option<&MemberRecord>,
        new: &MemberRecord,
        renewed: &[&'static str],
    ) -> Vec<Told> {
        let code = new.member.code.to_string();
        let fresh = self.fresh(new.member.id, &new.member.code);
        let mut told = Vec::new();
        if old.is_none() {
            let to = new.member.name.clone();
            told.push(Told { code: code.clone(), what: "new", from: String::new(), to });
        }
        let old = old.unwrap_or(&fresh);
        let yes = |flag: bool| if flag { "1" } else { "0" }.to_owned();
        let all = |record: &MemberRecord| {
            let member = &record.member;
            let upline = member.upline.as_ref();
            let above = upline.and_then(|upline| self.names.get(&upline.member));
            let ips: Vec<String> = record.ip_allow.iter().map(ToString::to_string).collect();
            [
                ("nama", member.name.clone()),
                ("level", member.level.to_string()),
                ("status", yes(member.active)),
                ("upline", above.map_or_else(String::new, ToString::to_string)),
                ("markup", upline.map_or_else(String::new, |upline| upline.markup.to_string())),
                ("markups", upline.map_or_else(String::new, |upline| upline.markups.to_string())),
                ("ips", ips.join(" ")),
                ("callback", member.callback_url.clone().unwrap_or_default()),
                ("credit_limit", member.credit_limit.to_string()),
                ("daily_limit", member.daily_limit.map_or_else(String::new, |l| l.to_string())),
                ("same_day_guard", yes(member.same_day_guard)),
                ("sedang", yes(member.wording.sedang)),
                ("sn_ref", yes(member.wording.sn_ref)),
                ("seller", member.wording.seller.word().to_owned()),
                ("dialect", member.dialect.to_string()),
                ("webhook", yes(member.wording.webhook)),
            ]
        };
        let open = all(old).into_iter().zip(all(new));
        let changed = open.filter(|((_, from), (_, to))| from != to);
        told.extend(changed.map(|((what, from), (_, to))| Told {
            code: code.clone(),
            what,
            from,
            to,
        }));
        let signing =
            |record: &MemberRecord| record.signing.as_ref().map(|sealed| sealed.0.clone());
        let signs = (signing(old) != signing(new)).then_some("signing");
        for what in renewed.iter().copied().chain(signs) {
            let (from, to) = ("***".to_owned(), "***".to_owned());
            told.push(Told { code: code.clone(), what, from, to });
        }
        told
    }
}

fn is_unused(account: &Account) -> bool {
    *account == Account::default()
}

/// Those of these members that the ledger knows.
fn moved_of(
    reads: &mut dyn store::Reads,
    of: &BTreeSet<MemberId>,
) -> Result<BTreeSet<MemberId>, store::StoreError> {
    let mut found = BTreeSet::new();
    reads.each_transfer(&Places::new(), &mut |row| {
        let both = [row.row.from.member(), row.row.to.member()];
        found.extend(both.into_iter().flatten().filter(|member| of.contains(member)));
        if found.len() == of.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Lines of each code; a sum at the end is none, unless a member is called so.
fn lines_of(catalog: &Catalog, lines: &[Line]) -> BTreeMap<MemberCode, Vec<usize>> {
    let mut found: BTreeMap<MemberCode, Vec<usize>> = BTreeMap::new();
    for (line, cells) in lines {
        let Some(code) = cell(cells, "kode").and_then(|code| MemberCode::parse(code).ok()) else {
            continue;
        };
        if !is_sum(cells) || catalog.member(&code).is_some() {
            found.entry(code).or_default().push(*line);
        }
    }
    found
}

/// Reads a file against what is there.
pub(super) async fn plan(
    office: &Office,
    how: &TakeoverHow,
    lines: &[Line],
) -> anyhow::Result<Plan> {
    let facts = Facts::new(office, how, lines).await?;
    let (mut plan, mut rows) = (Plan::default(), BTreeMap::new());
    plan.level = facts.first_level.to_string();
    let seen = lines_of(&facts.catalog, lines);
    plan.named = seen.keys().cloned().collect();
    for (line, cells) in lines {
        let text = cell(cells, "kode").unwrap_or_default();
        let all = MemberCode::parse(text).ok().and_then(|code| seen.get(&code));
        if all.is_none() && is_sum(cells) {
            let why = "looks like a sum row, which is no member: take it out";
            plan.odd(*line, [format!("line {line}: {}: {why}", told("kode", text))]);
            continue;
        }
        // Nobody knows which of them is meant.
        if let Some(other) = all.and_then(|all| all.iter().find(|other| *other != line)) {
            let why = format!("stands in line {other} too; leave one of them");
            plan.odd(*line, [format!("line {line}: {}: {why}", told("kode", text))]);
            continue;
        }
        match facts.row(*line, cells) {
            Ok(row) => {
                rows.insert(row.record.member.id, row);
            }
            Err(odd) => plan.odd(*line, odd),
        }
    }
    let mut tree = Tree::of(&facts.catalog);
    for (id, row) in &rows {
        tree.put(*id, row.record.member.upline.as_ref().map(|upline| upline.member));
    }
    for (id, why) in tree.settle() {
        if let Some(row) = rows.remove(&id) {
            plan.odd(row.line, [format!("line {}: upline: {why}", row.line)]);
        }
    }
    plan.read = rows.len();
    for row in rows.into_values().filter(|row| !row.told.is_empty()) {
        plan.take(row)
            .map_err(|_: MoneyError| Problem::asked("out_of_range", "the sum is out of range"))?;
    }
    Ok(plan)
}
