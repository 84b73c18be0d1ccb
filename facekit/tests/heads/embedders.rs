//! Embedders: batches, vectors that are not embeddings, and networks that do not fit.

use facekit::{AlignedFace, ArcFace, Digest, Element, Embedder, Error, Port};

use crate::fake::{
    ANY, aligned, arcface, arcface_spec, first_pixels, fixed, is_model_error, network_of,
    no_outputs, port, tensor, unfit_inputs,
};

#[test]
fn batches_of_every_size_give_the_same_embeddings() {
    let faces: Vec<AlignedFace> = (0..70)
        .map(|nth| aligned(112, [nth, 2 * nth, 255 - nth]))
        .collect();
    let one_by_one = arcface(fixed(1), first_pixels).embed(&faces).unwrap();
    assert_eq!(one_by_one.len(), 70);
    assert_eq!(one_by_one[7].values()[1] / one_by_one[7].values()[0], 2.0);
    for batch in [ANY, fixed(1), fixed(4), fixed(70), fixed(100)] {
        let embedder = arcface(batch, first_pixels);
        assert_eq!(embedder.embed(&faces).unwrap(), one_by_one, "{batch:?}");
        assert!(embedder.embed(&[]).unwrap().is_empty());
        let wrong_side = embedder.embed(&[aligned(96, [1; 3])]);
        assert!(wrong_side.unwrap_err().is_invalid_input());
    }
}

#[test]
fn outputs_that_are_no_embeddings_are_errors() {
    let faces = [aligned(112, [0; 3]), aligned(112, [255; 3])];
    for values in [
        [f32::NAN, 1.0, 1.0, 1.0],
        [1.0, f32::INFINITY, 1.0, 1.0],
        [0.0; 4],
    ] {
        let embedder = arcface(ANY, move |_, shape| {
            vec![tensor(&[shape[0], 4], values.repeat(shape[0]))]
        });
        assert!(
            matches!(embedder.embed(&faces), Err(Error::Model { .. })),
            "{values:?}"
        );
    }
    for shape in [[1, 4], [2, 0], [3, 4], [2, 5]] {
        let embedder = arcface(ANY, move |_, _| {
            vec![tensor(&shape, vec![1.0; shape[0] * shape[1]])]
        });
        assert!(embedder.embed(&faces).is_err(), "{shape:?}");
    }
    assert!(arcface(ANY, no_outputs).embed(&faces).is_err());
    let bytes = arcface(ANY, |_, shape| {
        vec![ndarray::ArrayD::<u8>::zeros(vec![shape[0], 4]).into()]
    });
    assert!(matches!(bytes.embed(&faces), Err(Error::Model { .. })));
}

#[test]
fn embedders_refuse_networks_that_do_not_fit() {
    let arcface = |inputs, outputs| {
        ArcFace::new(
            network_of(inputs, outputs),
            "unfit",
            &Digest::of(""),
            &arcface_spec(),
        )
    };
    let vectors = || vec![port("output", &[ANY, fixed(4)])];
    for inputs in unfit_inputs(112) {
        assert!(
            is_model_error(arcface(inputs.clone(), vectors())),
            "{inputs:?}"
        );
    }
    let faces = || vec![port("input", &[ANY, fixed(3), ANY, ANY])];
    let bytes = Port {
        element: Element::U8,
        ..port("output", &[ANY, fixed(4)])
    };
    for outputs in [
        vec![],
        vec![port("output", &[ANY, fixed(5)])],
        vec![port("output", &[])],
        vec![bytes],
    ] {
        assert!(
            is_model_error(arcface(faces(), outputs.clone())),
            "{outputs:?}"
        );
    }
}
