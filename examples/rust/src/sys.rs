//! Those declarations of pixart.h that the safe layer uses, by hand: C has no structs to lay out here.

#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

macro_rules! opaque {
    ($($name:ident),*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}
opaque!(pixart_encoder, pixart_denoiser, pixart_decoder, pixart_tensor);

pub type pixart_status = i32;
pub const PIXART_OK: pixart_status = 0;
pub const PIXART_ERROR_ARGUMENT: pixart_status = 101;
pub const PIXART_CANCELLED: pixart_status = 401;

/// NULL is `None`.
pub type pixart_progress = Option<extern "C" fn(context: *mut c_void, step: i64, steps: i64, fraction: f64) -> i32>;

/// The functions that open a stage all look like this.
pub type Open<Handle> =
    unsafe extern "C" fn(*const c_char, *const c_char, pixart_progress, *mut c_void, *mut *mut Handle) -> pixart_status;

extern "C" {
    pub fn pixart_status_name(status: pixart_status) -> *const c_char;
    pub fn pixart_error_message() -> *const c_char;

    pub fn pixart_encoder_open(
        model: *const c_char,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_encoder,
    ) -> pixart_status;
    pub fn pixart_encode(
        encoder: *const pixart_encoder,
        prompt: *const c_char,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_tensor,
    ) -> pixart_status;
    pub fn pixart_encoder_release(encoder: *mut pixart_encoder);

    pub fn pixart_denoiser_open(
        model: *const c_char,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_denoiser,
    ) -> pixart_status;
    pub fn pixart_denoise(
        denoiser: *const pixart_denoiser,
        prompt: *const pixart_tensor,
        negative: *const pixart_tensor,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_tensor,
    ) -> pixart_status;
    pub fn pixart_denoiser_release(denoiser: *mut pixart_denoiser);

    pub fn pixart_decoder_open(
        model: *const c_char,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_decoder,
    ) -> pixart_status;
    pub fn pixart_decode(
        decoder: *const pixart_decoder,
        latents: *const pixart_tensor,
        options: *const c_char,
        progress: pixart_progress,
        context: *mut c_void,
        out: *mut *mut pixart_tensor,
    ) -> pixart_status;
    pub fn pixart_decoder_release(decoder: *mut pixart_decoder);

    pub fn pixart_tensor_rank(tensor: *const pixart_tensor) -> usize;
    pub fn pixart_tensor_shape(tensor: *const pixart_tensor) -> *const i64;
    pub fn pixart_tensor_release(tensor: *mut pixart_tensor);

    pub fn pixart_image_write(
        images: *const pixart_tensor,
        index: usize,
        path: *const c_char,
        options: *const c_char,
    ) -> pixart_status;
}
