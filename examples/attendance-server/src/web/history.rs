//! The year of a person, one day of it, and the corrections: for the page of a person and for the pages of a member.

use std::collections::BTreeMap;

use attendance_rules::{Change, DayRecord, Punch, PunchKind, PunchSource, PunchVerdict, Status};
use facekit::Direction;
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{
    audit::{actor_name, actor_names},
    charts::{
        day::{Day, Span},
        year::{Kind, Year, first_of_year},
    },
    language,
    mark::Mark,
    page::Page,
    record::{note, status},
};
use crate::{
    access::Actor,
    commands::{
        corrections::{self, Correction},
        days::{self, DayDetail, DayFilter, DayPunch},
    },
    error::Result,
    id::Id,
    paging::{GREATEST_LIMIT, PageRequest},
    store::Transaction,
};

/// The most corrections that are shown, the newest first.
const MOST_CORRECTIONS: usize = 20;

/// The history of a person.
pub(super) struct History {
    pub(super) figures: Vec<Figure>,
    pub(super) year: Year,
    pub(super) months: Vec<MonthRow>,
    pub(super) day: DayCard,
    pub(super) corrections: Vec<CorrectionRow>,
    /// There are older corrections.
    pub(super) more_corrections: bool,
    /// The first and the last day of the year.
    pub(super) first: Date,
    pub(super) last: Date,
}

/// A figure at the top.
pub(super) struct Figure {
    pub(super) mark: Option<Mark>,
    pub(super) label: String,
    pub(super) value: String,
    /// The part of the figure in small type, such as "of 20 days".
    pub(super) of: String,
    pub(super) note: String,
}

/// A month, for the table beside the map of the year.
#[derive(Default)]
pub(super) struct MonthRow {
    pub(super) month: Date,
    pub(super) present: usize,
    pub(super) late: usize,
    pub(super) absent: usize,
    pub(super) incomplete: usize,
    pub(super) leave: usize,
    pub(super) counted: i64,
}

/// The chosen day.
pub(super) struct DayCard {
    pub(super) date: Date,
    pub(super) before: Date,
    pub(super) after: Option<Date>,
    pub(super) mark: Mark,
    pub(super) status: String,
    pub(super) counted: i64,
    pub(super) breaks: i64,
    pub(super) is_final: bool,
    pub(super) locked: bool,
    pub(super) chart: Day,
    pub(super) punches: Vec<PunchRow>,
    pub(super) notes: Vec<String>,
}

/// A punch of the day.
pub(super) struct PunchRow {
    pub(super) id: String,
    pub(super) at: DateTime,
    pub(super) mark: Mark,
    pub(super) icon: &'static str,
    pub(super) direction: String,
    /// It does not count.
    pub(super) struck: bool,
    /// Where and how, or the reason why it does not count.
    pub(super) note: String,
    pub(super) tag: Option<String>,
    /// A correction can change or remove it.
    pub(super) changeable: bool,
}

/// A correction.
pub(super) struct CorrectionRow {
    pub(super) id: Id,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) note: String,
    pub(super) undoable: bool,
    pub(super) undone: bool,
}

/// A person whose history is shown.
pub(super) struct Subject {
    pub(super) person: Id,
    pub(super) zone: TimeZone,
    pub(super) inside_since: Option<Timestamp>,
}

impl History {
    /// Loads the last year of a person and one day of it. The corrections are those that changed or added a punch.
    pub(super) async fn load(
        tx: &mut Transaction,
        actor: &Actor,
        page: &Page,
        subject: &Subject,
        date: Option<Date>,
        edits: bool,
    ) -> Result<Self> {
        let now = tx.now.to_zoned_datetime(subject.zone.clone()).datetime();
        let today = now.date();
        let records = records(tx, actor, subject.person, today).await?;
        let date = date.unwrap_or(today).min(today);
        let detail = days::detail(tx, actor, subject.person, date).await?;
        let names = actor_names(tx, actor).await?;
        let made = corrections::list(tx, actor, subject.person).await?;
        let punches = punches_of(&made, &detail.punches);
        let more_corrections = made.len() > MOST_CORRECTIONS;
        let corrections = made
            .iter()
            .filter(|it| !matches!(it.change, Change::Undo { .. }))
            .take(MOST_CORRECTIONS)
            .map(|it| correction_row(page, subject, it, &punches, &names, edits))
            .collect();
        let days: BTreeMap<Date, Kind> = records
            .iter()
            .map(|record| (record.date, kind(record)))
            .collect();
        Ok(Self {
            figures: figures(page, &records, subject, now),
            year: Year::new(&days, today, page.language),
            months: months(&records),
            day: day_card(page, subject, &detail, now),
            corrections,
            more_corrections,
            first: first_of_year(today),
            last: today,
        })
    }
}

/// The records of the last year, in order of their dates.
pub(super) async fn records(
    tx: &mut Transaction,
    actor: &Actor,
    person: Id,
    today: Date,
) -> Result<Vec<DayRecord>> {
    let filter = DayFilter {
        from: first_of_year(today),
        to: today,
        person: Some(person),
        site: None,
        status: None,
    };
    let request = PageRequest {
        limit: Some(GREATEST_LIMIT),
        cursor: None,
    };
    let days = days::list(tx, actor, &filter, &request).await?;
    days.items
        .into_iter()
        .map(|day| Ok(serde_json::from_value(day.record)?))
        .collect()
}

/// The kind of a day in the map of the year.
fn kind(record: &DayRecord) -> Kind {
    let counted = record.counted.0;
    match record.status {
        _ if !record.is_final && record.first.is_none() && record.obliged => Kind::Free,
        Status::Incomplete if !record.is_final => Kind::Present(counted),
        Status::Present | Status::HalfDay if record.late.0 > 0 => Kind::Late(counted),
        Status::Present | Status::HalfDay => Kind::Present(counted),
        Status::Absent => Kind::Absent,
        Status::Incomplete => Kind::Incomplete,
        Status::OnLeave => Kind::Leave,
        _ => Kind::Free,
    }
}

fn months(records: &[DayRecord]) -> Vec<MonthRow> {
    let mut months: BTreeMap<Date, MonthRow> = BTreeMap::new();
    for record in records {
        let month = record.date.first_of_month();
        let row = months.entry(month).or_insert_with(|| MonthRow {
            month,
            ..MonthRow::default()
        });
        row.counted += record.counted.0;
        match kind(record) {
            Kind::Present(_) => row.present += 1,
            Kind::Late(_) => {
                row.present += 1;
                row.late += 1;
            }
            Kind::Absent => row.absent += 1,
            Kind::Incomplete => row.incomplete += 1,
            Kind::Leave => row.leave += 1,
            Kind::Free => {}
        }
    }
    months.into_values().collect()
}

fn figures(page: &Page, records: &[DayRecord], subject: &Subject, now: DateTime) -> Vec<Figure> {
    let month = now.date().first_of_month();
    let this_month = || records.iter().filter(|record| record.date >= month);
    let sum = |value: fn(&DayRecord) -> i64| this_month().map(value).sum::<i64>();
    let late: Vec<i64> = this_month()
        .map(|record| record.late.0)
        .filter(|late| *late > 0)
        .collect();
    let worked = this_month().filter(|record| record.first.is_some()).count();
    let incomplete: Vec<Date> = records
        .iter()
        .filter(|record| kind(record) == Kind::Incomplete)
        .map(|record| record.date)
        .collect();
    let balance: i64 = records
        .iter()
        .filter(|record| record.is_final)
        .map(|record| record.balance.0)
        .sum();
    let last = records.iter().rev().find_map(|record| record.last);
    let local = |at: Timestamp| at.to_zoned_datetime(subject.zone.clone()).datetime();
    let now_figure = match subject.inside_since {
        Some(since) => Figure {
            mark: Some(Mark::Present),
            label: page.say("figure-now"),
            value: page.say("status-in"),
            of: String::new(),
            note: page.say_with("since", "time", page.time(local(since))),
        },
        None => Figure {
            mark: Some(Mark::Unknown),
            label: page.say("figure-now"),
            value: page.say("figure-out"),
            of: String::new(),
            note: last
                .map(|last| {
                    page.say_with(
                        "figure-last-seen",
                        "time",
                        page.short_date_and_time(local(last)),
                    )
                })
                .unwrap_or_default(),
        },
    };
    let plain = |label: String, value: String, of: String, note: String| Figure {
        mark: None,
        label,
        value,
        of,
        note,
    };
    vec![
        now_figure,
        plain(
            page.say_with("figure-hours", "month", page.language.month(month.month())),
            language::hours(sum(|record| record.counted.0)),
            String::new(),
            page.say_with(
                "figure-target",
                "hours",
                language::hours(sum(|record| record.expected.0)),
            ),
        ),
        plain(
            page.say("balance"),
            language::signed_hours(balance),
            String::new(),
            page.say("figure-in-year"),
        ),
        Figure {
            mark: Some(Mark::Late),
            label: page.say("status-late"),
            value: late.len().to_string(),
            of: page.say_with("figure-of-days", "count", worked),
            note: if late.is_empty() {
                String::new()
            } else {
                let average = late.iter().sum::<i64>() / late.len() as i64 / 60;
                page.say_with("figure-average", "minutes", average)
            },
        },
        Figure {
            mark: Some(Mark::Incomplete),
            label: page.say("status-incomplete"),
            value: incomplete.len().to_string(),
            of: String::new(),
            note: incomplete
                .last()
                .map(|date| page.date(date))
                .unwrap_or_default(),
        },
    ]
}

fn day_card(page: &Page, subject: &Subject, detail: &DayDetail, now: DateTime) -> DayCard {
    let date = detail.date;
    let local = |at: Timestamp| at.to_zoned_datetime(subject.zone.clone()).datetime();
    let seconds = |at: Timestamp| seconds_of(date, local(at));
    let (mark, status) = match &detail.record {
        Some(record) => status(page, record),
        None => (Mark::Unknown, page.say("status-not-employed")),
    };
    let inside = inside(
        &detail.punches,
        (date == now.date()).then_some(now),
        &seconds,
        date,
    );
    let scheduled: Vec<Span> = detail
        .scheduled
        .iter()
        .map(|(from, to)| (seconds(*from), seconds(*to)))
        .collect();
    let record = detail.record.as_ref();
    // A record does not count the time since the last IN before there is an OUT.
    let since_in = match subject.inside_since.map(local) {
        Some(since) if date == now.date() => {
            (seconds_of(date, now) - seconds_of(date, since)).max(0)
        }
        _ => 0,
    };
    let now_mark = (date == now.date()).then(|| seconds_of(date, now));
    DayCard {
        date,
        before: date.yesterday().unwrap_or(date),
        after: date.tomorrow().ok().filter(|after| *after <= now.date()),
        mark,
        status,
        counted: record.map_or(0, |record| record.counted.0) + since_in,
        breaks: record.map_or(0, |record| {
            record.times.paid_break.0 + record.times.unpaid_break.0
        }),
        is_final: record.is_none_or(|record| record.is_final),
        locked: detail.is_closed,
        chart: Day::new(&scheduled, &inside, now_mark, page.language),
        punches: detail
            .punches
            .iter()
            .map(|it| punch_row(page, it, local(it.punch.at)))
            .collect(),
        notes: record.map_or_else(Vec::new, |record| {
            record.notes.iter().map(|it| note(page, it)).collect()
        }),
    }
}

/// The seconds from the midnight of a date to a local time.
fn seconds_of(date: Date, at: DateTime) -> i64 {
    let days = i64::from((at.date() - date).get_days());
    let time = at.time();
    days * 86_400
        + i64::from(time.hour()) * 3600
        + i64::from(time.minute()) * 60
        + i64::from(time.second())
}

/// The spans from each IN to the next OUT; an open one ends now.
fn inside(
    punches: &[DayPunch],
    now: Option<DateTime>,
    seconds: &dyn Fn(Timestamp) -> i64,
    date: Date,
) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut since = None;
    for it in punches {
        match it.outcome {
            PunchVerdict::Assigned {
                direction: Direction::Entry,
                ..
            } => {
                since.get_or_insert_with(|| seconds(it.punch.at));
            }
            PunchVerdict::Assigned {
                direction: Direction::Exit,
                ..
            } => {
                if let Some(from) = since.take() {
                    spans.push((from, seconds(it.punch.at)));
                }
            }
            _ => {}
        }
    }
    if let (Some(from), Some(now)) = (since, now) {
        spans.push((from, seconds_of(date, now).max(from)));
    }
    spans
}

pub(super) fn punch_row(page: &Page, it: &DayPunch, at: DateTime) -> PunchRow {
    let punch = &it.punch;
    let kind = match &it.outcome {
        PunchVerdict::Assigned { direction, .. } => PunchKind::from(*direction),
        _ => punch.kind,
    };
    let (mark, icon, direction) = match kind {
        PunchKind::In => (Mark::Present, "in", "in"),
        PunchKind::Out => (Mark::Leave, "out", "out"),
        PunchKind::Undetermined => (Mark::Unknown, "in", "direction-unknown"),
    };
    let counts = matches!(it.outcome, PunchVerdict::Assigned { .. });
    let way = page.say(match punch.source {
        PunchSource::Face => "punch-by-face",
        PunchSource::Manual => "punch-by-hand",
        PunchSource::Import => "punch-by-import",
        _ => "punch-by-code",
    });
    let place = it
        .device_name
        .as_ref()
        .map_or_else(|| way.clone(), |name| format!("{name}, {way}"));
    let (note, tag) = match &it.outcome {
        PunchVerdict::Suppressed { .. } => (place, Some(page.say("punch-repeat"))),
        PunchVerdict::Superseded { .. } => (page.say("punch-replaced"), None),
        PunchVerdict::Unassigned { code, reason } => {
            let key = format!("refusal-{}", code.replace('_', "-"));
            let text = if page.language.has(&key) {
                page.say(&key)
            } else {
                reason.clone()
            };
            (text, Some(page.say("punch-refused")))
        }
        _ if it.is_correction => (place, Some(page.say("punch-corrected"))),
        _ => (place, None),
    };
    PunchRow {
        id: punch.id.as_str().to_owned(),
        at,
        mark: if counts { mark } else { Mark::Unknown },
        icon,
        direction: page.say(direction),
        struck: !counts,
        note,
        tag,
        changeable: !matches!(it.outcome, PunchVerdict::Superseded { .. }),
    }
}

/// The punches by their ids: those of the day, and those that corrections added.
fn punches_of(made: &[Correction], day: &[DayPunch]) -> BTreeMap<String, Punch> {
    let added = made.iter().filter_map(|it| match &it.change {
        Change::Add { punch } | Change::Replace { with: punch, .. } => Some((**punch).clone()),
        _ => None,
    });
    day.iter()
        .map(|it| it.punch.clone())
        .chain(added)
        .map(|punch| (punch.id.as_str().to_owned(), punch))
        .collect()
}

fn correction_row(
    page: &Page,
    subject: &Subject,
    it: &Correction,
    punches: &BTreeMap<String, Punch>,
    names: &std::collections::HashMap<String, String>,
    edits: bool,
) -> CorrectionRow {
    let words = |punch: &Punch| {
        let direction = page.say(match punch.kind {
            PunchKind::In => "in",
            PunchKind::Out => "out",
            PunchKind::Undetermined => "direction-unknown",
        });
        let at = punch.at.to_zoned_datetime(subject.zone.clone()).datetime();
        format!("{direction} {}", page.short_date_and_time(at))
    };
    let before = |id: &str| {
        punches
            .get(id)
            .map_or_else(|| page.say("correction-punch"), words)
    };
    let (before, after) = match &it.change {
        Change::Add { punch } => (page.say("correction-no-punch"), words(punch)),
        Change::Replace { punch, with } => (before(punch.as_str()), words(with)),
        Change::Void { punch } => (before(punch.as_str()), page.say("correction-removed")),
        _ => (String::new(), String::new()),
    };
    let by = actor_name(page, names, &it.made_by);
    let made = page.short_date_and_time(it.made.to_zoned_datetime(subject.zone.clone()).datetime());
    let signature = format!("{by}, {made}");
    let note = page.say_with_two(
        "correction-by",
        "reason",
        it.reason.as_str(),
        "by",
        signature,
    );
    CorrectionRow {
        id: it.id,
        before,
        after,
        note,
        undoable: edits && it.undone_by.is_none(),
        undone: it.undone_by.is_some(),
    }
}
