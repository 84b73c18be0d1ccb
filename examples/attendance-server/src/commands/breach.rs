//! The people whose data a breach concerned: those whom articles 33 and 34 of the GDPR are about.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::json;

use super::{accounts, audit, audit::Subject, exports::inert, people, sites};
use crate::{
    access::{Actor, Role},
    error::{Error, Result},
    id::Id,
    store::Transaction,
    values,
};

/// The part of an organisation that a breach concerned. Without a value it is the whole organisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// Only people of this home site.
    pub site: Option<Id>,
    /// Only people of whom this device has a punch or a sighting.
    pub device: Option<Id>,
    /// Only people of whom there is a record from this time on.
    pub from: Option<Timestamp>,
    /// Only people of whom there is a record before this time.
    pub until: Option<Timestamp>,
}

/// The numbers of records that the server holds, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Templates of the face.
    pub templates: i64,
    /// Consents, also those that were withdrawn.
    pub consents: i64,
    /// Reports of devices.
    pub sightings: i64,
    /// Times of coming and going.
    pub punches: i64,
    /// Photos that wait for an enrolment, and pictures of the face that are kept with templates.
    pub images: i64,
    /// Accounts.
    pub accounts: i64,
}

impl Held {
    fn of_kind(&mut self, kind: Kind) -> &mut i64 {
        match kind {
            Kind::Templates => &mut self.templates,
            Kind::Consents => &mut self.consents,
            Kind::Sightings => &mut self.sightings,
            Kind::Punches => &mut self.punches,
            Kind::Images => &mut self.images,
            Kind::Accounts => &mut self.accounts,
        }
    }

    fn add(&mut self, mut other: Self) {
        for (kind, _) in COUNTS {
            *self.of_kind(kind) += *other.of_kind(kind);
        }
    }
}

/// A person whose data the breach concerned, or the owner of an account who is no recorded person.
#[derive(Clone, Debug)]
pub struct Concerned {
    /// The staff number; none for the owner of an account.
    pub number: Option<String>,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// The name of the home site.
    pub site: Option<String>,
    /// The records that the server holds of the person.
    pub held: Held,
}

/// The people whose data a breach concerned.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The people by name, then the owners of accounts.
    pub people: Vec<Concerned>,
    /// The number of people who were erased before. Nobody can tell their names.
    pub erased: usize,
    /// The records that are left of erased people.
    pub erased_held: Held,
}

#[derive(Clone, Copy)]
enum Kind {
    Templates,
    Consents,
    Sightings,
    Punches,
    Images,
    Accounts,
}

/// A query that counts the records of each person, by kind.
const COUNTS: [(Kind, &str); 6] = [
    (
        Kind::Templates,
        "SELECT person, COUNT(*) AS n FROM template WHERE org = $1 GROUP BY person",
    ),
    (
        Kind::Consents,
        "SELECT person, COUNT(*) AS n FROM consent WHERE org = $1 GROUP BY person",
    ),
    (
        Kind::Sightings,
        "SELECT person, COUNT(*) AS n FROM sighting WHERE org = $1 AND person IS NOT NULL GROUP BY person",
    ),
    (
        Kind::Punches,
        "SELECT person, COUNT(*) AS n FROM punch WHERE org = $1 GROUP BY person",
    ),
    (
        Kind::Images,
        "SELECT person, COUNT(*) AS n FROM ( \
         SELECT e.person AS person FROM enrolment_photo p JOIN enrolment e ON e.org = p.org AND e.id = p.enrolment \
         WHERE p.org = $1 UNION ALL \
         SELECT person FROM template WHERE org = $1 AND crop IS NOT NULL) AS images GROUP BY person",
    ),
    (
        Kind::Accounts,
        "SELECT person, COUNT(*) AS n FROM account WHERE org = $1 AND person IS NOT NULL GROUP BY person",
    ),
];

/// The people whose data a breach concerned. The caller calls [`record`] before it shows them.
///
/// # Errors
///
/// 403 without the role of an admin; 404 for a site or a device that is not there.
pub async fn list(tx: &mut Transaction, actor: &Actor, reach: Reach) -> Result<Breach> {
    actor.require(&[Role::Admin])?;
    let org = actor.org;
    let mut held: HashMap<Id, Held> = HashMap::new();
    for (kind, query) in COUNTS {
        for row in tx.rows(query, values![org]).await? {
            let person: Id = row.get("person")?;
            *held.entry(person).or_default().of_kind(kind) = row.get("n")?;
        }
    }
    let reached = reached(tx, org, reach).await?;
    let directory = people::directory(tx, org).await?;
    let mut names: HashMap<Id, String> = HashMap::new();
    for site in sites::list(tx, actor).await? {
        names.insert(site.id, site.name);
    }
    let is_concerned = |person: Id, site: Id| {
        reach.site.is_none_or(|wanted| wanted == site)
            && reached.as_ref().is_none_or(|them| them.contains(&person))
    };
    let mut breach = Breach {
        people: Vec::new(),
        erased: 0,
        erased_held: Held::default(),
    };
    for person in directory.people() {
        if is_concerned(person.id, person.site) {
            breach.people.push(Concerned {
                number: Some(person.number.clone()),
                name: person.name.clone(),
                mail: person.mail.clone(),
                site: names.get(&person.site).cloned(),
                held: held.get(&person.id).copied().unwrap_or_default(),
            });
        }
    }
    // In a backup, somebody who was erased since is a row that no key opens.
    for row in tx
        .rows("SELECT id, site FROM person WHERE org = $1", values![org])
        .await?
    {
        let (person, site): (Id, Id) = (row.get("id")?, row.get("site")?);
        if directory.get(person).is_none() && is_concerned(person, site) {
            breach.erased += 1;
            breach
                .erased_held
                .add(held.get(&person).copied().unwrap_or_default());
        }
    }
    // Accounts without a person are of no site, and no device sees them.
    if reach.site.is_none() && reach.device.is_none() {
        owners(tx, actor, reach, &mut breach.people).await?;
    }
    Ok(breach)
}

/// Records that the people of a breach were listed.
///
/// # Errors
///
/// 403 without the role of an admin.
pub async fn record(
    tx: &mut Transaction,
    actor: &Actor,
    reach: Reach,
    breach: &Breach,
) -> Result<()> {
    actor.require(&[Role::Admin])?;
    let detail = json!({
        "site": reach.site, "device": reach.device, "from": reach.from, "until": reach.until,
        "people": breach.people.len(), "erased": breach.erased,
    });
    audit::record(tx, actor, "breach_listed", Subject::Organisation, detail).await
}

/// The people of whom there is a record of the device or the period; none if neither is stated.
async fn reached(tx: &mut Transaction, org: Id, reach: Reach) -> Result<Option<HashSet<Id>>> {
    let from = reach.from.unwrap_or(Timestamp::MIN);
    let until = reach.until.unwrap_or(Timestamp::MAX);
    let rows = match reach.device {
        Some(device) => {
            tx.rows(
                "SELECT person FROM punch WHERE org = $1 AND device = $4 AND at >= $2 AND at < $3 UNION \
                 SELECT person FROM sighting WHERE org = $1 AND device = $4 AND person IS NOT NULL AND at >= $2 AND at < $3",
                values![org, from, until, device],
            )
            .await?
        }
        None if reach.from.is_none() && reach.until.is_none() => return Ok(None),
        None => {
            tx.rows(
                "SELECT id AS person FROM person WHERE org = $1 AND created >= $2 AND created < $3 UNION \
                 SELECT person FROM punch WHERE org = $1 AND at >= $2 AND at < $3 UNION \
                 SELECT person FROM sighting WHERE org = $1 AND person IS NOT NULL AND at >= $2 AND at < $3 UNION \
                 SELECT person FROM correction WHERE org = $1 AND made >= $2 AND made < $3 UNION \
                 SELECT person FROM consent WHERE org = $1 AND given >= $2 AND given < $3 UNION \
                 SELECT person FROM enrolment WHERE org = $1 AND created >= $2 AND created < $3 UNION \
                 SELECT person FROM account WHERE org = $1 AND person IS NOT NULL AND created >= $2 AND created < $3",
                values![org, from, until],
            )
            .await?
        }
    };
    let people: Result<HashSet<Id>> = rows.iter().map(|row| row.get("person")).collect();
    people.map(Some)
}

/// Adds the owners of accounts who are no recorded people.
async fn owners(
    tx: &mut Transaction,
    actor: &Actor,
    reach: Reach,
    people: &mut Vec<Concerned>,
) -> Result<()> {
    let from = reach.from.unwrap_or(Timestamp::MIN);
    let until = reach.until.unwrap_or(Timestamp::MAX);
    let rows = tx
        .rows(
            "SELECT id FROM account WHERE org = $1 AND person IS NULL AND created >= $2 AND created < $3",
            values![actor.org, from, until],
        )
        .await?;
    let ids: Result<HashSet<Id>> = rows.iter().map(|row| row.get("id")).collect();
    let ids = ids?;
    for account in accounts::list(tx, actor).await? {
        if ids.contains(&account.id) {
            people.push(Concerned {
                number: None,
                name: account.name,
                mail: Some(account.mail),
                site: None,
                held: Held {
                    accounts: 1,
                    ..Held::default()
                },
            });
        }
    }
    Ok(())
}

const COLUMNS: [&str; 10] = [
    "number",
    "name",
    "mail",
    "site",
    "templates",
    "consents",
    "sightings",
    "punches",
    "images",
    "accounts",
];

/// The list as CSV (RFC 4180) with a header. The last line counts the people who were erased, if there are any.
///
/// # Errors
///
/// If it cannot be written, which is a fault of the server.
pub fn csv(breach: &Breach) -> Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(Error::internal)?;
    let mut write = |texts: [&str; 4], mut held: Held| {
        let texts = texts.map(inert).into_iter();
        let counts = COUNTS.map(|(kind, _)| held.of_kind(kind).to_string());
        writer
            .write_record(texts.chain(counts))
            .map_err(Error::internal)
    };
    for person in &breach.people {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let (number, mail, site) = (
            given(&person.number),
            given(&person.mail),
            given(&person.site),
        );
        write([&number, &person.name, &mail, &site], person.held)?;
    }
    if breach.erased > 0 {
        let erased = format!("erased people: {}", breach.erased);
        write(["", &erased, "", ""], breach.erased_held)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(Error::internal)
}
