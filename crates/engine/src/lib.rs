//! The running system without sockets: one writer, one door, workers that look at durable state.
//!
//! Money moves only by a [`Command`] through [`Handle`]. The writer collects what is queued, loads
//! the facts, decides each command in order with `domain`, commits once and answers after that
//! (promise 1). Workers take no input: losing every nudge slows the system down and changes
//! nothing else. Stores, suppliers, clock and chance are ports given from outside.

mod catalog;
mod circuit;
mod command;
mod crash;
mod gate;
mod handle;
mod health;
mod lost;
mod others;
mod pair;
mod parts;
mod peers;
mod ports;
mod reads;
mod render;
mod share;
mod snapshot;
mod trail;
mod word;
mod workers;
mod writer;
mod zone;

pub use catalog::{
    Catalog, CatalogError, MemberEntry, PriceListOf, edition, is_on_sale, place, supplier_place,
};
pub use command::{
    Answer, Asked, Bought, Carried, Command, Errand, PaperChange, PaperText, Ran, Resolve,
};
pub use crash::{crash_point, panic_point};
pub use gate::{Gate, Purpose, Seat};
pub use handle::{Busy, Engine, Handle, NotDone, Settings, Setup, Writer};
pub use health::Health;
pub use pair::{OldPair, beside, password_of};
pub use parts::{Broke, Loss, Missing, Parts, caught, keep};
pub use ports::{Alone, CallbackDoor, Clock, Port, Standing, Suppliers, SystemClock, Tenure};
pub use reads::{ReadPool, Renew};
pub use render::{check_reply, known_answer, phrase, seller_rc, seller_report, v2_status};
pub use workers::{Courier, CourierResult, Received, Workers, gone_paper, inlet, tell_nothing};
pub use zone::{Zone, ZoneError};
