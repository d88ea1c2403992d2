//! Conditions of filters.

use super::*;

impl Generator {
    pub(super) fn operator(&mut self, ty: Scalar) -> Operator {
        let all = [Operator::Eq, Operator::Neq, Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte];
        self.pick(if ty == Scalar::Boolean { &all[..2] } else { &all })
    }

    pub(super) fn condition(&mut self, kind: Name, depth: u8) -> Condition {
        match self.rng.u8(..if depth == 0 { 9 } else { 14 }) {
            0..=2 => self.comparison(kind),
            3 => {
                let list = self.fields(kind).into_iter().find_map(|(name, ty)| match ty {
                    Type::List(element) => Some((name, element)),
                    Type::One(_) | Type::Rows(_) => None,
                });
                match list.or_else(|| self.field(kind, |ty| ty == Scalar::Text)) {
                    Some((field, element)) => {
                        let left = current(Vec::new(), Shape::Part(Part::Declared(field)));
                        Condition::Contains(left, self.operand(element, true))
                    }
                    None => self.comparison(kind),
                }
            }
            4 => match self.field(kind, |ty| ty != Scalar::F32) {
                Some((field, ty)) => {
                    let left = current(Vec::new(), Shape::Part(Part::Declared(field)));
                    let known = match self.parameter(Type::List(ty), false, None).filter(|_| self.rng.bool()) {
                        Some(name) => Expression::Variable(name),
                        None => Expression::Literal(Value::List(vec![self.literal(ty), self.literal(ty)])),
                    };
                    Condition::IsIn(left, known)
                }
                None => self.comparison(kind),
            },
            5 => match self.field(kind, |ty| ty == Scalar::Boolean) {
                Some((field, _)) => Condition::Flag(current(Vec::new(), Shape::Part(Part::Declared(field)))),
                None => self.comparison(kind),
            },
            6 => match self.hop(kind) {
                Some((step, ..)) => {
                    let count = Expression::Literal(Value::Integer(self.rng.i128(0..3)));
                    Condition::Compare(current(vec![step], Shape::Count), self.operator(Scalar::I64), count)
                }
                None => self.comparison(kind),
            },
            7 => match self.hop(kind) {
                Some((step, end, _)) => match self.field(end, |_| true) {
                    Some((field, ty)) => {
                        let left = current(vec![step], Shape::Part(Part::Declared(field)));
                        Condition::Compare(left, self.operator(ty), self.operand(ty, true))
                    }
                    None => Condition::Exists(self.rng.bool(), only(vec![step])),
                },
                None => self.comparison(kind),
            },
            8 => match self.field(kind, Scalar::is_integer) {
                Some((field, _)) => {
                    let value = current(Vec::new(), Shape::Part(Part::Declared(field)));
                    let other = Expression::Literal(Value::Integer(self.rng.i128(0..9)));
                    let function = self.pick(&[Function::Add, Function::Min, Function::Max]);
                    let right = Expression::Literal(Value::Integer(self.rng.i128(0..20)));
                    Condition::Compare(
                        Expression::Math(function, vec![value, other]),
                        self.operator(Scalar::I64),
                        right,
                    )
                }
                None => self.comparison(kind),
            },
            9 | 10 => {
                let parts = (0..self.rng.usize(1..4)).map(|_| self.condition(kind, depth - 1)).collect();
                if self.rng.bool() {
                    Condition::And(self.chance(30), parts)
                } else {
                    Condition::Or(self.chance(30), parts)
                }
            }
            11 => self.against_outside(kind),
            _ => match self.hop(kind) {
                Some((step, end, _)) => {
                    let mut steps = vec![step];
                    if self.rng.bool() {
                        steps.push(Step::Where(self.condition(end, depth - 1)));
                    }
                    Condition::Exists(self.rng.bool(), only(steps))
                }
                None => self.comparison(kind),
            },
        }
    }

    /// A field against a value, or against another field of the item.
    pub(super) fn comparison(&mut self, kind: Name) -> Condition {
        let id = |run: &mut Self| {
            let left = current(Vec::new(), Shape::Part(Part::Id));
            let right = run
                .parameter(Type::One(Scalar::Id), false, Some(kind))
                .map_or_else(|| current(Vec::new(), Shape::Part(Part::Id)), Expression::Variable);
            Condition::Compare(left, run.operator(Scalar::Id), right)
        };
        if self.chance(10) {
            return id(self);
        }
        let Some((field, ty)) = self.field(kind, |_| true) else { return id(self) };
        let right = match self.field(kind, |other| other == ty).filter(|_| self.rng.u8(..5) == 0) {
            Some((other, _)) => current(Vec::new(), Shape::Part(Part::Declared(other))),
            None => self.operand(ty, true),
        };
        Condition::Compare(current(Vec::new(), Shape::Part(Part::Declared(field))), self.operator(ty), right)
    }

    /// A field against one of an item outside: of a closure, or of a variable.
    pub(super) fn against_outside(&mut self, kind: Name) -> Condition {
        let one = |(name, has): &(Name, Has)| match has {
            Has::Items { many: false, kind } => Some((*name, *kind)),
            _ => None,
        };
        let mut outside: Vec<(Name, Name)> = self.variables.iter().filter_map(one).collect();
        outside.extend(self.closures.iter().copied());
        if !outside.is_empty() {
            let (variable, other) = self.pick(&outside);
            if let Some((field, ty)) = self.field(kind, |_| true)
                && let Some((right, _)) = self.field(other, |other| other == ty)
            {
                let right = Traversal {
                    source: Source::Variable(variable),
                    steps: Vec::new(),
                    shape: Shape::Part(Part::Declared(right)),
                };
                let left = current(Vec::new(), Shape::Part(Part::Declared(field)));
                return Condition::Compare(left, self.operator(ty), Expression::Traversal(Box::new(right)));
            }
        }
        self.comparison(kind)
    }
}
