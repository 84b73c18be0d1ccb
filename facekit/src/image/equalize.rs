//! placeholder until merge
pub fn equalize(image: &super::Image) -> super::Image {
    image.clone()
}
