//! What people do with the business: operations, users and their rights, deposits, approvals.
//!
//! One place for every door: command line, local socket, JSON API, console and portal all come
//! here, and everything that changes something leaves a line in the journal that says who did it.
//! Money moves only by commands of the engine; papers that belong to a movement change in the same
//! commit. It knows no HTTP.

// Amounts and numbers from outside run through here: nothing may run over.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod access;
mod act;
mod allowlist;
mod audit;
mod background;
mod bank_file;
mod books;
mod chance;
mod columns;
mod credentials;
mod deposits;
mod downlines;
mod feed;
mod grid;
mod import;
mod keys;
mod lockout;
mod money;
mod news;
mod operations;
mod own;
mod papers;
mod password;
mod plug;
mod portal_password;
mod portal_session;
mod problem;
mod proposals;
mod reconcile;
mod reseal;
mod rules;
mod sandbox_login;
mod second_factor;
mod sessions;
mod statement;
mod step_up;
mod strength;
mod takeover;
mod taking;
mod tickets;
mod tokens;
mod totp;
mod typed;
mod users;
mod when;

pub use access::{Actor, Permission, Role};
pub use allowlist::PendingAddresses;
pub use background::Background;
pub use bank_file::{BankFile, read_mutations};
pub use books::Entry;
pub use chance::Chance;
pub use columns::{file_cell, harmless};
pub use deposits::{Alike, LeftOut, Mutation, MutationRow, Taken};
pub use downlines::{Downline, NewDownline};
pub use feed::{Feed, read_feed};
pub use grid::file_text;
pub use import::read_import;
pub use keys::KeyRow;
pub use money::{Credit, Done, Giving};
pub use news::News;
pub use operations::{
    Import, ImportHow, ImportRow, MemberAdd, MemberSet, Operation, ProductSet, Reversal, RouteSet,
    SupplierAdd, SupplierExplain, SupplierSet, TrxList, Verdict, execute, execute_once,
    keep_in_step,
};
pub use own::OwnChange;
pub use papers::Sheet;
pub use plug::{Office, Plug, network};
pub use portal_session::MemberLogin;
pub use problem::Problem;
pub use proposals::{Approval, Proposal};
pub use reconcile::{DifferenceRow, Reconciliation, Settlement, Statement};
pub use reseal::{Held, held};
pub use rules::Rules;
pub use sandbox_login::sandbox_logins;
pub use sessions::{ENTRIES, From, SessionRow, Signed, SignedMember};
pub use statement::{Mapping, read_statement};
pub use step_up::{Proof, Proven};
pub use takeover::{Opened, Takeover, TakeoverHow, member_headings};
pub use tickets::{Bank, BankChange, Ticket};
pub use tokens::{NewToken, TokenRow};
pub use totp::code_at;
pub use typed::amount;
pub use users::{NewUser, User};
