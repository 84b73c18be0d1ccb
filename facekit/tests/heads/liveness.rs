//! Liveness checks: averages, failed networks, and networks that do not fit.

use facekit::{Detection, Element, Error, Image, Liveness, MiniFasNet, MiniFasNetSpec, Port, Rect};

use crate::fake::{
    ANY, a_face, fixed, is_model_error, minifasnet, minifasnet_spec, network, network_of, port,
    tensor, unfit_inputs,
};

#[test]
fn liveness_is_the_mean_of_its_networks() {
    let image = Image::filled(200, 200, [90; 3]);
    let score = |logits: &[[f32; 3]]| {
        minifasnet(logits)
            .assess(image.view(), &[a_face()])
            .unwrap()[0]
            .value()
    };
    assert!((score(&[[0.0, 0.0, 0.0]]) - 1.0 / 3.0).abs() < 1e-6);
    assert!((score(&[[0.0, 30.0, 0.0], [30.0, 0.0, 0.0]]) - 0.5).abs() < 1e-6);
    assert!(
        (score(&[[500.0, 1000.0, 500.0]]) - 1.0).abs() < 1e-6,
        "no overflow"
    );
    // A network that fails is not outvoted by another with a high score.
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(score(&[[number; 3]]), 0.0);
        assert_eq!(score(&[[number; 3], [0.0, 50.0, 0.0]]), 0.0);
        assert_eq!(score(&[[0.0, 50.0, 0.0], [0.0, number, f32::NAN]]), 0.0);
    }
    assert!(
        minifasnet(&[[0.0; 3]])
            .assess(image.view(), &[])
            .unwrap()
            .is_empty()
    );
    for rect in [
        Rect::new(10.0, 10.0, 0.0, 50.0),
        Rect::new(10.0, 10.0, f32::NAN, 50.0),
    ] {
        let face = Detection { rect, ..a_face() };
        assert!(
            minifasnet(&[[0.0; 3]])
                .assess(image.view(), &[face])
                .unwrap_err()
                .is_invalid_input()
        );
    }
}

#[test]
fn empty_outputs_of_a_liveness_network_are_errors() {
    let network = network(
        &[ANY, fixed(3), fixed(80), fixed(80)],
        vec![port("logits", &[ANY, ANY])],
        |_, shape| vec![tensor(&[shape[0], 0], Vec::new())],
    );
    let liveness = MiniFasNet::new([(network, "fake".to_owned(), minifasnet_spec())]).unwrap();
    let image = Image::filled(200, 200, [90; 3]);
    assert!(matches!(
        liveness.assess(image.view(), &[a_face()]),
        Err(Error::Model { .. })
    ));
}

#[test]
fn liveness_checks_refuse_networks_that_do_not_fit() {
    let minifasnet = |inputs, outputs, spec| {
        MiniFasNet::new([(network_of(inputs, outputs), "unfit".to_owned(), spec)])
    };
    let classes = || vec![port("output", &[ANY, fixed(3)])];
    for inputs in unfit_inputs(80) {
        assert!(
            is_model_error(minifasnet(inputs.clone(), classes(), minifasnet_spec())),
            "{inputs:?}"
        );
    }
    let crops = || vec![port("input", &[ANY, fixed(3), ANY, ANY])];
    let bytes = Port {
        element: Element::U8,
        ..port("output", &[ANY, fixed(3)])
    };
    for outputs in [
        vec![],
        vec![port("output", &[ANY, fixed(1)])],
        vec![port("output", &[])],
        vec![bytes],
    ] {
        assert!(
            is_model_error(minifasnet(crops(), outputs.clone(), minifasnet_spec())),
            "{outputs:?}"
        );
    }
    for spec in [
        MiniFasNetSpec {
            side: 0,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            context: f64::NAN,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            context: 0.5,
            ..minifasnet_spec()
        },
        MiniFasNetSpec {
            live: 3,
            ..minifasnet_spec()
        },
    ] {
        assert!(is_model_error(minifasnet(crops(), classes(), spec)));
    }
    assert!(matches!(
        MiniFasNet::new([]),
        Err(Error::InvalidArgument { .. })
    ));
}

#[test]
fn a_check_must_see_half_as_much_again_as_the_face_unless_its_networks_see_less() {
    let parts = |contexts: &[f64]| {
        let part = |&context: &f64| {
            let network = network(
                &[ANY, fixed(3), fixed(80), fixed(80)],
                vec![port("logits", &[ANY, fixed(3)])],
                |_, shape| vec![tensor(&[shape[0], 3], vec![0.0; 3 * shape[0]])],
            );
            let spec = MiniFasNetSpec {
                context,
                ..minifasnet_spec()
            };
            (network, "fake".to_owned(), spec)
        };
        MiniFasNet::new(contexts.iter().map(part)).unwrap()
    };
    for (contexts, expected) in [
        (&[2.7][..], 1.5),
        (&[2.7, 4.0], 1.5),
        (&[1.0, 1.2], 1.2),
        (&[1.0], 1.0),
    ] {
        let check = parts(contexts);
        assert_eq!(check.least_context(), expected, "{contexts:?}");
        let boxed: Box<dyn Liveness> = Box::new(check);
        assert_eq!(boxed.least_context(), expected);
    }
}
