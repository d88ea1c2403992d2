//! Statements and queries.

use super::*;

impl Generator {
    /// Fields that are set, at most one each.
    pub(super) fn sets(&mut self, kind: Name, creates: bool) -> Sets {
        let mut sets: Sets = Vec::new();
        for (field, ty) in self.fields(kind) {
            if !self.chance(if creates { 75 } else { 40 }) {
                continue;
            }
            let value = match ty {
                Type::One(_) if self.chance(5) => Expression::Nothing,
                Type::One(Scalar::Date) if self.chance(20) => Expression::Now,
                Type::One(ty) => self.operand(ty, true),
                Type::List(ty) => match self.parameter(Type::List(ty), false, None) {
                    Some(name) => Expression::Variable(name),
                    None => continue,
                },
                Type::Rows(_) => continue,
            };
            sets.push((field, value));
        }
        sets
    }

    pub(super) fn creation(&mut self, in_loop: bool) -> Option<(Expression, Has)> {
        let kind = self.pick(&self.schema.kinds.clone());
        let sets = self.sets(kind.name, true);
        let has = Has::Items { many: false, kind: kind.name };
        Some(match kind.of {
            Of::Node => (Expression::AddNode(kind.name, sets), has),
            Of::Vector => (Expression::AddVector(kind.name, Box::new(self.vector()), sets), has),
            Of::Edge => {
                let (from, to) = kind.ends.expect("an edge");
                // Many on both sides, or within a loop, would soon be more than the model can look through.
                let (from, many) = self.end(from, !in_loop);
                let (to, more) = self.end(to, !in_loop && !many);
                let has = Has::Items { many: many || more, kind: kind.name };
                (Expression::AddEdge(kind.name, sets, Box::new(from), Box::new(to)), has)
            }
        })
    }

    pub(super) fn traversal(&mut self) -> (Traversal, bool, Name) {
        let (source, many, kind) = self.source();
        let count = self.rng.usize(..4);
        let (steps, kind, many) = self.steps(kind, many, count);
        (Traversal { source, steps, shape: Shape::Items }, many, kind)
    }

    pub(super) fn assign(&mut self, value: Expression, has: Has) -> Statement {
        let name = self.new_variable();
        self.variables.push((name, has));
        Statement::Let(name, value)
    }

    pub(super) fn statement(&mut self, in_loop: bool) -> Option<Statement> {
        let choice = if self.writes { self.rng.u8(..14) } else { self.rng.u8(..7) };
        Some(match choice {
            0..=3 => {
                let (traversal, many, kind) = self.traversal();
                self.assign(Expression::Traversal(Box::new(traversal)), Has::Items { many, kind })
            }
            4 if self.rng.bool() => {
                let (mut traversal, many, kind) = self.traversal();
                if !many {
                    return None;
                }
                traversal.shape = Shape::Part(Part::Id);
                self.assign(Expression::Traversal(Box::new(traversal)), Has::Ids(kind))
            }
            4 => {
                let (mut traversal, ..) = self.traversal();
                traversal.shape = Shape::Count;
                self.assign(Expression::Traversal(Box::new(traversal)), Has::Scalar(Scalar::I64))
            }
            5 => {
                let (mut traversal, many, kind) = self.traversal();
                traversal.shape = match self.rng.u8(..4) {
                    0 if many => self.group(kind)?,
                    _ => self.shape(kind, 2),
                };
                match traversal.shape {
                    Shape::Items => self.assign(Expression::Traversal(Box::new(traversal)), Has::Items { many, kind }),
                    _ => self.assign(Expression::Traversal(Box::new(traversal)), Has::Shown),
                }
            }
            6 if self.rng.bool() && !self.writes => self.path()?,
            6 => {
                let (traversal, ..) = self.traversal();
                let exists = Expression::Condition(Box::new(Condition::Exists(false, traversal)));
                self.assign(exists, Has::Scalar(Scalar::Boolean))
            }
            7 | 8 => {
                let (value, has) = self.creation(in_loop)?;
                if self.rng.bool() { Statement::Create(value) } else { self.assign(value, has) }
            }
            9 | 10 => {
                let (mut traversal, _, kind) = self.traversal();
                let sets = self.sets(kind, false);
                if sets.is_empty() || self.schema.kind(kind).of == Of::Vector {
                    return None;
                }
                traversal.steps.push(Step::Update(sets));
                self.assign(Expression::Traversal(Box::new(traversal)), Has::Items { many: false, kind })
            }
            11 => {
                let kind = self.pick(&self.kinds(Of::Node));
                let sets = self.sets(kind, false);
                let filter = Step::Where(self.condition(kind, 1));
                if sets.is_empty() {
                    return None;
                }
                let steps = vec![filter, Step::Upsert(sets)];
                let traversal = Traversal { source: Source::All(kind), steps, shape: Shape::Items };
                self.assign(Expression::Traversal(Box::new(traversal)), Has::Items { many: false, kind })
            }
            12 if self.rng.bool() => {
                let (mut traversal, _, kind) = self.traversal();
                let starts = |edge: &&Kind| edge.ends.is_some_and(|(from, _)| from == kind);
                let edges: Vec<Kind> = self.schema.of(Of::Edge).filter(starts).cloned().collect();
                if edges.is_empty() {
                    return None;
                }
                let edge = self.pick(&edges);
                let sets = self.sets(edge.name, true);
                let to = self.one(edge.ends.expect("an edge").1);
                traversal.steps.push(Step::AddEdge(edge.name, sets, to));
                let made = Expression::Traversal(Box::new(traversal));
                self.assign(made, Has::Items { many: true, kind: edge.name })
            }
            12 if !in_loop => {
                let (mut traversal, _, kind) = self.traversal();
                if self.chance(80) {
                    traversal.steps.push(Step::Where(self.condition(kind, 1)));
                }
                // What a variable held may be gone: it is shown, and nothing else.
                for (_, has) in &mut self.variables {
                    if matches!(has, Has::Items { .. }) {
                        *has = Has::Shown;
                    }
                }
                Statement::Drop(traversal)
            }
            _ if !in_loop => self.looped()?,
            _ => return None,
        })
    }

    /// A shortest path between nodes of one type.
    fn path(&mut self) -> Option<Statement> {
        let (source, _, kind) = self.source();
        let joins = |edge: &&Kind| edge.ends == Some((kind, kind)) && self.schema.kind(kind).of == Of::Node;
        let edges: Vec<Kind> = self.schema.of(Of::Edge).filter(joins).cloned().collect();
        if edges.is_empty() {
            return None;
        }
        let edge = self.pick(&edges).name;
        let weight = self.field(edge, |ty| matches!(ty, Scalar::U8 | Scalar::U64)).map(|(field, _)| field);
        let weight = weight.filter(|_| self.rng.bool());
        let from = Box::new(Traversal { source, steps: Vec::new(), shape: Shape::Items });
        let path = Expression::Path { from, edge, weight, to: Box::new(self.one(kind)) };
        Some(self.assign(path, Has::Shown))
    }

    /// A loop, whose names end with it.
    pub(super) fn looped(&mut self) -> Option<Statement> {
        let (variables, named) = (self.variables.clone(), self.named);
        let streams = variables.iter().filter_map(|(name, has)| match has {
            Has::Items { many: true, kind } => Some((*name, *kind)),
            _ => None,
        });
        let streams: Vec<(Name, Name)> = streams.collect();
        let scalar = self.pick(&SCALARS);
        let mut head = match self.rng.u8(..3) {
            0 if !streams.is_empty() => {
                let (over, kind) = self.pick(&streams);
                self.variables.push((LOOPS[0], Has::Items { many: false, kind }));
                Statement::For(LOOPS[0], over, Vec::new())
            }
            1 => {
                let optional = self.chance(25);
                let over = self.parameter(Type::List(scalar), optional, None)?;
                self.variables.push((LOOPS[0], Has::Scalar(scalar)));
                Statement::For(LOOPS[0], over, Vec::new())
            }
            _ => {
                let node = self.pick(&self.kinds(Of::Node));
                let fields = self.fields(node);
                let scalars: Vec<Scalar> =
                    fields.iter().filter_map(|(_, ty)| if let Type::One(ty) = ty { Some(*ty) } else { None }).collect();
                let members: Vec<(Name, Type)> =
                    LOOPS.iter().zip(scalars).map(|(name, ty)| (*name, Type::One(ty))).collect();
                if members.is_empty() {
                    return None;
                }
                let over = self.parameter(Type::Rows(members.clone()), false, None)?;
                for (name, ty) in &members {
                    if let Type::One(ty) = ty {
                        self.variables.push((name, Has::Scalar(*ty)));
                    }
                }
                Statement::ForMembers(members.iter().map(|(name, _)| *name).collect(), over, Vec::new())
            }
        };
        let count = self.rng.usize(1..3);
        let mut made: Vec<Statement> = (0..count).filter_map(|_| self.statement(true)).collect();
        (self.variables, self.named) = (variables, named);
        if made.is_empty() {
            return None;
        }
        if let Statement::For(_, _, body) | Statement::ForMembers(_, _, body) = &mut head {
            body.append(&mut made);
        }
        Some(head)
    }

    pub fn query(&mut self, index: usize) -> Query {
        self.parameters.clear();
        self.variables.clear();
        self.named = 0;
        self.writes = self.chance(50);
        let count = self.rng.usize(1..5);
        let body: Vec<Statement> = (0..count).filter_map(|_| self.statement(false)).collect();
        let variables = self.variables.clone();
        let mut values: Vec<Expression> = Vec::new();
        for (name, has) in variables {
            values.push(match has {
                Has::Items { many, kind } => {
                    let count = self.rng.usize(..2);
                    let (steps, kind, many) =
                        if self.chance(30) { self.steps(kind, many, count) } else { (Vec::new(), kind, many) };
                    let shape = match self.rng.u8(..8) {
                        0 => Shape::Count,
                        1 if many => self.group(kind).unwrap_or(Shape::Items),
                        _ => self.shape(kind, 2),
                    };
                    if steps.is_empty() && matches!(shape, Shape::Items) {
                        Expression::Variable(name)
                    } else {
                        Expression::Traversal(Box::new(Traversal { source: Source::Variable(name), steps, shape }))
                    }
                }
                Has::Scalar(_) | Has::Ids(_) | Has::Shown => Expression::Variable(name),
            });
        }
        if self.chance(10) {
            let (mut traversal, _, kind) = self.traversal();
            if !matches!(traversal.source, Source::Variable(_)) {
                traversal.shape = self.shape(kind, 2);
                values.push(Expression::Traversal(Box::new(traversal)));
            }
        }
        if self.chance(10)
            && let Some(name) = self.parameter(Type::One(Scalar::Text), true, None)
        {
            values.push(Expression::Variable(name));
        }
        let returned = match values.len() {
            0 => Return::None,
            _ if self.chance(15) => {
                Return::Object(["r0", "r1", "r2", "r3", "r4", "r5"].into_iter().zip(values).collect())
            }
            _ => Return::Values(values),
        };
        Query { name: format!("q{index}"), parameters: self.parameters.clone(), body, returned }
    }
}
