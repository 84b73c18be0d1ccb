//! The organisation of the demo, made by the commands that pages and API call.

use anyhow::{Context, Result};
use attendance_rules::{Policy, PunchKind, PunchSource, Seconds};
use attendance_server::{
    access::{Actor, Grant, Role},
    commands::{
        accounts::{self, NewAccount},
        consents::{self, NewConsent},
        corrections::{self, NewChange, NewCorrection},
        days,
        devices::{self, NewDevice},
        enrolments::{self, SealedPhotos},
        organisations,
        people::{self, NewPerson},
        policies::{self, NewPolicy},
        sightings::{self, Seen},
        sites::{self, NewSite},
        tokens::{self, TokenKind},
    },
    id::Id,
    presets,
    store::{Store, Transaction},
};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{
    pictures::{Photos, Pictures},
    plan::{self, Act, Habit, Step},
};

/// The people who have not come yet today, by position: the first ones that the tablet sees.
const COME_LATER: std::ops::Range<usize> = 1..4;

/// The person whose account the visitor has, by position.
const VISITOR: usize = 7;

/// The organisation of the demo.
#[derive(Debug)]
pub(super) struct Office {
    /// The id.
    pub(super) org: Id,
    /// The account of the visitor, an admin.
    pub(super) account: Id,
    /// The token of the camera that plays the frames.
    pub(super) camera: String,
    /// The token of the tablet at the door.
    pub(super) tablet: String,
}

/// A person of the history.
struct Worker {
    id: Id,
    habit: Habit,
    /// The device that sees the person.
    device: Actor,
}

/// Makes the organisation with four weeks of punches. The photos wait to be analysed.
///
/// The time of the transaction is set to that of each step, so that rows, days and audit have the times of their story.
pub(super) async fn make(store: &Store, pictures: &Pictures, zone: &TimeZone) -> Result<Office> {
    let name = zone.iana_name().context("the time zone has no name")?;
    let mut tx = store.write().await?;
    let now = tx.now;
    let first = now
        .to_zoned_datetime(zone.clone())
        .date()
        .checked_sub(jiff::Span::new().days(plan::DAYS))?;
    tx.now = first
        .at(8, 0, 0, 0)
        .to_zoned_datetime(zone.clone())?
        .timestamp();
    let org = organisations::create(&mut tx, "Nordlicht Works").await?;
    let operator = Actor::operator(org);
    let office = site(
        &mut tx,
        &operator,
        "Main office",
        name,
        "nine-to-five",
        first,
    )
    .await?;
    let gate = site(&mut tx, &operator, "Gatehouse", name, "nights", first).await?;
    let camera = device(&mut tx, &operator, office, "Demo camera", "Entrance hall").await?;
    let tablet = device(&mut tx, &operator, office, "Front door", "Tablet").await?;
    let gate_device = device(&mut tx, &operator, gate, "Gate", "Terminal").await?;
    let by_tablet = actor(&mut tx, &tablet).await?;
    let by_gate = actor(&mut tx, &gate_device).await?;

    let mut workers = Vec::new();
    let last = pictures.people.len() - 1;
    for (position, photos) in pictures.people.iter().enumerate() {
        let (home, habit, device) = match position {
            // The last one guards the house at night, and is in no frame.
            _ if position == last => (gate, Habit::Night, &by_gate),
            _ if COME_LATER.contains(&position) => (office, Habit::ComesLater, &by_tablet),
            _ => (office, Habit::Office, &by_tablet),
        };
        workers.push(Worker {
            id: person(&mut tx, &operator, home, position, photos, first).await?,
            habit,
            device: device.clone(),
        });
    }
    let visitor = VISITOR.min(last);
    let account = NewAccount {
        name: pictures.people[visitor].name.clone(),
        mail: "admin@nordlicht.example".to_owned(),
        person: Some(workers[visitor].id),
        roles: vec![Grant {
            role: Role::Admin,
            site: None,
        }],
    };
    let account = accounts::create(&mut tx, &operator, account).await?.id;

    history(&mut tx, &operator, &workers, zone, now).await?;
    tx.now = now;
    for (worker, photos) in workers.iter().zip(&pictures.people) {
        let sealed = SealedPhotos::new(tx.keys(), org, worker.id, &photos.enrolment)?;
        enrolments::begin(&mut tx, &operator, sealed).await?;
    }
    tx.commit().await?;
    days::catch_up(store, org).await?;
    Ok(Office {
        org,
        account,
        camera,
        tablet,
    })
}

/// A site with a preset, but punches count at each hour, and somebody who stays before a camera after coming in does not go out.
async fn site(
    tx: &mut Transaction,
    operator: &Actor,
    name: &str,
    time_zone: &str,
    preset: &str,
    first: Date,
) -> Result<Id> {
    let new = NewSite {
        name: name.to_owned(),
        time_zone: time_zone.to_owned(),
        preset: preset.to_owned(),
    };
    let site = sites::create(tx, operator, new).await?.id;
    let mut policy = Policy::from_toml(&presets::policy(preset, time_zone)?)?;
    policy.scans.shortest_stay = Seconds(120);
    // People look at the demo at each hour, so the shift takes the punches of the whole day.
    for shift in policy.shifts.iter_mut().filter(|shift| !shift.overnight) {
        let minutes = |time: Time| 60 * i64::from(time.hour()) + i64::from(time.minute());
        shift.margin_before = Seconds(60 * (minutes(shift.start) - 1));
        shift.margin_after = Seconds(60 * (24 * 60 - minutes(shift.end) - 1));
    }
    // Nobody works at weekends in the demo.
    policy.site.working_days = Policy::default().site.working_days;
    let new = NewPolicy {
        applies_from: first,
        toml: Some(policy.to_toml()?),
        policy: None,
    };
    policies::apply(tx, operator, site, &new).await?;
    Ok(site)
}

/// A device, as its token.
async fn device(
    tx: &mut Transaction,
    operator: &Actor,
    site: Id,
    name: &str,
    place: &str,
) -> Result<String> {
    let new = NewDevice {
        site,
        name: name.to_owned(),
        place: Some(place.to_owned()),
    };
    Ok(devices::create(tx, operator, new).await?.token.token)
}

/// The device of a token, as an actor.
pub(super) async fn actor(tx: &mut Transaction, token: &str) -> Result<Actor> {
    let recognized = tokens::recognize(tx, token, TokenKind::Device).await?;
    Ok(recognized.context("the device was withdrawn")?.actor)
}

/// A person who has consented.
async fn person(
    tx: &mut Transaction,
    operator: &Actor,
    site: Id,
    position: usize,
    photos: &Photos,
    joined: Date,
) -> Result<Id> {
    let new = NewPerson {
        number: (1001 + position).to_string(),
        name: photos.name.clone(),
        mail: None,
        site,
        joined: Some(joined),
        left: None,
    };
    let person = people::create(tx, operator, new).await?.id;
    let consent = NewConsent {
        text_version: consents::TEXT_VERSION.to_owned(),
        language: "en".to_owned(),
        keeps_crops: false,
    };
    consents::give(tx, operator, person, &consent).await?;
    Ok(person)
}

/// Records the plan up to now.
async fn history(
    tx: &mut Transaction,
    operator: &Actor,
    workers: &[Worker],
    zone: &TimeZone,
    now: Timestamp,
) -> Result<()> {
    let habits: Vec<Habit> = workers.iter().map(|worker| worker.habit).collect();
    for (sequence, step) in (0_i64..).zip(plan::plan(&habits, zone, now)) {
        let Step { at, person, act } = step;
        let worker = &workers[person];
        tx.now = at;
        match act {
            Act::Seen => {
                let seen = Seen {
                    person: worker.id,
                    boot: "history".to_owned(),
                    sequence,
                    at,
                    sent: at,
                    source: PunchSource::Face,
                    score: None,
                    liveness: None,
                };
                sightings::record(tx, &worker.device, seen).await?;
            }
            Act::AddOut { at, reason } => {
                let correction = NewCorrection {
                    person: worker.id,
                    reason: reason.to_owned(),
                    change: NewChange::Add {
                        at,
                        direction: PunchKind::Out,
                    },
                };
                corrections::make(tx, operator, correction).await?;
            }
        }
    }
    Ok(())
}
