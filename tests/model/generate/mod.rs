//! Random programs over random schemas, right by construction: what the checker refuses is a finding as well.

mod condition;
mod schema;
mod shape;
mod statement;
mod traversal;

use fastrand::Rng;

use crate::model::language::{
    Condition, Default, Expression, Field, Fold, Function, Index, Kind, Map, Name, Of, Operator, Parameter, Part,
    Query, Return, Scalar, Schema, Sets, Shape, Source, Statement, Step, Traversal, Type,
};
use crate::model::value::Value;

use schema::{components, literal, maker};

const NODES: [Name; 3] = ["Na", "Nb", "Nc"];
const EDGES: [Name; 4] = ["Ea", "Eb", "Ec", "Ed"];
const VECTORS: [Name; 2] = ["Va", "Vb"];
const FIELDS: [Name; 6] = ["a", "b", "c", "d", "e", "f"];
const PARAMETERS: [Name; 24] = [
    "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15", "p16", "p17",
    "p18", "p19", "p20", "p21", "p22", "p23",
];
const VARIABLES: [Name; 10] = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"];
const LOOPS: [Name; 6] = ["w0", "w1", "w2", "w3", "w4", "w5"];
const CLOSURES: [Name; 4] = ["x0", "x1", "x2", "x3"];
const SCALARS: [Scalar; 10] = [
    Scalar::Text,
    Scalar::Boolean,
    Scalar::I8,
    Scalar::I32,
    Scalar::I64,
    Scalar::U8,
    Scalar::U64,
    Scalar::F32,
    Scalar::F64,
    Scalar::Date,
];
const WORDS: [&str; 8] = ["", "a", "ab", "Oslo", "oslo harbour", "é\"x\\", "graph node graph", "Ünïcode node"];
/// The dimensions of every vector.
const DIMENSIONS: usize = 3;

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Has {
    Items {
        many: bool,
        kind: Name,
    },
    Scalar(Scalar),
    /// The ids of many items.
    Ids(Name),
    /// Something that can be returned only.
    Shown,
}

/// A random program.
pub struct Generator {
    pub rng: Rng,
    pub schema: Schema,
    parameters: Vec<Parameter>,
    variables: Vec<(Name, Has)>,
    /// Variables of the closures that surround the place, and what they hold.
    closures: Vec<(Name, Name)>,
    named: usize,
    writes: bool,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let schema = schema::schema(&mut rng);
        let (parameters, variables, closures) = (Vec::new(), Vec::new(), Vec::new());
        Self { rng, schema, parameters, variables, closures, named: 0, writes: false }
    }

    /// For each type, a query that makes an item and answers with its id.
    pub fn makers(&self) -> Vec<Query> {
        self.schema.kinds.iter().map(maker).collect()
    }

    /// For each type, a query that shows all items.
    pub fn viewers(&self) -> Vec<Query> {
        let view = |kind: &Kind| {
            let all = Traversal { source: Source::All(kind.name), steps: Vec::new(), shape: Shape::Items };
            Query {
                name: format!("all_{}", kind.name),
                parameters: Vec::new(),
                body: vec![Statement::Let("all", Expression::Traversal(Box::new(all)))],
                returned: Return::Values(vec![Expression::Variable("all")]),
            }
        };
        self.schema.kinds.iter().map(view).collect()
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())].clone()
    }

    fn kinds(&self, of: Of) -> Vec<Name> {
        self.schema.of(of).map(|kind| kind.name).collect()
    }

    fn fields(&self, kind: Name) -> Vec<(Name, Type)> {
        self.schema.kind(kind).fields.iter().map(|field| (field.name, field.ty.clone())).collect()
    }

    /// A scalar field, of a type that fits.
    fn field(&mut self, kind: Name, fits: impl Fn(Scalar) -> bool) -> Option<(Name, Scalar)> {
        let scalar = |(name, ty)| if let Type::One(scalar) = ty { Some((name, scalar)) } else { None };
        let fields: Vec<_> = self.fields(kind).into_iter().filter_map(scalar).filter(|(_, ty)| fits(*ty)).collect();
        (!fields.is_empty()).then(|| self.pick(&fields))
    }

    fn literal(&mut self, ty: Scalar) -> Value {
        literal(&mut self.rng, ty)
    }

    fn parameter(&mut self, ty: Type, optional: bool, item: Option<Name>) -> Option<Name> {
        let same = |p: &&Parameter| p.ty == ty && p.optional == optional && p.item == item;
        let known = self.parameters.iter().find(same).map(|p| p.name);
        if known.is_some() && self.chance(60) {
            return known;
        }
        let name = *PARAMETERS.get(self.parameters.len())?;
        self.parameters.push(Parameter { name, ty, optional, item });
        Some(name)
    }

    /// A value of a type: a literal, a parameter, or a variable in scope.
    fn operand(&mut self, ty: Scalar, optional: bool) -> Expression {
        let scalars: Vec<Name> =
            self.variables.iter().filter(|(_, has)| *has == Has::Scalar(ty)).map(|(name, _)| *name).collect();
        if !scalars.is_empty() && self.chance(40) {
            return Expression::Variable(self.pick(&scalars));
        }
        let optional = optional && self.chance(25);
        match self.parameter(Type::One(ty), optional, None).filter(|_| self.rng.bool()) {
            Some(name) => Expression::Variable(name),
            None => Expression::Literal(self.literal(ty)),
        }
    }

    /// Something that names one item of a type: an id, or a variable.
    fn one(&mut self, kind: Name) -> Expression {
        let holds = |(_, has): &&(Name, Has)| *has == Has::Items { many: false, kind };
        let known: Vec<Name> = self.variables.iter().filter(holds).map(|(name, _)| *name).collect();
        if !known.is_empty() && self.chance(50) {
            return Expression::Variable(self.pick(&known));
        }
        Expression::Variable(self.parameter(Type::One(Scalar::Id), false, Some(kind)).expect("there are enough names"))
    }

    /// An end of an edge, and whether it may be several items, where that is wanted.
    fn end(&mut self, kind: Name, may_be_many: bool) -> (Expression, bool) {
        let holds = |(_, has): &&(Name, Has)| *has == Has::Items { many: true, kind } || *has == Has::Ids(kind);
        let known: Vec<Name> = self.variables.iter().filter(holds).map(|(name, _)| *name).collect();
        if !may_be_many || known.is_empty() || self.chance(70) {
            return (self.one(kind), false);
        }
        (Expression::Variable(self.pick(&known)), true)
    }

    fn new_variable(&mut self) -> Name {
        self.named += 1;
        VARIABLES[self.named - 1]
    }

    /// A value for a parameter; `ids` gives the items of a type that can be named.
    pub fn argument(&mut self, parameter: &Parameter, ids: impl Fn(&str) -> Vec<usize>) -> Option<Value> {
        if parameter.optional && self.rng.bool() {
            return None;
        }
        Some(match &parameter.ty {
            Type::One(Scalar::Id) => {
                let known = ids(parameter.item.expect("ids name items"));
                let absent = known.is_empty() || self.chance(8);
                Value::Id(if absent { crate::model::value::NOBODY } else { self.pick(&known) })
            }
            Type::One(ty) => self.literal(*ty),
            Type::List(_) if parameter.item.is_some() => components(&mut self.rng),
            Type::List(ty) => Value::List((0..self.rng.usize(..4)).map(|_| self.literal(*ty)).collect()),
            Type::Rows(members) => {
                let row = |run: &mut Self| {
                    let member = |(name, ty): &(Name, Type)| {
                        let Type::One(ty) = ty else { unreachable!("members are scalars") };
                        ((*name).to_owned(), run.literal(*ty))
                    };
                    Value::Object(members.iter().map(member).collect())
                };
                Value::List((0..self.rng.usize(..4)).map(|_| row(self)).collect())
            }
        })
    }
}

/// A traversal from `_`.
fn only(steps: Vec<Step>) -> Traversal {
    Traversal { source: Source::Variable("_"), steps, shape: Shape::Items }
}

fn current(steps: Vec<Step>, shape: Shape) -> Expression {
    Expression::Traversal(Box::new(Traversal { source: Source::Variable("_"), steps, shape }))
}
