//! Taking what banks report: every payment once, whatever tells it, in whichever spelling.
//!
//! A bank's own number is looked up whole, with all that was told under it. Everything else is compared
//! with the payments of the same bank and amount, kept by month; writing the month's page is what
//! keeps two from taking one payment at the same moment.

use crate::access::{Actor, Permission};
use crate::bank_file::{BankFile, told};
use crate::deposits::{MUTATION, Mutation, MutationBody, Taken};
use crate::feed::Feed;
use crate::papers::{Sheet, digest, is_stale, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::when::read_when;
use domain::{Booked, KnownPayment, Recognised, Report, learn, recognise, squeezed};
use engine::{Errand, PaperChange};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use types::{Day, Rupiah};

/// What a bank's own number stands for, with all that was told under it.
const OWN: &str = "mutation-own";
/// Payments of one bank, amount and month.
const BOOK: &str = "mutation-book";
/// What people paste and upload is one source.
const FILE: &str = "file";
/// Others change the same papers at most so often while one is taken.
const TRIES: usize = 20;

/// Everything told under one number of a bank.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OwnBody {
    versions: Vec<Version>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    mutation: String,
    day: Option<i32>,
    amount: i64,
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    owns: Vec<(String, String)>,
    sources: Vec<String>,
    batch: String,
    day: Option<i32>,
    minute: Option<u16>,
    text: String,
    balance: Option<i64>,
}

impl Entry {
    fn of(known: &KnownPayment) -> Self {
        Self {
            id: known.id.clone(),
            owns: known.owns.clone(),
            sources: known.sources.clone(),
            batch: known.batch.clone(),
            day: known.booked.map(|booked| booked.day.get()),
            minute: known.booked.and_then(|booked| booked.minute),
            text: known.text.clone(),
            balance: known.balance.map(Rupiah::get),
        }
    }

    fn known(self) -> KnownPayment {
        let Self { id, owns, sources, batch, day, minute, text, balance } = self;
        let booked = day.map(|day| Booked { day: Day::new(day), minute });
        KnownPayment { id, owns, sources, batch, booked, text, balance: balance.map(Rupiah::new) }
    }
}

/// A mutation that was read.
pub(crate) struct Read {
    pub(crate) bank: String,
    pub(crate) own: Option<String>,
    pub(crate) date: String,
    pub(crate) unreadable: bool,
    pub(crate) amount: i64,
    pub(crate) part: bool,
    pub(crate) text: String,
    pub(crate) report: Report,
}

/// What the books say of a new one.
pub(crate) struct New {
    pub(crate) other_version: bool,
    pub(crate) doubtful: bool,
    pub(crate) like: Vec<String>,
}

/// The pages of the book that a mutation may stand in; the first is its own.
fn pages(bank: &str, amount: i64, booked: Option<Booked>, today: Day) -> Vec<String> {
    let page = |month: Option<i32>| match month {
        Some(month) => format!("{bank}:{amount}:{month}"),
        None => format!("{bank}:{amount}:none"),
    };
    let month = |day: Day, away: i64| {
        domain::numbered_day(domain::day_number(day).saturating_add(away)).get() / 100
    };
    let mut all = match booked {
        Some(Booked { day, .. }) => {
            vec![page(Some(day.get() / 100)), page(Some(month(day, -3))), page(Some(month(day, 3)))]
        }
        None => vec![page(None), page(Some(today.get() / 100)), page(Some(month(today, -31)))],
    };
    all.push(page(None));
    let mut seen = BTreeSet::new();
    all.retain(|page| seen.insert(page.clone()));
    all
}

/// Numbers are compared whole; a long or odd one has its digest for a name.
fn own_name(bank: &str, own: &str) -> String {
    let plain = own.len() <= 80
        && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if plain { format!("{bank}:{own}") } else { format!("{bank}:~{}", digest(own)) }
}

impl Office {
    /// Takes what a feed tells: credits the member whose open ticket has exactly this amount, or puts it
    /// into the queue of a person. What cannot be taken is refused alone.
    ///
    /// # Errors
    /// [`Problem`] for who may not; for anything else when only one was told.
    pub async fn take_feed(&self, actor: &Actor, feed: Feed) -> anyhow::Result<Vec<Taken>> {
        actor.must(Permission::ReportBank)?;
        let batch = self.fresh_id(self.handle.now().utc)?;
        let source = format!("feed of {}", actor.name);
        let (mut reads, mut refused) = (Vec::new(), Vec::new());
        for credit in feed.credits {
            let read = match credit {
                Ok(mutation) => self.read(mutation, &source, &batch).await,
                Err(problem) => Err(problem.into()),
            };
            match read {
                Ok(read) => reads.push(read),
                Err(error) if feed.single => return Err(error),
                Err(error) => {
                    let Problem { code, status, detail } = error.downcast::<Problem>()?;
                    refused.push(Taken::Refused { code, detail, status });
                }
            }
        }
        let mut taken = self.take_all(actor, reads).await?;
        taken.append(&mut refused);
        Ok(taken)
    }

    /// Takes one.
    ///
    /// # Errors
    /// [`Problem`] for a bad amount or bank.
    pub async fn take_mutation(&self, actor: &Actor, given: Mutation) -> anyhow::Result<Taken> {
        let feed = Feed { credits: vec![Ok(given)], single: true, ..Feed::default() };
        let mut taken = self.take_feed(actor, feed).await?;
        taken.pop().ok_or_else(|| anyhow::anyhow!("nothing became of it"))
    }

    async fn take_all(&self, actor: &Actor, mut reads: Vec<Read>) -> anyhow::Result<Vec<Taken>> {
        let mut equal: HashMap<_, usize> = HashMap::new();
        for read in reads.iter_mut().filter(|read| read.own.is_none()) {
            let Report { booked, text, balance, .. } = &read.report;
            let line = (read.bank.clone(), read.amount, *booked, text.clone(), *balance);
            let nth = equal.entry(line).or_default();
            *nth = nth.saturating_add(1);
            read.report.nth = *nth;
        }
        let mut taken = Vec::new();
        for read in reads {
            taken.push(self.take(actor, read).await?);
        }
        Ok(taken)
    }

    /// Takes a bank's file as a person brings it, all lines or none.
    ///
    /// # Errors
    /// [`Problem`] for who may not, and for a line that cannot be taken. What was taken before something
    /// else failed is known when the file is sent again.
    pub async fn take_bank_file(
        &self,
        actor: &Actor,
        file: BankFile,
    ) -> anyhow::Result<Vec<Taken>> {
        actor.must(Permission::ReportBank)?;
        let batch = self.fresh_id(self.handle.now().utc)?;
        let mut reads = Vec::new();
        for (line, mutation) in file.credits {
            let read = self.read(mutation, FILE, &batch).await;
            reads.push(read.map_err(|error| match error.downcast::<Problem>() {
                Ok(problem) => {
                    let detail = format!("line {line}: {}", problem.detail);
                    Problem { detail, ..problem }.into()
                }
                Err(error) => error,
            })?);
        }
        self.take_all(actor, reads).await
    }

    async fn read(&self, given: Mutation, source: &str, batch: &str) -> anyhow::Result<Read> {
        let amount: Rupiah = given
            .amount
            .parse()
            .map_err(|error| Problem::asked("bad_amount", format!("amount: {error}")))?;
        if amount.get() <= 0 {
            let why = format!("amount `{amount}`: only what came in is reported");
            return Err(Problem::asked("bad_amount", why).into());
        }
        let texts = [given.id.as_deref().unwrap_or_default(), &given.text, &given.date];
        if texts.iter().any(|text| text.contains('\0')) {
            let why = "id, text and date hold no NUL";
            return Err(Problem::asked("control_characters", why).into());
        }
        let bank = self.bank(&given.bank).await?.code;
        let own = given.id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        let date = given.date.trim();
        let booked = read_when(date, self.handle.now().civil.date());
        if own.is_none() && booked.is_none() {
            let why = format!(
                "date `{date}`: without the bank's own number (id) it needs a date such as 28/11/2026 or \
                 2026-11-28, or two payments could not be told apart"
            );
            return Err(Problem::asked("bad_date", why).into());
        }
        let text: String = given.text.chars().take(300).collect();
        Ok(Read {
            report: Report {
                own: own.clone(),
                source: source.to_owned(),
                batch: batch.to_owned(),
                booked,
                text: squeezed(&text),
                balance: given.balance.map(Rupiah::new),
                nth: 1,
            },
            bank,
            own,
            unreadable: booked.is_none() && !date.is_empty(),
            date: booked.map_or_else(|| date.chars().take(60).collect(), told),
            amount: amount.get(),
            part: given.part,
            text,
        })
    }

    async fn take(&self, actor: &Actor, read: Read) -> anyhow::Result<Taken> {
        for _ in 0..TRIES {
            match self.try_take(actor, &read).await {
                Err(error) if is_stale(&error) => {}
                other => return other,
            }
        }
        Err(Problem::conflict("busy", "others change the same tickets; send it again").into())
    }

    async fn try_take(&self, actor: &Actor, read: &Read) -> anyhow::Result<Taken> {
        let now = self.handle.now();
        let mut new = New { other_version: false, doubtful: false, like: Vec::new() };
        let mut papers = Vec::new();
        // Newest first, also before those of an older business, whose names began with a bank's code.
        let id = format!("z{}", self.fresh_id(now.utc)?);

        // By its own number first.
        let mut own = None;
        if let Some(number) = &read.own {
            let name = own_name(&read.bank, number);
            let found = self.own_of(&name, &read.bank, number).await?;
            let seen = found.as_ref().map_or(0, |sheet| sheet.version);
            let body = found.map(|sheet| sheet.body).unwrap_or_default();
            if let Some(version) = body.versions.iter().find(|version| same(version, read)) {
                return Ok(Taken::Known { id: version.mutation.clone() });
            }
            new.other_version = !body.versions.is_empty();
            new.like = body.versions.iter().map(|version| version.mutation.clone()).collect();
            own = Some((name, seen, body));
        }
        let remember = |own: Option<(String, i64, OwnBody)>, mutation: &str| {
            own.map(|(name, seen, mut body)| {
                body.versions.push(Version {
                    mutation: mutation.to_owned(),
                    day: read.report.booked.map(|booked| booked.day.get()),
                    amount: read.amount,
                    text: read.report.text.clone(),
                });
                put(OWN, &name, seen, "", &body)
            })
            .transpose()
        };

        // Then by everything else that is known of payments of this amount.
        let mut book = Vec::new();
        for page in pages(&read.bank, read.amount, read.report.booked, now.civil.date()) {
            let found = self.sheet::<Vec<Entry>>(BOOK, &page).await?;
            let seen = found.as_ref().map_or(0, |sheet| sheet.version);
            book.push((page, seen, found.map(|sheet| sheet.body).unwrap_or_default()));
        }
        let known: Vec<KnownPayment> = book
            .iter()
            .flat_map(|(_, _, entries)| entries.iter().cloned().map(Entry::known))
            .collect();
        if !new.other_version {
            match recognise(&read.report, &known) {
                Recognised::Known(place) => {
                    let mutation = known[place].id.clone();
                    papers.extend(remember(own, &mutation)?);
                    papers.extend(learned(&book, &known[place], &read.report)?);
                    if !papers.is_empty() {
                        self.run(Errand { papers, ..Errand::default() }).await?;
                    }
                    return Ok(Taken::Known { id: mutation });
                }
                Recognised::New { doubtful, alike } => {
                    new.doubtful = doubtful;
                    new.like = alike.iter().map(|place| known[*place].id.clone()).collect();
                }
            }
        }
        papers.extend(remember(own, &id)?);
        if let Some((page, seen, entries)) = book.first() {
            let mut entries = entries.clone();
            entries.push(Entry::of(&first_told(read, &id)));
            papers.push(put(BOOK, page, *seen, "", &entries)?);
        }
        self.judge(actor, read, &id, new, papers).await
    }

    /// What was told under a number; in a business of before, the mutation of that name.
    async fn own_of(
        &self,
        name: &str,
        bank: &str,
        own: &str,
    ) -> anyhow::Result<Option<Sheet<OwnBody>>> {
        if let Some(found) = self.sheet::<OwnBody>(OWN, name).await? {
            return Ok(Some(found));
        }
        let before = format!("{bank}-{}", own.chars().take(80).collect::<String>());
        let found = self.sheet::<MutationBody>(MUTATION, &before).await?;
        Ok(found.filter(|sheet| sheet.body.bank == bank).map(|sheet| {
            let today = self.handle.now().civil.date();
            let version = Version {
                mutation: sheet.id.clone(),
                day: read_when(&sheet.body.date, today).map(|booked| booked.day.get()),
                amount: sheet.body.amount,
                text: squeezed(&sheet.body.text),
            };
            let body = OwnBody { versions: vec![version] };
            Sheet { id: name.to_owned(), tag: String::new(), version: 0, at: sheet.at, body }
        }))
    }
}

/// True when a number was told before with this content. A date that is missing says nothing.
fn same(version: &Version, read: &Read) -> bool {
    let day = read.report.booked.map(|booked| booked.day.get());
    version.amount == read.amount
        && version.text == read.report.text
        && version.day.zip(day).is_none_or(|(before, now)| before == now)
}

fn first_told(read: &Read, id: &str) -> KnownPayment {
    let Report { own, source, batch, booked, text, balance, .. } = read.report.clone();
    KnownPayment {
        id: id.to_owned(),
        owns: own.map(|own| (source.clone(), own)).into_iter().collect(),
        sources: vec![source],
        batch,
        booked,
        text,
        balance,
    }
}

/// The page of the book with what a further report adds to a payment.
fn learned(
    book: &[(String, i64, Vec<Entry>)],
    known: &KnownPayment,
    report: &Report,
) -> anyhow::Result<Option<PaperChange>> {
    let mut more = known.clone();
    if !learn(&mut more, report) {
        return Ok(None);
    }
    let page = book.iter().find(|(_, _, entries)| entries.iter().any(|entry| entry.id == known.id));
    let Some((page, seen, entries)) = page else { return Ok(None) };
    let with = |entry: &Entry| if entry.id == known.id { Entry::of(&more) } else { entry.clone() };
    let entries: Vec<Entry> = entries.iter().map(with).collect();
    put(BOOK, page, *seen, "", &entries).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A payment is looked for in the months it may have been booked in, and where no day was told.
    #[test]
    fn a_payment_is_looked_for_where_it_may_stand() {
        let today = Day::new(20_261_130);
        for (day, wanted) in [
            (None, ["none", "202611", "202610"].as_slice()),
            (Some(20_261_115), &["202611", "none"]),
            (Some(20_261_103), &["202611", "202610", "none"]),
            (Some(20_261_104), &["202611", "none"]),
            (Some(20_261_127), &["202611", "none"]),
            (Some(20_261_128), &["202611", "202612", "none"]),
            (Some(20_261_231), &["202612", "202701", "none"]),
        ] {
            let booked = day.map(|day| Booked { day: Day::new(day), minute: None });
            let wanted: Vec<String> = wanted.iter().map(|page| format!("bca:5:{page}")).collect();
            assert_eq!(pages("bca", 5, booked, today), wanted, "{day:?}");
        }
    }

    #[test]
    fn a_number_is_compared_whole() {
        let long = "x".repeat(80);
        for own in ["A1-b_c.2", "7", long.as_str()] {
            assert_eq!(own_name("bca", own), format!("bca:{own}"));
        }
        for own in ["a/b", "a b", &format!("{long}1")] {
            assert_eq!(own_name("bca", own), format!("bca:~{}", digest(own)));
        }
    }
}
