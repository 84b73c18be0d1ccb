//! The languages of the pages: messages of the files in `locales`, dates, times and lengths of time.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use jiff::civil::{Date, DateTime, Weekday};
use unic_langid::LanguageIdentifier;

use crate::error::Error;

/// The language of people who state none, or none that is there.
const DEFAULT: &str = "en";

/// The code and the text of each file in `locales`, in order of the codes.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/locales.rs"));

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|(code, text)| Language::parse(code, text))
        .collect()
});

/// A language of the pages.
pub(crate) struct Language {
    code: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Language").field(&self.code).finish()
    }
}

impl Language {
    /// All languages, in order of their codes.
    pub(crate) fn all() -> &'static [Self] {
        &LANGUAGES
    }

    /// The language with a code, such as `de`.
    pub(crate) fn find(code: &str) -> Option<&'static Self> {
        LANGUAGES.iter().find(|language| language.code == code)
    }

    /// The first language of an `Accept-Language` header that is there, else English. Weights are compared; regions are not.
    pub(crate) fn preferred(accept: &str) -> &'static Self {
        let mut wanted: Vec<(f32, &str)> = accept
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
                let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
                let primary = tag.trim().split('-').next()?;
                Some((weight.ok()?, primary))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        // The sort is stable: of equal weights, the first counts.
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted
            .iter()
            .find_map(|(_, code)| Self::find(&code.to_ascii_lowercase()))
            .unwrap_or_else(|| Self::find(DEFAULT).unwrap_or(&LANGUAGES[0]))
    }

    /// The code, for `lang` of the page.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// A message without arguments.
    pub(crate) fn say(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A message with one argument.
    pub(crate) fn say_with(&self, key: &str, name: &str, value: impl Argument) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name.to_owned(), value.value());
        self.format(key, Some(&arguments))
    }

    /// A message with two arguments.
    pub(crate) fn say_with_two(
        &self,
        key: &str,
        (name, value): (&str, impl Argument),
        (second, other): (&str, impl Argument),
    ) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name.to_owned(), value.value());
        arguments.set(second.to_owned(), other.value());
        self.format(key, Some(&arguments))
    }

    /// True if the language has the message.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// `Monday, 2 March 2026`.
    pub(crate) fn long_date(&self, date: Date) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("weekday", self.weekday(date.weekday()));
        arguments.set("day", date.day());
        arguments.set("month", self.month(date.month()));
        arguments.set("year", date.year());
        self.format("date-long", Some(&arguments))
    }

    /// `2 March 2026`.
    pub(crate) fn date(&self, date: Date) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("day", date.day());
        arguments.set("month", self.month(date.month()));
        arguments.set("year", date.year());
        self.format("date-whole", Some(&arguments))
    }

    /// `Mon, 2 Mar`.
    pub(crate) fn short_date(&self, date: Date) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("weekday", self.short_weekday(date.weekday()));
        arguments.set("day", date.day());
        arguments.set("month", self.short_month(date.month()));
        self.format("date-short", Some(&arguments))
    }

    /// `2 Mar`.
    pub(crate) fn day_and_month(&self, date: Date) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("day", date.day());
        arguments.set("month", self.short_month(date.month()));
        self.format("date-day-month", Some(&arguments))
    }

    /// `March 2026`.
    pub(crate) fn month_and_year(&self, date: Date) -> String {
        let month = self.month(date.month());
        self.say_with_two(
            "date-month-year",
            ("month", month),
            ("year", i64::from(date.year())),
        )
    }

    /// `March`.
    pub(crate) fn month(&self, month: i8) -> String {
        self.say(&format!("month-{month}"))
    }

    /// `Mar`.
    pub(crate) fn short_month(&self, month: i8) -> String {
        self.say(&format!("month-short-{month}"))
    }

    /// `Monday`.
    pub(crate) fn weekday(&self, weekday: Weekday) -> String {
        self.say(&format!("weekday-{}", weekday.to_monday_one_offset()))
    }

    /// `Mon`.
    pub(crate) fn short_weekday(&self, weekday: Weekday) -> String {
        self.say(&format!("weekday-short-{}", weekday.to_monday_one_offset()))
    }

    /// An error in words: the message of its code, or its own English text if there is none.
    pub(crate) fn problem(&self, error: &Error) -> String {
        self.problem_of(error.code, &error.detail)
    }

    /// The message of the code of an error, or the English text of the error if there is none.
    pub(crate) fn problem_of(&self, code: &str, detail: &str) -> String {
        let key = format!("problem-{}", code.replace('_', "-"));
        if self.has(&key) {
            self.say(&key)
        } else {
            detail.to_owned()
        }
    }

    fn parse(code: &'static str, text: &str) -> Self {
        let identifier: LanguageIdentifier = code.parse().unwrap_or_else(|error| {
            panic!("locales/{code}.ftl is not named after a language: {error}")
        });
        let resource = FluentResource::try_new(text.to_owned())
            .unwrap_or_else(|(_, errors)| panic!("locales/{code}.ftl: {errors:?}"));
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Names are isolated by <bdi> where their direction can differ.
        bundle.set_use_isolating(false);
        bundle
            .add_resource(resource)
            .unwrap_or_else(|errors| panic!("locales/{code}.ftl: {errors:?}"));
        Self { code, bundle }
    }

    /// A message; the key itself if it is missing. A test asserts that no message is missing.
    fn format(&self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self
            .bundle
            .get_message(key)
            .and_then(|message| message.value())
        else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        self.bundle
            .format_pattern(pattern, arguments, &mut errors)
            .into_owned()
    }
}

/// A value in a message.
pub(crate) trait Argument {
    /// The value for the formatter.
    fn value(&self) -> FluentValue<'static>;
}

impl Argument for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}

impl Argument for String {
    fn value(&self) -> FluentValue<'static> {
        self.as_str().value()
    }
}

impl Argument for usize {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

impl Argument for u64 {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

impl Argument for i64 {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

/// A date, or a reference to one: templates pass both.
pub(crate) trait OnDate {
    /// The date.
    fn on(&self) -> Date;
}

impl OnDate for Date {
    fn on(&self) -> Date {
        *self
    }
}

impl<T: OnDate> OnDate for &T {
    fn on(&self) -> Date {
        (**self).on()
    }
}

/// A local time, or a reference to one: templates pass both.
pub(crate) trait AtTime {
    /// The local time.
    fn at(&self) -> DateTime;
}

impl AtTime for DateTime {
    fn at(&self) -> DateTime {
        *self
    }
}

impl<T: AtTime> AtTime for &T {
    fn at(&self) -> DateTime {
        (**self).at()
    }
}

/// `09:42`.
pub(crate) fn time_of_day(at: DateTime) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// A length of time in hours and minutes, such as `7:47`. Seconds are dropped.
pub(crate) fn hours(seconds: i64) -> String {
    let minutes = seconds.abs() / 60;
    let sign = if seconds < 0 && minutes > 0 {
        "−"
    } else {
        ""
    };
    format!("{sign}{}:{:02}", minutes / 60, minutes % 60)
}

/// A difference in hours and minutes with its sign, such as `+4:10`.
pub(crate) fn signed_hours(seconds: i64) -> String {
    if seconds >= 60 {
        format!("+{}", hours(seconds))
    } else {
        hours(seconds)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn keys(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut key = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let starts = line.starts_with(|first: char| first.is_ascii_lowercase());
            if let Some((name, _)) = line.split_once(" =").filter(|_| starts) {
                key = name;
                keys.entry(key).or_default();
            }
            for part in line.split("{ $").skip(1) {
                let end = part
                    .find(|letter: char| !letter.is_alphanumeric())
                    .unwrap_or(part.len());
                keys.entry(key).or_default().insert(&part[..end]);
            }
        }
        keys
    }

    #[test]
    fn languages_have_the_same_messages_with_the_same_arguments() {
        let english = keys(FILES.iter().find(|(code, _)| *code == "en").unwrap().1);
        assert!(english.len() > 100);
        for (code, text) in FILES {
            let other = keys(text);
            for (key, arguments) in &english {
                let there = other
                    .get(key)
                    .unwrap_or_else(|| panic!("{code} lacks {key}"));
                assert_eq!(there, arguments, "{code}: {key}");
            }
            let more: Vec<_> = other
                .keys()
                .filter(|key| !english.contains_key(*key))
                .collect();
            assert!(more.is_empty(), "only {code} has {more:?}");
        }
    }

    #[test]
    fn each_message_of_a_template_exists() {
        let english = Language::find("en").unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut found = 0;
        let mut folders = vec![std::path::PathBuf::from(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for part in text.split("say").skip(1) {
                    let part = part
                        .trim_start_matches("_with_two")
                        .trim_start_matches("_with");
                    let Some(part) = part.strip_prefix("(\"") else {
                        continue;
                    };
                    let key = part.split('"').next().unwrap();
                    assert!(english.has(key), "{}: {key}", path.display());
                    found += 1;
                }
            }
        }
        assert!(found > 100, "{found} messages");
    }

    /// The codes of errors that pages do not show: programs and devices get them, or operators at the command line, or the
    /// page of the error has a text of its own. The detail of `wrong_policy` names the key of the policy.
    const WITHOUT_MESSAGE: &[&str] = &[
        "after_sending",
        "clock_off",
        "code_needed",
        "days_out_of_range",
        "device_role",
        "key_reused",
        "limit_out_of_range",
        "negative",
        "no_policy",
        "not_by_face",
        "setup_token_short",
        "token_role",
        "too_late",
        "too_old",
        "unknown_role",
        "wrong_badge",
        "wrong_cursor",
        "wrong_pin",
        "wrong_policy",
    ];

    /// The codes of the errors that a file makes: in each call that makes an error, the first text of small letters alone.
    fn codes(source: &str) -> Vec<&str> {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let makers = [
            "Error::new(",
            "Error::invalid(",
            "Error::conflict(",
            "wrong(",
        ];
        let calls = makers.iter().flat_map(|maker| source.split(maker).skip(1));
        calls.filter_map(code).collect()
    }

    /// The code in the arguments of a call. What follows the call is not looked at.
    fn code(call: &str) -> Option<&str> {
        let mut open = 1;
        for (index, part) in call.split('"').enumerate() {
            if index % 2 == 1 {
                let is_code = |letter: char| {
                    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
                };
                if !part.is_empty() && part.chars().all(is_code) {
                    return Some(part);
                }
                continue;
            }
            for letter in part.chars() {
                match letter {
                    '(' => open += 1,
                    ')' => open -= 1,
                    _ => {}
                }
                if open == 0 {
                    return None;
                }
            }
        }
        None
    }

    #[test]
    fn each_error_that_a_page_shows_has_a_message() {
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found =
            BTreeSet::from(["wrong_code", "wrong_link", "wrong_password"].map(str::to_owned));
        for part in [
            "access",
            "commands",
            "web",
            "paging.rs",
            "presets.rs",
            "text.rs",
        ] {
            let mut paths = vec![sources.join(part)];
            while let Some(path) = paths.pop() {
                if path.is_dir() {
                    paths.extend(
                        std::fs::read_dir(&path)
                            .unwrap()
                            .map(|it| it.unwrap().path()),
                    );
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(codes(&text).into_iter().map(str::to_owned));
            }
        }
        assert!(found.len() > 50, "{found:?}");
        for code in &found {
            let key = format!("problem-{}", code.replace('_', "-"));
            let is_shown = !WITHOUT_MESSAGE.contains(&code.as_str());
            for (language, text) in FILES {
                assert_eq!(
                    keys(text).contains_key(key.as_str()),
                    is_shown,
                    "{language}: {key}"
                );
            }
        }
        for code in WITHOUT_MESSAGE {
            assert!(found.contains(*code), "no error has the code {code}");
        }
    }

    #[test]
    fn a_language_is_chosen_by_the_weights_of_the_header() {
        let chosen = |header| Language::preferred(header).code();
        assert_eq!(chosen("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(chosen("en;q=0.5, de;q=0.9"), "de");
        assert_eq!(chosen("fr, de;q=0"), "en");
        assert_eq!(chosen(""), "en");
        assert_eq!(chosen("q=;;,,-"), "en");
    }

    #[test]
    fn dates_and_plurals_follow_the_language() {
        let (english, german) = (Language::find("en").unwrap(), Language::find("de").unwrap());
        let date = Date::constant(2026, 3, 2);
        assert_eq!(english.long_date(date), "Monday, 2 March 2026");
        assert_eq!(german.long_date(date), "Montag, 2. März 2026");
        assert_eq!(
            english.say_with("people-count", "count", 1_usize),
            "1 person"
        );
        assert_eq!(
            german.say_with("people-count", "count", 2_usize),
            "2 Personen"
        );
    }

    #[test]
    fn lengths_of_time_have_hours_and_minutes() {
        assert_eq!(hours(28_059), "7:47");
        assert_eq!(hours(0), "0:00");
        assert_eq!(hours(-30), "0:00");
        assert_eq!(signed_hours(15_000), "+4:10");
        assert_eq!(signed_hours(-3_900), "−1:05");
        assert_eq!(signed_hours(0), "0:00");
    }
}
