//! The heat map of a year: one cell for each day, one column for each week.

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
    today: Option<(f64, f64)>,
}

struct Cell {
    x: f64,
    y: f64,
    class: &'static str,
    title: String,
    kind: Kind,
}

impl Year {
    /// Draws the days, which are in order of their dates, each at most once. The cell of `today` has a frame. Days before the
    /// first and after the last stay empty.
    pub(crate) fn new(days: &[(Date, Kind)], today: Date, language: &Language) -> Self {
        let first = days.first().map_or(today, |day| day.0);
        let last = days.last().map_or(today, |day| day.0);
        let monday = monday_of(first);
        let place = |date: Date| {
            let days = (date - monday).get_days();
            let x = LEFT + PITCH * f64::from(days / 7);
            (x, TOP + PITCH * f64::from(days % 7))
        };
        let cells = days
            .iter()
            .map(|(date, kind)| {
                let (x, y) = place(*date);
                let text = describe(*kind, language);
                let title = format!("{}: {text}", language.day_and_month(*date));
                Cell { x, y, class: class(*kind), title, kind: *kind }
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
        let right = place(last).0.max(place(today.min(last)).0) + PITCH + 2.0;
        Self {
            width: right.ceil() as u32,
            label,
            months: months(first, last, &place, language),
            weekdays,
            cells,
            today: (first..=last).contains(&today).then(|| place(today)),
        }
    }
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
        let x = if y > TOP && month != first { x + PITCH } else { x };
        let room = (place(last).0 - x) >= 0.0;
        if room && names.last().is_none_or(|(before, _)| x - before >= 2.0 * PITCH) {
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

    fn days(from: Date, count: i32) -> Vec<(Date, Kind)> {
        (0..count)
            .map(|day| (from.saturating_add(day.days()), Kind::Present(8 * 3600)))
            .collect()
    }

    #[test]
    fn each_day_has_a_cell_of_its_own() {
        let days = days(Date::constant(2025, 3, 3), 365);
        let year = Year::new(&days, Date::constant(2026, 3, 2), english());
        let mut places: Vec<(i64, i64)> = year
            .cells
            .iter()
            .map(|cell| ((cell.x * 10.0) as i64, (cell.y * 10.0) as i64))
            .collect();
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 365);
        let right = year.cells.iter().map(|cell| cell.x).fold(0.0, f64::max);
        assert!(right + 13.0 <= f64::from(year.width));
        assert_eq!(year.cells[0].y, TOP, "3 March 2025 is a Monday");
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
            let text = Year::new(&[(day, kind)], day, english()).to_string();
            assert!(text.contains(&format!("<title>{title}</title>")), "{text}");
            assert!(text.contains(part), "{text}");
            assert!(text.contains("class=\"today\""));
        }
    }

    #[test]
    fn no_days_and_a_single_day_are_drawn() {
        let today = Date::constant(2026, 3, 2);
        assert!(Year::new(&[], today, english()).to_string().contains("<svg"));
        let future = days(today.saturating_add(1.day()), 3);
        assert!(!Year::new(&future, today, english()).to_string().contains("class=\"today\""));
    }
}
