//! The people of an organisation in memory. Names are sealed in the database, so that it cannot search or sort them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, civil::Date};

use crate::id::Id;

/// A person with the opened details.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The id.
    pub id: Id,
    /// The home site.
    pub site: Id,
    /// The staff number, unique in the organisation.
    pub number: String,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// The first day.
    pub joined: Option<Date>,
    /// The last day.
    pub left: Option<Date>,
    /// The time from which the person cannot punch.
    pub deactivated: Option<Timestamp>,
    /// The person has a PIN.
    pub has_pin: bool,
    /// The last day that was closed when the person left an earlier site.
    pub closed_through: Option<Date>,
    /// The version of the row.
    pub version: i64,
    /// The name in lower case, for search and order.
    pub(crate) folded: String,
}

/// The people of an organisation who are not erased, by name.
#[derive(Debug, Default)]
pub struct Directory {
    people: Vec<Entry>,
    by_id: HashMap<Id, usize>,
    by_number: HashMap<String, usize>,
}

impl Directory {
    pub(crate) fn new(mut people: Vec<Entry>) -> Self {
        people.sort_by(|one, two| (&one.folded, one.id).cmp(&(&two.folded, two.id)));
        let positions = || people.iter().enumerate();
        let by_id = positions().map(|(position, person)| (person.id, position));
        let by_number = positions().map(|(position, person)| (person.number.clone(), position));
        Self {
            by_id: by_id.collect(),
            by_number: by_number.collect(),
            people,
        }
    }

    /// All people, by name.
    #[must_use]
    pub fn people(&self) -> &[Entry] {
        &self.people
    }

    /// The person with an id.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Entry> {
        self.by_id.get(&id).map(|&position| &self.people[position])
    }

    /// The person with a staff number.
    #[must_use]
    pub fn by_number(&self, number: &str) -> Option<&Entry> {
        self.by_number
            .get(number)
            .map(|&position| &self.people[position])
    }
}

/// The directories of all organisations, each with the version of the people it was made of.
#[derive(Debug, Default)]
pub struct Directories(Mutex<HashMap<Id, (i64, Arc<Directory>)>>);

impl Directories {
    pub(crate) fn get(&self, org: Id, version: i64) -> Option<Arc<Directory>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&org)
            .filter(|(known, _)| *known == version)
            .map(|(_, directory)| Arc::clone(directory))
    }

    pub(crate) fn insert(&self, org: Id, version: i64, directory: Arc<Directory>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(org, (version, directory));
    }
}
