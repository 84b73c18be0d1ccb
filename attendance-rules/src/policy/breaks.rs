//! Rules for breaks.

use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

/// A break. Punched breaks need no rule: the time between an OUT and the next IN is a break. Breaks apply to the day: if two
/// shifts count for a day, the time between them is a break, too.
///
/// ```
/// use attendance_rules::{Break, Policy};
///
/// let policy = Policy::from_toml(
///     r#"
///     [[breaks]]
///     kind = "fixed"
///     from = "12:00"
///     to = "14:00"
///     at_most = "45m"
///
///     [[breaks]]
///     kind = "after_work"
///     worked = "9h"
///     length = "1h"
///     "#,
/// )?;
/// assert!(matches!(policy.breaks[1], Break::AfterWork { .. }));
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Break {
    /// A break between two times of day.
    Fixed {
        /// The start of the window.
        #[schemars(with = "String")]
        from: Time,
        /// The end of the window. It is on the next day if it is not after `from`.
        #[schemars(with = "String")]
        to: Time,
        /// The maximum length of the break. Punched breaks within the window count towards it. Default: the whole window.
        #[schemars(default)]
        at_most: Option<Seconds>,
        /// The deducted time. Default: the time that was worked in the window.
        #[schemars(default)]
        deduct: Deduct,
        /// Punched breaks that are shorter than this do not count towards it. Default: 0s.
        #[schemars(default)]
        shortest: Seconds,
        /// Nothing is deducted, and punched breaks within the window are paid up to `at_most`. Default: no.
        #[schemars(default)]
        paid: bool,
    },
    /// A break after a length of work. Punched breaks and other deducted breaks count towards it. Of several such breaks, the
    /// one with the smallest `worked` is taken first, so their order in the file does not matter.
    AfterWork {
        /// The break applies if more than this was worked, without the breaks that were taken before.
        worked: Seconds,
        /// The length of the break.
        length: Seconds,
        /// Punched breaks that are shorter than this do not count towards it. Default: 0s.
        #[schemars(default)]
        shortest: Seconds,
        /// The deducted time. Default: only time that was worked after `worked`, so that more work never counts less.
        #[schemars(default)]
        deduct: Deduct,
    },
}

/// The time that a break deducts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deduct {
    /// The time that was actually worked in the break.
    #[default]
    Worked,
    /// The whole break, if at least one second was worked in it.
    Whole,
}
