//! Everything an operator can tell the business to do, and its answer as JSON.
//!
//! One enum for both doors: a command runs an operation on the database it opened itself, or
//! sends it to the running server through the local socket. Errors are sentences for people.

mod callback;
mod member;
mod product;
mod supplier;
mod sync;
mod trx;

pub(crate) use member::{MemberAdd, MemberSet};
pub(crate) use product::{ImportRow, ProductSet};
pub(crate) use supplier::{RouteSet, SupplierAdd, SupplierSet};
pub(crate) use sync::keep_in_step;
pub(crate) use trx::{TrxList, Verdict};

use crate::assemble::House;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing to do. No `Debug`: it may carry secrets.
#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Operation {
    MemberAdd(Box<MemberAdd>),
    MemberList,
    MemberShow { code: String },
    MemberSet(Box<MemberSet>),
    MemberCredit { code: String, amount: String, note: String },
    ProductImport { rows: Vec<ImportRow>, level: Option<String>, supplier: Option<String> },
    ProductList { filter: Option<String> },
    ProductShow { code: String },
    ProductSet(Box<ProductSet>),
    PriceList { level: Option<String> },
    SupplierList,
    SupplierAdd(Box<SupplierAdd>),
    SupplierExplain { code: String, text: String, on: String },
    SupplierSet(Box<SupplierSet>),
    SupplierSync { code: String, dry_run: bool },
    RouteSet(Box<RouteSet>),
    TrxList(Box<TrxList>),
    TrxShow { no: i64 },
    TrxResolve { no: i64, verdict: Verdict, note: String },
    CallbackList { member: Option<String>, state: Option<String>, trx: Option<i64>, limit: u32 },
    CallbackReplay { ids: Vec<i64>, member: Option<String>, state: Option<String> },
}

impl Operation {
    /// True for those that change the catalog.
    const fn edits(&self) -> bool {
        match self {
            Self::MemberAdd(_)
            | Self::MemberSet(_)
            | Self::ProductImport { .. }
            | Self::ProductSet(_)
            | Self::SupplierAdd(_)
            | Self::SupplierSet(_)
            | Self::RouteSet(_) => true,
            Self::MemberList
            | Self::MemberShow { .. }
            | Self::MemberCredit { .. }
            | Self::ProductList { .. }
            | Self::ProductShow { .. }
            | Self::PriceList { .. }
            | Self::SupplierList
            | Self::SupplierExplain { .. }
            | Self::SupplierSync { .. }
            | Self::TrxList(_)
            | Self::TrxShow { .. }
            | Self::TrxResolve { .. }
            | Self::CallbackList { .. }
            | Self::CallbackReplay { .. } => false,
        }
    }

    /// For the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::MemberAdd(_) => "member add",
            Self::MemberList => "member list",
            Self::MemberShow { .. } => "member show",
            Self::MemberSet(_) => "member set",
            Self::MemberCredit { .. } => "member credit",
            Self::ProductImport { .. } => "product import",
            Self::ProductList { .. } => "product list",
            Self::ProductShow { .. } => "product show",
            Self::ProductSet(_) => "product set",
            Self::PriceList { .. } => "price list",
            Self::SupplierList => "supplier list",
            Self::SupplierAdd(_) => "supplier add",
            Self::SupplierExplain { .. } => "supplier explain",
            Self::SupplierSet(_) => "supplier set",
            Self::SupplierSync { .. } => "supplier sync",
            Self::RouteSet(_) => "route set",
            Self::TrxList(_) => "trx list",
            Self::TrxShow { .. } => "trx show",
            Self::TrxResolve { .. } => "trx resolve",
            Self::CallbackList { .. } => "callback list",
            Self::CallbackReplay { .. } => "callback replay",
        }
    }
}

/// Carries out one operation.
pub(crate) async fn execute(house: &House, operation: Operation) -> anyhow::Result<Value> {
    // What is written rests on what was read: one editor at a time.
    let _editing = if operation.edits() { Some(house.editing.lock().await) } else { None };
    match operation {
        Operation::MemberAdd(new) => member::add(house, *new).await,
        Operation::MemberList => member::list(house).await,
        Operation::MemberShow { code } => member::show(house, &code).await,
        Operation::MemberSet(set) => member::set(house, *set).await,
        Operation::MemberCredit { code, amount, note } => {
            member::credit(house, &code, &amount, note).await
        }
        Operation::ProductImport { rows, level, supplier } => {
            product::import(house, rows, level, supplier).await
        }
        Operation::ProductList { filter } => Ok(product::list(house, filter.as_deref())),
        Operation::ProductShow { code } => product::show(house, &code),
        Operation::ProductSet(set) => product::set(house, *set).await,
        Operation::PriceList { level } => product::prices(house, level),
        Operation::SupplierList => Ok(supplier::list(house)),
        Operation::SupplierAdd(add) => supplier::add(house, *add).await,
        Operation::SupplierExplain { code, text, on } => {
            supplier::explain(house, &code, &text, &on)
        }
        Operation::SupplierSet(set) => supplier::set(house, *set).await,
        Operation::SupplierSync { code, dry_run } => sync::sync(house, &code, dry_run).await,
        Operation::RouteSet(set) => supplier::route(house, *set).await,
        Operation::TrxList(list) => trx::list(house, *list).await,
        Operation::TrxShow { no } => trx::show(house, no).await,
        Operation::TrxResolve { no, verdict, note } => trx::resolve(house, no, verdict, note).await,
        Operation::CallbackList { member, state, trx, limit } => {
            callback::list(house, member, state, trx, limit).await
        }
        Operation::CallbackReplay { ids, member, state } => {
            callback::replay(house, ids, member, state).await
        }
    }
}
