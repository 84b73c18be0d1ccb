//! People: the model of a file of commands.

use std::sync::Arc;

use attendance_rules::Member;
use facekit::PersonId;
use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{accounts, audit, audit::Subject, days, sites};
use crate::{
    access::{Actor, EDITORS, READERS, Scope, password::HashedSecret},
    db::Row,
    error::{Error, ErrorKind, Result},
    id::Id,
    paging::{Page, PageRequest},
    patch::Patch,
    store::{Directory, Entry, Transaction},
    text, values,
};

/// A person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Person {
    /// The id.
    pub id: Id,
    /// The staff number, unique in the organisation.
    pub number: String,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// The home site, whose policy applies.
    pub site: Id,
    /// The first day. Earlier sightings are refused.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub joined: Option<Date>,
    /// The last day. Later sightings are refused.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub left: Option<Date>,
    /// The time from which the person cannot punch; none if the person can.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub deactivated: Option<Timestamp>,
    /// The person has a PIN.
    pub has_pin: bool,
    /// The version, which `If-Match` names.
    pub version: i64,
}

/// A new person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The staff number, unique in the organisation; at most 64 characters.
    pub number: String,
    /// The name; at most 200 characters.
    pub name: String,
    /// The mail address.
    #[serde(default)]
    pub mail: Option<String>,
    /// The home site.
    pub site: Id,
    /// The first day.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::Day>")]
    pub joined: Option<Date>,
    /// The last day.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::Day>")]
    pub left: Option<Date>,
}

/// Changes of a person. Absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonChanges {
    /// The staff number.
    pub number: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The mail address; null removes it.
    pub mail: Patch<String>,
    /// The home site.
    pub site: Option<Id>,
    /// The first day; null for no limit.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub joined: Patch<Date>,
    /// The last day; null for no limit.
    #[schemars(with = "Option<crate::schema::Day>")]
    pub left: Patch<Date>,
}

/// A selection of people.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PeopleFilter {
    /// Part of the name or the number, in any case.
    pub search: Option<String>,
    /// The home site.
    pub site: Option<Id>,
    /// Only people who can punch, or only those who cannot; by default all.
    pub active: Option<bool>,
}

/// The sealed fields of a person.
#[derive(Serialize, Deserialize)]
struct Details {
    number: String,
    name: String,
    mail: Option<String>,
}

/// The people of the organisation in memory. It is loaded again when somebody has changed people.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn directory(tx: &mut Transaction, org: Id) -> Result<Arc<Directory>> {
    let row = tx
        .row(
            "SELECT people_version FROM organisation WHERE id = $1",
            values![org],
        )
        .await?;
    let version = row
        .ok_or_else(|| Error::not_found("organisation"))?
        .get("people_version")?;
    if let Some(known) = tx.directory(org, version) {
        return Ok(known);
    }
    let rows = tx
        .rows(
            "SELECT id, site, details, joined, left_on, pin_hash, deactivated, closed_through, version FROM person \
             WHERE org = $1 AND erased IS NULL",
            values![org],
        )
        .await?;
    let people: Result<Vec<Option<Entry>>> = rows.iter().map(|row| entry(tx, org, row)).collect();
    let directory = Arc::new(Directory::new(people?.into_iter().flatten().collect()));
    tx.keep_directory(org, version, Arc::clone(&directory));
    Ok(directory)
}

fn entry(tx: &Transaction, org: Id, row: &Row) -> Result<Option<Entry>> {
    let id: Id = row.get("id")?;
    let sealed: Vec<u8> = row.get("details")?;
    let Some(plain) = tx.keys().open(org, id, "person", &sealed)? else {
        return Ok(None);
    };
    let details: Details = serde_json::from_slice(&plain)?;
    Ok(Some(Entry {
        id,
        site: row.get("site")?,
        folded: details.name.to_lowercase(),
        number: details.number,
        name: details.name,
        mail: details.mail,
        joined: row.get("joined")?,
        left: row.get("left_on")?,
        deactivated: row.get("deactivated")?,
        has_pin: row.get::<Option<String>>("pin_hash")?.is_some(),
        closed_through: row.get("closed_through")?,
        version: row.get("version")?,
    }))
}

/// The people whom the actor may see, by name.
///
/// # Errors
///
/// If the limit or the cursor is wrong.
pub async fn list(
    tx: &mut Transaction,
    actor: &Actor,
    filter: &PeopleFilter,
    page: &PageRequest,
) -> Result<Page<Person>> {
    let limit = page.limit()?;
    let after: Option<(String, Id)> = page.position(tx, actor, "people")?;
    let visible = visible_to(tx, actor).await?;
    let is_after = |person: &&Entry| {
        after
            .as_ref()
            .is_none_or(|(name, id)| (&person.folded, person.id) > (name, *id))
    };
    let people = selected(&visible, filter).filter(is_after);
    let people = people.take(limit + 1).map(Person::from).collect();
    Page::of(tx, actor, "people", people, limit, |person: &Person| {
        (person.name.to_lowercase(), person.id)
    })
}

/// The number of people that [`list`] has on all pages together.
///
/// # Errors
///
/// If the database cannot be read.
pub async fn count(tx: &mut Transaction, actor: &Actor, filter: &PeopleFilter) -> Result<usize> {
    let visible = visible_to(tx, actor).await?;
    Ok(selected(&visible, filter).count())
}

/// The people of a selection, by name.
fn selected<'a>(visible: &'a Visible, filter: &PeopleFilter) -> impl Iterator<Item = &'a Entry> {
    let search = filter.search.as_deref().map(str::to_lowercase);
    let (site, active) = (filter.site, filter.active);
    visible.people().filter(move |person| {
        let found = search.as_deref().is_none_or(|text| {
            person.folded.contains(text) || person.number.to_lowercase().contains(text)
        });
        found
            && site.is_none_or(|site| person.site == site)
            && active.is_none_or(|active| person.deactivated.is_none() == active)
    })
}

/// A person whom the actor may see.
///
/// # Errors
///
/// 404 if there is none.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Person> {
    let visible = visible_to(tx, actor).await?;
    visible.require(id).map(Person::from)
}

/// Adds a person.
///
/// # Errors
///
/// 403 for a site that is not the actor's; 404 for a site that is not there; 409 if the number is taken; 422 for a wrong
/// value.
pub async fn create(tx: &mut Transaction, actor: &Actor, input: NewPerson) -> Result<Person> {
    let directory = directory(tx, actor.org).await?;
    if directory.by_number(input.number.trim()).is_some() {
        return Err(number_taken(&input.number));
    }
    sites::get(tx, actor, input.site).await?;
    let id = tx.new_id();
    tx.keys().create(actor.org, &[id]).await?;
    insert(tx, actor, id, &input).await?;
    changed(tx, actor.org).await?;
    get(tx, actor, id).await
}

/// Adds a person whose number is free, whose site is there, and whose key is made. The caller calls [`changed`] after the last one.
pub(super) async fn insert(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    input: &NewPerson,
) -> Result<()> {
    let org = actor.org;
    actor.require_at(input.site, EDITORS)?;
    let details = checked(&input.number, &input.name, input.mail.as_deref())?;
    check_dates(input.joined, input.left)?;
    let sealed = tx
        .keys()
        .seal(org, id, "person", &serde_json::to_vec(&details)?)?;
    let now = tx.now;
    tx.execute(
        "INSERT INTO person (org, id, site, details, joined, left_on, created) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values![org, id, input.site, sealed, input.joined, input.left, now],
    )
    .await?;
    let after = json!({
        "number": details.number, "name": details.name, "mail": details.mail,
        "site": input.site, "joined": input.joined, "left": input.left,
    });
    audit::record(
        tx,
        actor,
        "person_created",
        Subject::Person(id),
        json!({ "after": after }),
    )
    .await?;
    tx.event(org, "person_created", Some(input.site), Some(id), json!({}))
        .await?;
    Ok(())
}

/// Changes a person. `version` is the one that the actor has seen.
///
/// # Errors
///
/// 404, 403, 409 and 422 as [`create`]; 412 if the person was changed meanwhile.
pub async fn update(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    version: Option<i64>,
    changes: PersonChanges,
) -> Result<Person> {
    let before = get(tx, actor, id).await?;
    check_version(version, before.version)?;
    let is_other_time = write(tx, actor, &before, changes).await?;
    changed(tx, actor.org).await?;
    if is_other_time {
        days::evaluate_all(tx, actor.org, id).await?;
    }
    get(tx, actor, id).await
}

/// Writes the changes of a person. The caller calls [`changed`] after the last one, and then evaluates the days if this
/// returns `true`.
pub(super) async fn write(
    tx: &mut Transaction,
    actor: &Actor,
    before: &Person,
    changes: PersonChanges,
) -> Result<bool> {
    let (org, id) = (actor.org, before.id);
    actor.require_at(before.site, EDITORS)?;
    let mut after = before.clone();
    after.number = changes.number.unwrap_or(after.number);
    after.name = changes.name.unwrap_or(after.name);
    after.site = changes.site.unwrap_or(after.site);
    changes.mail.apply(&mut after.mail);
    changes.joined.apply(&mut after.joined);
    changes.left.apply(&mut after.left);
    let directory = directory(tx, org).await?;
    let entry = directory
        .get(id)
        .ok_or_else(|| Error::not_found("person"))?;
    let mut closed_through = entry.closed_through;
    if after.site != before.site {
        sites::get(tx, actor, after.site).await?;
        actor.require_at(after.site, EDITORS)?;
        // The days that are closed at the site before stay as they are.
        closed_through = days::closed_through(tx, org, entry).await?;
    }
    let details = checked(&after.number, &after.name, after.mail.as_deref())?;
    check_dates(after.joined, after.left)?;
    if directory
        .by_number(&details.number)
        .is_some_and(|other| other.id != id)
    {
        return Err(number_taken(&details.number));
    }
    let sealed = tx
        .keys()
        .seal(org, id, "person", &serde_json::to_vec(&details)?)?;
    tx.execute(
        "UPDATE person SET site = $3, details = $4, joined = $5, left_on = $6, closed_through = $7, \
         version = version + 1 WHERE org = $1 AND id = $2",
        values![
            org,
            id,
            after.site,
            sealed,
            after.joined,
            after.left,
            closed_through
        ],
    )
    .await?;
    let is_other_time =
        (before.site, before.joined, before.left) != (after.site, after.joined, after.left);
    let site = after.site;
    let detail = json!({ "before": before, "after": after });
    audit::record(tx, actor, "person_changed", Subject::Person(id), detail).await?;
    tx.event(org, "person_changed", Some(site), Some(id), json!({}))
        .await?;
    Ok(is_other_time)
}

/// Lets a person punch no more, or again. A person who cannot punch cannot sign in, and badges do not work.
///
/// # Errors
///
/// 404 and 403 as [`update`]; 409 if no admin would be left who can sign in.
pub async fn set_active(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    active: bool,
) -> Result<Person> {
    let org = actor.org;
    let before = get(tx, actor, id).await?;
    actor.require_at(before.site, EDITORS)?;
    if before.deactivated.is_none() == active {
        return Ok(before);
    }
    let deactivated = (!active).then_some(tx.now);
    tx.execute(
        "UPDATE person SET deactivated = $3, version = version + 1 WHERE org = $1 AND id = $2",
        values![org, id, deactivated],
    )
    .await?;
    changed(tx, org).await?;
    let account = tx
        .row(
            "SELECT id FROM account WHERE org = $1 AND person = $2",
            values![org, id],
        )
        .await?;
    if !active && account.is_some() {
        accounts::require_admin(tx, org).await?;
    }
    let action = if active {
        "person_activated"
    } else {
        "person_deactivated"
    };
    audit::record(tx, actor, action, Subject::Person(id), json!({})).await?;
    tx.event(org, action, Some(before.site), Some(id), json!({}))
        .await?;
    get(tx, actor, id).await
}

/// Sets the PIN of a person, or removes it. The PIN itself is not kept.
///
/// # Errors
///
/// 404 and 403 as [`update`].
pub async fn set_pin(
    tx: &mut Transaction,
    actor: &Actor,
    id: Id,
    pin: Option<HashedSecret>,
) -> Result<Person> {
    let org = actor.org;
    let person = get(tx, actor, id).await?;
    if actor.person != Some(id) {
        actor.require_at(person.site, EDITORS)?;
    }
    let action = if pin.is_some() {
        "pin_set"
    } else {
        "pin_removed"
    };
    tx.execute(
        "UPDATE person SET pin_hash = $3, version = version + 1 WHERE org = $1 AND id = $2",
        values![org, id, pin.map(HashedSecret::into_text)],
    )
    .await?;
    changed(tx, org).await?;
    audit::record(tx, actor, action, Subject::Person(id), json!({})).await?;
    get(tx, actor, id).await
}

/// Removes the details of a person who is erased. The row stays for the punches that have its id.
pub(super) async fn erase(tx: &mut Transaction, org: Id, id: Id) -> Result<()> {
    let now = tx.now;
    tx.execute(
        "UPDATE person SET details = $3, joined = NULL, left_on = NULL, pin_hash = NULL, erased = $4, \
         deactivated = COALESCE(deactivated, $4), version = version + 1 WHERE org = $1 AND id = $2",
        values![org, id, Vec::new(), now],
    )
    .await?;
    changed(tx, org).await
}

/// The hash of a person's PIN.
pub(super) async fn pin_hash(tx: &mut Transaction, org: Id, id: Id) -> Result<Option<String>> {
    let row = tx
        .row(
            "SELECT pin_hash FROM person WHERE org = $1 AND id = $2",
            values![org, id],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get("pin_hash"))
}

/// The rules' member of a person.
pub(super) fn member(person: &Entry) -> Result<Member> {
    let mut member = Member::new(person_id(person.id)?);
    member.joined = person.joined;
    member.left = person.left;
    Ok(member)
}

/// The id of a person as the rules have it.
pub(super) fn person_id(id: Id) -> Result<PersonId> {
    Ok(PersonId::new(id.to_string())?)
}

/// The index in memory is outdated.
pub(super) async fn changed(tx: &mut Transaction, org: Id) -> Result<()> {
    tx.forget_directory();
    tx.execute(
        "UPDATE organisation SET people_version = people_version + 1 WHERE id = $1",
        values![org],
    )
    .await?;
    Ok(())
}

/// The people whose records an actor may read.
pub(crate) struct Visible {
    directory: Arc<Directory>,
    scope: Scope,
}

impl Visible {
    /// A person, if the actor may see the person.
    pub(crate) fn get(&self, id: Id) -> Option<&Entry> {
        let entry = self.directory.get(id)?;
        self.scope.has_person(id, entry.site).then_some(entry)
    }

    /// A person. It is an error (404) if the actor may see no such person.
    pub(super) fn require(&self, id: Id) -> Result<&Entry> {
        self.get(id).ok_or_else(|| Error::not_found("person"))
    }

    /// All of them, by name.
    pub(super) fn people(&self) -> impl Iterator<Item = &Entry> {
        let people = self.directory.people().iter();
        people.filter(|entry| self.scope.has_person(entry.id, entry.site))
    }
}

/// The people whose records an actor may read.
pub(crate) async fn visible_to(tx: &mut Transaction, actor: &Actor) -> Result<Visible> {
    Ok(Visible {
        directory: directory(tx, actor.org).await?,
        scope: actor.scope(READERS),
    })
}

/// Fails if the version that the actor has seen is not the present one.
pub(super) fn check_version(seen: Option<i64>, present: i64) -> Result<()> {
    match seen {
        Some(seen) if seen != present => Err(Error::new(
            ErrorKind::Outdated,
            "outdated",
            "It was changed meanwhile. Read it again, and repeat your change if it is still needed.",
        )),
        _ => Ok(()),
    }
}

fn checked(number: &str, name: &str, mail: Option<&str>) -> Result<Details> {
    let mail = match text::checked_optional("/mail", mail, 254)? {
        Some(mail) => Some(text::checked_mail("/mail", &mail)?),
        None => None,
    };
    Ok(Details {
        number: text::checked("/number", number, 64)?,
        name: text::checked("/name", name, 200)?,
        mail,
    })
}

fn check_dates(joined: Option<Date>, left: Option<Date>) -> Result<()> {
    for (pointer, date) in [("/joined", joined), ("/left", left)] {
        if let Some(date) = date
            && !(1901..=2198).contains(&date.year())
        {
            return Err(Error::invalid(
                pointer,
                "date_out_of_range",
                format!("{date} is not in the years 1901 to 2198."),
            ));
        }
    }
    match (joined, left) {
        (Some(joined), Some(left)) if left < joined => {
            let detail = format!("The last day, {left}, is before the first, {joined}.");
            Err(Error::invalid("/left", "left_before_joined", detail))
        }
        _ => Ok(()),
    }
}

pub(super) fn number_taken(number: &str) -> Error {
    Error::conflict(
        "number_taken",
        format!("Somebody has the number {number:?} already."),
    )
    .at("/number")
}

impl From<&Entry> for Person {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            number: entry.number.clone(),
            name: entry.name.clone(),
            mail: entry.mail.clone(),
            site: entry.site,
            joined: entry.joined,
            left: entry.left,
            deactivated: entry.deactivated,
            has_pin: entry.has_pin,
            version: entry.version,
        }
    }
}
