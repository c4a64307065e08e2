//! What people do with the business: operations, users and their rights, deposits, approvals.
//!
//! One place for every door: command line, local socket, JSON API, console and portal all come
//! here, and everything that changes something leaves a line in the journal that says who did it.
//! Money moves only by commands of the engine; papers that belong to a movement change in the same
//! commit. It knows no HTTP.

mod access;
mod allowlist;
mod audit;
mod credentials;
mod deposits;
mod downlines;
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
mod reconcile;
mod sandbox_login;
mod second_factor;
mod sessions;
mod statement;
mod step_up;
mod strength;
mod totp;
mod typed;
mod users;

pub use access::{Actor, Permission, Role};
pub use allowlist::PendingAddresses;
pub use deposits::{Bank, Mutation, MutationRow, Taken, Ticket};
pub use downlines::{Downline, NewDownline};
pub use import::{read_import, read_mutations};
pub use keys::KeyRow;
pub use money::{Approval, Credit, Done, Giving, Rules};
pub use news::News;
pub use operations::{
    ImportRow, MemberAdd, MemberSet, Operation, ProductSet, RouteSet, SupplierAdd, SupplierExplain,
    SupplierSet, TrxList, Verdict, execute, keep_in_step,
};
pub use own::OwnChange;
pub use papers::Sheet;
pub use plug::{Office, Plug, network};
pub use portal_session::MemberLogin;
pub use problem::Problem;
pub use reconcile::{DifferenceRow, Reconciliation, Settlement, Statement};
pub use sandbox_login::sandbox_logins;
pub use sessions::{From, SessionRow, Signed, SignedMember, TokenRow};
pub use statement::{Mapping, read_statement};
pub use step_up::{Proof, Proven};
pub use totp::code_at;
pub use typed::amount;
pub use users::{NewUser, User};
