//! The curve of a loss as a picture.

use std::fmt::Write as _;

/// A picture of 720 by 360: the training loss in steps, smoothed too, and the evaluations.
pub fn loss_curve(name: &str, training: &[(u64, f64)], evaluation: &[(u64, f64)]) -> String {
    const W: f64 = 720.0;
    const H: f64 = 360.0;
    const LEFT: f64 = 56.0;
    const TOP: f64 = 40.0;
    const RIGHT: f64 = 16.0;
    const BOTTOM: f64 = 40.0;
    let all = || training.iter().chain(evaluation);
    let last = all().map(|p| p.0).max().unwrap_or(1).max(1) as f64;
    let (mut low, mut high) = all().fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p.1), h.max(p.1)));
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    let pad = ((high - low) * 0.05).max(0.01);
    (low, high) = ((low - pad).max(0.0), high + pad);
    let x = |step: f64| LEFT + (W - LEFT - RIGHT) * step / last;
    let y = |loss: f64| TOP + (H - TOP - BOTTOM) * (high - loss) / (high - low);
    let line = |points: &[(u64, f64)]| {
        points.iter().map(|(s, l)| format!("{:.1},{:.1}", x(*s as f64), y(*l))).collect::<Vec<_>>().join(" ")
    };
    let mut smooth = Vec::with_capacity(training.len());
    let mut mean = None;
    for (step, loss) in training {
        let next = mean.map_or(*loss, |m| m * 0.9 + loss * 0.1);
        mean = Some(next);
        smooth.push((*step, next));
    }
    let safe: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c)).collect();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {W} {H}\" role=\"img\" aria-label=\"loss of {safe}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<rect width=\"{W}\" height=\"{H}\" fill=\"#fff\"/>\n<text x=\"{LEFT}\" y=\"22\" font-size=\"14\" fill=\"#1b1b1b\">{safe}: loss by step</text>\n"
    );
    for i in 0..=4 {
        let loss = low + (high - low) * f64::from(i) / 4.0;
        let step = last * f64::from(i) / 4.0;
        let _ = write!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#e3e3e3\"/>\n<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{loss:.2}</text>\n<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{step:.0}</text>\n",
            W - RIGHT,
            y(loss),
            y(loss),
            LEFT - 8.0,
            y(loss) + 4.0,
            x(step),
            H - BOTTOM + 20.0,
        );
    }
    let _ =
        writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"#9db8d9\" stroke-width=\"1\"/>", line(training));
    let _ =
        writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>", line(&smooth));
    if !evaluation.is_empty() {
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#b3541e\" stroke-width=\"2\"/>",
            line(evaluation)
        );
        for (step, loss) in evaluation {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#b3541e\"/>",
                x(*step as f64),
                y(*loss)
            );
        }
    }
    let both = !evaluation.is_empty();
    let right = W - RIGHT;
    if both {
        let _ = writeln!(out, "<text x=\"{right}\" y=\"22\" text-anchor=\"end\" fill=\"#b3541e\">evaluation</text>");
    }
    let at = if both { right - 80.0 } else { right };
    let _ = writeln!(out, "<text x=\"{at}\" y=\"22\" text-anchor=\"end\" fill=\"#1f5fa8\">training</text>");
    out.push_str("</svg>\n");
    out
}
