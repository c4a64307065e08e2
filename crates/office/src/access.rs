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
    /// A program that reports what banks say, and nothing else; no person has it.
    Feed,
}

impl Role {
    /// Those that a person may have.
    pub const OF_PEOPLE: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Finance, Self::Cs, Self::Readonly];
    /// All of them: those that a token may have.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Finance, Self::Cs, Self::Readonly, Self::Feed];

    /// The word people use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Finance => "finance",
            Self::Cs => "cs",
            Self::Readonly => "readonly",
            Self::Feed => "feed",
        }
    }

    /// A person's role by its word.
    ///
    /// # Errors
    /// [`Problem`] that names the roles.
    pub fn named(word: &str) -> Result<Self, Problem> {
        Self::among(&Self::OF_PEOPLE, word)
    }

    /// A token's role by its word.
    ///
    /// # Errors
    /// [`Problem`] that names the roles.
    pub fn of_token(word: &str) -> Result<Self, Problem> {
        Self::among(&Self::ALL, word)
    }

    fn among(all: &[Self], word: &str) -> Result<Self, Problem> {
        all.iter().copied().find(|role| role.word() == word).ok_or_else(|| {
            let all: Vec<&str> = all.iter().map(|role| role.word()).collect();
            Problem::asked("bad_role", format!("`{word}` is no role; write {}", all.join(", ")))
        })
    }

    /// True when somebody with this role may hand `other` to a program.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        Permission::ALL.into_iter().all(|permission| !other.may(permission) || self.may(permission))
    }

    /// True for those that need a second factor where the rule is on.
    #[must_use]
    pub const fn needs_second_factor(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Finance => true,
            Self::Cs | Self::Readonly | Self::Feed => false,
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
                matches!(
                    permission,
                    P::Look | P::SeeMoney | P::MoveMoney | P::Approve | P::ReportBank
                )
            }
            Self::Cs => matches!(permission, P::Look | P::Resolve | P::Replay),
            Self::Readonly => matches!(permission, P::Look | P::SeeMoney),
            Self::Feed => matches!(permission, P::ReportBank),
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
    /// Say what a bank says.
    ReportBank,
    /// Second person for what is above the limit.
    Approve,
    /// Journal and audit.
    Audit,
    /// Users, sessions and tokens of others.
    ManageUsers,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Look,
        Self::SeeMoney,
        Self::Resolve,
        Self::Replay,
        Self::ManageMembers,
        Self::ManageCatalog,
        Self::ManageSuppliers,
        Self::MoveMoney,
        Self::ReportBank,
        Self::Approve,
        Self::Audit,
        Self::ManageUsers,
    ];
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Login, member code, or `local` for the command line: the person, whatever it speaks through.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// From where.
    pub from: String,
    /// The token it speaks through.
    pub token: Option<String>,
    /// A bank's feed that was set up at the machine: what it reports is so, whatever the amount.
    pub believed: bool,
}

/// The name of whoever may open the local socket. No user may have it.
pub(crate) const LOCAL: &str = "local";
/// The name under which the program itself changes something. No user may have it.
pub(crate) const SYSTEM: &str = "system";
/// Somebody whom nothing tells of. No user may have it.
pub(crate) const NOBODY: &str = "nobody";

impl Actor {
    /// A person that is logged in.
    #[must_use]
    pub fn person(login: &str, role: Role, from: &str) -> Self {
        Self { name: login.to_owned(), role, from: from.to_owned(), token: None, believed: false }
    }

    /// A program of a person.
    #[must_use]
    pub fn program(login: &str, token: &str, role: Role, from: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::person(login, role, from) }
    }

    /// Whoever may open the local socket is the operator.
    #[must_use]
    pub fn local() -> Self {
        Self::person(LOCAL, Role::Owner, "local socket")
    }

    /// A member at its portal: it may do nothing of the office but what concerns itself.
    #[must_use]
    pub fn member(code: &types::MemberCode, from: &crate::sessions::From) -> Self {
        Self::person(code.as_str(), Role::Readonly, &from.address)
    }

    /// True for who has the machine, and with it the database and its key: rules for two persons
    /// cannot bind it.
    #[must_use]
    pub(crate) fn is_local(&self) -> bool {
        self.name == LOCAL && self.token.is_none()
    }

    /// As the journal and the ledger say it.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.token {
            None => self.name.clone(),
            Some(token) => format!("{} (token {token})", self.name),
        }
    }

    /// Nothing when it may.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn must(&self, permission: Permission) -> Result<(), Problem> {
        // A token asks for its person, and agrees to nothing: nobody is two persons.
        let is_for_people = matches!(permission, Permission::Approve | Permission::ManageUsers);
        if self.token.is_some() && is_for_people {
            let why = format!("a token may not do this ({permission:?}); log in");
            return Err(Problem { code: "needs_person", status: 403, detail: why });
        }
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
        assert!(Role::named("root").is_err() && Role::named("feed").is_err());
        assert!(Role::of_token("feed").is_ok());
        // Whoever moves money or decides who does shows a second factor.
        for role in Role::ALL {
            let moves = matches!(role, Role::Owner | Role::Admin | Role::Finance);
            assert_eq!(role.needs_second_factor(), moves, "{role:?}");
        }
    }

    #[test]
    fn a_token_agrees_to_nothing_and_is_no_more_than_its_person() {
        let token = Actor::program("budi", "bot", Role::Owner, "test");
        assert!(token.must(Permission::Approve).is_err());
        assert!(token.must(Permission::ManageUsers).is_err());
        assert!(token.must(Permission::MoveMoney).is_ok());
        assert!(Role::Finance.covers(Role::Feed) && Role::Finance.covers(Role::Readonly));
        assert!(!Role::Finance.covers(Role::Cs) && !Role::Cs.covers(Role::Feed));
    }
}
