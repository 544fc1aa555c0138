//! PIXART_MODEL=models/emoji cargo test

use pixart::{Decoder, Denoiser, Encoder, Progress, Tensor};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread;

const OPTIONS: &str = r#"{"num_inference_steps": 3, "seed": 7}"#;

fn model() -> String {
    std::env::var("PIXART_MODEL").expect("PIXART_MODEL names a model")
}

fn go_on(_: Progress) -> bool {
    true
}

#[test]
fn handles_cross_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Tensor>();
    shared::<Encoder>();
    shared::<Denoiser>();
    shared::<Decoder>();
    let encoder = Encoder::open(model(), go_on).unwrap();
    let shapes: Vec<Vec<i64>> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| encoder.encode("a cat", go_on).unwrap().shape().to_vec())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(shapes.iter().all(|shape| *shape == shapes[0]));
}

#[test]
fn a_panic_passes_around_c() {
    let encoder = Encoder::open(model(), go_on).unwrap();
    let (prompt, negative) = (encoder.encode("a cat", go_on).unwrap(), encoder.encode("", go_on).unwrap());
    let denoiser = Denoiser::open(model(), go_on).unwrap();
    let mut calls = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        denoiser.denoise(&prompt, Some(&negative), OPTIONS, |_| {
            calls += 1;
            panic!("call {calls}")
        })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<String>().unwrap(), "call 1");
    assert!(denoiser.denoise(&prompt, Some(&negative), OPTIONS, |_| false).unwrap_err().is_cancelled());
    assert!(denoiser.denoise(&prompt, Some(&negative), OPTIONS, go_on).is_ok());
}

#[test]
fn errors_belong_to_their_threads() {
    thread::scope(|scope| {
        for index in 0..4 {
            scope.spawn(move || {
                let name = format!("/no/model/{index}/");
                for _ in 0..200 {
                    let error = Encoder::open(&name, go_on).unwrap_err();
                    assert_eq!(error.status_name(), "PIXART_ERROR_FILE");
                    assert!(error.to_string().contains(&name), "{error}");
                }
            });
        }
    });
}

#[test]
fn text_has_no_nul() {
    let encoder = Encoder::open(model(), go_on).unwrap();
    let error = encoder.encode("a\0b", go_on).unwrap_err();
    assert_eq!(error.to_string(), "PIXART_ERROR_ARGUMENT: the text has a NUL at byte 1");
}
