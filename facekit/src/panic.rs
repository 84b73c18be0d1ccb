//! Panics of other libraries, as errors.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// The number of calls of [`catch_panic`] that this thread is in.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Calls `work`. If it panics, the panic's message is the error.
///
/// For calls into a library that panics on input that it cannot handle, where one photo or one model must not end the
/// program: an image decoder, an inference engine, a storage engine. A message that is not text becomes `no message`.
///
/// `work` need not be [`UnwindSafe`](std::panic::UnwindSafe). A value that it changes may be left half changed after a
/// panic, so the caller must not use such a value again. The panic hook runs as for every panic; the default one prints
/// the message to standard error, unless [`silence_caught_panics`] was called. A program that is built with `panic = "abort"` ends all the same.
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
    CATCHING.set(CATCHING.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    done.map_err(|panic| {
        // `panic!` with a literal carries a `&str`, with arguments a `String`.
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic
                .downcast_ref::<&str>()
                .map_or_else(|| "no message".to_owned(), |text| (*text).to_owned()),
        }
    })
}

/// Prints nothing more for panics that [`catch_panic`] turns into errors: their message is in the error. For programs, which call it once, at
/// their beginning.
///
/// It sets the panic hook of the process. Other panics still go to the hook that was there before.
///
/// ```
/// facekit::silence_caught_panics();
/// let caught = facekit::catch_panic(|| -> i32 { panic!("nobody reads this on standard error") });
/// assert!(caught.is_err());
/// ```
pub fn silence_caught_panics() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if CATCHING.get() == 0 {
                before(panic);
            }
        }));
    });
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
        let caught = catch_panic(|| panic::panic_any(7));
        assert_eq!(caught, Err::<(), _>("no message".to_owned()));
    }

    /// The test runs again in a process of its own, whose standard error is read.
    #[test]
    fn caught_panics_are_silent_and_others_are_not() {
        const CHILD: &str = "FACEKIT_TEST_PANICS";
        if std::env::var_os(CHILD).is_some() {
            silence_caught_panics();
            assert!(catch_panic(|| panic!("nobody reads this")).is_err());
            let other = std::thread::spawn(|| panic!("everybody reads this"));
            assert!(other.join().is_err());
            return;
        }
        let name = "panic::tests::caught_panics_are_silent_and_others_are_not";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{said}");
        assert!(said.contains("everybody reads this"), "{said}");
        assert!(!said.contains("nobody reads this"), "{said}");
    }
}
