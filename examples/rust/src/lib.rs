//! Safe Rust over libpixart: owners that release what they own, `Result`s with the library's message, and closures as
//! callbacks, whose panics pass around C instead of through it.

mod sys;

use std::ffi::{CStr, CString, OsStr};
use std::os::raw::{c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::Path;
use std::{any, fmt, ptr};

/// A call that failed: the status, and what was found and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: i32,
    message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The name of the status, such as "PIXART_ERROR_FILE".
    pub fn status_name(&self) -> &'static str {
        // SAFETY: the name is static, and ASCII.
        unsafe { CStr::from_ptr(sys::pixart_status_name(self.status)) }.to_str().unwrap_or("unknown status")
    }

    pub fn is_cancelled(&self) -> bool {
        self.status == sys::PIXART_CANCELLED
    }

    /// Reads the message of the thread's last failure. Each caller is a plain function, so that no `await` can move the
    /// task to another thread between the call and its message.
    fn check(status: sys::pixart_status) -> Result<()> {
        if status == sys::PIXART_OK {
            return Ok(());
        }
        // SAFETY: the message is valid until the next failing call of this thread, and copied at once.
        let message = unsafe { CStr::from_ptr(sys::pixart_error_message()) };
        Err(Error { status, message: message.to_string_lossy().into_owned() })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.status_name(), self.message)
    }
}

impl std::error::Error for Error {}

/// How far a call is. See pixart_progress in pixart.h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    pub step: i64,
    pub steps: i64,
    pub fraction: f64,
}

/// The closure that a call is watched by, and what it panicked with. It returns true to go on.
struct Watch<'a> {
    closure: &'a mut dyn FnMut(Progress) -> bool,
    panic: Option<Box<dyn any::Any + Send>>,
}

extern "C" fn watch(context: *mut c_void, step: i64, steps: i64, fraction: f64) -> i32 {
    // SAFETY: the context of a call is the Watch on the stack of `call`, and the callback runs on the calling thread.
    let watch = unsafe { &mut *context.cast::<Watch>() };
    if watch.panic.is_some() {
        return 1;
    }
    match catch_unwind(AssertUnwindSafe(|| (watch.closure)(Progress { step, steps, fraction }))) {
        Ok(go_on) => i32::from(!go_on),
        Err(panic) => {
            watch.panic = Some(panic);
            1
        }
    }
}

/// Makes a call that returns a handle, watched by a closure. A panic of the closure goes on here.
fn call<Handle>(
    closure: &mut dyn FnMut(Progress) -> bool,
    function: impl FnOnce(sys::pixart_progress, *mut c_void, *mut *mut Handle) -> sys::pixart_status,
) -> Result<*mut Handle> {
    let mut out = ptr::null_mut();
    let mut context = Watch { closure, panic: None };
    let status = function(Some(watch), (&mut context as *mut Watch).cast(), &mut out);
    if let Some(panic) = context.panic {
        resume_unwind(panic); // the call was cancelled, so there is no handle
    }
    Error::check(status).map(|()| out)
}

/// Text for C. C would end at a NUL inside it.
fn text(text: &OsStr) -> Result<CString> {
    CString::new(text.as_bytes()).map_err(|error| Error {
        status: sys::PIXART_ERROR_ARGUMENT,
        message: format!("the text has a NUL at byte {}", error.nul_position()),
    })
}

macro_rules! owner {
    ($(#[$text:meta])* $name:ident, $handle:ident, $release:ident) => {
        $(#[$text])*
        #[derive(Debug)]
        pub struct $name(ptr::NonNull<sys::$handle>);

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the handle is owned, and released once.
                unsafe { sys::$release(self.0.as_ptr()) }
            }
        }

        // SAFETY: any thread may release a handle, and the methods pass it as `const`, which pixart.h declares
        // thread-safe. A sampler would be Send only.
        unsafe impl Send for $name {}
        unsafe impl Sync for $name {}

        impl $name {
            fn from(handle: *mut sys::$handle) -> Self {
                Self(ptr::NonNull::new(handle).expect("a call that succeeds returns a handle"))
            }
        }
    };
}

owner!(
    /// A dense array, immutable.
    Tensor, pixart_tensor, pixart_tensor_release
);
owner!(
    /// A tokenizer and a T5 text encoder.
    Encoder, pixart_encoder, pixart_encoder_release
);
owner!(
    /// A PixArt transformer and a scheduler.
    Denoiser, pixart_denoiser, pixart_denoiser_release
);
owner!(
    /// The decoder of a VAE.
    Decoder, pixart_decoder, pixart_decoder_release
);

fn open<Handle>(
    function: sys::Open<Handle>,
    model: &Path,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<*mut Handle> {
    let model = text(model.as_os_str())?;
    // SAFETY: the text lives until the call returns; NULL stands for the default options.
    call(progress, |watch, context, out| unsafe { function(model.as_ptr(), ptr::null(), watch, context, out) })
}

impl Tensor {
    pub fn shape(&self) -> &[i64] {
        // SAFETY: the tensor owns `rank` dimensions, which never change.
        unsafe {
            let rank = sys::pixart_tensor_rank(self.0.as_ptr());
            std::slice::from_raw_parts(sys::pixart_tensor_shape(self.0.as_ptr()), rank)
        }
    }

    /// Writes one image of a batch as a PNG file.
    pub fn write_image(&self, index: usize, path: impl AsRef<Path>) -> Result<()> {
        let path = text(path.as_ref().as_os_str())?;
        // SAFETY: the text lives until the call returns.
        Error::check(unsafe { sys::pixart_image_write(self.0.as_ptr(), index, path.as_ptr(), ptr::null()) })
    }
}

impl Encoder {
    pub fn open(model: impl AsRef<Path>, mut progress: impl FnMut(Progress) -> bool) -> Result<Self> {
        open(sys::pixart_encoder_open, model.as_ref(), &mut progress).map(Self::from)
    }

    pub fn encode(&self, prompt: &str, mut progress: impl FnMut(Progress) -> bool) -> Result<Tensor> {
        let prompt = text(prompt.as_ref())?;
        // SAFETY: handle and text live until the call returns.
        call(&mut progress, |watch, context, out| unsafe {
            sys::pixart_encode(self.0.as_ptr(), prompt.as_ptr(), ptr::null(), watch, context, out)
        })
        .map(Tensor::from)
    }
}

impl Denoiser {
    pub fn open(model: impl AsRef<Path>, mut progress: impl FnMut(Progress) -> bool) -> Result<Self> {
        open(sys::pixart_denoiser_open, model.as_ref(), &mut progress).map(Self::from)
    }

    /// Runs the complete denoising loop. `options` is a JSON object, or "" for the defaults.
    pub fn denoise(
        &self,
        prompt: &Tensor,
        negative: Option<&Tensor>,
        options: &str,
        mut progress: impl FnMut(Progress) -> bool,
    ) -> Result<Tensor> {
        let options = text(options.as_ref())?;
        let options: *const c_char = options.as_ptr();
        let negative = negative.map_or(ptr::null(), |negative| negative.0.as_ptr() as *const _);
        // SAFETY: handles and text live until the call returns.
        call(&mut progress, |watch, context, out| unsafe {
            sys::pixart_denoise(self.0.as_ptr(), prompt.0.as_ptr(), negative, options, watch, context, out)
        })
        .map(Tensor::from)
    }
}

impl Decoder {
    pub fn open(model: impl AsRef<Path>, mut progress: impl FnMut(Progress) -> bool) -> Result<Self> {
        open(sys::pixart_decoder_open, model.as_ref(), &mut progress).map(Self::from)
    }

    pub fn decode(&self, latents: &Tensor, mut progress: impl FnMut(Progress) -> bool) -> Result<Tensor> {
        // SAFETY: the handles live until the call returns.
        call(&mut progress, |watch, context, out| unsafe {
            sys::pixart_decode(self.0.as_ptr(), latents.0.as_ptr(), ptr::null(), watch, context, out)
        })
        .map(Tensor::from)
    }
}
