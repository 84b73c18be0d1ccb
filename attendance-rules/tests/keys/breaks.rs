//! The shortest break that counts.

use crate::{
    MONDAY,
    common::{MINUTE, day, rules},
};

#[test]
fn short_breaks_do_not_count_as_the_break() {
    let times = ["08:00", "11:00", "11:05", "14:00", "14:10", "16:40"];
    let counted = |keys: &str, times: &[&str]| {
        let rule =
            format!("[[breaks]]\nkind = 'after_work'\nworked = '6h'\nlength = '30m'\n{keys}");
        day(&rules(&rule), MONDAY, times).counted.0 / MINUTE
    };
    assert_eq!(counted("", &times), 490, "without the key");
    let shortest = "shortest = '15m'";
    assert_eq!(counted(shortest, &times), 475);
    // One of the two breaks is long enough.
    assert_eq!(
        counted(
            shortest,
            &["08:00", "11:00", "11:05", "14:00", "14:20", "16:40"]
        ),
        485
    );
    assert_eq!(
        counted(
            shortest,
            &["08:00", "11:00", "11:15", "14:00", "14:15", "16:40"]
        ),
        490
    );
    // The same in a fixed window.
    let fixed = |keys: &str| {
        let rule = format!(
            "[[breaks]]\nkind = 'fixed'\nfrom = '12:00'\nto = '14:00'\nat_most = '1h'\n{keys}"
        );
        day(&rules(&rule), MONDAY, &["08:00", "12:10", "12:20", "17:00"])
            .counted
            .0
            / MINUTE
    };
    assert_eq!((fixed(""), fixed(shortest)), (480, 470));
}
