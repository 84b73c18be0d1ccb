//! Faces in the tables of commands.

use facekit::{Calibration, Identity, LivenessScore, Outcome, QualityIssue, RateBasis, Rect};

/// The person, or the reason why there is none, for a table.
pub(crate) fn who(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Known(identity) => match &identity.name {
            Some(name) => format!("{} ({name})", identity.person),
            None => identity.person.to_string(),
        },
        Outcome::Unknown {
            nearest: Some(near),
        } => {
            format!("unknown; nearest is {} with {:.2}", near.person, near.score)
        }
        Outcome::Unknown { nearest: None } => "unknown".to_owned(),
        Outcome::Spoof => "not live".to_owned(),
        Outcome::TightCrop { .. } => "too little around the face for the liveness check".to_owned(),
        Outcome::PoorQuality { issues } => {
            format!("poor quality: {}", QualityIssue::list(issues))
        }
        _ => String::new(),
    }
}

/// The size and position of a box, for a table.
pub(crate) fn place(rect: &Rect) -> String {
    format!(
        "{:.0} × {:.0} at ({:.0}, {:.0})",
        rect.width, rect.height, rect.x, rect.y
    )
}

/// A liveness score, for a table.
pub(crate) fn live(score: Option<LivenessScore>) -> String {
    score.map_or_else(|| "-".to_owned(), |score| format!("{:.2}", score.value()))
}

/// A false-match rate, for a table. Outside the calibrated rates, only a bound is known. A rate that was not counted is marked.
pub(crate) fn rate(
    fmr: Option<f64>,
    extrapolated: bool,
    calibration: Option<&Calibration>,
) -> String {
    let Some(fmr) = fmr else {
        return "-".to_owned();
    };
    let curves = || calibration.into_iter().flat_map(Calibration::curves);
    let highest = curves()
        .map(|(_, curve)| curve.highest())
        .fold(0.0, f64::max);
    let text = if curves().any(|(_, curve)| curve.lowest() >= fmr) {
        format!("≤ {fmr:e}")
    } else if highest > 0.0 && fmr > highest {
        format!("> {highest}")
    } else {
        format!("{fmr:.1e}")
    };
    if extrapolated {
        text + " (extrapolated)"
    } else {
        text
    }
}

/// The note on matches whose wanted rate is not met or not counted, a line; empty if there is none.
pub(crate) fn basis_note<'a>(identities: impl IntoIterator<Item = &'a Identity>) -> String {
    let bases: Vec<RateBasis> = identities.into_iter().map(|who| who.basis).collect();
    rate_note(&bases)
}

/// The note of [`basis_note`] on matches of these kinds.
pub(crate) fn rate_note(bases: &[RateBasis]) -> String {
    if bases.contains(&RateBasis::NotMet) {
        "\nnote: the gallery has more people, or more photos of a person, than the calibration answers for at this rate, so \
         strangers are named more often than wanted; \
         `facekit gallery calibrate` measures a calibration"
            .to_owned()
    } else if bases.contains(&RateBasis::Extrapolated) {
        "\nnote: the wanted rate among so many people is extrapolated, not counted".to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use facekit::{CalibrationPoint, Digest, EmbeddingSpace, PersonId};

    use super::*;

    #[test]
    fn rates_beyond_the_calibration_are_bounds() {
        let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 4);
        let points = [(0.1, 0.2), (2e-6, 0.5)];
        let points = points.map(|(fmr, score)| CalibrationPoint::new(fmr, score));
        let calibration = Calibration::new(&space, points.to_vec(), "a test").unwrap();
        let shown = |score| rate(Some(calibration.fmr_of(score)), false, Some(&calibration));
        assert_eq!([0.6, 0.5, 0.1].map(shown), ["≤ 2e-6", "≤ 2e-6", "> 0.1"]);
        assert_eq!(rate(Some(1e-4), false, Some(&calibration)), "1.0e-4");
        assert_eq!(
            rate(Some(1e-7), true, Some(&calibration)),
            "≤ 1e-7 (extrapolated)"
        );
        assert_eq!(
            rate(Some(1e-5), true, Some(&calibration)),
            "1.0e-5 (extrapolated)"
        );
        assert_eq!(rate(Some(1e-4), false, None), "1.0e-4");
        assert_eq!(rate(None, false, Some(&calibration)), "-");
    }

    #[test]
    fn a_rate_that_is_not_met_is_noted() {
        let identity = |basis| {
            let mut identity = Identity::new(PersonId::new("anna").unwrap(), 0.9);
            identity.basis = basis;
            identity
        };
        let note = |bases: &[RateBasis]| {
            basis_note(&bases.iter().copied().map(identity).collect::<Vec<_>>())
        };
        assert_eq!(note(&[RateBasis::Counted, RateBasis::None]), "");
        assert!(note(&[RateBasis::Counted, RateBasis::Extrapolated]).contains("extrapolated"));
        assert!(
            note(&[RateBasis::NotMet]).contains("more people, or more photos of a person, than")
        );
    }
}
