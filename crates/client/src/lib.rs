//! Client of any server that speaks the OkeConnect H2H protocol.
//!
//! ```no_run
//! use gerbang_client::{Account, Client, Outcome, Patience, Wanted};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let account = Account::plain("http://127.0.0.1:8080", "OK00123", "123456", "secret")?;
//! let client = Client::new(account)?;
//! let wanted = Wanted::new(&"T1".parse()?, "089660522887".parse()?, "114".parse()?);
//! let told = client.buy_and_wait(&wanted, Patience::default(), |step| println!("{step}")).await;
//! match told.outcome {
//!     Outcome::Success { sn, .. } => println!("delivered, SN {sn}"),
//!     Outcome::Failed { reason } => println!("failed: {reason}"),
//!     other => println!("{other}: ask again later with the same reference"),
//! }
//! # Ok(()) }
//! ```
//!
//! Three things it holds to, because money hangs on them:
//! - One call is one try. It follows no redirect and repeats nothing by itself, except the question.
//! - Only [`Outcome::Success`], [`Outcome::Failed`], [`Outcome::Refused`] and [`Outcome::NotSent`]
//!   end a purchase. A time-out, a broken connection and any text it does not understand are
//!   [`Outcome::Unknown`]: it may have been delivered. Ask with the same reference; never buy again
//!   under a new one before the answer.
//! - Secrets stay out of its outcomes, errors and `Debug`.
//!
//! Callbacks: [`read_callback`] makes a typed event of the query a server sends.
//! `examples/buy.rs` and `examples/receive.rs` run against `gerbang demo`.

mod callback;
mod client;
mod outcome;
mod wait;

pub use callback::{CallbackError, Event, read_callback};
pub use client::{Client, ClientError, Limits};
pub use outcome::{Outcome, Told};
pub use types::{Dest, MemberCode, ProductCode, Qty, RefId, Rupiah, Sn};
pub use wait::{Patience, Step};
pub use wire::{Account, PriceRow, Secret, Wanted};
