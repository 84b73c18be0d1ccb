//! The counted hours of a week, one column for each day.

use askama::Template;
use jiff::civil::Date;

use crate::web::language::{Language, hours};

/// The baseline of the columns.
const FLOOR: f64 = 108.0;
/// The highest top of a column.
const TOP: f64 = 14.0;

/// A drawn week. It is a [`Template`], so it prints its SVG.
#[derive(Template)]
#[template(path = "charts/week.html")]
pub(crate) struct Week {
    label: String,
    columns: Vec<Column>,
    goal: Option<(f64, String)>,
    /// The name of each day and its hours, for the table beside the chart.
    pub(crate) rows: Vec<(String, String)>,
}

struct Column {
    x: f64,
    y: f64,
    height: f64,
    today: bool,
    text: String,
}

impl Week {
    /// Draws the days with their counted seconds. The line is at `goal` seconds, if that is more than 0.
    pub(crate) fn new(days: &[(Date, i64)], goal: i64, today: Date, language: &Language) -> Self {
        let most = days
            .iter()
            .map(|day| day.1)
            .max()
            .unwrap_or(0)
            .max(goal)
            .max(3600);
        let height = |seconds: i64| seconds.max(0) as f64 / most as f64 * (FLOOR - TOP);
        let step = 300.0 / days.len().max(1) as f64;
        let columns = days
            .iter()
            .enumerate()
            .map(|(index, (date, counted))| Column {
                x: step * index as f64 + step / 2.0,
                y: FLOOR - height(*counted),
                height: height(*counted),
                today: *date == today,
                text: language.short_weekday(date.weekday()),
            })
            .collect();
        let rows: Vec<(String, String)> = days
            .iter()
            .map(|(date, counted)| (language.weekday(date.weekday()), hours(*counted)))
            .collect();
        let figures: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
        Self {
            label: language.say_with("week-label", "hours", figures.join(", ")),
            columns,
            goal: (goal > 0).then(|| (FLOOR - height(goal), hours(goal))),
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_day_has_the_highest_column() {
        let monday = Date::constant(2026, 3, 2);
        let days = [(monday, 28_800), (monday.tomorrow().unwrap(), 14_400)];
        let week = Week::new(&days, 28_800, monday, Language::find("en").unwrap());
        assert_eq!(week.columns[0].y, TOP);
        assert!((week.columns[1].height * 2.0 - week.columns[0].height).abs() < 1e-9);
        assert!(week.columns[0].today && !week.columns[1].today);
        assert_eq!(week.rows[1], ("Tuesday".to_owned(), "4:00".to_owned()));
        let empty = Week::new(&[], 0, monday, Language::find("en").unwrap());
        assert!(empty.to_string().contains("<svg"));
    }
}
