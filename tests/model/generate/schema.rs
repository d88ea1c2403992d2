//! Random schemas, values, and the queries that make an item of each type.

use super::*;

pub(super) fn literal(rng: &mut Rng, ty: Scalar) -> Value {
    let seldom = rng.u8(..10) == 0;
    match ty {
        Scalar::Text => Value::Text(WORDS[rng.usize(..WORDS.len())].to_owned()),
        Scalar::Boolean => Value::Boolean(rng.bool()),
        Scalar::I8 if seldom => Value::Integer([-128, 127][rng.usize(..2)]),
        Scalar::I32 if seldom => Value::Integer([i128::from(i32::MIN), i128::from(i32::MAX)][rng.usize(..2)]),
        Scalar::I64 if seldom => Value::Integer([-(1 << 50), 1 << 50][rng.usize(..2)]),
        Scalar::U64 if seldom => Value::Integer(i128::from(u64::MAX)),
        Scalar::U8 | Scalar::U64 => Value::Integer(rng.i128(0..8)),
        Scalar::I8 | Scalar::I32 | Scalar::I64 => Value::Integer(rng.i128(-4..8)),
        Scalar::F32 => Value::Single(f32::from(rng.i8(-20..30)) / 10.0),
        Scalar::F64 => Value::Double(f64::from(rng.i8(-20..30)) / 10.0),
        // Some days of 2020 to 2023.
        Scalar::Date => Value::Date(1_577_836_800_000 + rng.i64(0..6) * 20_000_000_000 + i64::from(seldom) * 5),
        Scalar::Id => unreachable!("ids are not invented"),
    }
}

pub(super) fn components(rng: &mut Rng) -> Value {
    Value::List((0..DIMENSIONS).map(|_| Value::Double(f64::from(rng.i32(-1000..1000)) / 100.0)).collect())
}

pub(super) fn field(rng: &mut Rng, name: Name, of: Of) -> Field {
    let scalar = SCALARS[rng.usize(..SCALARS.len())];
    if rng.u8(..8) == 0 {
        return Field { name, ty: Type::List(scalar), index: Index::None, default: None };
    }
    let default = match rng.u8(..5) {
        0 if scalar == Scalar::Date => Some(Default::Now),
        0 => Some(Default::Value(literal(rng, scalar))),
        _ => None,
    };
    let index = match rng.u8(..10) {
        _ if of != Of::Node => Index::None,
        0..=2 => Index::Plain,
        // A default that is unique would leave room for one item.
        3 if default.is_none() && scalar != Scalar::Boolean => Index::Unique,
        _ => Index::None,
    };
    Field { name, ty: Type::One(scalar), index, default }
}

pub(super) fn schema(rng: &mut Rng) -> Schema {
    let mut kinds = Vec::new();
    let fields = |rng: &mut Rng, of: Of, least: usize| -> Vec<Field> {
        let count = rng.usize(least..FIELDS.len());
        FIELDS.iter().take(count).map(|name| field(rng, name, of)).collect()
    };
    for name in NODES.into_iter().take(rng.usize(1..=NODES.len())) {
        let fields = fields(rng, Of::Node, 1);
        kinds.push(Kind { of: Of::Node, name, fields, ends: None, unique: false });
    }
    for name in VECTORS.into_iter().take(rng.usize(..=VECTORS.len())) {
        let fields = fields(rng, Of::Vector, 0);
        kinds.push(Kind { of: Of::Vector, name, fields, ends: None, unique: false });
    }
    let ends: Vec<Name> = kinds.iter().map(|kind| kind.name).collect();
    for name in EDGES.into_iter().take(rng.usize(..=EDGES.len())) {
        let fields = fields(rng, Of::Edge, 0);
        let ends = Some((ends[rng.usize(..ends.len())], ends[rng.usize(..ends.len())]));
        kinds.push(Kind { of: Of::Edge, name, fields, ends, unique: rng.u8(..4) == 0 });
    }
    Schema { kinds }
}

pub(super) fn maker(kind: &Kind) -> Query {
    let mut parameters = Vec::new();
    let mut sets = Vec::new();
    for (field, name) in kind.fields.iter().zip(PARAMETERS) {
        parameters.push(Parameter { name, ty: field.ty.clone(), optional: true, item: None });
        sets.push((field.name, Expression::Variable(name)));
    }
    let mut need = |name: Name, ty: Type, item: Name| {
        parameters.push(Parameter { name, ty, optional: false, item: Some(item) });
        Box::new(Expression::Variable(name))
    };
    let made = match (kind.of, kind.ends) {
        (Of::Vector, _) => Expression::AddVector(kind.name, need("data", Type::List(Scalar::F64), "vector"), sets),
        (Of::Edge, Some((from, to))) => {
            let (from, to) = (need("start", Type::One(Scalar::Id), from), need("finish", Type::One(Scalar::Id), to));
            Expression::AddEdge(kind.name, sets, from, to)
        }
        _ => Expression::AddNode(kind.name, sets),
    };
    let id = Traversal { source: Source::Variable("made"), steps: Vec::new(), shape: Shape::Part(Part::Id) };
    Query {
        name: format!("make_{}", kind.name),
        parameters,
        body: vec![Statement::Let("made", made)],
        returned: Return::Values(vec![Expression::Traversal(Box::new(id))]),
    }
}
