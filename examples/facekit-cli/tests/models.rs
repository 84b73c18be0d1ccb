#[test]
fn a() {
    assert!(true);
}
