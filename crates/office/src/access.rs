//! Who may do what. Deny is the default: a role has the permissions written here and no others.

use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// What somebody works as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, users included.
    Owner,
    /// Everything but users and approvals of its own money.
    Admin,
    /// Money: deposits, credits, reports, reconciliation.
    Finance,
    /// Customers: purchases, callbacks, suspects.
    Cs,
    /// Looks only.
    Readonly,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Finance, Self::Cs, Self::Readonly];

    /// The word people use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Finance => "finance",
            Self::Cs => "cs",
            Self::Readonly => "readonly",
        }
    }

    /// By its word.
    ///
    /// # Errors
    /// [`Problem`] that names the roles.
    pub fn named(word: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|role| role.word()).collect();
            Problem::asked("bad_role", format!("`{word}` is no role; write {}", all.join(", ")))
        })
    }

    /// True for those that need a second factor where the rule is on.
    #[must_use]
    pub const fn needs_second_factor(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Finance => true,
            Self::Cs | Self::Readonly => false,
        }
    }

    /// True when it may.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(permission, P::ManageUsers),
            Self::Finance => {
                matches!(permission, P::Look | P::SeeMoney | P::MoveMoney | P::Approve)
            }
            Self::Cs => matches!(permission, P::Look | P::Resolve | P::Replay),
            Self::Readonly => matches!(permission, P::Look | P::SeeMoney),
        }
    }
}

/// One thing that a door asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Purchases, members, prices, suppliers, callbacks.
    Look,
    /// Figures, statements, deposits.
    SeeMoney,
    /// Decide suspects, reverse.
    Resolve,
    /// Send callbacks again, ask a supplier now.
    Replay,
    /// Members and their credentials.
    ManageMembers,
    /// Products and prices.
    ManageCatalog,
    /// Suppliers, their credentials and routes.
    ManageSuppliers,
    /// Deposits, credits, transfers.
    MoveMoney,
    /// Second person for what is above the limit.
    Approve,
    /// Journal and audit.
    Audit,
    /// Users, sessions and tokens of others.
    ManageUsers,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Look,
        Self::SeeMoney,
        Self::Resolve,
        Self::Replay,
        Self::ManageMembers,
        Self::ManageCatalog,
        Self::ManageSuppliers,
        Self::MoveMoney,
        Self::Approve,
        Self::Audit,
        Self::ManageUsers,
    ];
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Login, or `local` for the command line.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// From where.
    pub from: String,
}

impl Actor {
    /// Whoever may open the local socket is the operator.
    #[must_use]
    pub fn local() -> Self {
        Self { name: "local".to_owned(), role: Role::Owner, from: "local socket".to_owned() }
    }

    /// A member at its portal: it may do nothing of the office but what concerns itself.
    #[must_use]
    pub fn member(code: &types::MemberCode, from: &crate::sessions::From) -> Self {
        Self { name: code.to_string(), role: Role::Readonly, from: from.address.clone() }
    }

    /// Nothing when it may.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn must(&self, permission: Permission) -> Result<(), Problem> {
        if self.role.may(permission) {
            return Ok(());
        }
        let role = self.role.word();
        Err(Problem::forbidden(format!("the role {role} may not do this ({permission:?})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_role_only_looks() {
        for permission in Permission::ALL {
            let looks = matches!(permission, Permission::Look | Permission::SeeMoney);
            assert_eq!(Role::Readonly.may(permission), looks, "{permission:?}");
            assert!(Role::Owner.may(permission));
        }
        assert!(!Role::Cs.may(Permission::MoveMoney) && !Role::Finance.may(Permission::Resolve));
        assert!(Role::named("root").is_err());
    }
}
