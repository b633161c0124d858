//! Photographs as arrays.
//!
//! In: a PNG or JPEG file. Out: its pixels at the size the network was trained with, `[224, 224, 3]`, red, green, blue.
//! Always: a file that is no picture is an error with its name. Next: [`crate::network`].

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, imageops};
use ndarray::Array3;

/// The side of the square that the network sees.
pub const SIDE: usize = 224;

/// Decodes a file; a photograph that was taken with the camera turned is turned back.
pub fn decode(path: &Path) -> Result<DynamicImage, String> {
    // Some decoders end their message with a line feed.
    let named = |error: &dyn std::fmt::Display| format!("{}: {}", path.display(), error.to_string().trim_end());
    let reader = ImageReader::open(path).map_err(|e| named(&e))?.with_guessed_format().map_err(|e| named(&e))?;
    if reader.format().is_none() {
        return Err(named(&"not a PNG or JPEG file"));
    }
    let decoded: ImageResult<DynamicImage> = (|| {
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    })();
    decoded.map_err(|e| named(&e))
}

/// Scales to a square, bilinearly and with anti-aliasing.
pub fn resize(picture: &DynamicImage) -> Array3<u8> {
    let square = imageops::resize(&picture.to_rgb8(), SIDE as u32, SIDE as u32, imageops::FilterType::Triangle);
    Array3::from_shape_vec((SIDE, SIDE, 3), square.into_raw()).expect("three bytes a pixel")
}
