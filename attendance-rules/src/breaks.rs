//! Takes breaks out of the worked time of a day.

use crate::{
    account::Account,
    interval::{
        ALWAYS, Interval, after, between, clip, first, last, normalize, overlap, subtract, total,
    },
    ready::{ReadyBreak, ReadyShift},
    time::{DayNumber, Instant},
    zone::Zone,
};

/// The worked time of a day, for break rules. All its shifts are one: the time between two shifts is a break, too.
struct Stretch {
    counted: Vec<Interval>,
    paid: Vec<Interval>,
    hull: Interval,
    /// Punched breaks, and the time between two shifts.
    off: Vec<Interval>,
    /// Punched breaks within a shift.
    punched: Vec<Interval>,
    /// The length of the breaks that were deducted, in seconds.
    deducted: i64,
}

/// Takes the breaks of the shifts of one day. Shifts with breaks of their own are apart from the others.
pub(crate) fn take_breaks_of_day<'a>(
    zone: &Zone,
    shifts: &[ReadyShift],
    breaks: &[ReadyBreak],
    day: impl Iterator<Item = (Option<usize>, &'a mut Account)>,
) {
    let mut others = Vec::new();
    for (shift, account) in day {
        match shift.and_then(|shift| shifts[shift].breaks.as_ref()) {
            Some(own) => take_breaks(zone, own, &mut [account]),
            None => others.push(account),
        }
    }
    take_breaks(zone, breaks, &mut others);
}

/// Takes breaks out of the counted time of shifts, which are in order of time.
fn take_breaks(zone: &Zone, rules: &[ReadyBreak], shifts: &mut [&mut Account]) {
    if rules.is_empty() {
        return;
    }
    let any_paid = rules
        .iter()
        .any(|rule| matches!(rule, ReadyBreak::Fixed { paid: true, .. }));
    let mut stretch = Stretch {
        counted: Vec::new(),
        paid: Vec::new(),
        hull: (ALWAYS.1, ALWAYS.0),
        off: Vec::new(),
        punched: Vec::new(),
        deducted: 0,
    };
    let worked = |shift: &&mut &mut Account| !shift.counted.is_empty();
    let mut joined = 0;
    for shift in shifts.iter_mut().filter(worked) {
        stretch.hull.0 = stretch.hull.0.min(shift.hull.0);
        stretch.hull.1 = stretch.hull.1.max(shift.hull.1);
        if any_paid {
            stretch.punched.extend(between(&shift.counted));
        }
        stretch.counted.append(&mut shift.counted);
        joined += 1;
    }
    if joined == 0 {
        return;
    }
    if joined > 1 {
        normalize(&mut stretch.counted);
    }
    stretch.take(zone, rules);
    if let [only] = shifts {
        (only.counted, only.paid) = (stretch.counted, stretch.paid);
        return;
    }
    for shift in shifts.iter_mut() {
        shift.counted = clip(&stretch.counted, shift.hull);
        shift.paid = clip(&stretch.paid, shift.hull);
    }
}

impl Stretch {
    fn take(&mut self, zone: &Zone, rules: &[ReadyBreak]) {
        self.off = between(&self.counted);
        for rule in rules {
            if let &ReadyBreak::Fixed { from, to, .. } = rule {
                // A window that began on the day before may reach into this one, and the shift into the next day.
                let days = zone.day(self.hull.0) - 1..=zone.day(self.hull.1);
                for day in DayNumber::all(days) {
                    let window = (zone.at(day, from), zone.at(day, to));
                    let touched = self.hull.0 < window.1 && window.0 < self.hull.1;
                    if touched && zone.exists(day) {
                        self.take_fixed(rule, window);
                    }
                }
            }
        }
        for rule in rules {
            self.take_after_work(rule);
        }
    }

    fn take_fixed(&mut self, rule: &ReadyBreak, window: Interval) {
        let &ReadyBreak::Fixed {
            at_most,
            shortest,
            whole,
            paid,
            ..
        } = rule
        else {
            return;
        };
        if paid {
            let granted = first(&clip(&self.punched, window), at_most);
            self.counted.extend(&granted);
            self.paid.extend(granted);
            normalize(&mut self.counted);
            normalize(&mut self.paid);
            return;
        }
        let off = self.off.iter().filter(|off| off.1 - off.0 >= shortest);
        let taken: i64 = off.map(|&off| overlap(&[off], window)).sum();
        let due = (at_most - taken).max(0);
        let work = subtract(&self.counted, &self.paid);
        let inside = clip(&work, window);
        if inside.is_empty() || due == 0 {
            return;
        }
        let mut cut = first(&inside, due);
        let mut rest = due - total(&cut);
        if whole && rest > 0 {
            // The window has too little work for the whole break. The rest comes from the nearest work: first from before
            // the window, then from after it.
            let before = last(&clip(&work, (Instant::MIN, window.0)), rest);
            rest -= total(&before);
            cut.extend(before);
            cut.extend(first(&clip(&work, (window.1, Instant::MAX)), rest));
        }
        self.cut(cut);
    }

    fn take_after_work(&mut self, rule: &ReadyBreak) {
        let &ReadyBreak::AfterWork {
            worked,
            length,
            shortest,
            whole,
        } = rule
        else {
            return;
        };
        let work = subtract(&self.counted, &self.paid);
        let beyond = after(&work, worked);
        // Punched breaks that are paid are counted time, and no break.
        let off = self.off.iter().filter(|off| off.1 - off.0 >= shortest);
        let punched: i64 = off
            .map(|&(from, to)| to - from - overlap(&self.counted, (from, to)))
            .sum();
        let due = (length - punched - self.deducted).max(0);
        if beyond.is_empty() || due == 0 {
            return;
        }
        let mut cut = first(&beyond, due);
        let rest = due - total(&cut);
        if whole && rest > 0 {
            cut.extend(last(&first(&work, worked), rest));
        }
        self.cut(cut);
    }

    fn cut(&mut self, mut cut: Vec<Interval>) {
        normalize(&mut cut);
        self.deducted += total(&cut);
        self.counted = subtract(&self.counted, &cut);
    }
}
