//! Very small, very long and black images in all heads and in a recognizer.

use facekit::{
    DetectOptions, Detector, Embedder, Image, ImageView, Liveness, Outcome, PixelFormat, Quality,
    QualityOptions, Recognizer, Threshold, Verification, align,
};

use crate::fake::{ANY, a_face, arcface, cell, first_pixels, minifasnet, scrfd, yunet};

#[test]
fn odd_images_go_through_every_head() {
    for (width, height, rgb) in [
        (1, 1, [255; 3]),
        (1, 3000, [9; 3]),
        (3000, 1, [9; 3]),
        (64, 64, [0; 3]),
        (640, 480, [0; 3]),
    ] {
        let image = Image::filled(width, height, rgb);
        let view = image.view();
        let equalized = DetectOptions::default().with_equalize(true);
        for options in [DetectOptions::default(), equalized] {
            assert_eq!(
                yunet(&[cell(8, 0, 0)])
                    .detect(view, &options)
                    .unwrap()
                    .len(),
                1
            );
            assert!(yunet(&[]).detect(view, &options).unwrap().is_empty());
            scrfd(&[]).detect(view, &options).unwrap();
        }
        let face = align(view, &a_face().landmarks, 112).unwrap();
        assert_eq!(
            arcface(ANY, first_pixels)
                .embed(std::slice::from_ref(&face))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            minifasnet(&[[0.0; 3]])
                .assess(view, &[a_face()])
                .unwrap()
                .len(),
            1
        );
        let quality = Quality::measure((width, height), &a_face(), &face);
        assert!((0.0..=1.0).contains(&quality.score));
        assert!(
            !quality.issues(&QualityOptions::default()).is_empty(),
            "{width} × {height}"
        );

        // The detector reports a face although there is none. The quality limits reject it.
        let recognizer = Recognizer::builder()
            .detector(yunet(&[cell(8, 0, 0)]))
            .liveness(minifasnet(&[[0.0, 9.0, 0.0]]))
            .embedder(arcface(ANY, first_pixels))
            .threshold(Threshold::Score(0.5))
            .build()
            .unwrap();
        let found = recognizer.recognize(view).unwrap();
        assert!(matches!(found[0].outcome, Outcome::PoorQuality { .. }));
        let verified = recognizer.verify(view, view).unwrap();
        assert!(matches!(verified, Verification::Unusable { photo: 0, .. }));
    }
    assert!(ImageView::new(&[], 0, 0, PixelFormat::Rgb8).is_err());
}
