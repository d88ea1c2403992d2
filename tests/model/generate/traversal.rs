//! Sources and steps.

use super::*;

impl Generator {
    pub(super) fn source(&mut self) -> (Source, bool, Name) {
        let items: Vec<(Name, bool, Name)> = self
            .variables
            .iter()
            .filter_map(
                |(name, has)| if let Has::Items { many, kind } = has { Some((*name, *many, *kind)) } else { None },
            )
            .collect();
        if !items.is_empty() && self.chance(40) {
            let (name, many, kind) = self.pick(&items);
            return (Source::Variable(name), many, kind);
        }
        let node = self.pick(&self.kinds(Of::Node));
        match self.rng.u8(..14) {
            0 | 1 => (Source::ById(node, self.one(node)), false, node),
            2 => {
                let indexed: Vec<(Name, Scalar)> = self
                    .schema
                    .kind(node)
                    .fields
                    .iter()
                    .filter(|field| field.index != Index::None)
                    .filter_map(|field| if let Type::One(ty) = field.ty { Some((field.name, ty)) } else { None })
                    .collect();
                if indexed.is_empty() {
                    return (Source::All(node), true, node);
                }
                let (field, ty) = self.pick(&indexed);
                let other = self.chance(30).then(|| self.pick(&ty.related()));
                let value = match other.and_then(|ty| self.parameter(Type::One(ty), false, None)) {
                    Some(parameter) => Expression::Variable(parameter),
                    None => self.operand(ty, false),
                };
                (Source::ByIndex(node, field, value), false, node)
            }
            3 => {
                let many: Vec<Name> =
                    self.variables.iter().filter(|(_, has)| *has == Has::Ids(node)).map(|(name, _)| *name).collect();
                let mut ids = vec![self.one(node), self.one(node)];
                if !many.is_empty() && self.chance(70) {
                    ids[0] = Expression::Variable(self.pick(&many));
                    ids.truncate(self.rng.usize(1..3));
                }
                (Source::ByIds(node, ids), true, node)
            }
            4 => match self.kinds(Of::Edge).first().copied() {
                Some(edge) if self.rng.bool() => (Source::ById(edge, self.one(edge)), false, edge),
                Some(_) => {
                    let edge = self.pick(&self.kinds(Of::Edge));
                    (Source::All(edge), true, edge)
                }
                None => (Source::All(node), true, node),
            },
            5 => match self.kinds(Of::Vector).first().copied() {
                Some(vector) if self.chance(30) => (Source::ById(vector, self.one(vector)), false, vector),
                Some(vector) => (Source::All(vector), true, vector),
                None => (Source::All(node), true, node),
            },
            6 | 12 if !self.writes => match self.kinds(Of::Vector).first().copied() {
                Some(vector) => {
                    let data = self.vector();
                    let k = Expression::Literal(Value::Integer(self.rng.i128(0..5)));
                    let only = self.chance(30).then(|| Box::new(self.condition(vector, 1)));
                    (Source::SearchV(vector, data, k, only), true, vector)
                }
                None => (Source::All(node), true, node),
            },
            7 | 13 if !self.writes && self.field(node, |ty| ty == Scalar::Text).is_some() => {
                let text = match self.parameter(Type::One(Scalar::Text), false, None) {
                    Some(name) => Expression::Variable(name),
                    None => Expression::Literal(Value::Text("node".to_owned())),
                };
                let k = Expression::Literal(Value::Integer(self.rng.i128(0..5)));
                (Source::SearchBm25(node, text, k), true, node)
            }
            _ => (Source::All(node), true, node),
        }
    }

    pub(super) fn vector(&mut self) -> Expression {
        match self.parameter(Type::List(Scalar::F64), false, Some("vector")) {
            Some(name) => Expression::Variable(name),
            None => Expression::Literal(components(&mut self.rng)),
        }
    }

    /// A step along an edge from a type, and where it leads.
    pub(super) fn hop(&mut self, kind: Name) -> Option<(Step, Name, bool)> {
        let of = |schema: &Schema, name: Name| schema.kind(name).of;
        let mut hops = Vec::new();
        if let Some((from, to)) = self.schema.kind(kind).ends {
            hops.push((Step::From(of(&self.schema, from)), from, false));
            hops.push((Step::To(of(&self.schema, to)), to, false));
        }
        for edge in self.schema.of(Of::Edge) {
            let (from, to) = edge.ends.expect("an edge");
            if from == kind {
                hops.push((Step::Out(edge.name), to, true));
                hops.push((Step::OutE(edge.name), edge.name, true));
            }
            if to == kind {
                hops.push((Step::In(edge.name), from, true));
                hops.push((Step::InE(edge.name), edge.name, true));
            }
        }
        (!hops.is_empty()).then(|| self.pick(&hops))
    }

    /// A value that orders items.
    pub(super) fn key(&mut self, kind: Name) -> Expression {
        match self.rng.u8(..5) {
            0 => current(Vec::new(), Shape::Part(Part::Id)),
            1 => match self.hop(kind) {
                Some((step, ..)) => current(vec![step], Shape::Count),
                None => current(Vec::new(), Shape::Part(Part::Id)),
            },
            _ => match self.field(kind, |_| true) {
                Some((field, _)) => current(Vec::new(), Shape::Part(Part::Declared(field))),
                None => current(Vec::new(), Shape::Part(Part::Label)),
            },
        }
    }

    pub(super) fn steps(&mut self, mut kind: Name, mut many: bool, count: usize) -> (Vec<Step>, Name, bool) {
        let mut steps = Vec::new();
        for _ in 0..count {
            match self.rng.u8(..10) {
                0..=3 => steps.push(Step::Where(self.condition(kind, 2))),
                4..=6 => {
                    if let Some((step, end, spreads)) = self.hop(kind) {
                        steps.push(step);
                        (kind, many) = (end, many || spreads);
                    }
                }
                7 => {
                    steps.push(Step::Order(self.rng.bool(), Box::new(self.key(kind))));
                    many = true;
                }
                8 => {
                    let start = self.rng.i128(0..4);
                    let end = Value::Integer(start + self.rng.i128(0..4));
                    steps.push(Step::Range(Expression::Literal(Value::Integer(start)), Expression::Literal(end)));
                }
                _ => match self.hop(kind) {
                    Some((step, end, true)) if many && self.chance(40) => {
                        steps.push(Step::Intersect(vec![step]));
                        (kind, many) = (end, true);
                    }
                    _ => {
                        steps.push(Step::First);
                        many = false;
                    }
                },
            }
        }
        (steps, kind, many)
    }
}
