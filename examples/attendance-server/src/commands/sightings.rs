//! Sightings of people by devices. A sighting becomes a punch if the rules accept it.
//!
//! Everything is one transaction: the sighting, the punch, the days, the event. A device that got no answer
//! sends the sighting again, and gets the first answer.

use attendance_rules::{PunchKind, PunchSource, PunchVerdict};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{audit, audit::Subject, consents, days, devices, people, sites, tokens};
use crate::{
    access::{Actor, Principal, limits::Limits, password},
    db::Row,
    error::{Error, ErrorKind, Result},
    id::Id,
    paging::{Page, PageRequest},
    store::{Store, Transaction},
    text, values,
};

/// The clock of a device may differ by this much from that of the server.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(120);

/// A device may keep sightings for this long while it has no connection.
pub const LONGEST_OFFLINE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A sighting by a code.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSighting {
    /// The start of the device's program: any text of 1 to 64 characters that is another one after each start.
    pub boot: String,
    /// The number of the sighting since that start.
    #[schemars(range(min = 0))]
    pub sequence: i64,
    /// The time of the sighting, by the device's clock.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The time of the sending, by the device's clock. A sighting of a device whose clock is off by more than two minutes
    /// is refused.
    #[schemars(with = "crate::schema::Time")]
    pub sent: Timestamp,
    /// The way of identification.
    pub identification: Identification,
}

/// An identification without a face.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Identification {
    /// By staff number and PIN.
    Pin {
        /// The staff number.
        number: String,
        /// The PIN.
        pin: String,
    },
    /// By the QR code of a badge.
    Badge {
        /// The secret of the badge.
        code: String,
    },
}

impl std::fmt::Debug for NewSighting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSighting")
            .field("boot", &self.boot)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Identification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pin { .. } => "Pin",
            Self::Badge { .. } => "Badge",
        })
    }
}

/// A person whom a device saw, however the person was identified.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The person.
    pub person: Id,
    /// The start of the device's program.
    pub boot: String,
    /// The number of the sighting since that start.
    pub sequence: i64,
    /// The time, by the device's clock.
    pub at: Timestamp,
    /// The time of the sending, by the device's clock.
    pub sent: Timestamp,
    /// The way of identification.
    pub source: PunchSource,
    /// The similarity of the face.
    pub score: Option<f32>,
    /// The liveness score of the face.
    pub liveness: Option<f32>,
}

/// The outcome of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is a punch.
    Accepted,
    /// It repeats a punch, and does not count.
    Duplicate,
    /// It does not count.
    Refused,
}

/// The answer to a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The sighting.
    pub sighting: Id,
    /// The outcome.
    pub outcome: Outcome,
    /// In or out, of an accepted one.
    pub direction: Option<PunchKind>,
    /// The time that counts.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The person.
    pub person: Option<Id>,
    /// The name of the person, for two seconds on a screen.
    pub name: Option<String>,
    /// The punch, of an accepted one or one that the policy refuses.
    pub punch: Option<Id>,
    /// The seconds until a punch would count, of a duplicate.
    pub seconds_left: Option<i64>,
    /// The reason of a refusal, as a stable code.
    pub code: Option<String>,
    /// The reason of a refusal, for people.
    pub reason: Option<String>,
}

/// Identifies the person of a sighting.
///
/// It has the store and no transaction, because checking a PIN takes long and failures are counted.
///
/// # Errors
///
/// 422 if number and PIN do not belong together, or nobody has the badge; 429 after many failures in a minute.
pub async fn identify(
    store: &Store,
    limits: &Limits,
    actor: &Actor,
    by: Identification,
) -> Result<Id> {
    let mut tx = store.read().await?;
    let now = tx.now;
    let device = device_of(actor)?.to_string();
    limits.device_codes.take(&device, now)?;
    let identified = match by {
        Identification::Badge { code } => tokens::badge_owner(&mut tx, actor.org, &code)
            .await?
            .ok_or_else(|| {
                let detail = "Nobody has this badge.";
                Error::invalid("/identification/code", "wrong_badge", detail)
            }),
        Identification::Pin { number, pin } => {
            by_pin(store, tx, limits, actor, number.trim(), pin).await
        }
    };
    // Only wrong PINs and badges count.
    let is_wrong = identified
        .as_ref()
        .is_err_and(|error| error.kind == ErrorKind::Invalid);
    if !is_wrong {
        limits.device_codes.give_back(&device, now);
    }
    identified
}

async fn by_pin(
    store: &Store,
    mut tx: Transaction,
    limits: &Limits,
    actor: &Actor,
    number: &str,
    pin: String,
) -> Result<Id> {
    let now = tx.now;
    let key = format!("{} {number}", actor.org);
    let is_last = limits.pins.take(&key, now)?;
    let directory = people::directory(&mut tx, actor.org).await?;
    let person = directory.by_number(number).map(|entry| entry.id);
    let hash = match person {
        Some(person) => people::pin_hash(&mut tx, actor.org, person).await?,
        None => None,
    };
    drop(tx);
    let is_right = password::verify_aside(pin, hash).await;
    // A PIN that was not checked is no failure.
    let is_right = is_right.inspect_err(|_| limits.pins.give_back(&key, now))?;
    if let (true, Some(person)) = (is_right, person) {
        limits.pins.forget(&key);
        return Ok(person);
    }
    if is_last {
        let subject = person.map_or(Subject::Organisation, Subject::Person);
        let mut tx = store.write().await?;
        audit::record(&mut tx, actor, "pin_limited", subject, json!({})).await?;
        tx.commit().await?;
    }
    let detail = "Number and PIN do not belong together.";
    Err(Error::invalid("/identification/pin", "wrong_pin", detail))
}

fn device_of(actor: &Actor) -> Result<Id> {
    match actor.principal {
        Principal::Device(device) => Ok(device),
        _ => Err(Error::forbidden()),
    }
}

/// The answer to a sighting that was recorded before; none if it was not.
///
/// # Errors
///
/// 403 unless the actor is a device; 422 for a wrong `boot`.
pub async fn answered(
    tx: &mut Transaction,
    actor: &Actor,
    boot: &str,
    sequence: i64,
) -> Result<Option<Answer>> {
    let device = device_of(actor)?;
    let boot = text::checked("/boot", boot, 64)?;
    let row = tx
        .row(
            "SELECT id, answer FROM sighting WHERE org = $1 AND device = $2 AND boot = $3 AND sequence = $4",
            values![actor.org, device, boot, sequence],
        )
        .await?;
    match row {
        Some(row) => named(tx, actor.org, row.json("answer")?).await.map(Some),
        None => Ok(None),
    }
}

/// Records a sighting of a person, and a punch if the rules accept it.
///
/// # Errors
///
/// 403 unless the actor is a device; 404 if there is no such person, or the person of a face has not consented; 422 if the device's clock is off, or the sighting is too old.
pub async fn record(tx: &mut Transaction, actor: &Actor, seen: Seen) -> Result<Answer> {
    let (org, device) = (actor.org, device_of(actor)?);
    let boot = text::checked("/boot", &seen.boot, 64)?;
    if let Some(answer) = answered(tx, actor, &boot, seen.sequence).await? {
        return Ok(answer);
    }
    if seen.sequence < 0 {
        return Err(Error::invalid(
            "/sequence",
            "negative",
            "sequence is negative.",
        ));
    }
    check_clock(tx.now, &seen)?;
    devices::seen(tx, org, device).await?;
    let at = seen.at.min(tx.now);
    let directory = people::directory(tx, org).await?;
    let entry = directory
        .get(seen.person)
        .ok_or_else(|| Error::not_found("person"))?;
    // The consent may have been withdrawn since recognition found the face. Nobody is named then.
    if seen.source == PunchSource::Face && !consents::is_given(tx, org, seen.person).await? {
        return Err(Error::not_found("person"));
    }
    let (id, punch) = (tx.new_id(), tx.new_id());
    let mut answer = Answer {
        sighting: id,
        outcome: Outcome::Refused,
        direction: None,
        at,
        person: Some(seen.person),
        name: None,
        punch: None,
        seconds_left: None,
        code: None,
        reason: None,
    };
    let timeline = sites::timeline(tx, org, entry.site).await?;
    let date = timeline.date(at);
    let closed = days::closed_through(tx, org, entry).await?;
    if entry.deactivated.is_some() {
        answer.refuse("deactivated", "The person cannot punch.");
    } else if closed.is_some_and(|through| date <= through) {
        answer.refuse("period_closed", "The day is in a closed period.");
    } else {
        let now = tx.now;
        tx.execute(
            "INSERT INTO punch (org, id, person, at, kind, source, device, sighting, liveness, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                org,
                punch,
                seen.person,
                at,
                days::word_of(&PunchKind::Undetermined)?,
                days::word_of(&seen.source)?,
                device,
                id,
                seen.liveness.map(f64::from),
                now
            ],
        )
        .await?;
        let evaluation = days::evaluate_from(tx, org, seen.person, date).await?;
        let name = punch.to_string();
        let outcome = evaluation
            .outcomes
            .iter()
            .find(|outcome| outcome.punch.as_str() == name);
        match outcome.map(|outcome| &outcome.outcome) {
            Some(PunchVerdict::Assigned { direction, .. }) => {
                answer.outcome = Outcome::Accepted;
                answer.direction = Some(PunchKind::from(*direction));
                answer.punch = Some(punch);
            }
            Some(PunchVerdict::Suppressed { seconds_left }) => {
                answer.outcome = Outcome::Duplicate;
                answer.seconds_left = Some(*seconds_left);
                tx.execute(
                    "DELETE FROM punch WHERE org = $1 AND id = $2",
                    values![org, punch],
                )
                .await?;
                days::evaluate_from(tx, org, seen.person, date).await?;
            }
            Some(PunchVerdict::Unassigned { code, reason }) => {
                answer.refuse(code, reason);
                // Policies change, so that the punch may count one day.
                answer.punch = Some(punch);
            }
            _ => return Err(Error::internal("the rules have no outcome of a punch")),
        }
    }
    let now = tx.now;
    tx.execute(
        "INSERT INTO sighting (org, id, device, boot, sequence, at, received, person, source, score, liveness, answer) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values![
            org,
            id,
            device,
            boot,
            seen.sequence,
            seen.at,
            now,
            seen.person,
            days::word_of(&seen.source)?,
            seen.score.map(f64::from),
            seen.liveness.map(f64::from),
            serde_json::to_string(&answer)?
        ],
    )
    .await?;
    let kind = match answer.outcome {
        Outcome::Accepted => "punch_recorded",
        Outcome::Duplicate => "sighting_repeated",
        Outcome::Refused => "sighting_refused",
    };
    let data = json!({
        "sighting": id, "device": device, "punch": answer.punch, "direction": answer.direction,
        "at": at, "code": answer.code,
    });
    tx.event(org, kind, Some(entry.site), Some(seen.person), data)
        .await?;
    named(tx, org, answer).await
}

impl Answer {
    fn refuse(&mut self, code: &str, reason: &str) {
        self.outcome = Outcome::Refused;
        self.code = Some(code.to_owned());
        self.reason = Some(reason.to_owned());
    }
}

/// The answer with the name of the person, which is not kept with it.
async fn named(tx: &mut Transaction, org: Id, mut answer: Answer) -> Result<Answer> {
    if let Some(person) = answer.person {
        let directory = people::directory(tx, org).await?;
        answer.name = directory.get(person).map(|entry| entry.name.clone());
    }
    Ok(answer)
}

fn check_clock(now: Timestamp, seen: &Seen) -> Result<()> {
    let difference = now.duration_since(seen.sent).abs();
    if difference > CLOCK_TOLERANCE {
        let seconds = difference.as_secs();
        let detail = format!("The clock of the device is off by {seconds} s. Set it.");
        return Err(Error::invalid("/sent", "clock_off", detail));
    }
    if seen.at > seen.sent {
        return Err(Error::invalid(
            "/at",
            "after_sending",
            "at is later than sent.",
        ));
    }
    if seen.sent.duration_since(seen.at) > LONGEST_OFFLINE {
        let detail = "The sighting is older than 7 days. Correct the day by hand.";
        return Err(Error::invalid("/at", "too_old", detail));
    }
    Ok(())
}

/// A sighting, for those who review.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sighting {
    /// The id.
    pub id: Id,
    /// The device.
    pub device: Id,
    /// The time, by the device's clock.
    #[schemars(with = "crate::schema::Time")]
    pub at: Timestamp,
    /// The time at which the server got it.
    #[schemars(with = "crate::schema::Time")]
    pub received: Timestamp,
    /// The person; none if nobody was recognized.
    pub person: Option<Id>,
    /// The way of identification: `face` or `code`.
    pub source: String,
    /// The liveness score of the face, 0 to 1.
    pub liveness: Option<f64>,
    /// The answer to the device.
    pub answer: Answer,
}

/// A selection of sightings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct SightingFilter {
    /// One device only.
    pub device: Option<Id>,
    /// One person only.
    pub person: Option<Id>,
    /// Only those with this outcome.
    pub outcome: Option<Outcome>,
}

/// Sightings, the newest first.
///
/// # Errors
///
/// If the limit or the cursor is wrong.
pub async fn list(
    tx: &mut Transaction,
    actor: &Actor,
    filter: &SightingFilter,
    page: &PageRequest,
) -> Result<Page<Sighting>> {
    let limit = page.limit()?;
    let mut before: Id = match page.position(tx, actor, "sightings")? {
        Some(before) => before,
        None => Id::from_bytes(&[0xff; 16]).ok_or_else(|| Error::internal("an id has 16 bytes"))?,
    };
    let visible = Visible::to(tx, actor).await?;
    let mut sightings = Vec::new();
    loop {
        let rows = tx
            .rows(
                "SELECT id, device, at, received, person, source, liveness, answer FROM sighting \
                 WHERE org = $1 AND id < $2 AND ($3 IS NULL OR device = $3) AND ($4 IS NULL OR person = $4) \
                 ORDER BY id DESC LIMIT 500",
                values![actor.org, before, filter.device, filter.person],
            )
            .await?;
        for row in &rows {
            let sighting = read(row)?;
            before = sighting.id;
            if visible.has(&sighting)
                && filter
                    .outcome
                    .is_none_or(|outcome| sighting.answer.outcome == outcome)
            {
                sightings.push(sighting);
            }
            if sightings.len() > limit {
                break;
            }
        }
        if sightings.len() > limit || rows.len() < 500 {
            break;
        }
    }
    Page::of(
        tx,
        actor,
        "sightings",
        sightings,
        limit,
        |sighting: &Sighting| sighting.id,
    )
}

/// A sighting.
///
/// # Errors
///
/// 404 if the actor may see no such sighting.
pub async fn get(tx: &mut Transaction, actor: &Actor, id: Id) -> Result<Sighting> {
    let row = tx
        .row(
            "SELECT id, device, at, received, person, source, liveness, answer FROM sighting WHERE org = $1 AND id = $2",
            values![actor.org, id],
        )
        .await?
        .ok_or_else(|| Error::not_found("sighting"))?;
    let sighting = Some(read(&row)?);
    let visible = Visible::to(tx, actor).await?;
    sighting
        .filter(|sighting| visible.has(sighting))
        .ok_or_else(|| Error::not_found("sighting"))
}

/// The sightings that an actor may see: those by devices of the actor's sites, and those of the actor's people.
struct Visible {
    devices: Vec<Id>,
    people: people::Visible,
}

impl Visible {
    async fn to(tx: &mut Transaction, actor: &Actor) -> Result<Self> {
        let devices = devices::list(tx, actor).await?;
        Ok(Self {
            devices: devices.into_iter().map(|device| device.id).collect(),
            people: people::visible_to(tx, actor).await?,
        })
    }

    fn has(&self, sighting: &Sighting) -> bool {
        let of_person = || sighting.person.and_then(|person| self.people.get(person));
        self.devices.contains(&sighting.device) || of_person().is_some()
    }
}

fn read(row: &Row) -> Result<Sighting> {
    Ok(Sighting {
        id: row.get("id")?,
        device: row.get("device")?,
        at: row.get("at")?,
        received: row.get("received")?,
        person: row.get("person")?,
        source: row.get("source")?,
        liveness: row.get("liveness")?,
        answer: row.json("answer")?,
    })
}
