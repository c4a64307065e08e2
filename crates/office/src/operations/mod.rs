//! Everything an operator can tell the business to do, and its answer as JSON.
//!
//! One enum for both doors: a command runs an operation on the database it opened itself, or
//! sends it to the running server through the local socket. Errors are sentences for people.

mod callback;
mod explain;
mod import;
mod member;
mod product;
mod reopen;
mod supplier;
mod sync;
mod trx;

pub use explain::SupplierExplain;
pub use import::{Import, ImportHow, ImportRow};
pub use member::{MemberAdd, MemberSet};
pub(crate) use member::{
    above, apply, id_of, level, limit, must_come_from_somewhere, networks, raised, record_of, renew,
};
pub use product::ProductSet;
pub use supplier::{RouteSet, SupplierAdd, SupplierSet};
pub use sync::keep_in_step;
pub use trx::{Reversal, TrxList, Verdict};

use crate::access::{Actor, Permission};
use crate::act::Act;
use crate::books::Entry;
use crate::money::{Credit, Done};
use crate::plug::Office;
use crate::proposals::Proposal;
use crate::step_up::Proven;
use crate::takeover::{self, Takeover};
use crate::tokens::NewToken;
use crate::users::NewUser;
use anyhow::anyhow;
use domain::Resolution;
use engine::NotDone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use types::Sn;

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
    MemberImport(Box<Takeover>),
    MemberExport,
    MemberCredit {
        code: String,
        amount: String,
        note: String,
    },
    Book(Box<Entry>),
    ProductImport(Box<Import>),
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
    TokenAdd(Box<NewToken>),
    Reopen {
        note: String,
    },
}

impl Operation {
    /// True for those that change the catalog.
    const fn edits(&self) -> bool {
        match self {
            Self::MemberAdd(_)
            | Self::MemberSet(_)
            | Self::ProductImport(_)
            | Self::ProductSet(_)
            | Self::SupplierAdd(_)
            | Self::SupplierSet(_)
            | Self::LevelSet { .. }
            | Self::RouteSet(_)
            | Self::Reopen { .. } => true,
            Self::MemberList
            | Self::MemberShow { .. }
            | Self::MemberImport(_)
            | Self::MemberExport
            | Self::MemberCredit { .. }
            | Self::Book(_)
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
            | Self::TokenAdd(_) => false,
        }
    }

    /// True for those whose failing leaves a line too. The office writes its own for users.
    const fn is_told(&self) -> bool {
        match self {
            Self::MemberCredit { .. }
            | Self::Book(_)
            | Self::SupplierSync { .. }
            | Self::TrxResolve { .. }
            | Self::TrxCheck { .. }
            | Self::CallbackReplay { .. }
            | Self::CallbackTest { .. } => true,
            Self::ProductImport(import) => !import.how.dry_run,
            Self::MemberImport(import) => !import.how.dry_run,
            Self::MemberAdd(_)
            | Self::MemberList
            | Self::MemberShow { .. }
            | Self::MemberSet(_)
            | Self::MemberExport
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
            | Self::TokenAdd(_)
            | Self::Reopen { .. } => self.edits(),
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
            Self::MemberAdd(_)
            | Self::MemberSet(_)
            | Self::MemberImport(_)
            | Self::MemberExport => Permission::ManageMembers,
            Self::MemberCredit { .. } | Self::Book(_) => Permission::MoveMoney,
            Self::ProductImport(_) | Self::ProductSet(_) | Self::LevelSet { .. } => {
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
            Self::UserList
            | Self::UserAdd(_)
            | Self::UserSet { .. }
            | Self::TokenAdd(_)
            | Self::Reopen { .. } => Permission::ManageUsers,
        }
    }

    /// For the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MemberAdd(_) => "member add",
            Self::MemberList => "member list",
            Self::MemberShow { .. } => "member show",
            Self::MemberSet(_) => "member set",
            Self::MemberImport(_) => "member import",
            Self::MemberExport => "member export",
            Self::MemberCredit { .. } => "member credit",
            Self::Book(_) => "book",
            Self::ProductImport(_) => "product import",
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
            Self::TokenAdd(_) => "token add",
            Self::Reopen { .. } => "reopen",
        }
    }
}

/// Carries out one operation for somebody who may. What it changes, and the line of who did it, are
/// one commit.
///
/// # Errors
/// [`crate::Problem`] for who may not; a sentence for everything else.
pub async fn execute(
    office: &Office,
    actor: &Actor,
    operation: Operation,
) -> anyhow::Result<Value> {
    execute_once(office, actor, operation, None).await
}

/// The same under a key of the caller: asked again with it, it is not done again.
///
/// # Errors
/// As [`execute`], and a conflict for a key that was used for another request.
pub async fn execute_once(
    office: &Office,
    actor: &Actor,
    operation: Operation,
    key: Option<&str>,
) -> anyhow::Result<Value> {
    actor.must(operation.permission())?;
    let whole = match &operation {
        Operation::MemberImport(import) => import.told(office),
        other => serde_json::to_value(other)?,
    };
    let (name, asked, is_told) = (operation.name(), whole.to_string(), operation.is_told());
    let act = Act::new(actor, name, whole).once(key, &asked);
    if let Some(first) = office.first_answer(&act).await? {
        return Ok(json!({"state": "repeated", "first": first}));
    }
    let result = carry_out(office, &act, operation, key).await;
    if let Err(error) = &result
        && is_told
    {
        office.not_done(&act, error).await;
    }
    result
}

/// How often an edit is decided anew when another node was faster.
const EDITS_MOST: u32 = 12;

async fn carry_out(
    office: &Office,
    act: &Act<'_>,
    operation: Operation,
    key: Option<&str>,
) -> anyhow::Result<Value> {
    let actor = act.actor;
    // What the gate weighs has a way of its own.
    let operation = match operation {
        Operation::MemberCredit { code, amount, note } => {
            let credit = Credit { member: code, amount, cash: String::new(), note };
            return Ok(member::told(office.credit(actor, credit, key).await?));
        }
        Operation::MemberImport(import) => return takeover::import(office, act, &import).await,
        Operation::Book(entry) => return office.enter(actor, *entry, key).await,
        Operation::MemberSet(set) => match set.only_credit_limit() {
            Some(limit) => {
                let (member, limit) = (set.code.clone(), limit.to_owned());
                let proposal = Proposal::CreditLimit { member, limit };
                return match office.propose(actor, proposal, key).await? {
                    Done::Changed => member::show(office, &set.code).await,
                    done @ (Done::Moved { .. } | Done::Waiting { .. } | Done::Repeated { .. }) => {
                        Ok(member::told(done))
                    }
                };
            }
            None => Operation::MemberSet(set),
        },
        Operation::TrxResolve { no, verdict, note } => {
            let resolution = match verdict {
                Verdict::Success { sn } => Resolution::Success(Sn::parse(&sn)?),
                Verdict::Fail { reason } => {
                    let proposal = Proposal::Fail { trx: no, reason, note };
                    return trx::refund(office, actor, no, proposal, key).await;
                }
                Verdict::Keep => Resolution::Keep,
                Verdict::Reverse { reason, returned } => {
                    let reversal = Reversal { trx: no, reason, note, returned };
                    return trx::refund(office, actor, no, Proposal::Reverse(reversal), key).await;
                }
            };
            return trx::resolve(office, act, no, resolution).await;
        }
        other => other,
    };
    if !operation.edits() {
        return attempt(office, act, operation).await;
    }
    // What is written rests on what was read: one editor at a time, and again when another node
    // wrote meanwhile.
    let _editing = office.editing.lock().await;
    let kept = serde_json::to_value(&operation)?;
    let mut tries = 0;
    loop {
        let again = serde_json::from_value(kept.clone())?;
        let began = office.begin();
        let done = attempt(office, act, again).await;
        drop(began);
        match done {
            Err(error) if tries < EDITS_MOST && is_outdated(&error) => {
                tries = tries.saturating_add(1);
                let spread = office.handle.now().utc.get().rem_euclid(29).unsigned_abs();
                tokio::time::sleep(Duration::from_millis(
                    u64::from(tries).saturating_mul(10).saturating_add(spread),
                ))
                .await;
            }
            done => return done,
        }
    }
}

/// Another node was faster.
pub(crate) fn is_outdated(error: &anyhow::Error) -> bool {
    error.downcast_ref::<NotDone>() == Some(&NotDone::Outdated)
}

async fn attempt(office: &Office, act: &Act<'_>, operation: Operation) -> anyhow::Result<Value> {
    let actor = act.actor;
    match operation {
        Operation::MemberCredit { .. }
        | Operation::MemberImport(_)
        | Operation::Book(_)
        | Operation::TrxResolve { .. } => Err(anyhow!("{} has a way of its own", operation.name())),
        Operation::MemberAdd(new) => member::add(office, act, *new).await,
        Operation::MemberList => member::list(office).await,
        Operation::MemberShow { code } => member::show(office, &code).await,
        Operation::MemberSet(set) => member::set(office, act, *set).await,
        Operation::MemberExport => Ok(json!({"csv": office.members_file()?})),
        Operation::ProductImport(import) => import::import(office, act, *import).await,
        Operation::ProductList { filter } => Ok(product::list(office, filter.as_deref())),
        Operation::ProductShow { code } => product::show(office, &code),
        Operation::ProductSet(set) => product::set(office, act, *set).await,
        Operation::PriceList { level } => product::prices(office, level),
        Operation::LevelSet { code, name } => product::level(office, act, &code, &name).await,
        Operation::SupplierList => Ok(supplier::list(office)),
        Operation::SupplierAdd(add) => supplier::add(office, act, *add).await,
        Operation::SupplierExplain(given) => explain::explain(office, &given).await,
        Operation::SupplierSet(set) => supplier::set(office, act, *set).await,
        Operation::SupplierSync { code, dry_run } => {
            sync::by_hand(office, act, &code, dry_run).await
        }
        Operation::RouteSet(set) => supplier::route(office, act, *set).await,
        Operation::TrxList(list) => trx::list(office, *list).await,
        Operation::TrxShow { no } => trx::show(office, no).await,
        Operation::TrxCheck { no } => trx::check(office, actor, no).await,
        Operation::CallbackList { member, state, trx, limit } => {
            callback::list(office, member, state, trx, limit).await
        }
        Operation::CallbackReplay { ids, member, state } => {
            callback::replay(office, act, ids, member, state).await
        }
        Operation::CallbackTest { member } => callback::test(office, act, &member).await,
        Operation::UserList => Ok(serde_json::to_value(office.users().await?)?),
        Operation::UserAdd(new) => {
            let proven = Proven::at_the_machine(actor)?;
            Ok(serde_json::to_value(office.add_user(actor, &proven, *new).await?)?)
        }
        Operation::UserSet { login, role, active, password, forget_second_factor } => {
            let acts =
                [password.is_some(), forget_second_factor, role.is_some() || active.is_some()];
            if acts.into_iter().filter(|act| *act).count() > 1 {
                anyhow::bail!(
                    "a new password, a second factor that is taken away, and another role or lock are \
                     three acts: give them one after the other"
                );
            }
            let proven = Proven::at_the_machine(actor)?;
            if let Some(password) = &password {
                office.reset_password(actor, &proven, &login, password).await?;
            } else if forget_second_factor {
                office.remove_second_factor(actor, &proven, &login).await?;
            } else {
                let role = role.as_deref();
                let user = office.set_user(actor, &proven, &login, role, active).await?;
                return Ok(serde_json::to_value(user)?);
            }
            let users = office.users().await?;
            Ok(serde_json::to_value(users.into_iter().find(|user| user.login == login))?)
        }
        Operation::TokenAdd(new) => {
            let (name, role) = (new.name.clone(), new.role.clone());
            let token = office.add_token(actor, *new).await?;
            Ok(json!({"name": name, "role": role, "token": token}))
        }
        Operation::Reopen { note } => reopen::reopen(office, act, &note).await,
    }
}
