//! The numbers of the tests with many faults.

/// The number of faults of each kind: many in the long form of the tests.
pub(crate) fn faults_of_each() -> usize {
    if std::env::var_os("FACEKIT_SOAK").is_some() {
        200
    } else {
        4
    }
}

/// A generator of random numbers with a fixed seed.
pub(crate) fn random_numbers() -> impl FnMut() -> usize {
    let mut state = 1_u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize
    }
}
