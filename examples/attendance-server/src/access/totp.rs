//! Codes of authenticator apps (RFC 6238): six digits of HMAC-SHA-1, a new one each 30 s.

use jiff::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use crate::secret;

/// The seconds for which an app shows a code.
const STEP: u64 = 30;

/// A code of one step earlier or later is right as well: the clock of a phone can differ, and typing takes time.
const TOLERANCE: u64 = 1;

/// The secret that the server and an app share: 160 bits, as RFC 4226 recommends.
pub type SharedSecret = [u8; 20];

/// A new secret.
#[must_use]
pub fn new_secret() -> SharedSecret {
    let mut shared = [0; 20];
    shared.copy_from_slice(&secret::random()[..20]);
    shared
}

/// Bytes as people type them: letters and digits of base32 (RFC 4648), without padding.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    Secret::new(bytes.into()).to_base32()
}

/// The code that an app shows at a time.
#[must_use]
pub fn code(shared: &SharedSecret, at: Timestamp) -> String {
    generator(shared).generate(seconds(at)).to_string()
}

/// The step of 30 s since 1970 whose code this is; none if it is the code of no step that is right at this time, or of a step
/// that is not after `last`.
#[must_use]
pub fn step(shared: &SharedSecret, typed: &str, at: Timestamp, last: i64) -> Option<i64> {
    let generator = generator(shared);
    let present = seconds(at) / STEP;
    let steps = present.saturating_sub(TOLERANCE)..=present + TOLERANCE;
    // All steps are compared, so that the duration tells nothing.
    let right: Vec<u64> = steps
        .filter(|step| {
            let expected = generator.generate(step * STEP).to_string();
            secret::equal(expected.as_bytes(), typed.as_bytes())
        })
        .collect();
    let mut right = right
        .into_iter()
        .filter_map(|step| i64::try_from(step).ok());
    right.find(|step| *step > last)
}

fn generator(shared: &SharedSecret) -> Totp {
    // The defaults of the builder are those of RFC 6238: SHA-1, six digits, 30 s.
    let secret = Secret::new_stack(*shared);
    Builder::new().with_secret(secret).build_noncompliant()
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &SharedSecret = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B has eight digits; these are the last six.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, at(seconds)), expected, "{seconds}");
            assert_eq!(step(SECRET, expected, at(seconds), 0), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_right_from_one_step_before_until_one_after_and_once() {
        let (time, typed) = (at(1_111_111_111), "050471");
        let own = 1_111_111_111 / 30;
        for (offset, expected) in [
            (-60, None),
            (-30, Some(own)),
            (0, Some(own)),
            (30, Some(own)),
            (60, None),
        ] {
            let later = time + jiff::SignedDuration::from_secs(offset);
            assert_eq!(step(SECRET, typed, later, 0), expected, "{offset}");
        }
        assert_eq!(step(SECRET, typed, time, own - 1), Some(own));
        assert_eq!(step(SECRET, typed, time, own), None);
        for wrong in ["", "05047", "0504711", "050472", "０５０４７１"] {
            assert_eq!(step(SECRET, wrong, time, 0), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_typed_in_base32() {
        // RFC 4648, section 10.
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(&new_secret()).len(), 32);
        assert_ne!(new_secret(), new_secret());
    }
}
