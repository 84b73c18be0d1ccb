//! Policies that a site can start from.

use attendance_rules::Policy;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};

/// A policy that a site can start from.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// A description.
    pub description: &'static str,
    /// The policy, as TOML without a time zone.
    pub toml: &'static str,
}

/// A policy of the examples of attendance-rules, whose tests compare its figures.
macro_rules! example {
    ($name:literal, $description:literal) => {
        Preset {
            name: $name,
            description: $description,
            toml: include_str!(concat!(
                "../../../attendance-rules/examples/policies/",
                $name,
                ".toml"
            )),
        }
    };
}

/// All presets.
pub const PRESETS: [Preset; 6] = [
    example!(
        "nine-to-five",
        "One shift on working days, a grace of five minutes, a lunch break, and half days"
    ),
    example!("flexitime", "Eight hours on working days, at any time"),
    example!("flexitime-weekly", "The hours of a week, at any time"),
    example!("two-shifts", "An early and a late shift"),
    example!("nights", "Shifts that end on the next day"),
    Preset {
        name: "esp32cam-gateway",
        description: "The thresholds of the ESP32-CAM gateway attendance system",
        toml: "preset = \"esp32cam-gateway\"\n",
    },
];

/// The policy of a preset in a time zone, as TOML.
///
/// # Errors
///
/// If there is no such preset.
pub fn policy(name: &str, time_zone: &str) -> Result<String> {
    let preset = PRESETS
        .iter()
        .find(|preset| preset.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            let detail = format!("{name:?} is not a preset; there are {}.", names.join(", "));
            Error::invalid("/preset", "unknown_preset", detail)
        })?;
    let mut policy = Policy::from_toml(preset.toml)?;
    policy.site.time_zone = time_zone.to_owned();
    Ok(policy.to_toml()?)
}

#[cfg(test)]
mod tests {
    use attendance_rules::Rules;

    use super::*;

    #[test]
    fn every_preset_is_a_policy() {
        for preset in PRESETS {
            let toml = policy(preset.name, "Europe/Berlin").unwrap();
            let rules = Rules::new(Policy::from_toml(&toml).unwrap()).unwrap();
            assert_eq!(rules.policy().site.time_zone, "Europe/Berlin");
        }
        assert_eq!(policy("offce", "UTC").unwrap_err().code, "unknown_preset");
    }
}
