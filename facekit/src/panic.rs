//! Panics of other libraries, as errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `work`. If it panics, the panic's message is the error.
///
/// For calls into a library that panics on input that it cannot handle, where one photo or one model must not end the
/// program: an image decoder, an inference engine, a storage engine. A message that is not text becomes `no message`.
///
/// `work` need not be [`UnwindSafe`](std::panic::UnwindSafe). A value that it changes may be left half changed after a
/// panic, so the caller must not use such a value again. The panic hook runs as for every panic; the default one prints
/// the message to standard error. A program that is built with `panic = "abort"` ends all the same.
///
/// ```
/// let caught = facekit::catch_panic(|| -> i32 { panic!("index {} of 3", 7) });
/// assert_eq!(caught.unwrap_err(), "index 7 of 3");
/// assert_eq!(facekit::catch_panic(|| 7), Ok(7));
/// ```
///
/// # Errors
///
/// The message of the panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        // `panic!` with a literal carries a `&str`, with arguments a `String`.
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic
                .downcast_ref::<&str>()
                .map_or_else(|| "no message".to_owned(), |text| (*text).to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_every_kind_are_caught() {
        assert_eq!(
            catch_panic(|| panic!("literal")),
            Err::<(), _>("literal".to_owned())
        );
        let number = 7;
        assert_eq!(
            catch_panic(|| panic!("number {number}")),
            Err::<(), _>("number 7".to_owned())
        );
        let caught = catch_panic(|| std::panic::panic_any(7));
        assert_eq!(caught, Err::<(), _>("no message".to_owned()));
    }
}
