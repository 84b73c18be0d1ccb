//! The time line of a day: the times inside over the expected times.

use askama::Template;

use crate::web::language::{Language, hours};

/// The whole range is at least this long.
const SHORTEST: i64 = 8 * 3600;
/// The margin on both sides of the drawing.
const MARGIN: f64 = 8.0;

/// A span of the day in seconds from its local midnight. It can begin before, and end after the day.
pub(crate) type Span = (i64, i64);

/// A drawn day, wide for a desk and slim for a phone. It is a [`Template`], so it prints its SVG.
#[derive(Template)]
#[template(path = "charts/day.html")]
pub(crate) struct Day {
    label: String,
    drawings: [Drawing; 2],
}

struct Drawing {
    class: &'static str,
    width: f64,
    track: f64,
    expected: Vec<(f64, f64)>,
    inside: Vec<(f64, f64)>,
    expected_label: Option<(f64, String)>,
    hours: Vec<(f64, &'static str, String)>,
    now: Option<f64>,
}

impl Day {
    /// Draws a day. `now` is drawn if it is within the range.
    pub(crate) fn new(
        expected: &[Span],
        inside: &[Span],
        now: Option<i64>,
        language: &Language,
    ) -> Self {
        let label = if inside.is_empty() {
            language.say("day-chart-empty")
        } else {
            let spans: Vec<String> = inside
                .iter()
                .map(|(from, to)| {
                    let (from, to) = (clock(*from), clock(*to));
                    language.say_with_two("day-chart-span", ("from", from), ("to", to))
                })
                .collect();
            language.say_with("day-chart-label", "spans", spans.join(", "))
        };
        let range = range(expected, inside);
        let draw =
            |class, width, step| draw(class, width, step, range, expected, inside, now, language);
        Self {
            label,
            drawings: [draw("for-wide", 640.0, 2), draw("for-slim", 330.0, 4)],
        }
    }
}

/// Whole hours around all spans.
fn range(expected: &[Span], inside: &[Span]) -> Span {
    let spans = || expected.iter().chain(inside);
    let from = spans().map(|span| span.0).min().unwrap_or(8 * 3600);
    let to = spans().map(|span| span.1).max().unwrap_or(16 * 3600);
    let from = (from - 1800).div_euclid(3600) * 3600;
    let to = -(-(to + 1800)).div_euclid(3600) * 3600;
    (from, to.max(from + SHORTEST))
}

#[expect(clippy::too_many_arguments, reason = "one drawing of a whole chart")]
fn draw(
    class: &'static str,
    width: f64,
    step: i64,
    (from, to): Span,
    expected: &[Span],
    inside: &[Span],
    now: Option<i64>,
    language: &Language,
) -> Drawing {
    let track = width - 2.0 * MARGIN;
    let x = |at: i64| MARGIN + (at - from) as f64 / (to - from) as f64 * track;
    let bars = |spans: &[Span]| -> Vec<(f64, f64)> {
        spans
            .iter()
            .map(|span| (x(span.0), (x(span.1) - x(span.0)).max(2.0)))
            .collect()
    };
    // Longer ranges have fewer labels.
    let step = step * ((to - from) / (12 * 3600) + 1) * 3600;
    let labels = (0..=(to - from) / step)
        .map(|mark| {
            let at = from + mark * step;
            let anchor = match at {
                at if at == from => "start",
                at if at == to => "end",
                _ => "middle",
            };
            (x(at), anchor, clock(at))
        })
        // A centered label at the very end would be cut off.
        .filter(|(at, anchor, _)| *anchor != "middle" || *at <= width - MARGIN - 16.0)
        .collect();
    let expected_label = expected.first().zip(expected.last()).map(|(first, last)| {
        let (from, to) = (clock(first.0), clock(last.1));
        (
            x(first.0),
            language.say_with_two("day-chart-expected", ("from", from), ("to", to)),
        )
    });
    Drawing {
        class,
        width,
        track,
        expected: bars(expected),
        inside: bars(inside),
        expected_label,
        hours: labels,
        now: now.filter(|now| (from..=to).contains(now)).map(x),
    }
}

/// The time of day of seconds from midnight.
fn clock(seconds: i64) -> String {
    let text = hours(seconds.rem_euclid(86_400));
    if text.len() == 4 {
        format!("0{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn draw_day(expected: &[Span], inside: &[Span]) -> Day {
        Day::new(expected, inside, None, Language::find("en").unwrap())
    }

    #[test]
    fn bars_are_within_the_track() {
        for inside in [
            vec![(8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)],
            vec![(22 * HOUR, 30 * HOUR)],
            vec![(-2 * HOUR, 60)],
            vec![],
        ] {
            for drawing in draw_day(&[(9 * HOUR, 17 * HOUR)], &inside).drawings {
                for (x, width) in drawing.inside.iter().chain(&drawing.expected) {
                    assert!(*x >= MARGIN && *width >= 2.0);
                    assert!(x + width <= drawing.width - MARGIN + 1e-6);
                }
                assert!(drawing.hours.len() >= 2);
            }
        }
    }

    #[test]
    fn the_label_says_the_times() {
        let day = draw_day(&[], &[(8 * HOUR + 2460, 12 * HOUR), (22 * HOUR, 26 * HOUR)]);
        assert_eq!(day.label, "In from 08:41 to 12:00, from 22:00 to 02:00");
        assert_eq!(draw_day(&[], &[]).label, "Nobody was in on this day");
    }
}
