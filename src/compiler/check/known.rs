//! Numbers that are known before anything runs: literals, variables that hold one, and what is calculated from these. Where such a
//! number can only fail, that is said as it is of a literal.

use helix_plan::{Expr, ExprKind, Literal, MathFunction, SlotId};

use super::Checker;

impl Checker<'_> {
    /// Keeps what a variable certainly holds.
    pub(super) fn learn(&mut self, slot: SlotId, value: &Expr) {
        if let Some(number) = self.known_integer(value) {
            self.known.insert(slot, Literal::Integer(number));
        } else if let ExprKind::Literal(literal) = &value.kind {
            self.known.insert(slot, literal.clone());
        }
    }

    /// The whole number that an expression certainly gives.
    pub(super) fn known_integer(&self, expr: &Expr) -> Option<i128> {
        let literal = match &expr.kind {
            ExprKind::Literal(literal) => literal,
            ExprKind::Slot(slot) => self.known.get(slot)?,
            ExprKind::Math { function, arguments } => {
                let [a, b] = arguments.as_slice() else { return None };
                let (a, b) = (self.known_integer(a)?, self.known_integer(b)?);
                return match function {
                    MathFunction::Add => a.checked_add(b),
                    MathFunction::Sub => a.checked_sub(b),
                    MathFunction::Mul => a.checked_mul(b),
                    _ => None,
                };
            }
            _ => return None,
        };
        match literal {
            Literal::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// How many elements an array certainly has.
    pub(super) fn known_length(&self, expr: &Expr) -> Option<usize> {
        match &expr.kind {
            ExprKind::Literal(Literal::List(elements)) => Some(elements.len()),
            ExprKind::List(elements) => Some(elements.len()),
            ExprKind::Slot(slot) => match self.known.get(slot)? {
                Literal::List(elements) => Some(elements.len()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number that an expression certainly gives, as near as 64 bits with a point come to it.
    pub(super) fn known_number(&self, expr: &Expr) -> Option<f64> {
        let literal = match &expr.kind {
            ExprKind::Literal(literal) => Some(literal),
            ExprKind::Slot(slot) => self.known.get(slot),
            _ => None,
        };
        match literal {
            Some(Literal::F32(number)) => Some(f64::from(*number)),
            Some(Literal::F64(number)) => Some(*number),
            _ => self.known_integer(expr).map(|number| number as f64),
        }
    }
}
