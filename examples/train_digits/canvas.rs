//! A picture that `plotters` can draw on, letters too.
//!
//! In: pixels and text. Out: an [`RgbImage`]. Always: letters are an 8 x 8 bitmap font in whole multiples of its dots, so
//! that no font of the system is needed and the picture is the same everywhere; what is outside is left out.

use std::convert::Infallible;

use font8x8::legacy::BASIC_LEGACY;
use image::RgbImage;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Draws on an image.
pub struct Canvas<'a>(pub &'a mut RgbImage);

/// How many pixels wide and high a dot of the font is: letters of 16 pixels and more are half as wide as high.
fn dot(style: &impl BackendTextStyle) -> (i32, i32) {
    let high = (style.size() / 8.0).round().max(1.0) as i32;
    ((high / 2).max(1), high)
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return Ok(()) };
        if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
            let (r, g, b) = color.rgb;
            for (old, new) in pixel.0.iter_mut().zip([r, g, b]) {
                *old = (f64::from(*old) + (f64::from(new) - f64::from(*old)) * color.alpha).round() as u8;
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (wide, high) = dot(style);
        Ok((8 * wide as u32 * text.chars().count() as u32, 8 * high as u32))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let ((wide, high), turn) = (dot(style), style.transform());
        let (width, height) = (8 * wide * text.chars().count() as i32, 8 * high);
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        for (k, letter) in text.chars().enumerate() {
            let glyph = BASIC_LEGACY.get(letter as usize).unwrap_or(&BASIC_LEGACY[b'?' as usize]);
            // A byte is a row, its lowest bit the leftmost dot.
            for (i, j) in (0..height).flat_map(|i| (0..8 * wide).map(move |j| (i, j))) {
                if glyph[(i / high) as usize] >> (j / wide) & 1 == 1 {
                    let (dx, dy) = turn.transform(left + 8 * wide * k as i32 + j, top + i);
                    self.draw_pixel((x + dx, y + dy), style.color().color())?;
                }
            }
        }
        Ok(())
    }
}
