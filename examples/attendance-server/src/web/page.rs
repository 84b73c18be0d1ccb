//! The frame of each page: language, theme, navigation, message; and the small parts that templates call.

use super::{
    language::{self, Argument, AtTime, Language, OnDate},
    mark::Mark,
};
use crate::error::Error;
use askama::filters::Safe;

/// The theme of a person. Without one, the pages follow the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

impl Theme {
    /// Reads the value of the cookie.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// The value of the cookie and of `data-theme`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// An entry of the navigation.
#[derive(Clone, Debug)]
pub(crate) struct NavLink {
    /// The address.
    pub(crate) address: &'static str,
    /// The name of the icon.
    pub(crate) icon: &'static str,
    /// The key of its text.
    pub(crate) key: &'static str,
    /// The number of open tasks; 0 shows none.
    pub(crate) count: usize,
}

/// Entries of the navigation under one heading.
#[derive(Clone, Debug)]
pub(crate) struct NavGroup {
    /// The key of the heading; the first group has none.
    pub(crate) heading: Option<&'static str>,
    /// The entries.
    pub(crate) links: Vec<NavLink>,
}

/// A message about the last action, with the address that undoes it.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// The message.
    pub(crate) text: String,
    /// The address to which Undo posts.
    pub(crate) undo: Option<String>,
}

/// A choice of a form.
pub(crate) struct Choice {
    /// The value that is sent.
    pub(crate) value: String,
    /// The text.
    pub(crate) label: String,
    /// It is chosen.
    pub(crate) chosen: bool,
}

/// An input that was refused.
pub(crate) struct Refused {
    /// The name of its field; empty if it is of the whole form.
    pub(crate) field: String,
    /// The reason.
    pub(crate) text: String,
}

impl Refused {
    /// The refusal of an error. The last part of its pointer is the name of the field.
    pub(crate) fn of(error: &Error, language: &Language) -> Self {
        let pointer = error
            .fields
            .first()
            .map_or("", |field| field.pointer.as_str());
        Self {
            field: pointer.rsplit('/').next().unwrap_or_default().to_owned(),
            text: language.problem(error),
        }
    }

    /// The reason, if it is of this field.
    pub(crate) fn at(&self, field: &str) -> Option<&str> {
        (self.field == field).then_some(self.text.as_str())
    }
}

/// The frame of a page.
pub(crate) struct Page {
    /// The language.
    pub(crate) language: &'static Language,
    /// The theme; `None` follows the system.
    pub(crate) theme: Option<Theme>,
    /// The title of the document, without the organisation.
    pub(crate) title: String,
    /// The name of the organisation.
    pub(crate) organisation: String,
    /// The address of the entry of the navigation that is current.
    pub(crate) here: &'static str,
    /// The navigation that the account may use.
    pub(crate) navigation: Vec<NavGroup>,
    /// The name of the account.
    pub(crate) account: String,
    /// The key of the role's name.
    pub(crate) role: &'static str,
    /// The number of days to review; 0 for those who do not review.
    pub(crate) to_review: usize,
    /// The message about the last action.
    pub(crate) done: Option<Done>,
}

impl Page {
    /// A message of the language.
    pub(crate) fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// A message with one argument.
    pub(crate) fn say_with(&self, key: &str, name: &str, value: impl Argument) -> String {
        self.language.say_with(key, name, value)
    }

    /// A message with two arguments.
    pub(crate) fn say_with_two(
        &self,
        key: &str,
        name: &str,
        value: impl Argument,
        second: &str,
        other: impl Argument,
    ) -> String {
        self.language
            .say_with_two(key, (name, value), (second, other))
    }

    /// The explanation of a thing with a key.
    pub(crate) fn say_hint(&self, key: &str) -> String {
        self.say(&format!("{key}-hint"))
    }

    /// The name of a step of the wizard.
    pub(crate) fn say_setup(&self, step: &str) -> String {
        self.say(&format!("setup-{step}"))
    }

    /// The explanation of a step of the wizard.
    pub(crate) fn say_setup_hint(&self, step: &str) -> String {
        self.say(&format!("setup-{step}-hint"))
    }

    /// The question of a step of the wizard.
    pub(crate) fn say_setup_title(&self, step: &str) -> String {
        self.say(&format!("setup-{step}-title"))
    }

    /// The text under the question of a step of the wizard.
    pub(crate) fn say_setup_text(&self, step: &str) -> String {
        self.say(&format!("setup-{step}-text"))
    }

    /// The explanation of a preset of the rules.
    pub(crate) fn say_preset_hint(&self, preset: &str) -> String {
        self.say(&format!("preset-{preset}-hint"))
    }

    /// `Monday, 2 March 2026`.
    pub(crate) fn long_date(&self, date: impl OnDate) -> String {
        self.language.long_date(date.on())
    }

    /// `2 March 2026`.
    pub(crate) fn date(&self, date: impl OnDate) -> String {
        self.language.date(date.on())
    }

    /// `Mon, 2 Mar`.
    pub(crate) fn short_date(&self, date: impl OnDate) -> String {
        self.language.short_date(date.on())
    }

    /// `March 2026`.
    pub(crate) fn month_and_year(&self, date: impl OnDate) -> String {
        self.language.month_and_year(date.on())
    }

    /// `2 Mar`.
    pub(crate) fn day_and_month(&self, date: impl OnDate) -> String {
        self.language.day_and_month(date.on())
    }

    /// `2 Mar, 09:42`.
    pub(crate) fn short_date_and_time(&self, at: impl AtTime) -> String {
        let at = at.at();
        let (date, time) = (self.day_and_month(at.date()), language::time_of_day(at));
        self.say_with_two("date-and-time", "date", date, "time", time)
    }

    /// `09:42`.
    pub(crate) fn time(&self, at: impl AtTime) -> String {
        language::time_of_day(at.at())
    }

    /// `7:47` for a length of time in seconds.
    pub(crate) fn hours(&self, seconds: &i64) -> String {
        language::hours(*seconds)
    }

    /// `+4:10` for a difference in seconds.
    pub(crate) fn signed_hours(&self, seconds: &i64) -> String {
        language::signed_hours(*seconds)
    }

    /// `14 min late`, or `1:40 h late` from an hour on.
    pub(crate) fn late(&self, seconds: i64) -> String {
        if seconds < 3600 {
            // Whole minutes; a part of a minute counts as one.
            self.say_with("status-late-by", "minutes", (seconds + 59) / 60)
        } else {
            self.say_with("status-late-by-hours", "hours", language::hours(seconds))
        }
    }

    /// The value of `lang`.
    pub(crate) fn code(&self) -> &'static str {
        self.language.code()
    }

    /// All languages.
    pub(crate) fn languages(&self) -> &'static [Language] {
        Language::all()
    }

    /// True if the person chose this theme.
    pub(crate) fn theme_is(&self, name: &str) -> bool {
        self.theme.is_some_and(|theme| theme.name() == name)
    }

    /// The theme to which the button changes, if the page shows the opposite or follows the system.
    pub(crate) fn other_theme(&self) -> &'static str {
        match self.theme {
            Some(Theme::Dark) => "light",
            _ => "dark",
        }
    }

    /// The entries of the bottom bar on phones: the first four.
    pub(crate) fn bar(&self) -> Vec<&NavLink> {
        self.links().take(4).collect()
    }

    /// The entries that do not fit into the bottom bar.
    pub(crate) fn more(&self) -> Vec<&NavLink> {
        self.links().skip(4).collect()
    }

    fn links(&self) -> impl Iterator<Item = &NavLink> {
        self.navigation.iter().flat_map(|group| &group.links)
    }

    /// An icon of the sprite.
    pub(crate) fn icon(&self, name: &str) -> Safe<String> {
        icon("i", name)
    }

    /// A small icon of the sprite.
    pub(crate) fn small_icon(&self, name: &str) -> Safe<String> {
        icon("i s", name)
    }

    /// A status with its icon and a word.
    pub(crate) fn tag(&self, mark: impl Into<Mark>, text: impl AsRef<str>) -> Safe<String> {
        let mark = mark.into();
        Safe(format!(
            r#"<span class="tag" data-s="{}">{}{}</span>"#,
            mark.name(),
            icon("i", mark.icon()).0,
            escape(text.as_ref())
        ))
    }

    /// The initials of a person in a circle. They are decoration: the name is beside them.
    pub(crate) fn avatar(&self, name: &str) -> Safe<String> {
        avatar("avatar", name)
    }

    /// Small initials, for the navigation.
    pub(crate) fn small_avatar(&self, name: &str) -> Safe<String> {
        avatar("avatar s", name)
    }

    /// Large initials, for the head of a page.
    pub(crate) fn large_avatar(&self, name: &str) -> Safe<String> {
        avatar("avatar xl", name)
    }

    /// The initials of a name.
    pub(crate) fn initials(&self, name: &str) -> String {
        initials(name)
    }
}

fn avatar(class: &str, name: &str) -> Safe<String> {
    Safe(format!(
        r#"<span class="{class}" aria-hidden="true"><span class="blank">{}</span></span>"#,
        escape(&initials(name))
    ))
}

fn icon(class: &str, name: &str) -> Safe<String> {
    Safe(format!(
        r#"<svg class="{class}" viewBox="0 0 20 20" aria-hidden="true"><use href="/assets/icons.svg#i-{name}"/></svg>"#
    ))
}

/// The first letters of the first and the last word of a name.
fn initials(name: &str) -> String {
    let mut letters = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()));
    let (first, last) = (letters.next(), letters.next_back());
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Text for HTML, also within a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Dana"), "D");
        assert_eq!(initials("ada maria lovelace"), "AL");
        assert_eq!(initials("李 小龍"), "李小");
        assert_eq!(initials("<Lane> & (Söhne)"), "LS");
        assert_eq!(initials("  "), "");
    }

    #[test]
    fn text_cannot_leave_an_attribute() {
        assert_eq!(
            escape(r#"<a b="c">&'"#),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"
        );
    }
}
