//! The functions of the fuzz targets, which an ordinary test runs, too. No input may cause a panic or take long.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each target uses a part of it"
)]

use attendance_rules::{
    Calendar, Change, Correction, Period, Policy, Punch, PunchKind, PunchVerdict, Revision, Rules,
    Seconds, Session, SessionSeries, Statistics,
};
use facekit::jiff::{Timestamp, tz::TimeZone};
use facekit::{AttendancePolicy, PersonId, Sighting};

const POLICIES: [&str; 5] = [
    "",
    "preset = 'esp32cam-gateway'",
    "[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true\nmargin_before = '12h'\nmargin_after = '12h'\n\
     [site]\ntime_zone = 'Pacific/Apia'\n[assignment]\nday = 'split_at_midnight'\nmissing_out = 'at_shift_end'\n\
     [work.rounding]\nin = { to = 'up', step = '24h' }\nout = { to = 'down', step = '24h' }",
    "[[shifts]]\nname = 'a'\nstart = '00:00'\nend = '12:00'\n[[shifts]]\nname = 'b'\nstart = '12:00'\nend = '00:00'\n\
     overnight = true\n[site]\ntime_zone = 'Australia/Lord_Howe'\n[assignment]\noutside_windows = 'unscheduled'\n\
     missing_out = { after_expected = { tolerance = '24h' } }\nday = 'most_worked'",
    "[assignment]\nlongest_shift = '48h'\nnew_shift_after = '48h'\nday = 'split_at_midnight'\n[overtime]\nweekly_after = '1s'\n\
     daily = { after = '1s' }\n[work]\ncount = 'first_to_last'\n[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '11:59'\n\
     deduct = 'whole'\n[[breaks]]\nkind = 'after_work'\nworked = '0s'\nlength = '24h'\ndeduct = 'whole'",
];

fn period() -> Period {
    Period::new("2019-01-01".parse().unwrap(), "2021-12-31".parse().unwrap()).unwrap()
}

/// Reads any text as a policy.
pub fn policy(text: &str) {
    for policy in [Policy::from_toml(text), Policy::from_json(text)]
        .into_iter()
        .flatten()
    {
        let rules = Rules::new(policy.clone()).expect("a parsed policy is checked");
        let written = policy.to_toml().expect("a parsed policy can be written");
        assert_eq!(Policy::from_toml(&written).as_ref(), Ok(&policy));
        check(&rules, &some_punches());
    }
    let _ = text.parse::<Seconds>();
}

/// Reads any text as a calendar file and as a recurrence rule.
pub fn calendar(text: &str) {
    let _ = Calendar::from_ics(text, "Europe/Berlin", period());
    let start = "2019-06-01T10:00".parse().unwrap();
    let series = SessionSeries::new("s", start, Seconds::hours(1), text);
    if let Ok(sessions) = series.sessions("America/Vancouver", period()) {
        assert!(sessions.len() <= period().days() as usize);
    }
}

/// Reads any bytes as punches and corrections.
pub fn punches(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else {
        return;
    };
    let policy =
        Policy::from_toml(POLICIES[usize::from(first) % POLICIES.len()]).expect("they are correct");
    let rules = Rules::new(policy).expect("they are correct");
    let person = PersonId::new("p").expect("an id");
    let (mut punches, mut corrections) = (Vec::new(), Vec::new());
    let mut second = 1_577_836_800_i64;
    for (number, chunk) in rest.chunks_exact(4).take(2000).enumerate() {
        let step = i64::from(i16::from_le_bytes([chunk[0], chunk[1]]));
        second += match chunk[2] % 4 {
            0 => step,
            1 => step * 60,
            2 => step.abs() * 10,
            _ => step * 10_000,
        };
        let Ok(time) = Timestamp::from_second(second) else {
            continue;
        };
        let kind =
            [PunchKind::Undetermined, PunchKind::In, PunchKind::Out][usize::from(chunk[3] % 3)];
        let punch = Punch::new(format!("{}", number % 256), person.clone(), time).with_kind(kind);
        let target = format!("{}", chunk[0]);
        let change = match chunk[3] / 3 % 16 {
            0 => Change::Void {
                punch: target.into(),
            },
            1 => Change::Replace {
                punch: target.into(),
                with: Box::new(punch),
            },
            2 => Change::Add {
                punch: Box::new(punch),
            },
            3 => Change::Undo { correction: target },
            _ => {
                punches.push(punch);
                continue;
            }
        };
        corrections.push(Correction::new(
            format!("{}", number % 256),
            time,
            "x",
            "y",
            change,
        ));
    }
    let as_of = Timestamp::from_second(1_600_000_000).expect("in range");
    // Contradicting records are an error. The records without the contradictions must be evaluated.
    let _ = rules.evaluate(&person, &punches, &corrections, period(), as_of);
    let mut seen = std::collections::BTreeSet::new();
    punches.retain(|punch| seen.insert(punch.id.clone()) && (1901..2199).contains(&year(punch.at)));
    check(&rules, &punches);
}

fn year(at: Timestamp) -> i16 {
    at.to_zoned_datetime(TimeZone::UTC).year()
}

fn some_punches() -> Vec<Punch> {
    let person = PersonId::new("p").expect("an id");
    let times = [8, 12, 13, 17, 22, 30, 46].map(|hour| 1_577_836_800 + hour * 3600);
    let punch = |(number, second): (usize, i64)| {
        Punch::new(
            format!("{number}"),
            person.clone(),
            Timestamp::from_second(second).expect("in range"),
        )
    };
    times.into_iter().enumerate().map(punch).collect()
}

fn check(rules: &Rules, punches: &[Punch]) {
    let person = PersonId::new("p").expect("an id");
    let as_of = Timestamp::from_second(1_600_000_000).expect("in range");
    let ledger = rules
        .evaluate(&person, punches, &[], period(), as_of)
        .expect("nothing contradicts");
    assert_eq!(ledger.outcomes.len(), punches.len());
    let shifts = ledger.outcomes.iter().filter_map(|it| match it.outcome {
        PunchVerdict::Assigned { shift, .. } => Some(shift),
        _ => None,
    });
    assert!(shifts.into_iter().all(|shift| shift < ledger.shifts.len()));
    let _ = Statistics::of(&ledger.days);
    assert!(Revision::between(&ledger, &ledger).is_empty());
    let screening = attendance_rules::Screening::of(punches.to_vec(), None, as_of);
    assert_eq!(
        screening.plausible.len() + screening.implausible.len(),
        punches.len()
    );
    let _ = rules
        .presence(&person, punches, &[], as_of)
        .expect("nothing contradicts");
    if let Some(last) = punches.last() {
        let _ = rules
            .decide(&[], &Sighting::new(person, last.at))
            .expect("it is in range");
        let session = Session::instant("s", last.at, Seconds::hours(1));
        let _ = session
            .evaluate(punches, as_of)
            .expect("nothing contradicts");
    }
}
