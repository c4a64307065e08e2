//! The JSON door, `/admin/v1`: everything an operator can do, for scripts.
//!
//! Tokens with roles; problem documents with stable codes; `Idempotency-Key` on what moves money;
//! pages by key. What a route takes and gives is described once, in `describe`.

mod describe;
mod handlers;

use crate::routes::{Need, Route};
use office::Permission::{
    Approve, Audit, Look, ManageCatalog, ManageMembers, ManageSuppliers, ManageUsers, MoveMoney,
    Replay, ReportBank, Resolve, SeeMoney,
};

macro_rules! routes {
    ($($method:ident $path:literal $need:expr => $run:ident;)*) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            need: $need,
            handler: concat!("api::handlers::", stringify!($run)),
            run: |console, ask| Box::pin(handlers::$run(console, ask)),
        }),*]
    };
}

const fn may(permission: office::Permission) -> Need {
    Need::Token(permission)
}

pub(crate) const ROUTES: &[Route] = routes! {
    GET "/admin/v1/openapi.json" Need::Nobody => openapi;
    GET "/admin/v1/trx" may(Look) => trx_list;
    GET "/admin/v1/trx/{}" may(Look) => trx_show;
    POST "/admin/v1/trx/{}/resolve" may(Resolve) => trx_resolve;
    POST "/admin/v1/trx/{}/check" may(Replay) => trx_check;
    GET "/admin/v1/members" may(Look) => member_list;
    POST "/admin/v1/members" may(ManageMembers) => member_add;
    GET "/admin/v1/members/{}" may(Look) => member_show;
    POST "/admin/v1/members/{}" may(ManageMembers) => member_set;
    POST "/admin/v1/members/{}/credit" may(MoveMoney) => credit;
    POST "/admin/v1/members/{}/ping" may(Replay) => ping;
    GET "/admin/v1/members/{}/statement" may(SeeMoney) => statement;
    POST "/admin/v1/transfers" may(MoveMoney) => give;
    POST "/admin/v1/books" may(MoveMoney) => book;
    GET "/admin/v1/approvals" may(SeeMoney) => approvals;
    POST "/admin/v1/approvals/{}" may(Approve) => approve;
    GET "/admin/v1/products" may(Look) => product_list;
    POST "/admin/v1/products" may(ManageCatalog) => product_import;
    GET "/admin/v1/products/{}" may(Look) => product_show;
    POST "/admin/v1/products/{}" may(ManageCatalog) => product_set;
    POST "/admin/v1/levels" may(ManageCatalog) => level_set;
    GET "/admin/v1/suppliers" may(Look) => supplier_list;
    POST "/admin/v1/suppliers" may(ManageSuppliers) => supplier_add;
    POST "/admin/v1/suppliers/{}" may(ManageSuppliers) => supplier_set;
    POST "/admin/v1/suppliers/{}/sync" may(ManageSuppliers) => supplier_sync;
    POST "/admin/v1/suppliers/{}/explain" may(Look) => supplier_explain;
    POST "/admin/v1/routes" may(ManageSuppliers) => route_set;
    GET "/admin/v1/callbacks" may(Look) => callback_list;
    POST "/admin/v1/callbacks/replay" may(Replay) => callback_replay;
    GET "/admin/v1/banks" may(SeeMoney) => banks;
    POST "/admin/v1/banks" may(MoveMoney) => bank_set;
    GET "/admin/v1/tickets" may(SeeMoney) => tickets;
    POST "/admin/v1/tickets" may(MoveMoney) => ticket_open;
    GET "/admin/v1/mutations" may(SeeMoney) => mutations;
    POST "/admin/v1/mutations" may(ReportBank) => mutation_take;
    POST "/admin/v1/mutations/{}" may(MoveMoney) => mutation_settle;
    GET "/admin/v1/reconciliations" may(SeeMoney) => reconciliations;
    POST "/admin/v1/reconciliations" may(MoveMoney) => reconcile;
    GET "/admin/v1/reconciliations/{}" may(SeeMoney) => reconciliation;
    POST "/admin/v1/reconciliations/{}/{}" may(MoveMoney) => reconcile_settle;
    GET "/admin/v1/reports" may(SeeMoney) => report;
    GET "/admin/v1/journal" may(Audit) => journal;
    GET "/admin/v1/keys" may(Look) => keys;
    POST "/admin/v1/members/{}/keys" may(ManageMembers) => key_add;
    POST "/admin/v1/keys/{}/remove" may(ManageMembers) => key_remove;
    GET "/admin/v1/users" may(ManageUsers) => user_list;
    POST "/admin/v1/users" may(ManageUsers) => needs_person;
    POST "/admin/v1/users/{}" may(ManageUsers) => needs_person;
};
