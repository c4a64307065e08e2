//! The console's pages, one file each.

pub(crate) mod account;
pub(crate) mod approvals;
pub(crate) mod callbacks;
pub(crate) mod closing;
pub(crate) mod dashboard;
pub(crate) mod frame;
pub(crate) mod import;
pub(crate) mod journal;
pub(crate) mod login;
pub(crate) mod members;
pub(crate) mod money;
pub(crate) mod news;
pub(crate) mod products;
pub(crate) mod proof;
pub(crate) mod reconcile;
pub(crate) mod reports;
pub(crate) mod second_factor;
pub(crate) mod statement;
pub(crate) mod suppliers;
pub(crate) mod takeover;
pub(crate) mod trx;
pub(crate) mod user;
pub(crate) mod users;
