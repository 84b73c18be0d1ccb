//! Lists with a search and tabs.

use serde::Deserialize;

use crate::text::encode;

/// The part of an address that selects rows of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Search {
    /// A part of a name or a number.
    #[serde(default)]
    pub(super) find: String,
    /// The name of a tab; empty for all rows.
    #[serde(default)]
    pub(super) status: String,
    /// The position in a long list.
    pub(super) cursor: Option<String>,
}

impl Search {
    /// True if the name or the number has the text that is searched.
    pub(super) fn finds(&self, name: &str, number: &str) -> bool {
        let text = self.find.trim().to_lowercase();
        text.is_empty()
            || name.to_lowercase().contains(&text)
            || number.to_lowercase().contains(&text)
    }

    /// The address of a tab; the search stays.
    pub(super) fn address(&self, path: &str, tab: &str) -> String {
        let mut address = path.to_owned();
        let mut separator = '?';
        for (name, value) in [("status", tab), ("find", self.find.as_str())] {
            if !value.is_empty() {
                address.push(separator);
                address.push_str(name);
                address.push('=');
                address.push_str(&encode(value));
                separator = '&';
            }
        }
        address
    }
}

/// A tab over a list.
pub(super) struct Filter {
    /// The address.
    pub(super) address: String,
    /// The text.
    pub(super) label: String,
    /// The number of rows.
    pub(super) count: usize,
    /// The tab is chosen.
    pub(super) current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_tab_keeps_the_search() {
        let search = Search {
            find: "Özgür & co".to_owned(),
            ..Search::default()
        };
        assert_eq!(
            search.address("/people", ""),
            "/people?find=%C3%96zg%C3%BCr%20%26%20co"
        );
        assert_eq!(
            search.address("/", "late"),
            "/?status=late&find=%C3%96zg%C3%BCr%20%26%20co"
        );
        assert_eq!(Search::default().address("/", ""), "/");
    }

    #[test]
    fn names_and_numbers_are_found_in_any_case() {
        let search = Search {
            find: " öZg ".to_owned(),
            ..Search::default()
        };
        assert!(search.finds("Özgür", "1"));
        assert!(!search.finds("Dana", "1"));
        assert!(Search::default().finds("Dana", "1"));
    }
}
