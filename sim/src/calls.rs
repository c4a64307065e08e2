//! Callbacks of suppliers: what they plan to call, and how a call comes in here.

use crate::chance::{below, pick};
use crate::print;
use crate::rude::knows;
use crate::shop;
use crate::supplier::{Calls, Ending, Played, Truth};
use crate::weather;
use crate::words::{Dialect, Voice, Way, of_a_stranger, serial, without_number};
use crate::world::{Call, Event, Meaning, World};
use engine::{Handle, Received, Suppliers};
use suppliers::Inbound;

/// Words that come when everything is long over, but before the run is.
const LONG_AFTER_MS: u64 = 25 * 60_000;

/// How often a call is tried again that was not taken.
const AGAIN_MS: i64 = 10_000;

impl Played {
    pub(crate) fn calls(&self, reference: &str, ending: Ending) -> Calls {
        let voice = self.voice();
        let known = knows(voice.seed, "supplier contradicts itself");
        let contradicts = if known { 16 } else { 0 };
        let calls = pick(
            voice.seed,
            &format!("calls {reference}"),
            &[
                (20, Calls::Never),
                (60, Calls::Once),
                (12, Calls::Twice),
                (contradicts, Calls::Contradicts),
            ],
        );
        match calls {
            // Who names nothing and lies can be understood by nobody.
            Calls::Contradicts if !ending.is_told() || voice.dialect() == Dialect::Nameless => {
                Calls::Once
            }
            Calls::Never | Calls::Once | Calls::Twice | Calls::Contradicts => calls,
        }
    }

    fn call(&self, reference: &str, after: i64, text: String) {
        let (from, at, reference) = (self.number, self.number, reference.to_owned());
        self.world.plan(after, Event::Call(Call { from, at, reference, text }));
    }

    /// Calls it with final words so long after the decision.
    fn call_final(&self, reference: &str, truth: &Truth, after: i64, ending: Ending) {
        let at = truth.received + truth.decides_after;
        let text = self.voice().final_words(reference, truth, ending, at);
        let is_early = truth.numbered_after.is_some_and(|later| after < later);
        let text = if is_early { without_number(&text, reference) } else { text };
        // Who names nothing is known by its numbers alone.
        let text = if ending == Ending::Delivered
            && self.dialect() != Dialect::Nameless
            && self.world.is_rude("words: another number by a call", reference, 30)
        {
            // Whoever gives two numbers cannot be understood when it speaks of an older one.
            self.world.with(|state| {
                if let Some(truth) = state.truth.get_mut(reference) {
                    truth.contradicts = true;
                }
            });
            text.replace(&serial(reference), &serial(&format!("{reference} called")))
        } else {
            text
        };
        self.world.said(&text, reference, ending.meaning());
        self.call(reference, truth.decides_after + after, text);
    }

    /// What it will call about a purchase that it took just now.
    pub(crate) fn plan_calls(&self, reference: &str, truth: &Truth, calls: Calls) {
        let voice = self.voice();
        let draw = |what: &str, most: u64| {
            let drawn = below(voice.seed, &format!("{what} {reference}"), most);
            i64::try_from(drawn).unwrap_or_default()
        };
        let is_json = voice.dialect() == Dialect::Json;
        if let Some(later) = truth.numbered_after {
            self.world.seen("supplier: the number later");
            self.call_final(reference, truth, later, truth.ending);
        }
        if !is_json && draw("stranger", 100) < 8 && knows(voice.seed, "call: a stranger's") {
            self.world.seen("call: a stranger's");
            let (what, text) =
                of_a_stranger(voice, &format!("call {reference}"), Way::Callback, reference, truth);
            self.world.seen(what);
            self.call(reference, draw("strange", 60_000), text);
        }
        if self.world.is_rude("call: at another supplier's address", reference, 10) {
            let at = truth.received + truth.decides_after;
            let text = voice.final_words(reference, truth, truth.ending.opposite(), at);
            let (from, reference) = (self.number, reference.to_owned());
            let at = (self.number + 1) % shop::SUPPLIERS;
            let wrong = Call { from, at, reference, text };
            self.world.plan(draw("wrong address", 60_000), Event::Call(wrong));
        }
        if self.world.is_rude("call: long after", reference, 10) {
            let after = draw("long after", LONG_AFTER_MS) + 10 * 60_000;
            self.call_final(reference, truth, after, truth.ending);
        }
        let later = draw("later", 60_000);
        match calls {
            Calls::Never => self.world.seen("supplier calls never"),
            Calls::Once => {
                self.world.seen("supplier calls once");
                self.call_final(reference, truth, 10, truth.ending);
            }
            Calls::Twice => {
                self.world.seen("supplier calls twice");
                self.call_final(reference, truth, 10, truth.ending);
                self.call_final(reference, truth, later, truth.ending);
            }
            Calls::Contradicts => {
                self.world.seen("supplier contradicts itself");
                self.call_final(reference, truth, 10, truth.ending);
                self.call_final(reference, truth, 1_000 + later, truth.ending.opposite());
            }
        }
    }
}

/// Somebody at the first supplier calls about a purchase that may not have been sent yet.
pub(crate) fn call_too_early(world: &World, reference: &str, item: &crate::supplier::Item) {
    if !world.is_rude("call: of one that was not sent", reference, 15) {
        return;
    }
    let (seed, start, now) = world.with(|state| (state.seed, state.start, state.now()));
    let voice = Voice { seed, supplier: 0, start };
    if voice.dialect() == Dialect::Nameless {
        return;
    }
    let ending = pick(
        seed,
        &format!("early {reference}"),
        &[(1, Ending::Delivered), (1, Ending::OutOfStock)],
    );
    let truth = Truth {
        supplier: 0,
        product: item.product.clone(),
        dest: item.dest.clone(),
        qty: item.qty,
        received: now,
        ending,
        decides_after: 0,
        told_price: crate::words::COST,
        numbered_after: None,
        contradicts: true,
        old: None,
        excuse: None,
        asked: 0,
        called: false,
        replied: false,
        checks: 0,
    };
    let text = voice.final_words(reference, &truth, ending, now);
    let number = serial(&format!("{reference} too early"));
    let text = text.replace(&serial(reference), &number);
    world.said(&text, reference, ending.meaning());
    // Nobody delivers it, whatever was said.
    let truth = Truth { ending: Ending::Guarded, ..truth };
    world.with(|state| state.strays.insert(reference.to_owned(), truth));
    let call = Call { from: 0, at: 0, reference: reference.to_owned(), text };
    let after = i64::try_from(below(seed, &format!("early after {reference}"), 4_000));
    world.plan(after.unwrap_or_default(), Event::Call(call));
}

/// A call comes in.
pub(crate) async fn call_back(world: &World, handle: &Handle, ports: &Suppliers, call: Call) {
    if let Some(until) = weather::out_until(world, call.from) {
        // It calls when it is back.
        world.plan(until - world.now(), Event::Call(call));
        return;
    }
    let Call { from, at, reference, text } = &call;
    let Ok(code) = shop::supplier_code(*at) else { return };
    world.log(|| format!("s{from} calls at s{at}: {text}"));
    let (seed, start) = world.with(|state| (state.seed, state.start));
    let inbound = match (Voice { seed, supplier: *from, start }).dialect() {
        Dialect::Named | Dialect::Nameless => {
            Inbound { query: print::query(seed, *from, reference, text), ..Inbound::default() }
        }
        Dialect::Json => Inbound { body: text.clone(), ..Inbound::default() },
    };
    match engine::inlet(handle, ports, &code, "203.0.113.7", &inbound).await {
        Received::Taken if at == from => world.callback_arrived(reference, text),
        Received::Taken => {
            world.wrong(format!("s{at} was believed about {reference}, which is at s{from}"));
        }
        Received::NotOurs(why) | Received::Unknown(why) => {
            let stray = at != from || world.is_stray(reference);
            if !stray {
                world.wrong(format!("a callback was refused: {why}"));
            }
            world.seen("callback refused");
        }
        Received::Greeted => world.wrong("a callback was taken for a greeting".to_owned()),
        Received::Busy => {
            world.seen("callback not taken");
            world.plan(AGAIN_MS, Event::Call(call));
        }
    }
}

impl World {
    /// A supplier's callback arrives: what is known of its reference takes note.
    fn callback_arrived(&self, reference: &str, text: &str) {
        self.with(|state| {
            let Some(truth) = state.truth.get_mut(reference) else { return };
            truth.called |= state.said.contains_key(text.trim());
            if !truth.replied {
                *state.coverage.entry("callback before reply").or_default() += 1;
            }
        });
    }

    /// Nobody took a purchase under it, or another supplier did: a call about it is a lie.
    fn is_stray(&self, reference: &str) -> bool {
        self.with(|state| state.truth.get(reference).is_none_or(|truth| truth.supplier != 0))
    }

    /// A supplier says something about a reference that is understood so.
    pub(crate) fn said(&self, text: &str, reference: &str, meaning: Option<Meaning>) {
        let Some(meaning) = meaning else { return };
        self.with(|state| {
            let said = state.said.entry(text.trim().to_owned()).or_default();
            if !said.iter().any(|(known, _)| known == reference) {
                said.push((reference.to_owned(), meaning));
            }
        });
    }
}
