//! The member's own pages: what it bought, what it has, how its programs speak to us.

pub(crate) mod account;
pub(crate) mod docs;
pub(crate) mod login;
pub(crate) mod network;
pub(crate) mod pages;
pub(crate) mod password;
pub(crate) mod sandbox;
