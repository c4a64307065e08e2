//! `/trx`: purchase and status check.

use crate::auth::{Claim, Covers};
use crate::known::{Barred, Found};
use crate::service::{Call, Gateway, Said};
use domain::{BuyRequest, Form, Member, Trx};
use engine::{
    Answer, Asked, Bought, Command, Handle, MemberEntry, NotDone, check_reply, phrase, v2_status,
};
use types::{MemberId, Refusal, Rupiah};
use wire::{Fields, Names, Phrase, Reply, TrxRequest, V2Status, unnumbered};

/// What was said, and the trx it speaks of.
type TrxSaid = (Said, Option<Box<Trx>>);

impl Gateway {
    /// How the member that a request names is spoken to; nothing is believed yet.
    pub(crate) fn spoken_to(&self, fields: &Fields) -> (Phrase, Names) {
        let catalog = self.0.handle.catalog();
        let entry = fields.named().0.and_then(|code| catalog.member(&code).cloned());
        let Some(entry) = entry else { return (Phrase::default(), Names::All) };
        let few = entry.member.dialect.check_by_ref;
        (phrase(&entry.member), if few { Names::RefOnly } else { Names::All })
    }

    pub(crate) async fn trx(&self, call: &Call, fields: &Fields) -> TrxSaid {
        let (mut said, trx) = self.trx_in_our_words(call, fields).await;
        if said.busy && self.spoken_to(fields).0.seller {
            said.text = unnumbered(&fields.echo(), &said.text);
        }
        (said, trx)
    }

    async fn trx_in_our_words(&self, call: &Call, fields: &Fields) -> TrxSaid {
        let (words, names) = self.spoken_to(fields);
        if !self.may_ask(call) {
            return (limited(fields, fields.asks_check(), words), None);
        }
        let request = match fields.trx_naming(names) {
            Ok(request) => request,
            Err(error) => return (refused(fields, error.check, &error.refusal, None, words), None),
        };
        let claim = Claim {
            code: &request.member,
            credentials: &request.credentials,
            covers: Covers::Trx(&request.typed),
        };
        let entry = match self.authenticate(call, &claim) {
            Ok(entry) => entry,
            Err(refusal) => return (refused(fields, request.check, &refusal, None, words), None),
        };
        let barred = self.barred(&entry, !request.check, request.spoiled.as_ref());
        if request.check {
            self.check(&entry, fields, request, barred).await
        } else {
            self.buy(&entry, fields, request, call, barred).await
        }
    }

    /// A refusal of an authenticated member shows its balance.
    async fn refused_member(
        &self,
        entry: &MemberEntry,
        fields: &Fields,
        check: bool,
        refusal: &Refusal,
    ) -> Said {
        let id = entry.member.id;
        let balance = self.balance_of(id).await;
        let shown = balance.map(|balance| (balance, self.0.handle.now().civil));
        let mut said = match refusal {
            // Nothing was looked at: a purchase of this reference may be on its way.
            Refusal::RateLimited => limited(fields, check, phrase(&entry.member)),
            other => refused(fields, check, other, shown, phrase(&entry.member)),
        };
        said.member = Some(id);
        said
    }

    /// The commit was interrupted, and nobody knows whether the purchase was taken: it is answered
    /// like one that is under way, without a number. The next question finds out.
    fn not_known(&self, entry: &MemberEntry, asked: BuyRequest) -> Said {
        let BuyRequest { ref_id, product, dest, .. } = asked;
        let at = self.0.handle.now().civil;
        let reply = Reply::CheckPending { trx: None, ref_id, product, dest, at };
        let text = reply.text(phrase(&entry.member));
        let said = Said::plain(text, "not_known", Some(entry.member.id));
        Said { v2: V2Status::Pending, ..said }
    }

    async fn buy(
        &self,
        entry: &MemberEntry,
        fields: &Fields,
        request: TrxRequest,
        call: &Call,
        barred: Option<Barred>,
    ) -> TrxSaid {
        let id = entry.member.id;
        let request = BuyRequest {
            product: request.product,
            dest: request.dest,
            qty: request.qty,
            ref_id: request.ref_id,
            counter: request.counter,
            harga_max: request.harga_max,
            form: Form::Plain,
        };
        if let Some(barred) = barred {
            let found = match &barred {
                Barred::Spent => Found::Nothing,
                Barred::Refused(_) | Barred::Full => self.find(id, request.ref_id.clone()).await,
            };
            let refusal = match (found, barred) {
                (Found::Known(trx), _) => {
                    return told(self.answer_known(entry, &request, trx).await, id, false);
                }
                (Found::Unclear, _) | (Found::Nothing, Barred::Full) => {
                    return (Said::busy(), None);
                }
                (Found::Nothing, Barred::Spent) => Refusal::RateLimited,
                (Found::Nothing, Barred::Refused(refusal)) => refusal,
            };
            return (self.refused_member(entry, fields, false, &refusal).await, None);
        }
        let asked = request.clone();
        let command = Command::Buy {
            member: id,
            request: Box::new(request),
            asked: Box::new(Asked {
                received: call.received,
                peer: call.from.to_string(),
                request: call.request.clone(),
            }),
        };
        let bought = match self.0.handle.submit(command).await {
            Ok(Answer::Bought(bought)) => bought,
            // It may have been taken: whoever hears "busy" buys elsewhere.
            Err(NotDone::NotKnown) => return (self.not_known(entry, asked), None),
            Err(NotDone::NotTaken | NotDone::Outdated) | Ok(_) => return (Said::busy(), None),
        };
        told(*bought, id, true)
    }

    async fn check(
        &self,
        entry: &MemberEntry,
        fields: &Fields,
        request: TrxRequest,
        barred: Option<Barred>,
    ) -> TrxSaid {
        let member: &Member = &entry.member;
        let barred = match barred {
            Some(Barred::Spent) => {
                let refusal = Refusal::RateLimited;
                return (self.refused_member(entry, fields, true, &refusal).await, None);
            }
            Some(Barred::Refused(refusal)) => Some(refusal),
            Some(Barred::Full) | None => None,
        };
        let found = match self.find(member.id, request.ref_id).await {
            Found::Known(trx) => Some(trx),
            Found::Nothing => None,
            Found::Unclear => return (Said::busy(), None),
        };
        let words = phrase(member);
        let now = self.0.handle.now();
        let (text, code) = match (&found, barred) {
            (Some(trx), _) => {
                (check_reply(trx, self.0.handle.zone(), now).text(words), trx.state.word())
            }
            (None, Some(refusal)) => {
                return (self.refused_member(entry, fields, true, &refusal).await, None);
            }
            (None, None) => {
                let none = Reply::NoData { dest: request.dest, on: now.civil }.text(words);
                let text = if words.seller { unnumbered(&fields.echo(), &none) } else { none };
                (text, "no_data")
            }
        };
        let mut said = Said::plain(text, code, Some(member.id));
        said.trx = found.as_ref().filter(|trx| trx.attempt > 0).map(|trx| trx.no);
        (said, found)
    }
}

/// What was said of a purchase; `recorded`: its line in the journal rode in its commit.
fn told(bought: Bought, id: MemberId, recorded: bool) -> TrxSaid {
    let own = bought.trx.filter(|_| bought.own);
    let number = own.as_ref().filter(|trx| trx.attempt > 0).map(|trx| trx.no);
    let said = Said {
        text: bought.text,
        code: bought.code,
        member: Some(id),
        trx: number,
        busy: false,
        recorded,
        // A refusal under which nothing stands, or the conflict with what does.
        v2: V2Status::Failed,
    };
    (said, own)
}

fn refused(
    fields: &Fields,
    check: bool,
    refusal: &Refusal,
    balance: Option<(Rupiah, types::CivilTime)>,
    words: Phrase,
) -> Said {
    let reason = wire::reason(refusal);
    let text = if !check {
        Reply::Refused { echo: fields.echo(), reason, balance }.text(words)
    } else if words.seller {
        unnumbered(&fields.echo(), &reason)
    } else {
        Reply::Bare(reason).text(words)
    };
    let mut said = Said::plain(text, refusal.code(), None);
    said.v2 = v2_refused(refusal, check);
    said
}

/// Beyond a rate a purchase may be one that lives: it is told to come again and never that it
/// failed.
fn limited(fields: &Fields, check: bool, words: Phrase) -> Said {
    let refusal = Refusal::RateLimited;
    if check {
        return refused(fields, check, &refusal, None, words);
    }
    Said { code: refusal.code(), recorded: false, ..Said::busy() }
}

/// The word of `trx-v2` for a refusal before the writer. Who is not let in will not be let in by
/// asking again; what passes by itself, and a question that cannot be read, is pending.
const fn v2_refused(refusal: &Refusal, check: bool) -> V2Status {
    match refusal {
        Refusal::RateLimited => V2Status::Pending,
        Refusal::UnknownMember
        | Refusal::WrongPin
        | Refusal::WrongPassword
        | Refusal::WrongSign
        | Refusal::WrongCredentials
        | Refusal::IpNotAllowed(_)
        | Refusal::MemberInactive => V2Status::Failed,
        Refusal::Locked { .. }
        | Refusal::MissingParameter(_)
        | Refusal::DuplicateParameter(_)
        | Refusal::InvalidParameter(_)
        | Refusal::RefConflict
        | Refusal::UnknownProduct
        | Refusal::ProductClosed
        | Refusal::CutOff { .. }
        | Refusal::NoRoute
        | Refusal::InvalidDest
        | Refusal::QtyMissing
        | Refusal::QtyRange { .. }
        | Refusal::QtyFixed
        | Refusal::PriceAboveMax { .. }
        | Refusal::InsufficientBalance
        | Refusal::SameDayDuplicate
        | Refusal::Limit => {
            if check {
                V2Status::Pending
            } else {
                V2Status::Failed
            }
        }
    }
}

/// The same answer as JSON.
pub(crate) fn v2(handle: &Handle, fields: &Fields, said: &Said, trx: Option<&Trx>) -> String {
    let echo = fields.echo();
    let status = trx.map_or(said.v2, |trx| v2_status(&trx.state));
    let sn = match trx.map(|trx| &trx.state) {
        Some(domain::TrxState::Success { sn, .. }) => sn.as_str(),
        Some(
            domain::TrxState::Pending
            | domain::TrxState::Failed { .. }
            | domain::TrxState::Reversed { .. }
            | domain::TrxState::Refused { .. },
        )
        | None => "",
    };
    let number = said.trx.map_or_else(String::new, |no| no.to_string());
    let time = trx.map_or_else(|| handle.now().civil, |trx| handle.zone().civil(trx.created));
    let price = trx.map_or(Rupiah::ZERO, |trx| trx.price);
    wire::v2_json(status, &echo.ref_id, &number, price, &time.to_string(), sn, &said.text)
}
