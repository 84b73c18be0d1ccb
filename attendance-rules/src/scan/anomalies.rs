//! Detects anomalies of a scan.

use facekit::{Anomaly, AnomalyValue, Severity};

use super::input::{LastScan, Scan};
use crate::{
    plan::Plan,
    policy::{Action, Anomalies, Reaction},
    refusal::Refusal,
    rules::Rules,
    time::{DAY, DayNumber, second_of_day},
};

/// A scan that is about to be accepted, and the state before it.
pub(super) struct AnomalyCheck<'a> {
    pub(super) rules: &'a Rules,
    pub(super) plan: &'a Plan,
    pub(super) scan: &'a Scan<'a>,
    /// The day of the scan's shift.
    pub(super) day: DayNumber,
    pub(super) last: Option<LastScan>,
    /// Accepted scans on the calendar day so far.
    pub(super) scans_of_day: u32,
    /// Accepted scans with a low liveness, in a row and within 24 hours, so far.
    pub(super) low_streak: usize,
}

/// Anomalies to report, and the first refusal.
struct Findings<'a> {
    anomalies: &'a mut Vec<Anomaly>,
    refusal: Option<Refusal>,
}

impl Findings<'_> {
    /// Adds an anomaly. The policy decides whether it is reported or refuses the scan.
    fn add(
        &mut self,
        code: &'static str,
        reaction: Reaction,
        message: String,
        data: &[(&str, AnomalyValue)],
    ) {
        if reaction.action == Action::Refuse {
            self.refusal
                .get_or_insert_with(|| Refusal::new(code, message));
            return;
        }
        let anomaly = Anomaly::new(code, message).with_severity(reaction.severity);
        self.anomalies
            .push(data.iter().fold(anomaly, |anomaly, (name, value)| {
                anomaly.with(*name, value.clone())
            }));
    }
}

fn reaction(action: Action, severity: Severity) -> Reaction {
    Reaction { action, severity }
}

impl AnomalyCheck<'_> {
    /// Adds the anomalies of the scan to `anomalies`. If the policy refuses one of them, the first such is the error.
    pub(super) fn run(&self, anomalies: &mut Vec<Anomaly>) -> Result<(), Refusal> {
        let policy = &self.rules.policy.anomalies;
        let mut findings = Findings {
            anomalies,
            refusal: None,
        };
        self.out_of_hours(policy, &mut findings);
        self.free_day(policy, &mut findings);
        self.too_many_scans(policy, &mut findings);
        self.impossible_travel(policy, &mut findings);
        self.low_liveness(policy, &mut findings);
        self.expired_roster(policy, &mut findings);
        findings.refusal.map_or(Ok(()), Err)
    }

    fn out_of_hours(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        let Some(rule) = policy.out_of_hours else {
            return;
        };
        let (from, to) = (second_of_day(rule.from), second_of_day(rule.to));
        let now = self.rules.zone.local(self.scan.at).rem_euclid(DAY);
        let usual = if from < to {
            from <= now && now < to
        } else {
            now >= from || now < to
        };
        if !usual {
            findings.add(
                "out_of_hours",
                reaction(rule.action, rule.severity),
                format!("outside the usual hours, {} to {}", rule.from, rule.to),
                &[("second_of_day", now.into())],
            );
        }
    }

    /// A rest day, a holiday, or a day of leave.
    fn free_day(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        if policy.rest_day.is_none() && policy.holiday.is_none() && policy.on_leave.is_none() {
            return;
        }
        let day = self.day;
        let plan = self.rules.day_plan(self.plan, day);
        let date = || [("date", AnomalyValue::Text(day.to_string()))];
        if let Some(rule) = policy.rest_day.filter(|_| !plan.scheduled) {
            findings.add("rest_day", rule, "on a rest day".to_owned(), &date());
        }
        if let (Some(rule), Some(name)) = (policy.holiday, plan.holiday)
            && plan.whole_holiday
        {
            findings.add("holiday", rule, format!("on a holiday, {name}"), &date());
        }
        if let (Some(rule), Some(kind)) = (policy.on_leave, &plan.leave)
            && plan.free
        {
            findings.add("on_leave", rule, format!("on leave, {kind}"), &date());
        }
    }

    fn too_many_scans(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        if let Some(rule) = policy.too_many_scans
            && self.scans_of_day >= rule.most
        {
            let (scans, most) = (i64::from(self.scans_of_day) + 1, i64::from(rule.most));
            findings.add(
                "too_many_scans",
                reaction(rule.action, rule.severity),
                format!("scan {scans} of the day; up to {most} are usual"),
                &[("scans", scans.into()), ("most", most.into())],
            );
        }
    }

    fn impossible_travel(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        if let (Some(rule), Some(last)) = (policy.impossible_travel, self.last)
            && let (Some(from), Some(to)) = (last.place, self.rules.place_of(self.scan.device))
            && from != to
        {
            let places = &self.rules.policy.site.places;
            let (from, to) = (&places[from], &places[to]);
            let needed = from.travel.0.max(to.travel.0);
            let passed = self.scan.at - last.at;
            if passed < needed {
                let message = format!(
                    "{passed} s after a scan at {}; the way takes {needed} s",
                    from.name
                );
                let data = [
                    ("from", from.name.as_str().into()),
                    ("to", to.name.as_str().into()),
                    ("passed_seconds", passed.into()),
                    ("needed_seconds", needed.into()),
                ];
                findings.add("impossible_travel", rule, message, &data);
            }
        }
    }

    fn low_liveness(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        if let Some(rule) = policy.low_liveness
            && self
                .scan
                .liveness
                .is_some_and(|liveness| liveness < rule.below)
            && self.low_streak + 1 >= rule.streak as usize
        {
            let streak = self.low_streak as i64 + 1;
            findings.add(
                "low_liveness",
                reaction(rule.action, rule.severity),
                format!(
                    "{streak} scans in a row with a liveness below {}",
                    rule.below
                ),
                &[("streak", streak.into())],
            );
        }
    }

    fn expired_roster(&self, policy: &Anomalies, findings: &mut Findings<'_>) {
        if let Some(rule) = policy.expired_roster
            && self.day > self.plan.roster_until
        {
            let until = self.plan.roster_until.to_string();
            let message = format!("the roster ended on {until}");
            findings.add("expired_roster", rule, message, &[("until", until.into())]);
        }
    }
}
