//! What of items is shown: projections, closures, groups, mathematics.

use super::*;

impl Generator {
    pub(super) fn part(&mut self, kind: Name) -> Part {
        let mut parts = vec![Part::Id, Part::Label];
        match self.schema.kind(kind).of {
            Of::Node => {}
            Of::Edge => parts.extend([Part::FromNode, Part::ToNode]),
            Of::Vector => parts.push(Part::Data),
        }
        let declared = self.fields(kind).into_iter().map(|(name, _)| Part::Declared(name));
        let declared: Vec<Part> = declared.collect();
        if declared.is_empty() || self.chance(20) { self.pick(&parts) } else { self.pick(&declared) }
    }

    pub(super) fn shape(&mut self, kind: Name, depth: u8) -> Shape {
        match self.rng.u8(..7) {
            0 | 1 => Shape::Items,
            2 => Shape::Part(self.part(kind)),
            3 => {
                let mut parts = vec![self.part(kind)];
                let other = self.part(kind);
                if !parts.contains(&other) {
                    parts.push(other);
                }
                Shape::Exclude(parts)
            }
            _ => {
                let closure = CLOSURES.get(self.closures.len()).copied().filter(|_| self.rng.bool());
                if let Some(name) = closure {
                    self.closures.push((name, kind));
                }
                let rest = self.chance(25);
                let mut maps = self.maps(kind, depth);
                if closure.is_some() {
                    self.closures.pop();
                }
                // One plain field alone would be the value of the field.
                if let [(key, Map::Part(part))] = maps.as_slice()
                    && part.name() == key
                {
                    maps.push(("k9".to_owned(), Map::Part(Part::Id)));
                }
                Shape::Object(closure, maps, rest)
            }
        }
    }

    pub(super) fn maps(&mut self, kind: Name, depth: u8) -> Vec<(String, Map)> {
        let mut maps: Vec<(String, Map)> = Vec::new();
        for index in 0..self.rng.usize(1..4) {
            let key = format!("k{index}");
            let (key, map) = match self.rng.u8(..if depth == 0 { 6 } else { 12 }) {
                0..=2 => {
                    let part = self.part(kind);
                    (part.name().to_owned(), Map::Part(part))
                }
                3 => (key, Map::Part(self.part(kind))),
                4 => {
                    let ty = self.pick(&[Scalar::Text, Scalar::I32, Scalar::F64, Scalar::Boolean]);
                    (key, Map::Value(Expression::Literal(self.literal(ty))))
                }
                5 => match self.math(kind) {
                    Some(value) => (key, Map::Value(value)),
                    None => (key, Map::Part(Part::Id)),
                },
                6 => (key, Map::Object(self.maps(kind, 0))),
                7 => (key, Map::Value(Expression::Condition(Box::new(self.comparison(kind))))),
                8 => match self.fold(kind) {
                    Some(value) => (key, Map::Value(value)),
                    None => (key, Map::Part(Part::Label)),
                },
                _ => (key, Map::Value(self.nested(kind, depth))),
            };
            if maps.iter().all(|(known, _)| *known != key) {
                maps.push((key, map));
            }
        }
        maps
    }

    /// A traversal from the item that is shown.
    pub(super) fn nested(&mut self, kind: Name, depth: u8) -> Expression {
        let count = self.rng.usize(0..2);
        let Some((step, end, spreads)) = self.hop(kind) else { return current(Vec::new(), Shape::Part(Part::Id)) };
        let (more, end, _) = self.steps(end, spreads, count);
        let mut steps = vec![step];
        steps.extend(more);
        let shape = match self.rng.u8(..6) {
            0 => Shape::Count,
            1 => self.group(end).unwrap_or(Shape::Count),
            _ => self.shape(end, depth - 1),
        };
        let source = match self.closures.last() {
            Some((name, known)) if *known == kind && self.rng.bool() => name,
            _ => "_",
        };
        Expression::Traversal(Box::new(Traversal { source: Source::Variable(source), steps, shape }))
    }

    pub(super) fn math(&mut self, kind: Name) -> Option<Expression> {
        let (field, ty) = self.field(kind, Scalar::is_number)?;
        let value = current(Vec::new(), Shape::Part(Part::Declared(field)));
        if self.chance(20) {
            return Some(Expression::Math(self.pick(&[Function::Abs, Function::Floor]), vec![value]));
        }
        let functions = [
            Function::Add,
            Function::Sub,
            Function::Mul,
            Function::Div,
            Function::Mod,
            Function::Min,
            Function::Max,
            Function::Pow,
        ];
        let function = self.pick(&functions);
        let other = match self.rng.u8(..4) {
            0 => match self.field(kind, |other| other == ty) {
                Some((other, _)) => current(Vec::new(), Shape::Part(Part::Declared(other))),
                None => Expression::Literal(self.literal(ty)),
            },
            1 if function == Function::Add && ty.is_integer() => {
                let inner = vec![value.clone(), Expression::Literal(Value::Integer(self.rng.i128(1..5)))];
                Expression::Math(Function::Min, inner)
            }
            // An F32 literal would be a number without a field that gives it its type.
            _ if ty == Scalar::F32 => Expression::Literal(Value::Double(0.5)),
            _ => Expression::Literal(self.literal(if ty.is_integer() { Scalar::I8 } else { ty })),
        };
        let other = if ty == Scalar::F32 && matches!(other, Expression::Literal(_)) {
            Expression::Literal(Value::Double(0.5))
        } else {
            other
        };
        Some(Expression::Math(function, vec![value, other]))
    }

    pub(super) fn fold(&mut self, kind: Name) -> Option<Expression> {
        let (step, end, _) = self.hop(kind)?;
        let (field, _) = self.field(end, |ty| ty.is_number() && ty != Scalar::F32)?;
        let fold = self.pick(&[Fold::Sum, Fold::Avg, Fold::Count, Fold::Min, Fold::Max]);
        let values =
            Traversal { source: Source::Variable("_"), steps: vec![step], shape: Shape::Part(Part::Declared(field)) };
        Some(Expression::Fold(fold, Box::new(values)))
    }

    pub(super) fn group(&mut self, kind: Name) -> Option<Shape> {
        let fits = |ty: Scalar| ty.is_integer() || matches!(ty, Scalar::Text | Scalar::Boolean);
        let (first, _) = self.field(kind, fits)?;
        let mut by = vec![first];
        if let Some((second, _)) = self.field(kind, fits).filter(|(second, _)| *second != first) {
            by.push(second);
        }
        Some(Shape::Group { by, items: self.rng.bool(), counted: self.chance(30) })
    }
}
