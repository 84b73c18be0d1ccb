//! Days: evaluated from punches, corrections and policies, and kept to be listed.
//!
//! A day can depend on its whole month (hours of a month), on its whole week (overtime), and on the day before (nights). So
//! an evaluation covers whole months, reads the punches from eight days before, and writes the days that differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use attendance_rules::{
    Change, Correction, DayRecord, Ledger, Period, Punch, PunchId, PunchKind, PunchOutcome,
    PunchSource, PunchVerdict, Rules,
};
use jiff::{SignedDuration, Span, Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned, IntoDeserializer},
};

use super::{
    people,
    sites::{self, Timeline},
};
use crate::{
    access::Actor,
    db::Row,
    error::{Error, Result},
    id::Id,
    paging::{Page, PageRequest},
    store::{Entry, Store, Transaction},
    values,
};

/// The punches before a period that its days can depend on: those of a week, and those of the night before.
const BEFORE: SignedDuration = SignedDuration::from_hours(9 * 24);

/// The longest part that is evaluated at once, in days. The rules refuse more than ten years.
const LONGEST_PART: i64 = 3000;

/// A day that an evaluation changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DayChange {
    /// The date.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The record before; null if there was none.
    pub before: serde_json::Value,
    /// The record now; null if there is none.
    pub after: serde_json::Value,
    /// The day is in a closed period: the record before stays.
    pub is_closed: bool,
}

impl DayChange {
    /// `true` if the record differs, and not only the policy that made it.
    pub(super) fn is_visible(&self) -> bool {
        self.before != self.after
    }
}

/// The evaluation of a person.
#[derive(Debug, Default)]
pub(super) struct Evaluation {
    /// The days that differ from those kept before.
    pub(super) changes: Vec<DayChange>,
    /// The outcomes of the punches by the policies of their days.
    pub(super) outcomes: Vec<PunchOutcome>,
}

/// Evaluates all days of a person again, and keeps them.
///
/// # Errors
///
/// If the database cannot be written, or the rules refuse its rows.
pub(super) async fn evaluate_all(tx: &mut Transaction, org: Id, person: Id) -> Result<Evaluation> {
    evaluate_from(tx, org, person, Date::MIN).await
}

/// Evaluates the days of a person from a day on, and from the last evaluation on, as of now; and keeps them.
pub(super) async fn evaluate_from(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    from: Date,
) -> Result<Evaluation> {
    let now = tx.now;
    let directory = people::directory(tx, org).await?;
    let Some(entry) = directory.get(person) else {
        return Ok(Evaluation::default());
    };
    let timeline = sites::timeline(tx, org, entry.site).await?;
    let from = match evaluated_at(tx, org, person).await? {
        Some(at) => from.min(timeline.date(at)),
        None => Date::MIN,
    };
    let subject = Subject::load(tx, org, entry, timeline, from, now).await?;
    let evaluated = subject.evaluate(now)?;
    let evaluation = Evaluation {
        changes: subject.changes(tx, org, entry, &evaluated).await?,
        outcomes: evaluated.outcomes,
    };
    for change in evaluation.changes.iter().filter(|change| !change.is_closed) {
        keep(tx, org, person, change.date, &evaluated.days).await?;
    }
    tx.execute(
        "UPDATE person SET evaluated_at = $3 WHERE org = $1 AND id = $2",
        values![org, person, now],
    )
    .await?;
    Ok(evaluation)
}

/// The days of a person that differ from a whole evaluation as of the last one.
pub(super) async fn check(tx: &mut Transaction, org: Id, person: Id) -> Result<Vec<DayChange>> {
    let directory = people::directory(tx, org).await?;
    let (Some(entry), Some(at)) = (directory.get(person), evaluated_at(tx, org, person).await?)
    else {
        return Ok(Vec::new());
    };
    let timeline = sites::timeline(tx, org, entry.site).await?;
    let subject = Subject::load(tx, org, entry, timeline, Date::MIN, at).await?;
    let evaluated = subject.evaluate(at)?;
    subject.changes(tx, org, entry, &evaluated).await
}

/// A person with everything that the days depend on.
pub(super) struct Subject {
    person: facekit::PersonId,
    rules: Vec<(Date, Date, Id, Arc<Rules>)>,
    pub(super) punches: Vec<Punch>,
    pub(super) corrections: Vec<Correction>,
    /// The first day of the person.
    first: Date,
    /// The first day that is evaluated.
    start: Date,
    /// The last day that is evaluated: a punch of today can belong to a shift of tomorrow.
    end: Date,
}

/// The result of an evaluation.
pub(super) struct Evaluated {
    days: BTreeMap<Date, (DayRecord, Id)>,
    pub(super) outcomes: Vec<PunchOutcome>,
}

impl Subject {
    pub(super) async fn load(
        tx: &mut Transaction,
        org: Id,
        entry: &Entry,
        timeline: Timeline,
        from: Date,
        now: Timestamp,
    ) -> Result<Self> {
        let person = people::person_id(entry.id)?;
        let first = first_date(tx, org, entry, &timeline).await?;
        let today = timeline.date(now);
        let end = today.tomorrow().unwrap_or(today);
        let start = window_start(from, first).min(end);
        let since = start
            .at(0, 0, 0, 0)
            .to_zoned_datetime(TimeZone::UTC)
            .map_err(Error::internal)?
            .timestamp();
        let since = since.saturating_sub(BEFORE).unwrap_or(since);
        let corrections = corrections(tx, org, entry.id).await?;
        let mut punches = punches(tx, org, entry.id, &person, since).await?;
        add_targets(tx, org, &person, &corrections, &mut punches).await?;
        let member = people::member(entry)?;
        let mut rules = Vec::new();
        for (start, end, applied) in timeline.parts(start, end) {
            let with_member = Rules::clone(&applied.rules).with_members([member.clone()])?;
            let with_member = Arc::new(with_member);
            let mut start = start;
            while start <= end {
                let until = start
                    .saturating_add(Span::new().days(LONGEST_PART))
                    .min(end);
                rules.push((start, until, applied.version, Arc::clone(&with_member)));
                start = until.tomorrow().unwrap_or(Date::MAX);
            }
        }
        Ok(Self {
            person,
            rules,
            punches,
            corrections,
            first,
            start,
            end,
        })
    }

    pub(super) fn evaluate(&self, now: Timestamp) -> Result<Evaluated> {
        let mut days = BTreeMap::new();
        let mut outcomes: BTreeMap<(Timestamp, PunchId), PunchOutcome> = BTreeMap::new();
        for (start, end, version, rules) in &self.rules {
            let ledger = self.ledger(rules, Period::new(*start, *end)?, now)?;
            // Of several policies, the one of the punch's own day says what became of it; later parts come later.
            let zone = TimeZone::get(&rules.policy().site.time_zone).map_err(Error::internal)?;
            for outcome in ledger.outcomes {
                let key = (outcome.at, outcome.punch.clone());
                let own_day = outcome.at.to_zoned_datetime(zone.clone()).date();
                if own_day >= *start || !outcomes.contains_key(&key) {
                    outcomes.insert(key, outcome);
                }
            }
            for record in ledger.days {
                days.insert(record.date, (record, *version));
            }
        }
        Ok(Evaluated {
            days,
            outcomes: outcomes.into_values().collect(),
        })
    }

    fn ledger(&self, rules: &Rules, period: Period, now: Timestamp) -> Result<Ledger> {
        Ok(rules.evaluate(&self.person, &self.punches, &self.corrections, period, now)?)
    }

    /// The days that differ from those that are kept. Days before the person's first one are among them.
    pub(super) async fn changes(
        &self,
        tx: &mut Transaction,
        org: Id,
        entry: &Entry,
        evaluated: &Evaluated,
    ) -> Result<Vec<DayChange>> {
        let closed = closed_through(tx, org, entry).await?;
        let start = if self.start == self.first {
            Date::MIN
        } else {
            self.start
        };
        let kept = kept(tx, org, entry.id, start, self.end).await?;
        differences(&kept, &evaluated.days, closed)
    }

    /// The time since which the person is in, by the policy of a day.
    fn inside_since(&self, today: Date, now: Timestamp) -> Result<Option<Timestamp>> {
        let part = self.rules.iter().find(|(_, end, ..)| today <= *end);
        let Some((_, _, _, rules)) = part else {
            return Ok(None);
        };
        let presence = rules.presence(&self.person, &self.punches, &self.corrections, now)?;
        Ok(presence.inside_since)
    }
}

impl Evaluated {
    /// The days that differ from those of another evaluation. Days up to `closed` are in a closed period.
    pub(super) fn differences_to(
        &self,
        before: &Self,
        closed: Option<Date>,
    ) -> Result<Vec<DayChange>> {
        let kept = before.days.iter().map(|(&date, (record, policy))| {
            let kept = Kept {
                record: serde_json::to_string(record)?,
                policy: *policy,
            };
            Ok((date, kept))
        });
        differences(&kept.collect::<Result<_>>()?, &self.days, closed)
    }
}

/// The first day of the month that the day a week before is in, but not before the person's first day.
fn window_start(from: Date, first: Date) -> Date {
    let week_before = from.saturating_sub(Span::new().days(7));
    week_before.first_of_month().max(first)
}

/// The first day of a person: the day of joining; without one, the day of the record or of the first punch.
async fn first_date(
    tx: &mut Transaction,
    org: Id,
    entry: &Entry,
    timeline: &Timeline,
) -> Result<Date> {
    if let Some(joined) = entry.joined {
        return Ok(joined);
    }
    let row = tx
        .row(
            "SELECT created, (SELECT MIN(at) FROM punch WHERE org = $1 AND person = $2) AS punched, \
             (SELECT MIN(first_date) FROM correction WHERE org = $1 AND person = $2) AS corrected \
             FROM person WHERE org = $1 AND id = $2",
            values![org, entry.id],
        )
        .await?
        .ok_or_else(|| Error::not_found("person"))?;
    let mut first = timeline.date(row.get("created")?);
    let punched: Option<Timestamp> = row.get("punched")?;
    if let Some(at) = punched {
        first = first.min(timeline.date(at));
    }
    let corrected: Option<Date> = row.get("corrected")?;
    Ok(corrected.map_or(first, |date| first.min(date)))
}

async fn evaluated_at(tx: &mut Transaction, org: Id, person: Id) -> Result<Option<Timestamp>> {
    let row = tx
        .row(
            "SELECT evaluated_at FROM person WHERE org = $1 AND id = $2",
            values![org, person],
        )
        .await?;
    row.map_or(Ok(None), |row| row.get("evaluated_at"))
}

/// The punches of a person since a time, as the rules have them.
pub(super) async fn punches(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    name: &facekit::PersonId,
    since: Timestamp,
) -> Result<Vec<Punch>> {
    let rows = tx
        .rows(
            "SELECT id, at, kind, source, device, liveness FROM punch \
             WHERE org = $1 AND person = $2 AND at >= $3 ORDER BY at, id",
            values![org, person, since],
        )
        .await?;
    rows.iter().map(|row| punch(name, row)).collect()
}

pub(super) fn punch(person: &facekit::PersonId, row: &Row) -> Result<Punch> {
    let id: Id = row.get("id")?;
    let mut punch = Punch::new(id.to_string(), person.clone(), row.get("at")?)
        .with_kind(word::<PunchKind>(row, "kind")?)
        .with_source(word::<PunchSource>(row, "source")?);
    if let Some(device) = row.get::<Option<Id>>("device")? {
        punch = punch.with_device(device.to_string());
    }
    if let Some(liveness) = row.get::<Option<f64>>("liveness")? {
        punch = punch.with_liveness(liveness as f32);
    }
    Ok(punch)
}

/// A value of an enumeration of the rules, which is kept as its word.
fn word<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    let word: de::value::StrDeserializer<'_, serde_json::Error> =
        row.text(column)?.into_deserializer();
    Ok(T::deserialize(word)?)
}

/// The word of a value of an enumeration of the rules.
pub(super) fn word_of(value: &impl Serialize) -> Result<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(Error::internal(format!("{other} is not a word"))),
    }
}

/// The corrections of a person, as the rules have them. Reasons are left out, since the rules do not use them.
pub(super) async fn corrections(
    tx: &mut Transaction,
    org: Id,
    person: Id,
) -> Result<Vec<Correction>> {
    let rows = tx
        .rows(
            "SELECT id, made, made_by, change FROM correction WHERE org = $1 AND person = $2 ORDER BY made, id",
            values![org, person],
        )
        .await?;
    let correction = |row: &Row| {
        let id: Id = row.get("id")?;
        let by: String = row.get("made_by")?;
        Ok(Correction::new(
            id.to_string(),
            row.get("made")?,
            by,
            "",
            row.json("change")?,
        ))
    };
    rows.iter().map(correction).collect()
}

/// Adds the punches that corrections name, if they are older than the others: the rules refuse corrections of unknown
/// punches.
pub(super) async fn add_targets(
    tx: &mut Transaction,
    org: Id,
    person: &facekit::PersonId,
    corrections: &[Correction],
    punches: &mut Vec<Punch>,
) -> Result<()> {
    for correction in corrections {
        let (Change::Replace { punch: target, .. } | Change::Void { punch: target }) =
            &correction.change
        else {
            continue;
        };
        if punches.iter().any(|punch| punch.id == *target) {
            continue;
        }
        let Ok(id) = target.as_str().parse::<Id>() else {
            continue;
        };
        // A punch that another correction added has no row.
        let row = tx
            .row(
                "SELECT id, at, kind, source, device, liveness FROM punch WHERE org = $1 AND id = $2",
                values![org, id],
            )
            .await?;
        if let Some(row) = row {
            punches.push(punch(person, &row)?);
        }
    }
    Ok(())
}

/// A day as it is kept.
struct Kept {
    record: String,
    policy: Id,
}

async fn kept(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    from: Date,
    to: Date,
) -> Result<BTreeMap<Date, Kept>> {
    let rows = tx
        .rows(
            "SELECT date, record, policy FROM day WHERE org = $1 AND person = $2 AND date >= $3 AND date <= $4",
            values![org, person, from, to],
        )
        .await?;
    let kept = |row: &Row| {
        let kept = Kept {
            record: row.get("record")?,
            policy: row.get("policy")?,
        };
        Ok((row.get("date")?, kept))
    };
    rows.iter().map(kept).collect()
}

/// The days that differ. Days up to `closed` are in a closed period.
fn differences(
    kept: &BTreeMap<Date, Kept>,
    evaluated: &BTreeMap<Date, (DayRecord, Id)>,
    closed: Option<Date>,
) -> Result<Vec<DayChange>> {
    let dates: BTreeSet<Date> = kept.keys().chain(evaluated.keys()).copied().collect();
    let mut changes = Vec::new();
    for date in dates {
        let (before, after) = (kept.get(&date), evaluated.get(&date));
        if let (Some(before), Some((record, policy))) = (before, after)
            && before.record == serde_json::to_string(record)?
            && before.policy == *policy
        {
            continue;
        }
        let before = before
            .map(|before| serde_json::from_str(&before.record))
            .transpose()?;
        let after = after
            .map(|after| serde_json::to_value(&after.0))
            .transpose()?;
        changes.push(DayChange {
            date,
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
            is_closed: closed.is_some_and(|through| date <= through),
        });
    }
    Ok(changes)
}

async fn keep(
    tx: &mut Transaction,
    org: Id,
    person: Id,
    date: Date,
    evaluated: &BTreeMap<Date, (DayRecord, Id)>,
) -> Result<()> {
    let Some((record, policy)) = evaluated.get(&date) else {
        tx.execute(
            "DELETE FROM day WHERE org = $1 AND person = $2 AND date = $3",
            values![org, person, date],
        )
        .await?;
        return Ok(());
    };
    tx.execute(
        "INSERT INTO day (org, person, date, status, is_final, record, policy, rules) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (org, person, date) DO UPDATE SET status = excluded.status, is_final = excluded.is_final, \
         record = excluded.record, policy = excluded.policy, rules = excluded.rules",
        values![
            org,
            person,
            date,
            word_of(&record.status)?,
            record.is_final,
            serde_json::to_string(record)?,
            *policy,
            crate::RULES_VERSION
        ],
    )
    .await?;
    Ok(())
}

/// The last day of a site that is closed.
pub(super) async fn locked_through(
    tx: &mut Transaction,
    org: Id,
    site: Id,
) -> Result<Option<Date>> {
    let row = tx
        .row(
            "SELECT through FROM period_lock WHERE org = $1 AND site = $2",
            values![org, site],
        )
        .await?;
    row.map(|row| row.get("through")).transpose()
}

/// The last day of a person that is closed: at the person's site, or at an earlier one when the person left it.
pub(super) async fn closed_through(
    tx: &mut Transaction,
    org: Id,
    entry: &Entry,
) -> Result<Option<Date>> {
    Ok(locked_through(tx, org, entry.site)
        .await?
        .max(entry.closed_through))
}

/// The time since which a person whom the actor may see is in; none if the person is not in.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn inside_since(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
) -> Result<Option<Timestamp>> {
    let (org, now) = (actor.org, tx.now);
    let visible = people::visible_to(tx, actor).await?;
    let entry = visible.require(person)?;
    let timeline = sites::timeline(tx, org, entry.site).await?;
    let today = timeline.date(now);
    let subject = Subject::load(tx, org, entry, timeline, today, now).await?;
    subject.inside_since(today, now)
}

/// People are brought up to now so many at once, so that others can write between them.
const BATCH: usize = 50;

/// The days of a person are brought up to now at least so often.
const STALE: SignedDuration = SignedDuration::from_hours(1);

/// Brings the days of all people up to now: days end without anybody's doing. Returns the number of days that changed.
///
/// # Errors
///
/// If the database cannot be written, or the rules refuse its rows.
pub async fn catch_up(store: &Store, org: Id) -> Result<usize> {
    let mut tx = store.read().await?;
    let stale = tx.now.saturating_sub(STALE).map_err(Error::internal)?;
    let rows = tx
        .rows(
            "SELECT p.id, (SELECT MIN(date) FROM day d WHERE d.org = p.org AND d.person = p.id \
             AND d.is_final = 0) AS open FROM person p \
             WHERE p.org = $1 AND p.erased IS NULL AND (p.evaluated_at IS NULL OR p.evaluated_at < $2)",
            values![org, stale],
        )
        .await?;
    drop(tx);
    let mut changed = 0;
    for batch in rows.chunks(BATCH) {
        let mut tx = store.write().await?;
        for row in batch {
            let open: Option<Date> = row.get("open")?;
            let evaluation =
                evaluate_from(&mut tx, org, row.get("id")?, open.unwrap_or(Date::MAX)).await?;
            changed += evaluation.changes.len();
        }
        tx.commit().await?;
    }
    Ok(changed)
}

/// A day of a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Day {
    /// The person.
    pub person: Id,
    /// The date.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The record, as the rules have made it.
    pub record: serde_json::Value,
    /// The policy version.
    pub policy: Id,
    /// The version of the rules.
    pub rules: String,
}

/// A selection of days.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DayFilter {
    /// The first day.
    #[schemars(with = "crate::schema::Day")]
    pub from: Date,
    /// The last day; at most 366 days after the first.
    #[schemars(with = "crate::schema::Day")]
    pub to: Date,
    /// One person only.
    pub person: Option<Id>,
    /// People of one home site only.
    pub site: Option<Id>,
    /// Days of one status only, such as `ABSENT`.
    pub status: Option<String>,
}

/// Days, by date and person.
///
/// # Errors
///
/// 422 if the period is longer than 366 days or ends before it begins, or the limit or the cursor is wrong.
pub async fn list(
    tx: &mut Transaction,
    actor: &Actor,
    filter: &DayFilter,
    page: &PageRequest,
) -> Result<Page<Day>> {
    check_period(filter.from, filter.to)?;
    let limit = page.limit()?;
    let after = page.position(tx, actor, "days")?;
    let days = select(tx, actor, filter, after, limit + 1).await?;
    Page::of(tx, actor, "days", days, limit, |day: &Day| {
        (day.date, day.person)
    })
}

/// The days of a selection, all at once, by date and person. It is meant for few dates or few people.
///
/// # Errors
///
/// 422 if the period is longer than 366 days or ends before it begins.
pub async fn all(tx: &mut Transaction, actor: &Actor, filter: &DayFilter) -> Result<Vec<Day>> {
    check_period(filter.from, filter.to)?;
    select(tx, actor, filter, None, usize::MAX).await
}

/// At most `most` days of a selection after a date and a person.
async fn select(
    tx: &mut Transaction,
    actor: &Actor,
    filter: &DayFilter,
    after: Option<(Date, Id)>,
    most: usize,
) -> Result<Vec<Day>> {
    let nobody = Id::from_bytes(&[0; 16]).ok_or_else(|| Error::internal("an id has 16 bytes"))?;
    let mut after = after.unwrap_or((filter.from, nobody));
    let visible = people::visible_to(tx, actor).await?;
    let mut days = Vec::new();
    // Names, sites and scopes are not in the rows, so that rows are read until there are enough.
    loop {
        let mut values = values![
            actor.org,
            after.0,
            after.1,
            filter.to,
            filter.status.clone()
        ];
        // Two queries, since each has its own index.
        let sql = match filter.person {
            Some(person) => {
                values.push(person.into());
                "SELECT person, date, record, policy, rules FROM day WHERE org = $1 AND person = $6 \
                 AND (date > $2 OR (date = $2 AND person > $3)) AND date >= $2 AND date <= $4 \
                 AND ($5 IS NULL OR status = $5) ORDER BY date LIMIT 1000"
            }
            None => {
                "SELECT person, date, record, policy, rules FROM day WHERE org = $1 \
                 AND (date > $2 OR (date = $2 AND person > $3)) AND date >= $2 AND date <= $4 \
                 AND ($5 IS NULL OR status = $5) ORDER BY date, person LIMIT 1000"
            }
        };
        let rows = tx.rows(sql, values).await?;
        for row in &rows {
            let person: Id = row.get("person")?;
            let date: Date = row.get("date")?;
            after = (date, person);
            let entry = visible.get(person);
            if entry.is_some_and(|entry| filter.site.is_none_or(|site| entry.site == site)) {
                days.push(Day {
                    person,
                    date,
                    record: row.json("record")?,
                    policy: row.get("policy")?,
                    rules: row.get("rules")?,
                });
            }
            if days.len() == most {
                break;
            }
        }
        if days.len() == most || rows.len() < 1000 {
            break;
        }
    }
    Ok(days)
}

/// The date at a time, by UTC.
pub(super) fn utc_date(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// Fails unless a period has 1 to 367 days.
pub(super) fn check_period(from: Date, to: Date) -> Result<()> {
    Period::new(from, to)
        .map_err(|error| Error::invalid("/to", "wrong_period", error.to_string()))?;
    if from.saturating_add(Span::new().days(366)) < to {
        return Err(Error::invalid(
            "/to",
            "long_period",
            "A period has at most 367 days.",
        ));
    }
    Ok(())
}

/// A day of a person in full: its record, its punches, and its times.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DayDetail {
    /// The date.
    #[schemars(with = "crate::schema::Day")]
    pub date: Date,
    /// The record, evaluated as of now; none outside of the person's time.
    #[schemars(with = "serde_json::Value")]
    pub record: Option<DayRecord>,
    /// The punches that belong to the day, and those of its date that belong to no day.
    pub punches: Vec<DayPunch>,
    /// The expected times.
    #[schemars(with = "Vec<(crate::schema::Time, crate::schema::Time)>")]
    pub scheduled: Vec<(Timestamp, Timestamp)>,
    /// The day is in a closed period.
    pub is_closed: bool,
}

/// A punch of a day, and what became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DayPunch {
    /// The punch.
    #[schemars(with = "serde_json::Value")]
    pub punch: Punch,
    /// The name of its device.
    pub device_name: Option<String>,
    /// The verdict of the rules.
    #[schemars(with = "serde_json::Value")]
    pub outcome: PunchVerdict,
    /// A correction added it.
    pub is_correction: bool,
}

/// A day of a person in full.
///
/// # Errors
///
/// 404 if there is no such person.
pub async fn detail(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
    date: Date,
) -> Result<DayDetail> {
    let org = actor.org;
    let visible = people::visible_to(tx, actor).await?;
    let entry = visible.require(person)?;
    let closed = closed_through(tx, org, entry).await?;
    let timeline = sites::timeline(tx, org, entry.site).await?;
    let now = tx.now;
    let subject = Subject::load(tx, org, entry, timeline, date, now).await?;
    let mut detail = DayDetail {
        date,
        record: None,
        punches: Vec::new(),
        scheduled: Vec::new(),
        is_closed: closed.is_some_and(|through| date <= through),
    };
    let part = subject
        .rules
        .iter()
        .find(|(start, end, ..)| (*start..=*end).contains(&date));
    let Some((_, _, _, rules)) = part else {
        return Ok(detail);
    };
    let ledger = subject.ledger(rules, Period::new(date, date)?, now)?;
    let zone = TimeZone::get(&rules.policy().site.time_zone).map_err(Error::internal)?;
    for outcome in &ledger.outcomes {
        let belongs = match &outcome.outcome {
            PunchVerdict::Assigned { shift, .. } => ledger
                .shifts
                .get(*shift)
                .is_some_and(|shift| shift.day == date),
            _ => outcome.at.to_zoned_datetime(zone.clone()).date() == date,
        };
        let Some((punch, is_correction)) = subject.punch(&outcome.punch).filter(|_| belongs) else {
            continue;
        };
        detail.punches.push(DayPunch {
            device_name: device_name(tx, org, punch.device.as_deref()).await?,
            outcome: outcome.outcome.clone(),
            punch: punch.clone(),
            is_correction,
        });
    }
    detail.punches.sort_by_key(|it| it.punch.at);
    let shifts = ledger.shifts.iter().filter(|shift| shift.day == date);
    detail.scheduled = shifts.filter_map(|shift| shift.scheduled).collect();
    detail.record = ledger.days.into_iter().find(|record| record.date == date);
    Ok(detail)
}

impl Subject {
    /// A punch, and whether a correction added it.
    fn punch(&self, id: &PunchId) -> Option<(&Punch, bool)> {
        let added = self
            .corrections
            .iter()
            .filter_map(|correction| match &correction.change {
                Change::Add { punch } | Change::Replace { with: punch, .. } => Some(&**punch),
                _ => None,
            });
        let mut own = self.punches.iter().map(|punch| (punch, false));
        own.find(|(punch, _)| punch.id == *id).or_else(|| {
            added
                .map(|punch| (punch, true))
                .find(|(punch, _)| punch.id == *id)
        })
    }
}

async fn device_name(
    tx: &mut Transaction,
    org: Id,
    device: Option<&str>,
) -> Result<Option<String>> {
    let Some(Ok(id)) = device.map(str::parse::<Id>) else {
        return Ok(None);
    };
    let row = tx
        .row(
            "SELECT name FROM device WHERE org = $1 AND id = $2",
            values![org, id],
        )
        .await?;
    row.map(|row| row.get("name")).transpose()
}
