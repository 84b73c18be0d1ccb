//! Random punches and policies.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test file uses a part of it"
)]

use attendance_rules::{Change, Correction, Policy, Punch, PunchKind, PunchSource, Rules};
use facekit::jiff::Timestamp;
use proptest::prelude::*;

use super::anna;

/// 2026-03-20T00:00:00Z, a week before clocks change in Europe.
pub const START: i64 = 1_773_964_800;

pub fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

/// Policies from pieces of TOML, each of which can be combined with all others.
pub fn policies() -> impl Strategy<Value = Policy> {
    let zone = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "Asia/Kolkata",
        "America/Vancouver",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Beirut",
    ]);
    let shifts = prop::sample::select(vec![
        "",
        "[[shifts]]\nname = 'day'\nstart = '08:00'\nend = '17:00'\n",
        "[[shifts]]\nname = 'night'\nstart = '22:00'\nend = '06:00'\novernight = true\nmargin_after = '3h'\n",
        "[[shifts]]\nname = 'a'\nstart = '08:00'\nend = '12:00'\n[[shifts]]\nname = 'b'\nstart = '12:30'\nend = '16:30'\n",
        "[[shifts]]\nname = 'a'\nstart = '06:00'\nend = '14:00'\n[[shifts]]\nname = 'n'\nstart = '22:00'\nend = '06:00'\novernight = true\n",
        "[[shifts]]\nname = 'long'\nstart = '08:00'\nend = '08:00'\novernight = true\nmargin_before = '12h'\nmargin_after = '12h'\n",
        "[[shifts]]\nname = 'x'\nstart = '00:30'\nend = '10:00'\nmargin_before = '3h'\nmargin_after = '10h'\nlate_after = '5m'\n\
         [[shifts]]\nname = 'y'\nstart = '14:00'\nend = '00:10'\novernight = true\nmargin_after = '0s'\nflexible = true\nexpected = '7h'\n",
        "[[shifts]]\nname = 'p'\nstart = '06:00'\nend = '18:00'\n[[shifts]]\nname = 'q'\nstart = '18:00'\nend = '06:00'\novernight = true\n\
         [schedule]\nkind = 'rotation'\nfrom = '2026-03-18'\ncycle = [['p'], ['q'], [], ['p', 'q'], []]\n",
    ]);
    let breaks = prop::sample::select(vec![
        "",
        "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n",
        "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\ndeduct = 'whole'\n",
        "[[breaks]]\nkind = 'fixed'\nfrom = '10:00'\nto = '11:00'\npaid = true\n[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\n",
    ]);
    let assignment = prop::sample::select(vec![
        "",
        "[assignment]\noutside_windows = 'unscheduled'\nday = 'most_worked'\n",
        "[assignment]\nday = 'split_at_midnight'\n",
        "[assignment]\nday = 'end'\nmissing_out = 'refuse'\n",
        "[assignment]\nday = 'most_worked'\nmissing_out = 'at_shift_end'\noutside_windows = 'unscheduled'\n",
        "[assignment]\nday = 'end'\nlongest_shift = '40h'\nnew_shift_after = '30h'\n",
        "[assignment]\nday = 'end'\nlongest_shift = '3h'\nnew_shift_after = '10m'\n",
        "[assignment]\nearly_arrival = '12h'\nlongest_shift = '20h'\n",
        "[assignment]\nearly_arrival = '0s'\nmissing_out = 'at_shift_end'\n",
        "[assignment]\noutside_windows = 'unscheduled'\nmissing_out = { after_expected = { tolerance = '1h' } }\n",
    ]);
    let count = prop::sample::select(vec!["pairs", "first_in_last_out", "first_to_last"]);
    let anomalies = prop::sample::select(vec![
        "",
        "[anomalies]\nshort_rest = '11h'\nlong_work = '10h'\nrest_day = {}\nout_of_hours = { from = '06:00', to = '22:00', action = 'refuse' }\ntoo_many_scans = { most = 3, action = 'refuse' }\n",
        "[anomalies]\nlow_liveness = { below = 0.5, streak = 2 }\nimpossible_travel = {}\n[[site.places]]\nname = 'a'\ndevices = ['in']\ntravel = '1h'\n[[site.places]]\nname = 'b'\ndevices = ['out']\ntravel = '2h'\n",
    ]);
    let doors = prop::sample::select(vec![
        "",
        "[scans]\nentry_devices = ['in']\nexit_devices = ['out']\n",
        "[scans]\nignore_kinds = ['hall']\nshortest_stay = '10m'\n",
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (zone, shifts, breaks, assignment, count, anomalies, doors, flags).prop_map(
        |(zone, shifts, breaks, assignment, count, anomalies, doors, (before, after, rounded))| {
            // `at_shift_end` needs shifts.
            let assignment = match shifts {
                "" => assignment.replace("missing_out = 'at_shift_end'\n", ""),
                _ => assignment.to_owned(),
            };
            let rounding = if rounded {
                "rounding = { duration = { to = 'nearest', step = '15m' } }\n"
            } else {
                ""
            };
            let text = format!(
                "[site]\ntime_zone = '{zone}'\n{doors}{shifts}{breaks}{assignment}\
                 [work]\nexpected = '8h'\ncount = '{count}'\nbefore_start = {before}\nafter_end = {after}\n{rounding}{anomalies}\
                 [overtime]\nweekly_after = '20h'\nrest_days = true\ndaily = {{}}\n[[windows]]\nname = 'night'\nfrom = '22:00'\nto = '06:00'\n"
            );
            Policy::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
        },
    )
}

pub fn rules() -> impl Strategy<Value = Rules> {
    policies().prop_map(|policy| Rules::new(policy).unwrap())
}

/// Punches over some days, many of them close to each other.
pub fn punches() -> impl Strategy<Value = Vec<Punch>> {
    let gap = prop_oneof![
        0_i64..90,
        0_i64..7200,
        3600_i64..50_000,
        40_000_i64..300_000
    ];
    let kind = prop_oneof![
        4 => Just(PunchKind::Undetermined),
        1 => Just(PunchKind::In),
        1 => Just(PunchKind::Out)
    ];
    let device = prop::sample::select(vec![None, Some("in"), Some("out"), Some("hall")]);
    let liveness = prop::option::of(0.0_f32..1.0);
    prop::collection::vec((gap, kind, device, liveness), 0..40).prop_map(|parts| {
        let mut second = 0;
        let mut punches = Vec::new();
        for (gap, kind, device, liveness) in parts {
            second += gap;
            let id = format!("{:03}", punches.len());
            let mut punch = Punch::new(id, anna(), instant(second)).with_kind(kind);
            punch.device = device.map(Into::into);
            punch.liveness = liveness;
            punches.push(punch);
        }
        punches
    })
}

/// A correction of the punch at an index of the list, or an added punch if there is none. It is made at second `number`.
pub fn correction(number: usize, punches: &[Punch], index: usize, second: i64) -> Correction {
    let new =
        Punch::new(format!("c{number}"), anna(), instant(second)).with_source(PunchSource::Manual);
    let change = match punches.get(index) {
        Some(punch) if number.is_multiple_of(2) => Change::Void {
            punch: punch.id.clone(),
        },
        Some(punch) => Change::Replace {
            punch: punch.id.clone(),
            with: Box::new(new),
        },
        None => Change::Add {
            punch: Box::new(new),
        },
    };
    Correction::new(
        format!("{number:03}"),
        instant(number as i64),
        "head",
        "wrong",
        change,
    )
}
