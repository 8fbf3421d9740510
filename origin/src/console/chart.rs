//! Charts as inline SVG, without a script: lines, bars and stacked bars. Each has a title, a description,
//! and its numbers as a table, for people who do not see it. Colours are classes of the style sheet, so
//! that they follow light, dark and forced colours; lines differ by their dashes as well.
//!
//! All lengths are whole tenths of a pixel.

use super::chart_scale::{BOTTOM, HEIGHT, Scale};
use super::chart_series::{ChartKind, Series, Unit};
use maud::{Markup, html};

/// The drawing, with its margins. Its height is in `chart_scale.rs`.
const WIDTH: i64 = 7200;
/// Room for half of the first day's label.
const LEFT: i64 = 360;
/// Room for the numbers beside the axis. They are at the end, where a phone shows the last days first.
const RIGHT: i64 = 1000;
/// The most width that a label has: one day of a month is no block across the drawing.
const SLOT_MAX: i64 = 980;
/// Labels below the axis that do not run into each other.
const LABELS_MAX: usize = 7;

/// A chart. `id` is unique on its page.
pub(super) struct Chart<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    /// What it shows, in a sentence.
    pub(super) description: &'a str,
    /// Whether its section has a heading, which its own is below.
    pub(super) is_in_section: bool,
    pub(super) kind: ChartKind,
    pub(super) unit: Unit,
    /// What the labels are, such as days.
    pub(super) label: &'a str,
    pub(super) labels: Vec<String>,
    pub(super) series: Vec<Series>,
    /// Whether the table is open at once, as on paper.
    pub(super) is_table_open: bool,
}

impl Chart<'_> {
    /// The figure: drawing, legend, table.
    pub(super) fn render(&self) -> Markup {
        let heading = format!("{}-title", self.id);
        html! {
            figure class="card chart" aria-labelledby=(heading) {
                figcaption id=(heading) {
                    @if self.is_in_section { h3 { (self.title) } } @else { h2 { (self.title) } }
                }
                @if self.labels.is_empty() {
                    p class="muted" { "There is nothing to show yet." }
                } @else {
                    div class=(self.scroll_class()) tabindex="0" role="group" aria-label=(self.title) { (self.draw_chart()) }
                    @if self.series.len() > 1 { (self.show_legend()) }
                    (self.show_table())
                }
            }
        }
    }

    /// Steps are read from the first one, days from the last.
    const fn scroll_class(&self) -> &'static str {
        match self.kind {
            ChartKind::Bars => "chart-scroll",
            ChartKind::Lines | ChartKind::StackedBars => "chart-scroll newest",
        }
    }

    fn draw_chart(&self) -> Markup {
        let (title, description) = (format!("{}-name", self.id), format!("{}-text", self.id));
        let scale = Scale::for_max(self.find_largest());
        let view = format!("0 0 {WIDTH} {HEIGHT}");
        html! {
            svg viewBox=(view) role="img" aria-labelledby=(format!("{title} {description}")) {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                text class="axis" x=(WIDTH - RIGHT + 80) y="120" { (self.unit.name()) }
                text class="axis" x=((LEFT + WIDTH - RIGHT) / 2) y=(HEIGHT - 60) text-anchor="middle" { (self.label) }
                @for value in scale.grid() {
                    @let y = scale.y_of(value);
                    line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                    text class="axis" x=(WIDTH - RIGHT + 80) y=(y + 40) { (self.unit.format(value)) }
                }
                @for place in shown_labels(self.labels.len()) {
                    text class="axis" x=(self.middle_of(place)) y=(HEIGHT - BOTTOM + 160) text-anchor="middle" {
                        (self.labels[place])
                    }
                }
                @match self.kind {
                    ChartKind::Lines => (self.draw_lines(&scale)),
                    ChartKind::Bars | ChartKind::StackedBars => (self.draw_bars(&scale)),
                }
            }
        }
    }

    /// The largest height that is drawn.
    fn find_largest(&self) -> i64 {
        let at = |place: usize| self.series.iter().map(move |series| value_at(series, place));
        let places = 0..self.labels.len();
        match self.kind {
            ChartKind::StackedBars => places.map(|place| at(place).sum::<i64>()).max(),
            ChartKind::Lines | ChartKind::Bars => places.flat_map(at).max(),
        }
        .unwrap_or_default()
    }

    /// The part of the width that a label has, and where it begins.
    fn slot_of(&self, place: usize) -> (i64, i64) {
        let all = to_i64(self.labels.len()).max(1);
        let used = (WIDTH - LEFT - RIGHT).min(all * SLOT_MAX);
        // Few days are at the end, where a phone begins.
        let left = if self.kind == ChartKind::Bars { LEFT } else { WIDTH - RIGHT - used };
        let begins = |place: i64| left + used * place / all;
        let place = to_i64(place);
        (begins(place), begins(place + 1) - begins(place))
    }

    fn middle_of(&self, place: usize) -> i64 {
        let (x, width) = self.slot_of(place);
        x + width / 2
    }

    fn draw_lines(&self, scale: &Scale) -> Markup {
        let points = |series: &Series| {
            let point = |place| format!("{},{}", self.middle_of(place), scale.y_of(value_at(series, place)));
            (0..self.labels.len()).map(point).collect::<Vec<_>>().join(" ")
        };
        html! {
            @for series in &self.series {
                polyline class=(format!("line tone-{}", series.tone.as_str())) points=(points(series)) {}
                @if let [_] = self.labels[..] {
                    // A line of one point would not be seen.
                    circle class=(format!("bar tone-{}", series.tone.as_str())) r="40" cx=(self.middle_of(0))
                        cy=(scale.y_of(value_at(series, 0))) {}
                }
            }
        }
    }

    fn draw_bars(&self, scale: &Scale) -> Markup {
        html! {
            @for place in 0..self.labels.len() {
                @for (bar, series) in self.bars_of(place, scale).into_iter().zip(&self.series) {
                    @let value = self.unit.format(value_at(series, place));
                    @if bar.height > 0 {
                        rect class=(format!("bar tone-{}", series.tone.as_str())) x=(bar.x) y=(bar.y)
                            width=(bar.width) height=(bar.height) {
                            title { (self.labels[place]) ": " (series.name) " " (value) }
                        }
                    }
                    // Few bars have their numbers above them: a phone shows the first ones without the axis.
                    @if self.kind == ChartKind::Bars && self.labels.len() <= LABELS_MAX {
                        text class="axis" x=(bar.x + bar.width / 2) y=(bar.y - 40) text-anchor="middle" { (value) }
                    }
                }
            }
        }
    }

    fn bars_of(&self, place: usize, scale: &Scale) -> Vec<Bar> {
        let (x, slot) = self.slot_of(place);
        let gap = slot / 6;
        let inner = (slot - 2 * gap).max(10);
        let many = to_i64(self.series.len()).max(1);
        let mut below = 0;
        let bar = |(n, series): (usize, &Series)| {
            let value = value_at(series, place);
            if self.kind == ChartKind::StackedBars {
                let (top, bottom) = (scale.y_of(below + value), scale.y_of(below));
                below += value;
                return Bar { x: x + gap, y: top, width: inner, height: bottom - top };
            }
            let width = (inner / many).max(10);
            let top = scale.y_of(value);
            Bar { x: x + gap + width * to_i64(n), y: top, width, height: scale.y_of(0) - top }
        };
        self.series.iter().enumerate().map(bar).collect()
    }

    fn show_legend(&self) -> Markup {
        html! {
            ul class="legend" {
                @for series in &self.series {
                    li { (self.draw_key(series)) (series.name) }
                }
            }
        }
    }

    /// What the series looks like. Forced colours leave a line only its dashes.
    fn draw_key(&self, series: &Series) -> Markup {
        let tone = series.tone.as_str();
        html! {
            @match self.kind {
                ChartKind::Lines => svg class="key" viewBox="0 0 480 160" aria-hidden="true" {
                    line class=(format!("line tone-{tone}")) x1="20" x2="460" y1="80" y2="80" {}
                },
                ChartKind::Bars | ChartKind::StackedBars => {
                    span class=(format!("swatch tone-{tone}")) aria-hidden="true" {}
                }
            }
        }
    }

    /// The newest first, as people look for them.
    fn show_table(&self) -> Markup {
        let places = (0..self.labels.len()).rev();
        html! {
            details open[self.is_table_open] {
                summary { "The numbers" }
                table {
                    caption { (self.title) }
                    thead {
                        tr {
                            th scope="col" { (self.label) }
                            @for series in &self.series { th scope="col" class="amount" { (series.name) } }
                        }
                    }
                    tbody {
                        @for place in places {
                            tr {
                                td data-label=(self.label) { (self.labels[place]) }
                                @for series in &self.series {
                                    td class="amount" data-label=(series.name) {
                                        (self.unit.format(value_at(series, place)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A bar, in tenths of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

/// What is below nothing is drawn as nothing: the table has it.
fn value_at(series: &Series, place: usize) -> i64 {
    series.values.get(place).copied().unwrap_or_default().max(0)
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The places whose labels are shown: the first, the last, and some between at the same distance.
fn shown_labels(count: usize) -> Vec<usize> {
    if count <= LABELS_MAX {
        return (0..count).collect();
    }
    (0..LABELS_MAX).map(|n| n * (count - 1) / (LABELS_MAX - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::chart_series::Tone;
    use onbill_domain::currency::Currency;

    fn chart(kind: ChartKind, unit: Unit) -> Chart<'static> {
        let series = |name: &str, tone, values: &[i64]| Series {
            name: name.to_owned(),
            tone,
            values: values.to_vec(),
        };
        Chart {
            id: "trend",
            title: "Charges & refunds",
            description: "How many charges were approved and declined on each day.",
            is_in_section: false,
            kind,
            unit,
            label: "Day",
            labels: vec!["2026-11-17".to_owned(), "2026-11-18".to_owned()],
            series: vec![
                series("approved", Tone::Good, &[1599, 3198]),
                series("declined", Tone::Bad, &[0, 1599]),
            ],
            is_table_open: false,
        }
    }

    #[test]
    fn chart_has_a_name_a_description_and_its_numbers_as_a_table() {
        let usd = Currency::parse("USD").expect("is listed");
        for kind in [ChartKind::Lines, ChartKind::Bars, ChartKind::StackedBars] {
            let page = chart(kind, Unit::Money(usd)).render().into_string();
            assert!(page.contains("aria-labelledby=\"trend-name trend-text\""), "{page}");
            assert!(page.contains("<title id=\"trend-name\">Charges &amp; refunds</title>"), "{page}");
            assert!(page.contains("<h2>Charges &amp; refunds</h2>"), "{page}");
            assert!(page.contains("<th scope=\"col\">Day</th>"), "{page}");
            assert!(
                page.contains(">USD</text>") && page.contains(">Day</text>"),
                "the axes are named: {page}"
            );
            assert!(page.contains("data-label=\"declined\">15.99</td>"), "{page}");
            assert!(!page.contains("style="), "the policy of the pages allows none: {page}");
            assert!(!page.contains("<script"), "{page}");
        }
    }

    #[test]
    fn labels_of_the_first_and_the_last_day_are_whole() {
        // Ten characters of 120 px, in a wide font.
        const HALF_OF_LABEL: i64 = 350;
        for days in [2, 31, 400] {
            let mut trend = chart(ChartKind::Lines, Unit::Count("customers"));
            trend.labels = vec!["2026-11-30".to_owned(); days];
            assert!(trend.middle_of(0) >= HALF_OF_LABEL, "{days} days");
            assert!(trend.middle_of(days - 1) + HALF_OF_LABEL <= WIDTH, "{days} days");
        }
    }

    #[test]
    fn numbers_have_the_decimals_of_their_currency() {
        for (code, expected) in [("USD", "15.99"), ("JPY", "1,599"), ("KWD", "1.599")] {
            let currency = Currency::parse(code).expect("is listed");
            let page = chart(ChartKind::Bars, Unit::Money(currency)).render().into_string();
            assert!(page.contains(&format!(">{expected}</td>")), "{code}: {page}");
        }
    }

    #[test]
    fn stacked_bars_stand_on_each_other_and_others_beside() {
        let scale = Scale::for_max(4_797);
        let stacked = chart(ChartKind::StackedBars, Unit::Count("charges")).bars_of(1, &scale);
        assert_eq!(stacked[0].y, stacked[1].y + stacked[1].height);
        assert_eq!(stacked[0].x, stacked[1].x);
        let beside = chart(ChartKind::Bars, Unit::Count("charges")).bars_of(1, &scale);
        assert_eq!(beside[0].x + beside[0].width, beside[1].x);
        assert_eq!(beside[0].y + beside[0].height, beside[1].y + beside[1].height);
    }

    #[test]
    fn bar_of_one_day_is_no_block_and_is_beside_the_axis() {
        let mut one = chart(ChartKind::StackedBars, Unit::Count("charges"));
        one.labels.truncate(1);
        let bars = one.bars_of(0, &Scale::for_max(4_797));
        assert!(bars[0].width < SLOT_MAX && bars[0].x > WIDTH - RIGHT - SLOT_MAX, "{bars:?}");
    }

    #[test]
    fn few_bars_have_their_numbers_above_them_and_one_series_needs_no_legend() {
        let usd = Currency::parse("USD").expect("is listed");
        let shown = |kind| chart(kind, Unit::Money(usd)).render().into_string();
        assert!(shown(ChartKind::Bars).contains(">15.99</text>"));
        assert!(!shown(ChartKind::StackedBars).contains(">15.99</text>"));
        let mut one = chart(ChartKind::Bars, Unit::Money(usd));
        assert!(one.render().into_string().contains("legend"));
        one.series.truncate(1);
        assert!(!one.render().into_string().contains("legend"));
    }

    #[test]
    fn labels_do_not_run_into_each_other() {
        assert_eq!(shown_labels(400), [0, 66, 133, 199, 266, 332, 399]);
        assert_eq!(shown_labels(2), [0, 1]);
    }

    #[test]
    fn chart_without_numbers_says_so() {
        let mut empty = chart(ChartKind::Lines, Unit::Count("charges"));
        empty.labels.clear();
        assert!(empty.render().into_string().contains("nothing to show yet"));
    }
}
