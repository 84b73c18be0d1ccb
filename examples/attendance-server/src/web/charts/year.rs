//! The heat map of a year: one cell for each day, one column for each week.

use std::collections::BTreeMap;

use askama::Template;
use jiff::{ToSpan, civil::Date};

use crate::web::language::{Language, hours};

/// The distance between two cells.
const PITCH: f64 = 15.6;
/// The left edge of the first week, after the names of the days.
const LEFT: f64 = 30.0;
/// The top edge of the first day, below the names of the months.
const TOP: f64 = 20.0;
/// From this counted time on, a cell is of the middle shade.
const MIDDLE: i64 = 6 * 3600 + 1800;
/// From this counted time on, a cell is of the full shade.
const FULL: i64 = 7 * 3600 + 1800;

/// The kind of a day in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Present, with the counted seconds.
    Present(i64),
    /// Present, but late, with the counted seconds.
    Late(i64),
    /// Absent.
    Absent,
    /// A punch is missing.
    Incomplete,
    /// On leave.
    Leave,
    /// No work was due.
    Free,
}

/// A drawn year. It is a [`Template`], so it prints its SVG.
#[derive(Template)]
#[template(path = "charts/year.html")]
pub(crate) struct Year {
    width: u32,
    label: String,
    months: Vec<(f64, String)>,
    weekdays: Vec<(f64, String)>,
    cells: Vec<Cell>,
    today: (f64, f64),
}

struct Cell {
    x: f64,
    y: f64,
    class: &'static str,
    title: String,
    kind: Kind,
}

impl Year {
    /// Draws the year that ends with `today`, whose cell has a frame. Days without a record are free.
    pub(crate) fn new(days: &BTreeMap<Date, Kind>, today: Date, language: &Language) -> Self {
        let (first, last) = (first_of_year(today), today);
        let monday = monday_of(first);
        let place = |date: Date| {
            let days = (date - monday).get_days();
            let x = LEFT + PITCH * f64::from(days / 7);
            (x, TOP + PITCH * f64::from(days % 7))
        };
        let cells = first
            .series(1.day())
            .take_while(|date| *date <= last)
            .map(|date| {
                let (x, y) = place(date);
                let kind = days.get(&date).copied().unwrap_or(Kind::Free);
                let text = describe(kind, language);
                let title = format!("{}: {text}", language.day_and_month(date));
                Cell {
                    x,
                    y,
                    class: class(kind),
                    title,
                    kind,
                }
            })
            .collect();
        let label = language.say_with_two(
            "year-label",
            ("from", language.date(first)),
            ("to", language.date(last)),
        );
        let weekdays = [0, 2, 4]
            .map(|row| {
                let date = monday.saturating_add(row.days());
                let y = TOP + PITCH * f64::from(row) + 10.5;
                (y, language.short_weekday(date.weekday()))
            })
            .into();
        let right = place(last).0 + PITCH + 2.0;
        Self {
            width: right.ceil() as u32,
            label,
            months: months(first, last, &place, language),
            weekdays,
            cells,
            today: place(today),
        }
    }
}

/// The first day of the year that ends with a day.
pub(crate) fn first_of_year(last: Date) -> Date {
    last.saturating_sub(364.days())
}

/// The names of the months over the week in which each begins. A name that has no room is left out.
fn months(
    first: Date,
    last: Date,
    place: &dyn Fn(Date) -> (f64, f64),
    language: &Language,
) -> Vec<(f64, String)> {
    let mut names: Vec<(f64, String)> = Vec::new();
    let mut month = first;
    while month <= last {
        let (x, y) = place(month);
        // A month that begins in the middle of a week begins with the next column.
        let x = if y > TOP && month != first {
            x + PITCH
        } else {
            x
        };
        let room = (place(last).0 - x) >= 0.0;
        if room
            && names
                .last()
                .is_none_or(|(before, _)| x - before >= 2.0 * PITCH)
        {
            names.push((x, language.short_month(month.month())));
        }
        month = month.first_of_month().saturating_add(1.month());
    }
    names
}

fn monday_of(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Present(counted) if counted >= FULL => "d3",
        Kind::Present(counted) if counted >= MIDDLE => "d2",
        Kind::Present(_) => "d1",
        Kind::Late(_) => "dl",
        Kind::Absent => "da",
        Kind::Incomplete => "di",
        Kind::Leave => "dv",
        Kind::Free => "d0",
    }
}

fn describe(kind: Kind, language: &Language) -> String {
    match kind {
        Kind::Present(counted) => language.say_with("year-present", "hours", hours(counted)),
        Kind::Late(counted) => language.say_with("year-late", "hours", hours(counted)),
        Kind::Absent => language.say("status-absent"),
        Kind::Incomplete => language.say("status-incomplete"),
        Kind::Leave => language.say("status-on-leave"),
        Kind::Free => language.say("status-free"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> &'static Language {
        Language::find("en").unwrap()
    }

    fn whole_year(last: Date, kind: Kind) -> BTreeMap<Date, Kind> {
        let days = first_of_year(last).series(1.day());
        days.take_while(|date| *date <= last)
            .map(|date| (date, kind))
            .collect()
    }

    #[test]
    fn each_day_has_a_cell_of_its_own() {
        let today = Date::constant(2026, 3, 2);
        let year = Year::new(&whole_year(today, Kind::Present(28_800)), today, english());
        let mut places: Vec<(i64, i64)> = year
            .cells
            .iter()
            .map(|cell| ((cell.x * 10.0) as i64, (cell.y * 10.0) as i64))
            .collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 365);
        let right = year.cells.iter().map(|cell| cell.x).fold(0.0, f64::max);
        assert!(right + 13.0 <= f64::from(year.width));
        assert_eq!(year.cells[0].y, TOP, "3 March 2025 is a Monday");
        assert!(year.months.len() >= 11, "{:?}", year.months);
    }

    #[test]
    fn the_title_and_the_glyph_of_a_cell_say_the_status() {
        let day = Date::constant(2026, 2, 27);
        for (kind, title, part) in [
            (Kind::Present(28_059), "27 Feb: present, 7:47", "d3"),
            (Kind::Late(28_059), "27 Feb: late, 7:47", "class=\"gl\""),
            (Kind::Absent, "27 Feb: Absent", "class=\"g ga\""),
            (Kind::Incomplete, "27 Feb: Incomplete", "class=\"gi\""),
            (Kind::Leave, "27 Feb: On leave", "class=\"g gv\""),
            (Kind::Free, "27 Feb: Free", "d0"),
        ] {
            let text = Year::new(&BTreeMap::from([(day, kind)]), day, english()).to_string();
            assert!(text.contains(&format!("<title>{title}</title>")), "{text}");
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_year_without_records_is_free() {
        let today = Date::constant(2026, 3, 2);
        let year = Year::new(&BTreeMap::new(), today, english());
        assert!(year.cells.iter().all(|cell| cell.kind == Kind::Free));
        assert!(year.to_string().contains("class=\"today\""));
    }
}
