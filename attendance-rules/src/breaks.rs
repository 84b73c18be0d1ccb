//! What breaks take out of what was worked on a day.

use crate::{
    Rules,
    interval::{Interval, after, between, clip, first, last, normalize, overlap, subtract, total},
    rules::ReadyBreak,
    work::Account,
};

/// The shifts of a day as one, for breaks are the day's: who was off between two shifts had a break.
struct Stretch {
    counted: Vec<Interval>,
    paid: Vec<Interval>,
    hull: Interval,
    /// What was punched as a break, and what lies between two shifts.
    off: Vec<Interval>,
    /// What was punched as a break within a shift.
    punched: Vec<Interval>,
}

impl Rules {
    /// Takes the breaks of the shifts of a day, in order of time, out of what they count.
    pub(crate) fn take_breaks(&self, rules: &[ReadyBreak], shifts: &mut [&mut Account]) {
        if rules.is_empty() {
            return;
        }
        let any_paid = rules
            .iter()
            .any(|rule| matches!(rule, ReadyBreak::Fixed { paid: true, .. }));
        let mut stretch = Stretch {
            counted: Vec::new(),
            paid: Vec::new(),
            hull: (i64::MAX, i64::MIN),
            off: Vec::new(),
            punched: Vec::new(),
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
        self.take_from(rules, &mut stretch);
        if let [only] = shifts {
            (only.counted, only.paid) = (stretch.counted, stretch.paid);
            return;
        }
        for shift in shifts.iter_mut() {
            shift.counted = clip(&stretch.counted, shift.hull);
            shift.paid = clip(&stretch.paid, shift.hull);
        }
    }

    fn take_from(&self, rules: &[ReadyBreak], stretch: &mut Stretch) {
        stretch.off = between(&stretch.counted);
        for rule in rules {
            if let &ReadyBreak::Fixed { from, to, .. } = rule {
                // A break of a night shift may lie on its second day; any shift may reach into another day.
                for day in self.zone.day(stretch.hull.0) - 1..=self.zone.day(stretch.hull.1) {
                    let window = (self.zone.at(day, from), self.zone.at(day, to));
                    let touched = stretch.hull.0 < window.1 && window.0 < stretch.hull.1;
                    if touched && self.zone.exists(day) {
                        stretch.take_fixed(rule, window);
                    }
                }
            }
        }
        for rule in rules {
            stretch.take_after_work(rule);
        }
    }
}

impl Stretch {
    fn take_fixed(&mut self, rule: &ReadyBreak, window: Interval) {
        let &ReadyBreak::Fixed {
            at_most,
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
        let due = (at_most - overlap(&self.off, window)).max(0);
        let work = subtract(&self.counted, &self.paid);
        let inside = clip(&work, window);
        if inside.is_empty() || due == 0 {
            return;
        }
        let mut cut = first(&inside, due);
        let mut rest = due - total(&cut);
        if whole && rest > 0 {
            // The rest of the whole is taken from what is nearest: before the break, then after it.
            let before = last(&clip(&work, (i64::MIN, window.0)), rest);
            rest -= total(&before);
            cut.extend(before);
            cut.extend(first(&clip(&work, (window.1, i64::MAX)), rest));
        }
        self.cut(cut);
    }

    fn take_after_work(&mut self, rule: &ReadyBreak) {
        let &ReadyBreak::AfterWork {
            worked,
            length,
            whole,
        } = rule
        else {
            return;
        };
        let work = subtract(&self.counted, &self.paid);
        let beyond = after(&work, worked);
        let taken = self.hull.1 - self.hull.0 - total(&self.counted);
        let due = (length - taken).max(0);
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
        self.counted = subtract(&self.counted, &cut);
    }
}
