//! Everything an operator can tell the business to do, and its answer as JSON.
//!
//! One enum for both doors: a command runs an operation on the database it opened itself, or
//! sends it to the running server through the local socket. Errors are sentences for people.

mod callback;
mod explain;
mod member;
mod product;
mod supplier;
mod sync;
mod trx;

pub use explain::SupplierExplain;
pub use member::{MemberAdd, MemberSet};
pub(crate) use member::{id_of, networks, record_of};
pub use product::{ImportRow, ProductSet};
pub use supplier::{RouteSet, SupplierAdd, SupplierSet};
pub use sync::keep_in_step;
pub use trx::{TrxList, Verdict};

use crate::access::{Actor, Permission};
use crate::plug::Office;
use crate::step_up::Proven;
use crate::users::NewUser;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One thing to do. No `Debug`: it may carry secrets.
#[allow(missing_docs)]
#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    MemberAdd(Box<MemberAdd>),
    MemberList,
    MemberShow {
        code: String,
    },
    MemberSet(Box<MemberSet>),
    MemberCredit {
        code: String,
        amount: String,
        note: String,
    },
    ProductImport {
        rows: Vec<ImportRow>,
        level: Option<String>,
        supplier: Option<String>,
    },
    ProductList {
        filter: Option<String>,
    },
    ProductShow {
        code: String,
    },
    ProductSet(Box<ProductSet>),
    PriceList {
        level: Option<String>,
    },
    LevelSet {
        code: String,
        name: String,
    },
    SupplierList,
    SupplierAdd(Box<SupplierAdd>),
    SupplierExplain(Box<SupplierExplain>),
    SupplierSet(Box<SupplierSet>),
    SupplierSync {
        code: String,
        dry_run: bool,
    },
    RouteSet(Box<RouteSet>),
    TrxList(Box<TrxList>),
    TrxShow {
        no: i64,
    },
    TrxResolve {
        no: i64,
        verdict: Verdict,
        note: String,
    },
    TrxCheck {
        no: i64,
    },
    CallbackList {
        member: Option<String>,
        state: Option<String>,
        trx: Option<i64>,
        limit: u32,
    },
    CallbackReplay {
        ids: Vec<i64>,
        member: Option<String>,
        state: Option<String>,
    },
    CallbackTest {
        member: String,
    },
    UserList,
    UserAdd(Box<NewUser>),
    UserSet {
        login: String,
        role: Option<String>,
        active: Option<bool>,
        password: Option<String>,
        #[serde(default)]
        forget_second_factor: bool,
    },
    TokenAdd {
        name: String,
        role: String,
    },
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
            | Self::LevelSet { .. }
            | Self::RouteSet(_) => true,
            Self::MemberList
            | Self::MemberShow { .. }
            | Self::MemberCredit { .. }
            | Self::ProductList { .. }
            | Self::ProductShow { .. }
            | Self::PriceList { .. }
            | Self::SupplierList
            | Self::SupplierExplain(_)
            | Self::SupplierSync { .. }
            | Self::TrxList(_)
            | Self::TrxShow { .. }
            | Self::TrxResolve { .. }
            | Self::TrxCheck { .. }
            | Self::CallbackList { .. }
            | Self::CallbackReplay { .. }
            | Self::CallbackTest { .. }
            | Self::UserList
            | Self::UserAdd(_)
            | Self::UserSet { .. }
            | Self::TokenAdd { .. } => false,
        }
    }

    /// True for those that leave a line of who did it. The office writes its own for users.
    const fn is_told(&self) -> bool {
        match self {
            Self::MemberCredit { .. }
            | Self::SupplierSync { .. }
            | Self::TrxResolve { .. }
            | Self::TrxCheck { .. }
            | Self::CallbackReplay { .. }
            | Self::CallbackTest { .. } => true,
            Self::MemberAdd(_)
            | Self::MemberList
            | Self::MemberShow { .. }
            | Self::MemberSet(_)
            | Self::ProductImport { .. }
            | Self::ProductList { .. }
            | Self::ProductShow { .. }
            | Self::ProductSet(_)
            | Self::PriceList { .. }
            | Self::LevelSet { .. }
            | Self::SupplierList
            | Self::SupplierAdd(_)
            | Self::SupplierExplain(_)
            | Self::SupplierSet(_)
            | Self::RouteSet(_)
            | Self::TrxList(_)
            | Self::TrxShow { .. }
            | Self::CallbackList { .. }
            | Self::UserList
            | Self::UserAdd(_)
            | Self::UserSet { .. }
            | Self::TokenAdd { .. } => self.edits(),
        }
    }

    /// What a role needs for it.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::MemberList
            | Self::MemberShow { .. }
            | Self::ProductList { .. }
            | Self::ProductShow { .. }
            | Self::PriceList { .. }
            | Self::SupplierList
            | Self::SupplierExplain(_)
            | Self::TrxList(_)
            | Self::TrxShow { .. }
            | Self::CallbackList { .. } => Permission::Look,
            Self::MemberAdd(_) | Self::MemberSet(_) => Permission::ManageMembers,
            Self::MemberCredit { .. } => Permission::MoveMoney,
            Self::ProductImport { .. } | Self::ProductSet(_) | Self::LevelSet { .. } => {
                Permission::ManageCatalog
            }
            Self::SupplierAdd(_)
            | Self::SupplierSet(_)
            | Self::SupplierSync { .. }
            | Self::RouteSet(_) => Permission::ManageSuppliers,
            Self::TrxResolve { .. } => Permission::Resolve,
            Self::CallbackReplay { .. } | Self::CallbackTest { .. } | Self::TrxCheck { .. } => {
                Permission::Replay
            }
            Self::UserList | Self::UserAdd(_) | Self::UserSet { .. } | Self::TokenAdd { .. } => {
                Permission::ManageUsers
            }
        }
    }

    /// For the log.
    pub const fn name(&self) -> &'static str {
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
            Self::LevelSet { .. } => "level set",
            Self::SupplierList => "supplier list",
            Self::SupplierAdd(_) => "supplier add",
            Self::SupplierExplain(_) => "supplier explain",
            Self::SupplierSet(_) => "supplier set",
            Self::SupplierSync { .. } => "supplier sync",
            Self::RouteSet(_) => "route set",
            Self::TrxList(_) => "trx list",
            Self::TrxShow { .. } => "trx show",
            Self::TrxResolve { .. } => "trx resolve",
            Self::TrxCheck { .. } => "trx check",
            Self::CallbackList { .. } => "callback list",
            Self::CallbackReplay { .. } => "callback replay",
            Self::CallbackTest { .. } => "callback test",
            Self::UserList => "user list",
            Self::UserAdd(_) => "user add",
            Self::UserSet { .. } => "user set",
            Self::TokenAdd { .. } => "token add",
        }
    }
}

/// Carries out one operation for somebody who may, and writes down who it was.
///
/// # Errors
/// [`crate::Problem`] for who may not; a sentence for everything else.
pub async fn execute(
    office: &Office,
    actor: &Actor,
    operation: Operation,
) -> anyhow::Result<Value> {
    actor.must(operation.permission())?;
    let told = operation.is_told().then(|| serde_json::to_value(&operation)).transpose()?;
    let name = operation.name();
    let result = carry_out(office, actor, operation).await;
    if let Some(detail) = told {
        let end = match &result {
            Ok(_) => "done".to_owned(),
            Err(error) => format!("not done: {error:#}"),
        };
        office.audit(actor, name, &detail, &end).await;
    }
    result
}

async fn carry_out(office: &Office, actor: &Actor, operation: Operation) -> anyhow::Result<Value> {
    // What is written rests on what was read: one editor at a time.
    let _editing = if operation.edits() { Some(office.editing.lock().await) } else { None };
    match operation {
        Operation::MemberAdd(new) => member::add(office, *new).await,
        Operation::MemberList => member::list(office).await,
        Operation::MemberShow { code } => member::show(office, &code).await,
        Operation::MemberSet(set) => member::set(office, actor, *set).await,
        Operation::MemberCredit { code, amount, note } => {
            member::credit(office, &code, &amount, note).await
        }
        Operation::ProductImport { rows, level, supplier } => {
            product::import(office, rows, level, supplier).await
        }
        Operation::ProductList { filter } => Ok(product::list(office, filter.as_deref())),
        Operation::ProductShow { code } => product::show(office, &code),
        Operation::ProductSet(set) => product::set(office, *set).await,
        Operation::PriceList { level } => product::prices(office, level),
        Operation::LevelSet { code, name } => product::level(office, &code, &name).await,
        Operation::SupplierList => Ok(supplier::list(office)),
        Operation::SupplierAdd(add) => supplier::add(office, *add).await,
        Operation::SupplierExplain(given) => explain::explain(office, &given).await,
        Operation::SupplierSet(set) => supplier::set(office, *set).await,
        Operation::SupplierSync { code, dry_run } => sync::sync(office, &code, dry_run).await,
        Operation::RouteSet(set) => supplier::route(office, *set).await,
        Operation::TrxList(list) => trx::list(office, *list).await,
        Operation::TrxShow { no } => trx::show(office, no).await,
        Operation::TrxResolve { no, verdict, note } => {
            trx::resolve(office, no, verdict, note).await
        }
        Operation::TrxCheck { no } => trx::check(office, actor, no).await,
        Operation::CallbackList { member, state, trx, limit } => {
            callback::list(office, member, state, trx, limit).await
        }
        Operation::CallbackReplay { ids, member, state } => {
            callback::replay(office, ids, member, state).await
        }
        Operation::CallbackTest { member } => callback::test(office, &member).await,
        Operation::UserList => Ok(serde_json::to_value(office.users().await?)?),
        Operation::UserAdd(new) => {
            let proven = Proven::at_the_machine(actor)?;
            Ok(serde_json::to_value(office.add_user(actor, &proven, *new).await?)?)
        }
        Operation::UserSet { login, role, active, password, forget_second_factor } => {
            let proven = Proven::at_the_machine(actor)?;
            if let Some(password) = &password {
                office.reset_password(actor, &proven, &login, password).await?;
            }
            if forget_second_factor {
                office.remove_second_factor(actor, &proven, &login).await?;
            }
            let user = office.set_user(actor, &proven, &login, role.as_deref(), active).await?;
            Ok(serde_json::to_value(user)?)
        }
        Operation::TokenAdd { name, role } => {
            let token = office.add_token(actor, &name, &role).await?;
            Ok(json!({"name": name, "role": role, "token": token}))
        }
    }
}
