//! Image files and pixels: `cargo xtask bench imaging`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use facekit::{
    Image,
    image::{self, DecodeLimits},
};

/// Waves of several lengths and a little noise. As a JPEG file it is about as large as a photo.
fn textured(width: usize, height: usize) -> Image {
    let mut noise = 1_u32;
    let pixels = (0..width * height).flat_map(|i| {
        let (x, y) = ((i % width) as f32, (i / width) as f32);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (noise >> 28) as f32;
        let wave = 60.0 * (x / 37.0).sin() + 40.0 * (y / 23.0).cos() + 15.0 * ((x + y) / 5.0).sin();
        [1.0, 0.8, 0.6].map(|tint| (tint * (128.0 + wave + grain)).clamp(0.0, 255.0) as u8)
    });
    Image::from_rgb8(pixels.collect(), width, height).expect("the sides fit the pixels")
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (width, height) in [(640, 480), (1920, 1080)] {
        let file = image::encode_jpeg(&textured(width, height), 90);
        let limits = DecodeLimits::default();
        group.throughput(Throughput::Elements((width * height) as u64));
        group.bench_function(format!("{width}x{height}/facekit"), |bencher| {
            bencher.iter(|| {
                let image = image::decode(black_box(&file), &limits).expect("it was just made");
                assert_eq!((image.width(), image.height()), (width, height));
                image
            });
        });
    }
    group.finish();
}

fn equalize(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("equalize");
    let photo = textured(640, 480);
    group.bench_function("640x480/facekit", |bencher| {
        bencher.iter(|| image::equalize(black_box(&photo)));
    });
    group.finish();
}

fn resize(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resize");
    for (width, height) in [(1920, 1080), (1280, 720)] {
        let photo = textured(width, height);
        group.throughput(Throughput::Elements((width * height) as u64));
        group.bench_function(format!("{width}x{height}-to-640/facekit"), |bencher| {
            bencher.iter(|| {
                let small = image::resize(black_box(photo.view()), 640, 360).expect("not empty");
                assert_eq!((small.width(), small.height()), (640, 360));
                small
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, equalize, resize);
criterion_main!(benches);
