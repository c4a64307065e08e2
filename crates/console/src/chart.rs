//! Small charts as SVG: no script, no style attributes, readable in light and dark.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 8.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 14.0;

/// One bar: its name below, its figure, and a second figure inside it.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: i64,
    /// Part of the value that is drawn differently.
    pub(crate) part: i64,
    /// Told when pointed at.
    pub(crate) told: String,
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Figures here are for the eye: a lost digit beyond 2^52 is not seen.
#[allow(clippy::cast_precision_loss)]
fn scaled(value: i64, most: i64) -> f64 {
    let room = HEIGHT - BOTTOM - TOP;
    (value.max(0) as f64) / (most.max(1) as f64) * room
}

/// Short for axes: `1,2jt`, `350rb`.
pub(crate) fn short(value: i64) -> String {
    let tenths = |unit: i64| {
        let tenths =
            value.saturating_abs().saturating_mul(10).checked_div(unit).unwrap_or_default();
        let sign = if value < 0 { "-" } else { "" };
        if tenths >= 100 || tenths % 10 == 0 {
            format!("{sign}{}", tenths / 10)
        } else {
            format!("{sign}{},{}", tenths / 10, tenths % 10)
        }
    };
    match value.abs() {
        0..10_000 => value.to_string(),
        10_000..1_000_000 => format!("{}rb", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{}jt", tenths(1_000_000)),
        _ => format!("{}M", tenths(1_000_000_000)),
    }
}

/// Bars side by side.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let step = (WIDTH - 2.0 * LEFT) / (bars.len().max(1) as f64);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\" class=\"chart\">\
         <text class=\"most\" x=\"{LEFT}\" y=\"11\">{0} · {1}</text>",
        escape(title),
        short(most)
    );
    let base = HEIGHT - BOTTOM;
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>",
        WIDTH - LEFT
    );
    // Names that would run into each other are left out.
    let every = (bars.len() / 12).max(1);
    for (at, bar) in bars.iter().enumerate() {
        let x = LEFT + step * (at as f64);
        let (whole, part) = (scaled(bar.value, most), scaled(bar.part.min(bar.value), most));
        let wide = (step * 0.72).max(1.0);
        let _ = write!(
            svg,
            "<g><title>{}</title>\
             <rect class=\"bar\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{whole:.1}\" rx=\"2\"/>\
             <rect class=\"part\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{part:.1}\" rx=\"2\"/></g>",
            escape(&bar.told),
            base - whole,
            base - part,
        );
        if at.checked_rem(every) == Some(0) {
            let _ = write!(
                svg,
                "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + wide / 2.0,
                HEIGHT - 8.0,
                escape(&bar.name)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_escapes_and_stays_inside() {
        let all = [Bar { name: "<b>".to_owned(), value: 5, part: 9, told: "\"&".to_owned() }];
        let svg = bars("x<y", &all);
        assert!(
            svg.contains("&lt;b&gt;") && svg.contains("x&lt;y") && !svg.contains("<b>"),
            "{svg}"
        );
        assert!(!svg.contains("height=\"-") && !svg.contains("style="), "{svg}");
        assert!(bars("empty", &[]).contains("</svg>"));
    }

    #[test]
    fn figures_are_short() {
        let told: Vec<String> =
            [950, 12_000, 1_250_000, 34_500_000, 2_000_000_000, -45_000].map(short).into();
        assert_eq!(told, ["950", "12rb", "1,2jt", "34jt", "2M", "-45rb"]);
    }
}
