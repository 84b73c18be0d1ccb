//! Permissions: roles, actors, and the table of routes.

pub mod limits;
pub mod password;
mod routes;
pub mod totp;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use routes::{ROUTES, Route, Who, route};

use crate::{
    error::{Error, Result},
    id::Id,
};

/// A role.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// People, devices, corrections and records of a site, or of all sites.
    Manager,
    /// The own records.
    Member,
    /// A device: it sends what it saw.
    Device,
    /// Audit and data protection, read only.
    Auditor,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Manager,
        Self::Member,
        Self::Device,
        Self::Auditor,
    ];

    /// The name, as databases and files have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Member => "member",
            Self::Device => "device",
            Self::Auditor => "auditor",
        }
    }

    /// The role with a name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn named(name: &str) -> Result<Self> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == name);
        role.ok_or_else(|| {
            Error::invalid("/role", "unknown_role", format!("{name:?} is not a role."))
        })
    }
}

/// The roles that change people, punches and devices.
pub const EDITORS: &[Role] = &[Role::Admin, Role::Manager];

/// The roles that read the records of others.
pub const READERS: &[Role] = &[Role::Admin, Role::Manager, Role::Auditor];

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A role, for the whole organisation or for a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The site; none for the whole organisation.
    #[serde(default)]
    pub site: Option<Id>,
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// An account, in a browser.
    Account(Id),
    /// An API token.
    Token(Id),
    /// A device.
    Device(Id),
    /// The person who has the machine's command line, or the server itself.
    Operator,
}

/// The one who acts: every command gets it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The organisation. An actor never sees another one.
    pub org: Id,
    /// The kind of the actor, and its id.
    pub principal: Principal,
    /// The roles.
    pub grants: Vec<Grant>,
    /// The person whose account it is.
    pub person: Option<Id>,
    /// The row in the table of tokens by which the actor was recognized.
    pub token: Option<Id>,
}

impl Actor {
    /// The operator of the machine, who may do everything in an organisation.
    #[must_use]
    pub fn operator(org: Id) -> Self {
        Self {
            org,
            principal: Principal::Operator,
            grants: vec![Grant {
                role: Role::Admin,
                site: None,
            }],
            person: None,
            token: None,
        }
    }

    /// `true` if the actor has one of these roles somewhere.
    #[must_use]
    pub fn has_any(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// Fails unless the actor has one of these roles for the whole organisation.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn require(&self, roles: &[Role]) -> Result<()> {
        let whole = |grant: &Grant| grant.site.is_none() && roles.contains(&grant.role);
        if self.grants.iter().any(whole) {
            Ok(())
        } else {
            Err(Error::forbidden())
        }
    }

    /// Fails unless the actor has one of these roles for a site.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn require_at(&self, site: Id, roles: &[Role]) -> Result<()> {
        let there =
            |grant: &Grant| grant.site.is_none_or(|it| it == site) && roles.contains(&grant.role);
        if self.grants.iter().any(there) {
            Ok(())
        } else {
            Err(Error::forbidden())
        }
    }

    /// The part of the organisation that the actor may read with these roles.
    #[must_use]
    pub fn scope(&self, roles: &[Role]) -> Scope {
        let mut sites = Vec::new();
        for grant in self
            .grants
            .iter()
            .filter(|grant| roles.contains(&grant.role))
        {
            match grant.site {
                None => return Scope::All,
                Some(site) => sites.push(site),
            }
        }
        Scope::Some {
            sites,
            person: self.person,
        }
    }

    /// The actor in audit and corrections: `account …`, `token …`, `device …` or `operator`. It is no name, so that names
    /// can be erased.
    #[must_use]
    pub fn label(&self) -> String {
        match self.principal {
            Principal::Account(id) => format!("account {id}"),
            Principal::Token(id) => format!("token {id}"),
            Principal::Device(id) => format!("device {id}"),
            Principal::Operator => "operator".to_owned(),
        }
    }
}

/// The part of an organisation that an actor may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole organisation.
    All,
    /// Some sites, and the records of one person.
    Some {
        /// The sites.
        sites: Vec<Id>,
        /// The actor's own person.
        person: Option<Id>,
    },
}

impl Scope {
    /// `true` if the scope has a person of this home site.
    #[must_use]
    pub fn has_person(&self, id: Id, home: Id) -> bool {
        match self {
            Self::All => true,
            Self::Some { sites, person } => sites.contains(&home) || *person == Some(id),
        }
    }

    /// `true` if the scope has a site.
    #[must_use]
    pub fn has_site(&self, site: Id) -> bool {
        match self {
            Self::All => true,
            Self::Some { sites, .. } => sites.contains(&site),
        }
    }
}
