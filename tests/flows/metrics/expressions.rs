//! Expressions of `PromQL`, and the series that they select.

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, VectorSelector};

/// Grafana puts the width of the panel's steps here. The parser does not know that.
const RATE_INTERVAL: &str = "$__rate_interval";

/// An expression that was parsed.
pub(super) struct Expression(Expr);

/// A series that is selected, and the labels that it must have.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) name: String,
    pub(super) equal: Vec<(String, String)>,
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parser::parse(&text.replace(RATE_INTERVAL, "5m")).map(Self)
    }

    pub(super) fn selectors(&self) -> Vec<Selector> {
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found
    }
}

fn collect(expression: &Expr, found: &mut Vec<Selector>) {
    match expression {
        Expr::Aggregate(aggregate) => collect(&aggregate.expr, found),
        Expr::Unary(unary) => collect(&unary.expr, found),
        Expr::Binary(binary) => {
            collect(&binary.lhs, found);
            collect(&binary.rhs, found);
        }
        Expr::Paren(paren) => collect(&paren.expr, found),
        Expr::Subquery(subquery) => collect(&subquery.expr, found),
        Expr::VectorSelector(selector) => found.push(selector_of(selector)),
        Expr::MatrixSelector(matrix) => found.push(selector_of(&matrix.vs)),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| collect(argument, found)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn selector_of(selector: &VectorSelector) -> Selector {
    let matchers = selector.matchers.matchers.iter();
    let equal = matchers.filter(|matcher| matcher.op == MatchOp::Equal && matcher.name != "__name__");
    Selector {
        name: selector.name.clone().unwrap_or_default(),
        equal: equal.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect(),
    }
}

#[test]
fn selectors_of_both_sides_are_found() {
    let text = "sum(rate(a_total{b=\"c\",d!=\"e\"}[$__rate_interval])) / on (x) (1 + max by (y) (g)) > 2";
    let found = Expression::parse(text).expect("is PromQL").selectors();
    let found: Vec<_> = found.iter().map(|selector| (selector.name.as_str(), selector.equal.len())).collect();
    assert_eq!(found, [("a_total", 1), ("g", 0)]);
    assert!(Expression::parse("sum(rate(a_total[5m])").is_err());
}
