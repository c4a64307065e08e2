//! An office over the model store, with a clock that only tests move.
#![allow(clippy::unwrap_used, dead_code)]

use engine::{Clock, Courier, Engine, Port, ReadPool, Setup, Zone};
use model::Model;
use office::{Actor, Bank, NewUser, Office, Plug, Proven, Role};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{KeySet, Reads as _, Store as _, Wants};
use suppliers::Settings;
use types::{SupplierCode, UtcMillis};

/// Every look at it is a millisecond later.
pub(crate) struct Ticking(pub(crate) AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// It stands still until a test moves it.
pub(crate) struct Still(AtomicI64);

impl Still {
    pub(crate) fn pass(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for Still {
    fn now(&self) -> UtcMillis {
        UtcMillis::new(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn still_house() -> (Office, Model, Arc<Still>) {
    let clock = Arc::new(Still(AtomicI64::new(1_774_400_000_000)));
    let (office, model) = house_on(clock.clone());
    (office, model, clock)
}

/// Nobody is spoken to here.
struct Nobody;

impl Plug for Nobody {
    fn port(&self, code: &SupplierCode, _: &Settings) -> anyhow::Result<Port> {
        anyhow::bail!("{code} is not spoken to")
    }

    fn courier(&self) -> Arc<dyn Courier> {
        unreachable!("no callback is tested here")
    }
}

pub(crate) fn house() -> (Office, Model) {
    let (office, model, _) = house_with_clock();
    (office, model)
}

pub(crate) fn house_with_clock() -> (Office, Model, Arc<Ticking>) {
    let clock = Arc::new(Ticking(AtomicI64::new(1_774_400_000_000)));
    let (office, model) = house_on(clock.clone());
    (office, model, clock)
}

/// On a clock of the test's own.
pub(crate) fn house_on(clock: Arc<dyn Clock>) -> (Office, Model) {
    let (key, model) = (KeySet::generate().unwrap(), Model::default());
    let mut store = model.clone();
    store.load(&Wants::default()).unwrap();
    store.commit(sim::found(&key).unwrap()).unwrap();
    let mut rows = model.clone();
    let pool = ReadPool::threads(vec![Box::new(model.clone())]).unwrap();
    let zone = Zone::new("Asia/Jakarta").unwrap();
    let setup = Setup::new(Box::new(store), pool, move || rows.catalog(), key.clone(), clock, zone);
    let engine = Engine::start(setup).unwrap();
    (Office::new(engine.handle, key, Box::new(Nobody)), model)
}

/// The word of a refusal.
pub(crate) fn code<T>(told: anyhow::Result<T>) -> &'static str {
    match told {
        Ok(_) => "done",
        Err(error) => error.downcast_ref::<office::Problem>().map_or("none", |own| own.code),
    }
}

pub(crate) fn from(address: &str) -> office::From {
    office::From { address: address.to_owned(), agent: String::new() }
}

/// A member of the demo at its portal, and its cookie.
pub(crate) async fn enter(office: &Office, member: &str) -> (office::SignedMember, String) {
    let typed = office::MemberLogin { code: member, password: "secret", pin: "secret", second: "" };
    let token = office.log_member_in(typed, &from("203.0.113.7")).await.unwrap();
    (office.signed_member(&token).await.unwrap().unwrap(), token)
}

/// Peer, request and reply of each line of the journal, newest first.
pub(crate) fn lines(model: &mut Model) -> Vec<[String; 3]> {
    let filter = store::JournalFilter { limit: 300, ..store::JournalFilter::default() };
    let found = model.journal_page(&filter).unwrap();
    found.into_iter().map(|row| [row.row.peer, row.row.request, row.row.reply]).collect()
}

pub(crate) fn who(number: u8) -> Actor {
    let name = ["ani", "budi"][usize::from(number % 2)];
    Actor::person(name, Role::Owner, "test")
}

/// An account that members pay into.
pub(crate) fn bank(code: &str) -> Bank {
    Bank {
        code: code.to_owned(),
        name: code.to_uppercase(),
        number: "1".to_owned(),
        holder: "x".to_owned(),
        open: true,
    }
}

/// A password that is good enough.
pub(crate) const GOOD: &str = "tujuh gajah makan bambu";

/// A user of that role, who comes from somewhere.
pub(crate) async fn hire(office: &Office, login: &str, role: Role) -> Actor {
    let local = Actor::local();
    let new = NewUser {
        login: login.to_owned(),
        name: String::new(),
        password: GOOD.to_owned(),
        role: role.word().to_owned(),
    };
    office.add_user(&local, &Proven::at_the_machine(&local).unwrap(), new).await.unwrap();
    Actor::person(login, role, "203.0.113.7")
}
