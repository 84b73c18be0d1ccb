//! A table of medians and ratios.

use serde_json::{Map, Value, json};

/// The results: a row for each contender of each race.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

struct Row {
    race: String,
    contender: String,
    unit: &'static str,
    median: f64,
    /// The median of the ratio to facekit's time in the same round.
    ratio: f64,
    notes: Map<String, Value>,
}

impl Report {
    /// Adds a race: the times of each contender, one for each round, and notes. facekit is the first contender.
    pub(super) fn add(
        &mut self,
        race: &str,
        unit: &'static str,
        contenders: Vec<(String, Vec<f64>, Map<String, Value>)>,
    ) {
        let facekit = contenders
            .first()
            .map_or_else(Vec::new, |(_, times, _)| times.clone());
        for (contender, times, notes) in contenders {
            let ratios = times
                .iter()
                .zip(&facekit)
                .map(|(own, facekit)| own / facekit);
            self.rows.push(Row {
                race: race.to_owned(),
                contender,
                unit,
                ratio: median(ratios.collect()),
                median: median(times),
                notes,
            });
        }
    }

    pub(super) fn print(&self) {
        println!(
            "\n{:<34} {:<28} {:>12} {:>10}",
            "race", "contender", "median", "facekit=1"
        );
        for row in &self.rows {
            let time = format!("{:.3} {}", row.median, row.unit);
            let notes: Vec<String> = row
                .notes
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            println!(
                "{:<34} {:<28} {time:>12} {:>10.2}  {}",
                row.race,
                row.contender,
                row.ratio,
                notes.join(", ")
            );
        }
    }

    pub(super) fn rows(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "race": row.race,
                "contender": row.contender,
                "median": row.median,
                "unit": row.unit,
                "ratio_to_facekit": row.ratio,
                "notes": row.notes,
            })
        };
        self.rows.iter().map(row).collect()
    }
}

/// The median. NaN if there are no values.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let mut report = Report::default();
        let contender = |name: &str, times: &[f64]| (name.to_owned(), times.to_vec(), Map::new());
        let contenders = vec![
            contender("facekit", &[1.0, 2.0, 4.0]),
            contender("peer", &[2.0, 4.0, 8.0]),
        ];
        report.add("race", "ms", contenders);
        assert_eq!(report.rows()[1]["ratio_to_facekit"], 2.0);
        assert_eq!(report.rows()[1]["median"], 4.0);
    }
}
