//! The rounding of times and sums.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::seconds::Seconds;

/// The rounding of times and sums. Steps begin at local midnight.
///
/// ```
/// use attendance_rules::{Policy, RoundTo};
///
/// let policy = Policy::from_toml(
///     r#"
///     [work.rounding]
///     in = { to = "up", step = "5m" }
///     out = { to = "down", step = "5m" }
///     duration = { to = "nearest", step = "15m" }
///     "#,
/// )?;
/// assert_eq!(policy.work.rounding.coming.unwrap().to, RoundTo::Up);
/// # Ok::<(), attendance_rules::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rounding {
    /// Rounding of the start of paid time.
    #[serde(rename = "in")]
    pub coming: Option<Round>,
    /// Rounding of the end of paid time.
    #[serde(rename = "out")]
    pub going: Option<Round>,
    /// Rounding of the sum of a day.
    pub duration: Option<Round>,
}

/// Rounding to a multiple of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The direction.
    pub to: RoundTo,
    /// The step. A day must be a multiple of it.
    pub step: Seconds,
}

/// The direction of rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundTo {
    /// To the nearest multiple, up if both are equally near.
    Nearest,
    /// To the next multiple.
    Up,
    /// To the previous multiple.
    Down,
}

impl Round {
    /// The multiple of the step to which `value` is rounded.
    pub(crate) fn apply(self, value: i64) -> i64 {
        let step = self.step.0.max(1);
        let down = value.div_euclid(step) * step;
        let rest = value - down;
        let up = match self.to {
            RoundTo::Nearest => rest * 2 >= step,
            RoundTo::Up => rest > 0,
            RoundTo::Down => false,
        };
        if up { down + step } else { down }
    }
}
