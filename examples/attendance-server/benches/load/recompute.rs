//! `recompute` beside the rules on the same punches, without a database.

use std::{hint::black_box, time::Instant};

use anyhow::{Result, ensure};
use attendance_rules::{Period, Policy, Punch, Rules};
use attendance_server::{commands::recompute, presets, values};
use facekit::PersonId;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::office::Office;

/// Punches of a person: four on each of 250 days.
const EACH: usize = 1000;

pub(crate) async fn measure() -> Result<()> {
    let punches = std::env::var("LOAD_PUNCHES").map_or(Ok(1_000_000), |text| text.parse())?;
    let people = punches / EACH;
    let office = Office::open(people).await?;
    let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
    let first = today - Span::new().days(360);
    let mut times = Vec::with_capacity(EACH);
    for day in first
        .series(Span::new().days(1))
        .filter(|day| day.weekday().to_monday_zero_offset() < 5)
        .take(EACH / 4)
    {
        for (hour, minute) in [(8, 56), (12, 2), (12, 55), (17, 4)] {
            let at = day.at(hour, minute, 0, 0).in_tz("Europe/Berlin")?;
            times.push(at.timestamp());
        }
    }
    let start = Instant::now();
    for people in office.people.chunks(100) {
        let mut tx = office.store.write().await?;
        for &person in people {
            for &at in &times {
                let id = tx.new_id();
                tx.execute(
                    "INSERT INTO punch (org, id, person, at, kind, source, created) \
                     VALUES ($1, $2, $3, $4, 'undetermined', 'code', $4)",
                    values![office.org, id, person, at],
                )
                .await?;
            }
        }
        tx.commit().await?;
    }
    println!(
        "  {punches} punches written in {:.0} s",
        start.elapsed().as_secs_f64()
    );

    // The days are made, and then evaluated again without a change.
    let start = Instant::now();
    recompute::recompute(&office.store, office.org, false).await?;
    let made = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let again = recompute::recompute(&office.store, office.org, false).await?;
    let recomputed = start.elapsed().as_secs_f64();
    ensure!(again.changes.is_empty(), "a recomputation finds changes");

    let policy = presets::policy("nine-to-five", "Europe/Berlin")?;
    let rules = Rules::new(Policy::from_toml(&policy)?)?;
    let (as_of, period) = (Timestamp::now(), Period::new(first, today)?);
    let start = Instant::now();
    for number in 0..people {
        let person = PersonId::new(format!("p{number}"))?;
        let punches = times.iter().enumerate();
        let punches: Vec<Punch> = punches
            .map(|(number, &at)| Punch::new(number.to_string(), person.clone(), at))
            .collect();
        black_box(rules.evaluate(&person, &punches, &[], period, as_of)?);
    }
    let ruled = start.elapsed().as_secs_f64();
    println!(
        "  {punches} punches: first days {made:.1} s; recompute {recomputed:.1} s, {:.2} µs a punch, {:.1} of the rules alone ({:.2} µs)",
        recomputed / punches as f64 * 1e6,
        recomputed / ruled,
        ruled / punches as f64 * 1e6
    );
    Ok(())
}
