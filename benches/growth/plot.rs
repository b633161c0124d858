//! A plot of curves, both axes logarithmic.
//!
//! In: the curves of a function. Out: an SVG file.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::sizes::Curve;

const SIZE: (u32, u32) = (760, 340);
const COLOURS: [RGBColor; 2] = [RGBColor(31, 119, 180), RGBColor(214, 96, 39)];

pub fn draw(path: &Path, function: &str, curves: &[&Curve]) -> Result<(), Box<dyn Error>> {
    let each = |(n, seconds): &(usize, f64)| (*n as f64, seconds * 1e9 / *n as f64);
    let points: Vec<(f64, f64)> = curves.iter().flat_map(|c| c.points.iter().map(each)).collect();
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let values = points.iter().map(of);
        values.fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (low, high)) = (bounds(|p| p.0), bounds(|p| p.1));
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{function}: nanoseconds an element, by elements"), ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d((left..right).log_scale(), (low * 0.8..high * 1.25).log_scale())?;
    chart.configure_mesh().light_line_style(WHITE).x_label_formatter(&power).y_label_formatter(&short).draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let series = LineSeries::new(curve.points.iter().map(each), colour.stroke_width(2)).point_size(3);
        let swatch = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        chart
            .draw_series(series)?
            .label(format!("{} thread{}", curve.threads, if curve.threads == 1 { "" } else { "s" }))
            .legend(swatch);
    }
    chart.configure_series_labels().border_style(BLACK.mix(0.3)).background_style(WHITE).draw()?;
    area.present()?;
    Ok(())
}

fn power(n: &f64) -> String {
    format!("{n:.0e}")
}

fn short(ns: &f64) -> String {
    format!("{ns}")
}
