//! Tables of sealed records: how records are bound to their places, and how tables are read and numbered.

use redb::TableDefinition;

use super::{
    damage::damaged,
    database::{Reading, Writing, guarded},
};
use crate::error::Result;

/// Numbers of the file as a whole: the epoch of the root key, the next numbers to give.
pub(crate) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
pub(crate) const EPOCH: &str = "epoch";

/// Number → record.
pub(crate) type Records = TableDefinition<'static, u64, &'static [u8]>;

/// The kind of a record, which its seal is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Person,
    Template,
    /// A template of a gallery file of format 1.
    TemplateOfFormat1,
    Crop,
    /// Bytes that a program sealed with a key vault.
    Other,
}

impl Kind {
    /// The version of the record's layout, and the number of the kind.
    fn tag(self) -> (u32, u8) {
        match self {
            Self::Key => (1, 1),
            Self::Person => (1, 2),
            Self::TemplateOfFormat1 => (1, 3),
            Self::Template => (2, 3),
            Self::Crop => (1, 4),
            Self::Other => (1, 5),
        }
    }
}

/// Binds a sealed record to its place: kind, number of the person, number of the template.
pub(crate) fn context(kind: Kind, person: u64, template: u64) -> [u8; 21] {
    let (layout, tag) = kind.tag();
    let mut context = [0; 21];
    context[..4].copy_from_slice(&layout.to_le_bytes());
    context[4] = tag;
    context[5..13].copy_from_slice(&person.to_le_bytes());
    context[13..].copy_from_slice(&template.to_le_bytes());
    context
}

/// The reason in errors about a damaged tree whose keys do not rise.
pub(crate) const OUT_OF_ORDER: &str = "records are out of order";

impl Reading<'_> {
    /// A number of the file as a whole.
    pub(crate) fn meta(&self, name: &str) -> Result<Option<u64>> {
        guarded(self.path(), || {
            let table = self.table(META)?;
            let number = table.get(name)?;
            Ok(number.map(|number| number.value()))
        })
    }

    pub(crate) fn count(&self, table: Records) -> Result<u64> {
        guarded(self.path(), || self.table(table)?.len())
    }

    pub(crate) fn get(&self, table: Records, number: u64) -> Result<Option<Vec<u8>>> {
        guarded(self.path(), || {
            let table = self.table(table)?;
            let record = table.get(number)?;
            Ok(record.map(|record| record.value().to_vec()))
        })
    }

    /// Calls `visit` for each record, in rising order of number.
    pub(crate) fn scan(
        &self,
        table: Records,
        visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let path = self.path();
        let table = guarded(path, || self.table(table))?;
        let (mut rows, expected) = guarded(path, || Ok((table.rows(..)?, table.len()?)))?;
        let mut found = 0;
        let mut last = None;
        loop {
            let next = guarded(path, || match rows.next() {
                None => Ok(None),
                Some(row) => {
                    let (number, bytes) = row?;
                    Ok(Some((number.value(), bytes.value().to_vec())))
                }
            })?;
            let Some((number, bytes)) = next else {
                break;
            };
            // In a damaged tree the rows may come in a circle.
            if last >= Some(number) {
                return Err(damaged(path, OUT_OF_ORDER));
            }
            last = Some(number);
            found += 1;
            visit(number, &bytes)?;
        }
        if found == expected {
            Ok(())
        } else {
            Err(damaged(
                path,
                format!("{found} of {expected} records can be reached"),
            ))
        }
    }
}

impl Writing<'_> {
    /// Sets a number of the file as a whole.
    pub(crate) fn set_meta(&self, name: &str, number: u64) -> Result<()> {
        self.table(META)?.insert(name, number)
    }

    /// Takes a number that was never given before.
    pub(crate) fn take_number(&self, name: &str) -> Result<u64> {
        let mut table = self.table(META)?;
        let number = table.get(name)?.map_or(0, |number| number.value());
        let next = number
            .checked_add(1)
            .ok_or_else(|| damaged(self.path(), format!("the {name} is too large a number")))?;
        table.insert(name, next)?;
        Ok(number)
    }

    /// All records of a table, in rising order of number.
    pub(crate) fn all(&self, table: Records) -> Result<Vec<(u64, Vec<u8>)>> {
        let mut all = Vec::<(u64, Vec<u8>)>::new();
        for row in self.table(table)?.rows(..)? {
            let (number, record) = row?;
            let number = number.value();
            // In a damaged tree the rows may come in a circle.
            if all.last().is_some_and(|(last, _)| *last >= number) {
                return Err(damaged(self.path(), OUT_OF_ORDER));
            }
            all.push((number, record.value().to_vec()));
        }
        Ok(all)
    }
}
