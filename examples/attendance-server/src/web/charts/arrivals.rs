//! The arrivals of a day, by quarters of an hour.

use askama::Template;

use crate::web::language::Language;

/// The length of a column in seconds.
const QUARTER: i64 = 900;
/// At least this many columns are drawn.
const FEWEST: i64 = 10;
/// At most this many columns are drawn; the last one has the later arrivals too.
const MOST: i64 = 24;

/// The arrivals of a day. It is a [`Template`], so it prints its SVG.
#[derive(Template)]
#[template(path = "charts/arrivals.html")]
pub(crate) struct Arrivals {
    label: String,
    drawings: [Drawing; 2],
    /// The time of the column, the arrivals in time and the late ones, for the table beside the chart.
    pub(crate) rows: Vec<(String, usize, usize)>,
}

struct Drawing {
    class: &'static str,
    width: f64,
    height: f64,
    floor: f64,
    lines: Vec<(f64, usize)>,
    columns: Vec<Column>,
    now: Option<(f64, String)>,
}

struct Column {
    x: f64,
    width: f64,
    /// The top and the height of the part in time.
    in_time: (f64, f64),
    /// The top and the height of the late part.
    late: (f64, f64),
    text: Option<String>,
}

impl Arrivals {
    /// Draws arrivals: the seconds from local midnight, and whether they are late. Nothing is drawn without arrivals.
    pub(crate) fn new(
        arrivals: &[(i64, bool)],
        now: Option<i64>,
        language: &Language,
    ) -> Option<Self> {
        let first = arrivals
            .iter()
            .map(|arrival| arrival.0)
            .min()?
            .div_euclid(QUARTER);
        let last = arrivals
            .iter()
            .map(|arrival| arrival.0)
            .max()?
            .div_euclid(QUARTER);
        let count = (last - first + 2).clamp(FEWEST, MOST);
        let mut columns = vec![(0_usize, 0_usize); count as usize];
        for (at, late) in arrivals {
            let column = (at.div_euclid(QUARTER) - first).min(count - 1) as usize;
            if *late {
                columns[column].1 += 1;
            } else {
                columns[column].0 += 1;
            }
        }
        let most = columns.iter().map(|(in_time, late)| in_time + late).max()?;
        let label = language.say_with("arrivals-label", "count", arrivals.len());
        let draw = |class, width, height, every| {
            draw(
                class,
                (width, height),
                every,
                first,
                &columns,
                most,
                now,
                language,
            )
        };
        let rows = columns
            .iter()
            .enumerate()
            .filter(|(_, (in_time, late))| in_time + late > 0)
            .map(|(column, (in_time, late))| (clock(first + column as i64), *in_time, *late))
            .collect();
        Some(Self {
            label,
            drawings: [
                draw("for-wide", 740.0, 150.0, 3),
                draw("for-slim", 330.0, 130.0, 4),
            ],
            rows,
        })
    }
}

#[expect(clippy::too_many_arguments, reason = "one drawing of a whole chart")]
fn draw(
    class: &'static str,
    (width, height): (f64, f64),
    every: usize,
    first: i64,
    columns: &[(usize, usize)],
    most: usize,
    now: Option<i64>,
    language: &Language,
) -> Drawing {
    let (left, top, floor) = (26.0, 20.0, height - 24.0);
    let step = (width - left) / columns.len() as f64;
    let unit = (floor - top) / most as f64;
    let bars = columns.iter().enumerate().map(|(index, (in_time, late))| {
        let (in_time, late) = (*in_time as f64 * unit, *late as f64 * unit);
        Column {
            x: left + step * index as f64 + step * 0.12,
            width: step * 0.76,
            in_time: (floor - in_time, in_time),
            late: (floor - in_time - late, late),
            text: (index % every == 0).then(|| clock(first + index as i64)),
        }
    });
    // At most three lines, at whole numbers.
    let between = most.div_ceil(3);
    let lines = (1..=most / between)
        .map(|line| (floor - (line * between) as f64 * unit, line * between))
        .collect();
    let end = first + columns.len() as i64;
    let now = now
        .filter(|now| (first * QUARTER..end * QUARTER).contains(now))
        .map(|now| {
            let x = left + step * (now - first * QUARTER) as f64 / QUARTER as f64;
            (x, language.say("arrivals-now"))
        });
    Drawing {
        class,
        width,
        height,
        floor,
        lines,
        columns: bars.collect(),
        now,
    }
}

/// The time at which a quarter begins.
fn clock(quarter: i64) -> String {
    let minutes = quarter.rem_euclid(96) * 15;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn draw_arrivals(arrivals: &[(i64, bool)]) -> Option<Arrivals> {
        Arrivals::new(arrivals, None, Language::find("en").unwrap())
    }

    #[test]
    fn each_arrival_is_in_the_column_of_its_quarter() {
        let arrivals = [
            (8 * HOUR, false),
            (8 * HOUR + 899, false),
            (8 * HOUR + 900, false),
            (9 * HOUR + 60, true),
        ];
        let drawn = draw_arrivals(&arrivals).unwrap();
        let expected = [("08:00", 2, 0), ("08:15", 1, 0), ("09:00", 0, 1)];
        let expected = expected.map(|(at, in_time, late)| (at.to_owned(), in_time, late));
        assert_eq!(drawn.rows, expected);
        for drawing in &drawn.drawings {
            for column in &drawing.columns {
                assert!(column.late.0 >= 19.9 && column.x + column.width <= drawing.width);
            }
        }
    }

    #[test]
    fn a_long_day_has_a_limited_number_of_columns() {
        let arrivals = [(0, false), (23 * HOUR, true)];
        let drawn = draw_arrivals(&arrivals).unwrap();
        assert_eq!(drawn.drawings[0].columns.len(), MOST as usize);
        assert_eq!(drawn.rows.len(), 2);
        assert!(draw_arrivals(&[]).is_none());
    }
}
