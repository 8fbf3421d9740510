//! The scale of a chart: how high a number is drawn, and where lines go across.
//!
//! All lengths are whole tenths of a pixel.

/// The height of the drawing, with its margins.
pub(super) const HEIGHT: i64 = 2700;
/// Room above the drawing for the unit of the numbers.
const TOP: i64 = 280;
/// Room below the drawing for the labels and what they are.
pub(super) const BOTTOM: i64 = 420;

/// Lines across the drawing, the axis apart: as many as the eye uses.
const GRID_LINES: i64 = 4;

/// From nothing to a round number above the largest.
pub(super) struct Scale {
    step: i64,
}

impl Scale {
    /// The step between two grid lines is 1, 2 or 5 with zeros, and above nothing.
    pub(super) fn for_max(largest: i64) -> Self {
        let mut power: i64 = 1;
        loop {
            for digit in [1, 2, 5] {
                let step = power.saturating_mul(digit);
                if step.saturating_mul(GRID_LINES) >= largest {
                    return Self { step };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    pub(super) fn grid(&self) -> impl Iterator<Item = i64> {
        let step = self.step;
        (0..=GRID_LINES).map(move |line| step.saturating_mul(line))
    }

    pub(super) fn y_of(&self, value: i64) -> i64 {
        let plot = i128::from(HEIGHT - TOP - BOTTOM);
        let height = plot * i128::from(value) / (i128::from(self.step) * i128::from(GRID_LINES));
        HEIGHT - BOTTOM - i64::try_from(height.clamp(0, plot)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_is_round_and_holds_the_largest() {
        for (largest, step) in
            [(0, 1), (1, 1), (4, 1), (5, 2), (9, 5), (40, 10), (41, 20), (999_999, 500_000)]
        {
            let scale = Scale::for_max(largest);
            assert_eq!(scale.step, step, "{largest}");
            assert!(scale.y_of(largest) >= TOP, "{largest}");
        }
        assert_eq!(Scale::for_max(i64::MAX).y_of(0), HEIGHT - BOTTOM);
    }
}
