//! Numbers on the command line, and the ranges that they must be in.

pub(crate) fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is needed".to_owned()),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("a rate between 0 and 1, such as 1e-4, is needed".to_owned()),
    }
}

pub(super) fn cosine(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(score) if (-1.0..=1.0).contains(&score) => Ok(score),
        _ => Err("a number from -1 to 1 is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(rate("0").is_err() && rate("1").is_err() && rate("nan").is_err());
        assert!(share("1.1").is_err() && share("nan").is_err() && share("1").is_ok());
        assert!(cosine("-1").is_ok() && cosine("2").is_err());
    }
}
