//! A walk through every record of a gallery that opens every one and compares them with each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    records::{CROPS, KEYS, NEXT_PERSON, NEXT_TEMPLATE, PEOPLE, TEMPLATES},
    snapshot::{Owner, Snapshot},
};
use crate::{
    embed::EmbeddingSpace,
    error::Result,
    sealed_file::{
        damage::{Damage, damaged},
        rows::Records,
        template::Spaces,
    },
};

/// Gets the number, the sealed bytes and the content of a record.
type Visit<'a> = dyn FnMut(u64, &[u8], Found<'_>) -> Result<()> + 'a;

/// A record that opens.
pub(super) enum Found<'a> {
    Person(&'a Owner),
    /// With the number of the person.
    Template(u64, EmbeddingSpace),
    Crop,
}

impl Snapshot<'_> {
    /// Opens every record. Calls `visit` for each record that opens: people first, then templates, then crops. Calls
    /// `step` with the number of all records for each record, open or not.
    pub(super) fn survey(
        &self,
        damage: &Damage,
        step: &mut dyn FnMut(u64) -> Result<()>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let mut total = 0;
        for records in [PEOPLE, TEMPLATES, CROPS] {
            total += damage.tolerate(self.count(records))?.unwrap_or(0);
        }
        let keys = damage.tolerate(self.count(KEYS))?;
        let people = damage.tolerate(self.count(PEOPLE))?;
        if keys != people {
            damage.tolerate(self.wrong("people and keys differ in number"))?;
        }

        let mut owners = BTreeMap::new();
        let mut ids = HashSet::new();
        self.each(PEOPLE, NEXT_PERSON, damage, &mut |number, record| {
            if let Some(owner) = damage.tolerate(self.owner(number, record))? {
                if ids.insert(owner.person.id.clone()) {
                    visit(number, record, Found::Person(&owner))?;
                    owners.insert(number, owner);
                } else {
                    damage.tolerate(self.wrong("a person is in it twice"))?;
                }
            }
            step(total)
        })?;

        let mut spaces = Spaces::default();
        let mut pairs = BTreeSet::new();
        let mut templates = BTreeSet::new();
        self.each(TEMPLATES, NEXT_TEMPLATE, damage, &mut |number, record| {
            let opened = self.template(number, record, &owners, &mut spaces);
            if let Some((person, template)) = damage.tolerate(opened)? {
                pairs.insert((person, number));
                templates.insert(number);
                let space = template.embedding.space().clone();
                visit(number, record, Found::Template(person, space))?;
            }
            step(total)
        })?;
        let listed = damage.tolerate(self.pairs((0, 0)..=(u64::MAX, u64::MAX)))?;
        let listed: BTreeSet<_> = listed.unwrap_or_default().into_iter().collect();
        let different: BTreeSet<_> = listed
            .symmetric_difference(&pairs)
            .map(|(person, _)| person)
            .collect();
        for person in different {
            let what = "does not list the templates that there are";
            damage.tolerate(self.wrong(&format!("person record {person} {what}")))?;
        }

        self.each(CROPS, NEXT_TEMPLATE, damage, &mut |number, record| {
            let opened = self.crop(number, record, &owners);
            if damage.tolerate(opened)?.is_some() {
                if templates.contains(&number) {
                    visit(number, record, Found::Crop)?;
                } else {
                    let what = format!("crop {number} has no template that opens");
                    damage.tolerate(self.wrong(&what))?;
                }
            }
            step(total)
        })
    }

    fn wrong(&self, reason: &str) -> Result<()> {
        Err(damaged(self.path, reason))
    }

    /// Calls `visit` for each record, in rising order of number. If a scan ends at a damaged page and damage is
    /// tolerated, looks for each number that the scan did not reach, below the one that the table of meta data names
    /// `next`.
    fn each(
        &self,
        table: Records,
        next: &str,
        damage: &Damage,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        // Two bounds on the search: failures, because every record of an unreadable page fails; and numbers, because a
        // damaged `next` may be any number.
        const MOST_FAILURES: usize = 256;
        const MOST_RECORDS: u64 = 1 << 24;
        let mut seen = HashSet::new();
        let mut stopped = false;
        let scanned = self.scan(table, &mut |number, record| {
            seen.insert(number);
            visit(number, record).inspect_err(|_| stopped = true)
        });
        if stopped {
            return scanned;
        }
        if damage.tolerate(scanned)?.is_some() {
            return Ok(());
        }
        let mut failures = 0;
        let next = damage.tolerate(self.meta(next))?.flatten();
        let next = next.unwrap_or(MOST_RECORDS);
        for number in (0..next.min(MOST_RECORDS)).filter(|number| !seen.contains(number)) {
            match damage.tolerate(self.get(table, number))? {
                Some(Some(record)) => visit(number, &record)?,
                Some(None) => {}
                None => failures += 1,
            }
            if failures == MOST_FAILURES {
                break;
            }
        }
        Ok(())
    }
}
