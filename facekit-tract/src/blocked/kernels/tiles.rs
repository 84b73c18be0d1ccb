//! Dividing a row of pixels into tiles.

/// Divides a row of `$width` pixels into the fewest tiles of at most `$most` pixels, of nearly equal size. Calls `$tile!(x,
/// size)` for each, where `size` is a literal: kernels are generic over the size of a tile.
macro_rules! tiles {
    ($width:expr, $most:expr, $tile:ident) => {
        tiles!($width, $most, $tile, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    ($width:expr, $most:expr, $tile:ident, $($size:literal)*) => {{
        let width: usize = $width;
        let mut x = 0;
        for left in (1..=width.div_ceil($most)).rev() {
            let size = (width - x).div_ceil(left);
            match size {
                $($size if $size <= $most => $tile!(x, $size),)*
                _ => unreachable!("a tile has at most {} pixels", $most),
            }
            x += size;
        }
    }};
}
pub(super) use tiles;
