//! How fast punches become day records, on one core.
//!
//! ```text
//! cargo run --release -p attendance-rules --example throughput -- [PEOPLE] [DAYS]
//! ```
//!
//! The default is 10,000 people, 250 working days and 4 punches a day: 10 million punches. People are evaluated one after the
//! other, and the records of each are dropped before the next, so memory does not grow with their number. Times are processor
//! time, so other programs on the machine do not matter. The wall time is printed, too.

use std::{env, error::Error, fs, hint::black_box, time::Instant};

use attendance_rules::{Calendar, Period, Policy, Punch, Rules, Statistics};
use facekit::jiff::{Span, Timestamp, civil::date};
use facekit::{AttendancePolicy, PersonId, Sighting};

const POLICY: &str = "
[site]
time_zone = 'Europe/Berlin'

[[shifts]]
name = 'day'
start = '08:00'
end = '17:00'
late_after = '5m'

[[breaks]]
kind = 'fixed'
from = '12:00'
to = '14:00'
at_most = '1h'

[overtime]
weekly_after = '40h'
daily = { tolerance = '15m' }

[work]
full_day = '6h'
half_day = '3h'

[anomalies]
out_of_hours = { from = '06:00', to = '22:00' }
rest_day = {}
too_many_scans = { most = 10 }
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (people, days) = (number(10_000)?, number(250)?);
    let calendar = {
        let mut calendar = Calendar::new();
        calendar.add("2025-12-25".parse()?, "Christmas", None);
        calendar
    };
    let rules = Rules::new(Policy::from_toml(POLICY)?)?.with_calendar(calendar);

    // The punches of working days. Each person's are later by up to ten minutes.
    let first = date(2025, 1, 6);
    let mut template = Vec::with_capacity(days * 4);
    let mut last = first;
    for day in first
        .series(Span::new().days(1))
        .filter(|day| day.weekday().to_monday_zero_offset() < 5)
        .take(days)
    {
        for (hour, minute) in [(7, 56), (12, 2), (12, 55), (17, 4)] {
            template.push(
                day.at(hour, minute, 0, 0)
                    .in_tz("Europe/Berlin")?
                    .timestamp()
                    .as_second(),
            );
        }
        last = day;
    }
    let period = Period::new(first, last)?;
    let as_of: Timestamp = "2030-01-01T00:00:00Z".parse()?;
    let mut random = 1_u64;
    let mut records = |number: usize| -> Result<(PersonId, Vec<Punch>), Box<dyn Error>> {
        let person = PersonId::new(format!("p{number}"))?;
        let punches = template.iter().enumerate().map(|(index, second)| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let late = (random >> 33) as i64 % 600;
            Ok(Punch::new(
                format!("{index}"),
                person.clone(),
                Timestamp::from_second(second + late)?,
            ))
        });
        let punches: Result<Vec<_>, Box<dyn Error>> = punches.collect();
        Ok((person.clone(), punches?))
    };

    let (mut evaluating, mut wall) = (0.0, 0.0);
    let (mut punches, mut sums, mut peak_early) = (0, Statistics::default(), 0);
    for number in 0..people {
        let (person, given) = records(number)?;
        let (cpu, clock) = (cpu_seconds(), Instant::now());
        let ledger = rules.evaluate(&person, &given, &[], period, as_of)?;
        sums.add(&Statistics::of(&ledger.days));
        evaluating += cpu_seconds() - cpu;
        wall += clock.elapsed().as_secs_f64();
        punches += given.len();
        if number == people / 10 {
            peak_early = peak_kib();
        }
        black_box(ledger);
    }
    println!(
        "{punches} punches of {people} people on {days} days: {} present, {} late",
        sums.present, sums.late
    );
    let rate = |seconds: f64| punches as f64 / seconds / 1e6;
    println!(
        "evaluated in {evaluating:.2} s of processor time: {:.2} million punches per second and core (wall {wall:.2} s, {:.2})",
        rate(evaluating),
        rate(wall)
    );
    println!(
        "peak memory after a tenth of the people {peak_early} KiB, after all {} KiB",
        peak_kib()
    );

    // Decisions on a sighting, with the marks of a full lookback.
    let (person, given) = records(0)?;
    let mut past = Vec::new();
    let (mut decisions, mut deciding) = (0, 0.0);
    for punch in &given {
        let sighting = Sighting::new(person.clone(), punch.at);
        let from = sighting.at - rules.lookback();
        past.retain(|mark: &facekit::Mark| mark.at >= from);
        let cpu = cpu_seconds();
        for _ in 0..100 {
            black_box(rules.decide(black_box(&past), black_box(&sighting))?);
        }
        deciding += cpu_seconds() - cpu;
        decisions += 100;
        past.extend(rules.decide(&past, &sighting)?.mark(&sighting));
    }
    let each = deciding / f64::from(decisions);
    println!(
        "a decision on a sighting takes {:.2} µs, as long as the evaluation of {:.1} punches",
        each * 1e6,
        each / (evaluating / punches as f64)
    );
    Ok(())
}

/// Processor time of this thread in seconds on Linux; wall time on other systems.
fn cpu_seconds() -> f64 {
    let ran = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| {
        text.split(' ')
            .next()
            .and_then(|text| text.parse::<f64>().ok())
    });
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    ran.map_or_else(
        || START.get_or_init(Instant::now).elapsed().as_secs_f64(),
        |nanos| nanos / 1e9,
    )
}

/// Peak memory of the process in KiB on Linux; 0 on other systems.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
