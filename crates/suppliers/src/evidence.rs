//! What ties a supplier's words to a purchase of ours: the only place that decides it, for every
//! connector that reads texts.
//!
//! A text decides only what it is certainly about. Words about another purchase are unknown, final
//! words that name too little are doubtful, and a purchase that is only now being sent can never
//! have been "seen before".

use crate::reasons::{Claim, Judged, Reasons};
use crate::when::{Order, order};
use crate::{Ask, Explained};
use defects::{Defect, on};
use domain::{FailureClass, Outcome, Tie, identity};
use types::{Reason, Rupiah, Sn, is_same_dest};

/// On which way a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The reply on the connection of the purchase itself.
    Buy,
    /// The answer to a question.
    Check,
    /// Called in by the supplier.
    Callback,
}

/// What the words mean, before it is known whom they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Pending,
    Success,
    /// Called failed: the closed lists decide.
    Failed,
    /// Failed with a class that the operator's own rule gave.
    Certain(FailureClass),
    /// The caller was refused before the purchase was looked at.
    Refused,
    NoData,
    /// To be asked again, or no word about a purchase.
    Nothing(&'static str),
}

impl Word {
    /// Words that would end a purchase.
    const fn is_final(self) -> bool {
        match self {
            Self::Success | Self::Failed | Self::Certain(_) => true,
            Self::Pending | Self::Refused | Self::NoData | Self::Nothing(_) => false,
        }
    }
}

/// A text taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub word: Word,
    /// References named in the text or beside it.
    pub refs: Vec<String>,
    pub product: Option<String>,
    pub dest: Option<String>,
    pub qty: Option<u32>,
    /// `HH:MM`.
    pub time: Option<String>,
    pub date: Option<String>,
    /// It speaks of a purchase that was there before.
    pub seen: bool,
    pub sn: Option<String>,
    pub reason: String,
    pub price: Option<Rupiah>,
    /// What a status beside the text says.
    pub claim: Option<Claim>,
    /// The rule says that the text names no purchase, and that this is fine on its connection.
    pub anonymous: bool,
}

impl Said {
    /// What a reading of the family's language says.
    pub(crate) fn of(reading: wire::Reading) -> Self {
        use wire::Status;
        let word = match reading.status {
            Status::Accepted | Status::Pending => Word::Pending,
            Status::Success => Word::Success,
            Status::Failed => Word::Failed,
            Status::Refused => Word::Refused,
            Status::NoData => Word::NoData,
            Status::Balance => Word::Nothing("only a balance"),
            Status::Unknown => Word::Nothing("not understood"),
        };
        Self {
            word,
            refs: reading.ref_id.into_iter().chain(reading.other_refs).collect(),
            product: reading.product,
            dest: reading.dest,
            qty: reading.qty,
            time: reading.time,
            date: reading.date,
            seen: reading.seen,
            sn: reading.sn,
            reason: reading.reason.unwrap_or_default(),
            price: reading.price,
            claim: reading.code.as_deref().and_then(crate::reasons::claim),
            anonymous: false,
        }
    }

    /// What it names, for people.
    fn fields(&self) -> Vec<(String, String)> {
        let named = |name: &str, value: Option<String>| value.map(|value| (name.to_owned(), value));
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        [
            named("ref", text(&self.refs.join(", "))),
            named("product", self.product.clone()),
            named("dest", self.dest.clone()),
            named("time", self.time.clone()),
            named("date", self.date.clone()),
            named("seen before", self.seen.then(|| "yes".to_owned())),
            named("sn", self.sn.clone()),
            named("reason", text(&self.reason)),
            named("price", self.price.map(|price| price.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The purchase that is asked about, and how the text came.
pub(crate) struct Case<'a> {
    pub ask: &'a Ask,
    /// Our reference there, with its prefix.
    pub reference: String,
    pub way: Way,
    pub text: &'a str,
    pub reasons: &'a Reasons,
    /// "No data" proves here that the purchase was never taken.
    pub no_data_is_proof: bool,
}

/// Longest text kept in an explanation.
const SHOWN: usize = 200;

/// A text as a person sees it in an outcome.
pub(crate) fn shown(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}

/// Nobody knows, and why.
pub(crate) fn unknown(why: &str, text: &str) -> Outcome {
    Outcome::Unknown { why: format!("{why}: {}", shown(text)) }
}

/// The serial number of a purchase: `None` for a placeholder, for our own reference, for nothing.
/// A percent sign is written out, because some receivers decode twice.
pub(crate) fn serial(text: &str, ask: &Ask, reference: &str) -> Option<Sn> {
    let text = text.trim().trim_end_matches(['.', ' ']);
    let own =
        [reference, &ask.attempt.supplier_ref()].iter().any(|own| text.eq_ignore_ascii_case(own));
    let bare = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let placeholder = bare.is_empty()
        || bare.bytes().all(|byte| byte == b'0')
        || [
            "null",
            "none",
            "n/a",
            "na",
            "nil",
            "undefined",
            "kosong",
            "tidak ada",
            "belum ada",
            "false",
        ]
        .iter()
        .any(|word| bare.eq_ignore_ascii_case(word));
    if own || placeholder {
        return None;
    }
    Sn::within_limit(&text.replace(" %", "%").replace('%', " persen"))
}

/// A failure's reason as others may read it.
fn reason(said: &Said) -> Reason {
    let bare = ["keterangan", "ket"].iter().find_map(|label| {
        let start = said.reason.get(..label.len())?;
        let rest = said.reason[label.len()..].trim_start();
        start.eq_ignore_ascii_case(label).then(|| rest.strip_prefix([':', '=']))?
    });
    let kept = wire::for_others(bare.unwrap_or(&said.reason).trim());
    if kept.is_empty() && !said.reason.is_empty() {
        return Reason::clean("Harga tidak sesuai");
    }
    Reason::clean(kept)
}

/// Two references that are the same, whatever punctuation a sentence put behind one.
fn is_reference(found: &str, own: &str) -> bool {
    found == own || found.trim_end_matches(['.', ',', ';', ':', '\'', '"', ')']) == own
}

/// A name that stands for none: `R#0` when no reference came.
fn is_blank(found: &str) -> bool {
    found.chars().all(|c| matches!(c, '0' | '-' | '.' | ',' | '*' | '\''))
}

/// Does a text hold `CODE.dest` of the purchase, letter by letter? Destinations may hold anything.
fn names_exactly(text: &str, ask: &Ask) -> bool {
    let (text, wanted) = (text.to_lowercase(), format!("{}.{}", ask.sku, ask.dest).to_lowercase());
    text.match_indices(&wanted).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at.saturating_add(found.len())..].chars();
        let ends = match after.next() {
            None | Some(' ' | ',' | ';' | '\'' | '"') => true,
            Some('.' | ':') => after.next().is_none_or(|next| next == ' '),
            Some(_) => false,
        };
        ends && before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'))
    })
}

/// Does a named destination fit: in any spelling of one number, with a counter in front?
fn dest_fits(found: &str, ask: &Ask) -> bool {
    let wanted = ask.dest.as_str();
    let trimmed = found.trim_end_matches(['.', ',', ';', ':', '\'', '"']);
    let counted = trimmed.split_once('.').filter(|(count, _)| {
        (1..=2).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_same_dest(found, wanted)
        || is_same_dest(trimmed, wanted)
        || counted.is_some_and(|(_, rest)| is_same_dest(rest, wanted))
}

/// What the names in a text say about the purchase.
struct Names {
    ours: bool,
    product: bool,
    dest: bool,
}

/// Words about another purchase.
struct Other {
    why: String,
    named: Named,
}

/// Which reference they name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Nothing,
    /// Ours, over something else.
    Ours,
    Another,
}

/// On the purchase's own connection our reference can stand for something else only when somebody used
/// it before us.
pub(crate) const TAKEN: &str =
    "our reference is another purchase's there: does a copy of this business run somewhere?";

/// Checks everything a text names; what contradicts the purchase makes it another one.
fn names(case: &Case<'_>, said: &Said) -> Result<Names, Other> {
    let refs: Vec<&String> = said.refs.iter().filter(|found| !is_blank(found)).collect();
    let named = if refs.is_empty() { Named::Nothing } else { Named::Ours };
    let other = |why: String| Other { why, named };
    let another = |found: &&&String| {
        !is_reference(found, &case.reference) && !on(Defect::ReferenceNotCompared)
    };
    if let Some(other) = refs.iter().find(another) {
        let why = format!("names another reference ({})", shown(other));
        return Err(Other { why, named: Named::Another });
    }
    let exact = names_exactly(case.text, case.ask);
    let fits = |dest: &String| dest_fits(dest, case.ask) || on(Defect::DestNotCompared);
    if let Some(dest) = said.dest.as_ref().filter(|dest| !exact && !fits(dest)) {
        return Err(other(format!("names another destination ({})", shown(dest))));
    }
    let sku = case.ask.sku.as_str();
    let sold =
        |product: &String| product.eq_ignore_ascii_case(sku) || on(Defect::ProductNotCompared);
    if let Some(product) = said.product.as_ref().filter(|product| !exact && !sold(product)) {
        return Err(other(format!("names another product ({})", shown(product))));
    }
    if let (Some(named), Some(asked)) = (said.qty, case.ask.qty)
        && named != asked.get()
    {
        return Err(other(format!("names another quantity ({named})")));
    }
    Ok(Names {
        ours: !refs.is_empty(),
        product: exact || said.product.is_some(),
        dest: exact || said.dest.is_some(),
    })
}

/// Why words are about this purchase, or what keeps them from deciding.
fn tie(case: &Case<'_>, said: &Said, names: &Names) -> Result<Tie, Outcome> {
    let doubtful = |why: &str| Outcome::Doubtful { why: format!("{why}: {}", shown(case.text)) };
    if case.way == Way::Buy {
        if said.seen && !on(Defect::SeenBeforeIsNow) {
            let why = "speaks of an earlier purchase, this one was not made now";
            return Err(unknown(why, case.text));
        }
        return match (names.ours, names.dest, said.anonymous) {
            (true, _, _) => Ok(Tie::Reference),
            (false, true, _) | (false, false, true) => Ok(Tie::Connection),
            (false, false, false) => Err(doubtful("names no purchase")),
        };
    }
    let when = match order(case.ask, said.time.as_deref(), said.date.as_deref()) {
        Order::Before if on(Defect::OldTimeIsOurs) => Order::NotBefore,
        when @ (Order::Before | Order::Unsaid | Order::AnyDay | Order::NotBefore) => when,
    };
    if names.ours {
        let earlier = said.seen && matches!(when, Order::Before | Order::AnyDay);
        // With its date it is certainly an older one; a clock alone may stand in another zone.
        if earlier && said.date.is_some() {
            return Err(doubtful("our reference over a purchase of a day before ours was sent"));
        }
        return Ok(if earlier { Tie::Earlier } else { Tie::Reference });
    }
    if !(names.product && names.dest) {
        return Err(doubtful(
            "without our reference, and product and destination are not both named",
        ));
    }
    let succeeds = said.word == Word::Success;
    match when {
        Order::Before => Err(doubtful("without our reference, and of a time before ours was sent")),
        // A serial number can be told from another purchase's; a failure has none.
        Order::Unsaid | Order::AnyDay | Order::NotBefore
            if !succeeds && !on(Defect::LikeFailureDecides) =>
        {
            Err(doubtful("a failure without our reference"))
        }
        Order::Unsaid | Order::AnyDay | Order::NotBefore => {
            let proves = said.sn.as_deref().and_then(|sn| serial(sn, case.ask, &case.reference));
            let proves = proves.and_then(|sn| identity(&sn, &case.ask.dest)).is_some();
            if succeeds && !proves {
                return Err(doubtful("without our reference, and its SN proves nothing"));
            }
            Ok(Tie::Likeness)
        }
    }
}

/// True when a status beside the text says something else than the text.
fn is_contradicted(said: &Said) -> bool {
    match (said.claim, said.word) {
        (None, _) => false,
        (Some(Claim::Success), Word::Success)
        | (Some(Claim::Pending), Word::Pending)
        | (Some(Claim::Failed(_)), Word::Failed | Word::Certain(_) | Word::Refused)
        // Words that decide nothing anyway.
        | (Some(_), Word::Nothing(_))
        | (Some(Claim::Failed(_)), Word::NoData)
        | (Some(Claim::Unlisted), Word::Pending) => false,
        (Some(Claim::Success | Claim::Pending | Claim::Failed(_) | Claim::Unlisted), _) => true,
    }
}

/// The class of a failure and what decided it, or why it is asked about.
fn failure(case: &Case<'_>, said: &Said) -> Result<(FailureClass, String), String> {
    let by_code = || match said.claim {
        Some(Claim::Failed(Some(class))) => Ok((class, "the status beside the text".to_owned())),
        Some(Claim::Failed(None) | Claim::Success | Claim::Pending | Claim::Unlisted) | None => {
            Err("this failure is on no list".to_owned())
        }
    };
    match (said.word, case.reasons.judge(&said.reason)) {
        (Word::Certain(class), _) => Ok((class, "the rule's own word".to_owned())),
        (_, Judged::Listed { class, by }) => Ok((class, by)),
        (_, Judged::Doubt(_) | Judged::Unlisted) if on(Defect::AnyFailureIsFinal) => {
            Ok((FailureClass::Route, String::new()))
        }
        (_, Judged::Doubt(word)) => Err(format!("word of doubt \"{word}\"")),
        (_, Judged::Unlisted) => by_code(),
        (_, Judged::Silent) => by_code().map_err(|_| "a failure without a reason".to_owned()),
    }
}

/// What a text does to the purchase.
pub(crate) fn decide(case: &Case<'_>, said: &Said) -> Explained {
    let told =
        |outcome: Outcome, by: String| Explained { outcome, fields: said.fields(), decided_by: by };
    let asked = |why: String| told(unknown(&why, case.text), why.clone());
    if let Word::Nothing(why) = said.word {
        return asked(why.to_owned());
    }
    let names = match names(case, said) {
        Ok(names) => names,
        // Final words under our question about something else: a person sees them.
        Err(Other { why, named: Named::Ours }) if case.way == Way::Buy => {
            let outcome = Outcome::Doubtful { why: format!("{TAKEN} {why}: {}", shown(case.text)) };
            return told(outcome, why);
        }
        Err(Other { why, named: Named::Nothing })
            if case.way != Way::Buy && said.word.is_final() =>
        {
            let outcome = Outcome::Doubtful { why: format!("{why}: {}", shown(case.text)) };
            return told(outcome, why);
        }
        Err(Other { why, .. }) => return asked(why),
    };
    if is_contradicted(said) {
        return asked("the status beside the text says something else".to_owned());
    }
    let failed = |class, reason, tie, by| told(Outcome::Failed { class, reason, tie }, by);
    match said.word {
        Word::Nothing(why) => asked(why.to_owned()),
        Word::Pending if names.ours || names.dest || said.anonymous => {
            told(Outcome::Pending, "being worked on".to_owned())
        }
        Word::Pending => asked("names no purchase".to_owned()),
        Word::NoData if case.way == Way::Check && case.no_data_is_proof => failed(
            FailureClass::Route,
            Reason::clean("tidak pernah diterima supplier"),
            Tie::Reference,
            "no_data_is_proof of the settings".to_owned(),
        ),
        Word::NoData => asked("\"no data\" proves nothing here".to_owned()),
        // Refused before it was looked at: nothing happened. On a check it says nothing.
        Word::Refused if case.way == Way::Buy && !said.seen => {
            let tie = if names.ours { Tie::Reference } else { Tie::Connection };
            failed(FailureClass::Route, reason(said), tie, "list of callers' refusals".to_owned())
        }
        Word::Refused => asked("a refusal of the caller says nothing of the purchase".to_owned()),
        Word::Success => match tie(case, said, &names) {
            Ok(tie) => {
                let sn = said.sn.as_deref().and_then(|sn| serial(sn, case.ask, &case.reference));
                let cost = said.price.filter(|price| price.get() > 0);
                told(Outcome::Success { sn, cost, tie }, "words of success".to_owned())
            }
            Err(outcome) => told(outcome, "what ties it to the purchase".to_owned()),
        },
        Word::Failed | Word::Certain(_) => match failure(case, said) {
            Err(why) => asked(why),
            Ok((class, by)) => match tie(case, said, &names) {
                Ok(tie) => failed(class, reason(said), tie, by),
                Err(outcome) => told(outcome, "what ties it to the purchase".to_owned()),
            },
        },
    }
}
