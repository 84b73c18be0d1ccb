//! Numbers on the command line, and the ranges that they must be in.

pub(crate) fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is needed".to_owned()),
    }
}

pub(super) fn contrast(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(contrast) if (0.0..=0.5).contains(&contrast) => Ok(contrast),
        _ => Err("a number from 0 to 0.5 is needed".to_owned()),
    }
}

pub(super) fn degrees(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(degrees) if (0.0..=180.0).contains(&degrees) => Ok(degrees),
        _ => Err("a number of degrees from 0 to 180 is needed".to_owned()),
    }
}

pub(super) fn from_zero(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number of at least 0 is needed".to_owned()),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("a rate between 0 and 1, such as 1e-4, is needed".to_owned()),
    }
}

pub(crate) fn cosine(text: &str) -> Result<f32, String> {
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
        assert!(contrast("0.5").is_ok() && contrast("0.6").is_err());
        assert!(degrees("180").is_ok() && degrees("181").is_err() && degrees("nan").is_err());
        assert!(from_zero("0").is_ok() && from_zero("-1").is_err() && from_zero("inf").is_err());
    }
}
