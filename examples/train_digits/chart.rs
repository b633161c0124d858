//! The picture of a run.
//!
//! In: what the epochs came to, and the digits that were read wrongly. Out: a PNG. Next: [`crate::canvas`].

use std::error::Error;
use std::path::Path;

use image::{ImageFormat, RgbImage};
use ndarray::ArrayView2;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::canvas::Canvas;
use crate::digits::{Digits, SIDE};
use crate::report::Mistake;
use crate::training::Mark;

const WIDTH: u32 = 960;
const CURVES: u32 = 420;
/// The side of a pixel of a digit, and of a digit with its letters.
const PIXEL: i32 = 7;
const CELL: u32 = 80;
const COLUMNS: usize = (WIDTH / CELL) as usize;
const ROWS: usize = 4;

/// Losses below it are drawn as it.
const FLOOR: f32 = 1e-6;
const LOSS: RGBColor = RGBColor(31, 119, 180);
const HELD_OUT: RGBColor = RGBColor(214, 88, 24);

type Area<'a> = DrawingArea<Canvas<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// Draws the losses, and below them the first of the mistakes; the error is one line with the file's name.
pub fn write(path: &Path, marks: &[Mark], held_out: &Digits, mistakes: &[Mistake]) -> Result<(), String> {
    let image = draw(marks, held_out, mistakes).map_err(|e| format!("cannot draw: {e}"))?;
    let written = image.save_with_format(path, ImageFormat::Png);
    written.map_err(|e| format!("{}: {e}", path.display()))
}

fn draw(marks: &[Mark], held_out: &Digits, mistakes: &[Mistake]) -> Result<RgbImage, Box<dyn Error>> {
    let rows = mistakes.len().div_ceil(COLUMNS).min(ROWS);
    let mut image = RgbImage::new(WIDTH, CURVES + 32 + rows as u32 * CELL);
    {
        let area = Canvas(&mut image).into_drawing_area();
        area.fill(&WHITE)?;
        let (above, below) = area.split_vertically(CURVES);
        curves(&above, marks)?;
        let title = format!("{} of {} read wrongly: digit > read as", mistakes.len(), held_out.len());
        below.draw_text(&title, &("sans-serif", 16).into_text_style(&below), (16, 8))?;
        for (k, mistake) in mistakes.iter().take(COLUMNS * ROWS).enumerate() {
            let at = (16 + (k % COLUMNS) as i32 * (CELL as i32 - 2), 32 + (k / COLUMNS) as i32 * CELL as i32);
            digit(&below, at, held_out.images.index_axis(ndarray::Axis(0), mistake.place))?;
            let text = format!("{} > {}", mistake.label, mistake.read);
            let style = ("sans-serif", 8).into_text_style(&below).pos(Pos::new(HPos::Center, VPos::Top));
            below.draw_text(&text, &style, (at.0 + PIXEL * SIDE as i32 / 2, at.1 + PIXEL * SIDE as i32 + 4))?;
        }
        area.present()?;
    }
    Ok(image)
}

/// The losses on a logarithmic scale, an epoch a step to the right.
fn curves(area: &Area, marks: &[Mark]) -> Drawn {
    let losses = || marks.iter().flat_map(|m| [m.loss, m.held_out]).map(|x| x.max(FLOOR));
    let (low, high) = losses().fold((f32::MAX, 10.0 * FLOOR), |(low, high), x| (low.min(x), high.max(x)));
    let scale = (low.min(high) * 0.8..high * 1.25).log_scale();
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(80)
        .build_cartesian_2d(1..marks.len().max(2), scale)?;
    let letters = ("sans-serif", 16).into_text_style(area);
    (chart.configure_mesh().label_style(letters.clone()).axis_desc_style(letters.clone()))
        .x_desc("epoch")
        .y_desc("loss")
        .y_label_formatter(&|y| format!("{y}"))
        .light_line_style(BLACK.mix(0.06))
        .draw()?;
    type Loss = fn(&Mark) -> f32;
    let lines: [(&str, RGBColor, Loss); 2] = [("train", LOSS, |m| m.loss), ("held out", HELD_OUT, |m| m.held_out)];
    for (name, color, of) in lines {
        let points = marks.iter().enumerate().map(|(k, mark)| (k + 1, of(mark).max(FLOOR)));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
    }
    (chart.configure_series_labels().label_font(letters).margin(12).border_style(BLACK.mix(0.2)))
        .background_style(WHITE)
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    Ok(())
}

/// An image, a square a pixel, 16 being black.
fn digit(area: &Area, (x, y): (i32, i32), image: ArrayView2<u8>) -> Drawn {
    for ((row, column), &ink) in image.indexed_iter() {
        let grey = 255 - u8::try_from(u32::from(ink.min(16)) * 255 / 16)?;
        let (left, top) = (x + column as i32 * PIXEL, y + row as i32 * PIXEL);
        let square = [(left, top), (left + PIXEL, top + PIXEL)];
        area.draw(&Rectangle::new(square, RGBColor(grey, grey, grey).filled()))?;
    }
    Ok(())
}
