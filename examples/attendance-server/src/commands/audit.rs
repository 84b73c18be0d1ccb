//! The audit: a chain of hashes over all changes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{
    access::{Actor, Role},
    db::Row,
    error::{Error, Result},
    id::Id,
    paging::{Page, PageRequest},
    store::Transaction,
    values,
};

/// The roles that may read the audit.
const READERS: &[Role] = &[Role::Admin, Role::Auditor];

/// The hash before the first record.
pub(crate) const START: [u8; 32] = [0; 32];

/// A record of the audit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditRecord {
    /// The number, without gaps.
    pub seq: i64,
    /// The time.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The one who acted: an account, a token, a device, or the operator.
    pub actor: String,
    /// The action, such as `person_created`.
    pub action: String,
    /// The person or thing that was changed.
    pub subject: Option<Id>,
    /// The change. None if the person was erased.
    pub detail: Option<Json>,
    /// The hash of this record and all before it, in hexadecimal digits.
    pub hash: String,
}

/// The subject of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The organisation.
    Organisation,
    /// A thing: a site, a device, a policy. The organisation's key seals the details.
    Thing(Id),
    /// A person or an account, whose own key seals the details.
    Person(Id),
}

impl Subject {
    fn id(self) -> Option<Id> {
        match self {
            Self::Organisation => None,
            Self::Thing(id) | Self::Person(id) => Some(id),
        }
    }

    fn key(self, org: Id) -> Id {
        match self {
            Self::Organisation | Self::Thing(_) => org,
            Self::Person(id) => id,
        }
    }
}

/// Adds a record.
///
/// # Errors
///
/// If the database refuses it.
pub async fn record(
    tx: &mut Transaction,
    actor: &Actor,
    action: &str,
    about: Subject,
    detail: Json,
) -> Result<()> {
    let org = actor.org;
    let subject = about.id();
    let row = tx
        .row(
            "UPDATE organisation SET next_audit = next_audit + 1 WHERE id = $1 \
             RETURNING next_audit - 1 AS seq, audit_head",
            values![org],
        )
        .await?
        .ok_or_else(|| Error::not_found("organisation"))?;
    let (seq, previous) = (row.get::<i64>("seq")?, row.get::<Vec<u8>>("audit_head")?);
    let plain = serde_json::to_vec(&detail)?;
    let sealed = tx.keys().seal(org, about.key(org), "audit", &plain)?;
    let (at, label) = (tx.now, actor.label());
    let personal = matches!(about, Subject::Person(_));
    let link = Link {
        org,
        seq,
        at,
        actor: &label,
        action,
        subject,
        personal,
        detail: &sealed,
    };
    let hash = link.hash(&previous);
    tx.execute(
        "INSERT INTO audit (org, seq, at, actor, action, subject, personal, detail, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![org, seq, at, label, action, subject, personal, sealed, previous, hash],
    )
    .await?;
    tx.execute(
        "UPDATE organisation SET audit_head = $2 WHERE id = $1",
        values![org, hash],
    )
    .await?;
    Ok(())
}

/// The records, the newest first.
///
/// # Errors
///
/// 403 without the role of an admin or an auditor.
pub async fn list(
    tx: &mut Transaction,
    actor: &Actor,
    page: &PageRequest,
) -> Result<Page<AuditRecord>> {
    actor.require(READERS)?;
    let limit = page.limit()?;
    let before: i64 = page.position(tx, actor, "audit")?.unwrap_or(i64::MAX);
    let rows = tx
        .rows(
            "SELECT seq, at, actor, action, subject, personal, detail, hash FROM audit \
             WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            values![actor.org, before, limit as i64 + 1],
        )
        .await?;
    let records: Result<Vec<_>> = rows.iter().map(|row| opened(tx, actor.org, row)).collect();
    Page::of(tx, actor, "audit", records?, limit, |record| record.seq)
}

fn opened(tx: &Transaction, org: Id, row: &Row) -> Result<AuditRecord> {
    let subject: Option<Id> = row.get("subject")?;
    let sealed: Vec<u8> = row.get("detail")?;
    let key = subject
        .filter(|_| row.get("personal").unwrap_or(false))
        .unwrap_or(org);
    let plain = tx.keys().open(org, key, "audit", &sealed)?;
    Ok(AuditRecord {
        seq: row.get("seq")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject,
        detail: plain
            .map(|plain| serde_json::from_slice(&plain))
            .transpose()?,
        hash: hex(&row.get::<Vec<u8>>("hash")?),
    })
}

/// The result of [`verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// The number of records.
    pub records: i64,
    /// The first record that is wrong, and why; none if the chain is whole.
    pub fault: Option<String>,
}

/// Recomputes the chain. It finds a record that was changed, removed, added or moved, also by somebody who can write to the
/// database, unless all later hashes were recomputed as well; compare `hash` of the newest record with one kept elsewhere.
///
/// # Errors
///
/// 403 without the role of an admin or an auditor.
pub async fn verify(tx: &mut Transaction, actor: &Actor) -> Result<Verification> {
    actor.require(READERS)?;
    let org = actor.org;
    let head = tx
        .row(
            "SELECT next_audit, audit_head FROM organisation WHERE id = $1",
            values![org],
        )
        .await?
        .ok_or_else(|| Error::not_found("organisation"))?;
    let (next, head) = (
        head.get::<i64>("next_audit")?,
        head.get::<Vec<u8>>("audit_head")?,
    );
    let (mut expected, mut previous) = (1_i64, START.to_vec());
    let fault = |fault: String, records: i64| {
        Ok(Verification {
            records,
            fault: Some(fault),
        })
    };
    loop {
        let rows = tx
            .rows(
                "SELECT seq, at, actor, action, subject, personal, detail, previous, hash FROM audit \
                 WHERE org = $1 AND seq >= $2 ORDER BY seq LIMIT 1000",
                values![org, expected],
            )
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let seq: i64 = row.get("seq")?;
            if seq != expected {
                return fault(format!("record {expected} is missing"), expected - 1);
            }
            let (actor, action): (String, String) = (row.get("actor")?, row.get("action")?);
            let detail: Vec<u8> = row.get("detail")?;
            let link = Link {
                org,
                seq,
                at: row.get("at")?,
                actor: &actor,
                action: &action,
                subject: row.get("subject")?,
                personal: row.get("personal")?,
                detail: &detail,
            };
            let hash: Vec<u8> = row.get("hash")?;
            if row.get::<Vec<u8>>("previous")? != previous || link.hash(&previous)[..] != hash[..] {
                return fault(format!("record {seq} was changed"), seq - 1);
            }
            (previous, expected) = (hash, seq + 1);
        }
    }
    if expected != next || previous != head {
        return fault(
            format!("records from {expected} on are missing"),
            expected - 1,
        );
    }
    Ok(Verification {
        records: expected - 1,
        fault: None,
    })
}

/// The fields that the hash of a record covers.
struct Link<'a> {
    org: Id,
    seq: i64,
    at: Timestamp,
    actor: &'a str,
    action: &'a str,
    subject: Option<Id>,
    personal: bool,
    detail: &'a [u8],
}

impl Link<'_> {
    fn hash(&self, previous: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let subject = self.subject.map(|id| *id.as_bytes());
        let parts: [&[u8]; 9] = [
            previous,
            self.org.as_bytes(),
            &self.seq.to_be_bytes(),
            &self.at.as_microsecond().to_be_bytes(),
            self.actor.as_bytes(),
            self.action.as_bytes(),
            subject.as_ref().map_or(&[], |id| &id[..]),
            &[self.personal.into()],
            self.detail,
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
