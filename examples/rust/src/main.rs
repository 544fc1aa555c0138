//! Text to image: a worker thread computes, and this one shows its progress and can stop it.
//!
//!     text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]

use pixart::{Decoder, Denoiser, Encoder, Progress, Tensor};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

const USAGE: &str = "usage: text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]";

struct Arguments {
    model: String,
    prompt: String,
    output: String,
    seed: u64,
    steps: u32,
    cancel_after: Option<f64>,
}

fn number<T: FromStr>(option: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{option}: {value:?} is no such number"))
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut next = || words.next().ok_or_else(|| USAGE.to_string());
    let (model, prompt, output) = (next()?, next()?, next()?);
    let mut arguments = Arguments { model, prompt, output, seed: 7, steps: 20, cancel_after: None };
    while let Some(option) = words.next() {
        let value = words.next().ok_or_else(|| format!("{option}: unknown, or lacks a value\n{USAGE}"))?;
        match option.as_str() {
            "--seed" => arguments.seed = number(&option, &value)?,
            "--steps" => arguments.steps = number(&option, &value)?,
            "--cancel-after" => arguments.cancel_after = Some(number(&option, &value)?),
            _ => return Err(format!("unknown option {option}\n{USAGE}")),
        }
    }
    Ok(arguments)
}

/// Each stage is dropped before the next one opens, so at most one network is in memory.
fn make_image(arguments: &Arguments, stop: &AtomicBool, show: impl Fn(Progress) + Send) -> pixart::Result<Tensor> {
    let go_on = |_: Progress| !stop.load(Ordering::Relaxed);
    let encoder = Encoder::open(&arguments.model, go_on)?;
    let prompt = encoder.encode(&arguments.prompt, go_on)?;
    let negative = encoder.encode("", go_on)?;
    drop(encoder);

    let denoiser = Denoiser::open(&arguments.model, go_on)?;
    let options = format!(r#"{{"seed": {}, "num_inference_steps": {}}}"#, arguments.seed, arguments.steps);
    let latents = denoiser.denoise(&prompt, Some(&negative), &options, |progress| {
        show(progress);
        go_on(progress)
    })?;
    drop(denoiser);

    Decoder::open(&arguments.model, go_on)?.decode(&latents, go_on)
}

/// Returns whether the run was cancelled.
fn run(arguments: &Arguments) -> pixart::Result<bool> {
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut stopped = None;
    let (result, ended) = thread::scope(|scope| {
        let stop = &stop;
        let worker = scope.spawn(move || {
            // The receiver outlives this thread, so nothing can be lost.
            let result = make_image(arguments, stop, move |progress| sender.send(progress).unwrap_or_default());
            (result, Instant::now())
        });
        for Progress { step, steps, fraction } in receiver {
            eprint!("\rstep {step} of {steps}, {:3.0}%", fraction * 100.0);
            if stopped.is_none() && arguments.cancel_after.map_or(false, |after| fraction >= after) {
                stopped = Some(Instant::now());
                stop.store(true, Ordering::Relaxed);
            }
        }
        eprintln!();
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let cancelled = match result {
        Ok(images) => images.write_image(0, &arguments.output).map(|()| false)?,
        Err(error) if error.is_cancelled() => true,
        Err(error) => return Err(error),
    };
    let cancel_seconds = match stopped.filter(|_| cancelled) {
        Some(stopped) => (ended - stopped).as_secs_f64().to_string(),
        None => "null".to_string(),
    };
    println!(
        r#"{{"language": "Rust", "version": "{}", "seconds": {}, "cancelled": {cancelled}, "cancel_seconds": {cancel_seconds}}}"#,
        env!("RUSTC_VERSION"),
        start.elapsed().as_secs_f64(),
    );
    Ok(cancelled)
}

fn main() -> ExitCode {
    let result =
        parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments).map_err(|error| error.to_string()));
    match result {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(2),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
