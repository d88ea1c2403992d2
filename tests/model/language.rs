//! The part of HelixQL that the model knows, as data; `Display` writes it as source.

use std::fmt::{Display, Formatter, Result};

use super::value::{Value, date};

pub type Name = &'static str;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Text,
    Boolean,
    I8,
    I32,
    I64,
    U8,
    U64,
    F32,
    F64,
    Date,
    Id,
}

impl Scalar {
    pub fn is_integer(self) -> bool {
        matches!(self, Self::I8 | Self::I32 | Self::I64 | Self::U8 | Self::U64)
    }

    /// The types whose values may be compared with those of this one.
    pub fn related(self) -> Vec<Self> {
        match self {
            Self::F32 | Self::F64 => vec![Self::F32, Self::F64],
            one if one.is_integer() => vec![Self::I8, Self::I32, Self::I64, Self::U8, Self::U64],
            other => vec![other],
        }
    }

    pub fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::F32 | Self::F64)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    One(Scalar),
    List(Scalar),
    Rows(Vec<(Name, Type)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    None,
    Plain,
    Unique,
}

#[derive(Clone, Debug)]
pub enum Default {
    Value(Value),
    Now,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: Name,
    pub ty: Type,
    pub index: Index,
    pub default: Option<Default>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Node,
    Edge,
    Vector,
}

/// A type of items.
#[derive(Clone, Debug)]
pub struct Kind {
    pub of: Of,
    pub name: Name,
    pub fields: Vec<Field>,
    /// Of an edge: what it starts at and ends at.
    pub ends: Option<(Name, Name)>,
    pub unique: bool,
}

#[derive(Clone, Debug)]
pub struct Schema {
    pub kinds: Vec<Kind>,
}

impl Schema {
    pub fn kind(&self, name: &str) -> &Kind {
        self.kinds.iter().find(|kind| kind.name == name).expect("a type of the schema")
    }

    pub fn of(&self, of: Of) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(move |kind| kind.of == of)
    }
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Name,
    pub ty: Type,
    pub optional: bool,
    /// Of an id: the type of the items that arguments name.
    pub item: Option<Name>,
}

#[derive(Clone, Debug)]
pub struct Query {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub body: Vec<Statement>,
    pub returned: Return,
}

#[derive(Clone, Debug)]
pub enum Return {
    None,
    /// Each under the name of its variable.
    Values(Vec<Expression>),
    /// Each under a key.
    Object(Vec<(Name, Expression)>),
}

#[derive(Clone, Debug)]
pub enum Statement {
    Let(Name, Expression),
    Create(Expression),
    Drop(Traversal),
    /// Over a list or a stream.
    For(Name, Name, Vec<Statement>),
    /// Over objects, whose members are taken apart.
    ForMembers(Vec<Name>, Name, Vec<Statement>),
}

#[derive(Clone, Debug)]
pub enum Expression {
    Literal(Value),
    Now,
    /// A field that is not given.
    Nothing,
    /// A parameter, or what was assigned.
    Variable(Name),
    Traversal(Box<Traversal>),
    Math(Function, Vec<Expression>),
    Fold(Fold, Box<Traversal>),
    Condition(Box<Condition>),
    AddNode(Name, Sets),
    AddEdge(Name, Sets, Box<Expression>, Box<Expression>),
    AddVector(Name, Box<Expression>, Sets),
    /// From nodes along edges of a type to a node: by the number of edges, or by the sum of one of their fields.
    Path {
        from: Box<Traversal>,
        edge: Name,
        weight: Option<Name>,
        to: Box<Expression>,
    },
}

/// Fields and what they are set to.
pub type Sets = Vec<(Name, Expression)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Min,
    Max,
    Abs,
    Pow,
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Avg,
    Count,
    Min,
    Max,
}

#[derive(Clone, Debug)]
pub struct Traversal {
    pub source: Source,
    pub steps: Vec<Step>,
    pub shape: Shape,
}

#[derive(Clone, Debug)]
pub enum Source {
    All(Name),
    ById(Name, Expression),
    ByIds(Name, Vec<Expression>),
    ByIndex(Name, Name, Expression),
    /// A variable, a variable of a closure, or `_`.
    Variable(Name),
    SearchV(Name, Expression, Expression, Option<Box<Condition>>),
    SearchBm25(Name, Expression, Expression),
}

#[derive(Clone, Debug)]
pub enum Step {
    Out(Name),
    In(Name),
    OutE(Name),
    InE(Name),
    /// To the start of an edge, which is a node or a vector.
    From(Of),
    To(Of),
    Where(Condition),
    /// Ascending or descending, by a key of `_`.
    Order(bool, Box<Expression>),
    Range(Expression, Expression),
    First,
    Intersect(Vec<Step>),
    Update(Sets),
    Upsert(Sets),
    AddEdge(Name, Sets, Expression),
}

/// What of an item is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Declared(Name),
    Id,
    Label,
    FromNode,
    ToNode,
    Data,
    Score,
}

#[derive(Clone, Debug)]
pub enum Shape {
    Items,
    Part(Part),
    /// `::{…}`, or a closure with a variable; with all other fields or without.
    Object(Option<Name>, Vec<(String, Map)>, bool),
    Exclude(Vec<Part>),
    Count,
    /// Groups by fields: with their items, counts only.
    Group {
        by: Vec<Name>,
        items: bool,
        counted: bool,
    },
}

#[derive(Clone, Debug)]
pub enum Map {
    Part(Part),
    Value(Expression),
    Object(Vec<(String, Map)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
}

#[derive(Clone, Debug)]
pub enum Condition {
    Compare(Expression, Operator, Expression),
    Contains(Expression, Expression),
    IsIn(Expression, Expression),
    Exists(bool, Traversal),
    And(bool, Vec<Condition>),
    Or(bool, Vec<Condition>),
    /// A field, a parameter or a literal that is true or false.
    Flag(Expression),
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn sets(sets: &Sets) -> String {
    sets.iter().map(|(field, value)| format!("{field}: {value}")).collect::<Vec<_>>().join(", ")
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text => f.write_str("String"),
            Self::Id => f.write_str("ID"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::One(scalar) => write!(f, "{scalar}"),
            Self::List(scalar) => write!(f, "[{scalar}]"),
            Self::Rows(members) => {
                let members: Vec<String> = members.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
                write!(f, "[{{ {} }}]", members.join(", "))
            }
        }
    }
}

/// A literal.
impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => f.write_str("NONE"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) | Self::About(value) => write!(f, "{value:?}"),
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Date(milliseconds) => write!(f, "\"{}\"", date(*milliseconds)),
            Self::List(values) => write!(f, "[{}]", list(values)),
            Self::Id(_) | Self::Object(_) | Self::Path { .. } => unreachable!("has no literal"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.index {
            Index::None => {}
            Index::Plain => f.write_str("INDEX ")?,
            Index::Unique => f.write_str("UNIQUE INDEX ")?,
        }
        write!(f, "{}: {}", self.name, self.ty)?;
        match &self.default {
            None => Ok(()),
            Some(Default::Now) => f.write_str(" DEFAULT NOW"),
            Some(Default::Value(value)) => write!(f, " DEFAULT {value}"),
        }
    }
}

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for kind in &self.kinds {
            let (name, fields) = (kind.name, list(&kind.fields));
            match (kind.of, kind.ends) {
                (Of::Edge, Some((from, to))) => {
                    let unique = if kind.unique { " UNIQUE" } else { "" };
                    writeln!(f, "E::{name}{unique} {{ From: {from}, To: {to}, Properties: {{ {fields} }} }}")?;
                }
                (Of::Vector, _) => writeln!(f, "V::{name} {{ {fields} }}")?,
                _ => writeln!(f, "N::{name} {{ {fields} }}")?,
            }
        }
        Ok(())
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|p| format!("{}{}: {}", p.name, if p.optional { "?" } else { "" }, p.ty))
            .collect();
        writeln!(f, "QUERY {}({}) =>", self.name, parameters.join(", "))?;
        self.body.iter().try_for_each(|statement| writeln!(f, "    {statement}"))?;
        match &self.returned {
            Return::None => writeln!(f, "    RETURN NONE"),
            Return::Values(values) => writeln!(f, "    RETURN {}", list(values)),
            Return::Object(members) => {
                let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                writeln!(f, "    RETURN {{ {} }}", members.join(", "))
            }
        }
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let block = |body: &[Statement]| body.iter().map(|s| format!(" {s}")).collect::<String>();
        match self {
            Self::Let(name, value) => write!(f, "{name} <- {value}"),
            Self::Create(value) => write!(f, "{value}"),
            Self::Drop(traversal) => write!(f, "DROP {traversal}"),
            Self::For(name, over, body) => write!(f, "FOR {name} IN {over} {{{} }}", block(body)),
            Self::ForMembers(names, over, body) => {
                write!(f, "FOR {{ {} }} IN {over} {{{} }}", list(names), block(body))
            }
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let block = |values: &Sets| if values.is_empty() { String::new() } else { format!("({{ {} }})", sets(values)) };
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Now => f.write_str("NOW"),
            Self::Nothing => f.write_str("NONE"),
            Self::Variable(name) => f.write_str(name),
            Self::Traversal(traversal) => write!(f, "{traversal}"),
            Self::Math(function, arguments) => {
                write!(f, "{}({})", format!("{function:?}").to_uppercase(), list(arguments))
            }
            Self::Fold(fold, traversal) => write!(f, "{}({traversal})", format!("{fold:?}").to_uppercase()),
            Self::Condition(condition) => write!(f, "{condition}"),
            Self::AddNode(name, values) => write!(f, "AddN<{name}>{}", block(values)),
            Self::AddEdge(name, values, from, to) => {
                write!(f, "AddE<{name}>{}::From({from})::To({to})", block(values))
            }
            Self::Path { from, edge, weight: None, to } => write!(f, "{from}::ShortestPathBFS<{edge}>::To({to})"),
            Self::Path { from, edge, weight: Some(field), to } => {
                write!(f, "{from}::ShortestPathDijkstras<{edge}>(_::{{{field}}})::To({to})")
            }
            Self::AddVector(name, data, values) if values.is_empty() => write!(f, "AddV<{name}>({data})"),
            Self::AddVector(name, data, values) => write!(f, "AddV<{name}>({data}, {{ {} }})", sets(values)),
        }
    }
}

impl Display for Traversal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.source)?;
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))?;
        write!(f, "{}", self.shape)
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let letter = |name: &str| name.chars().next().expect("a name");
        match self {
            Self::All(name) => write!(f, "{}<{name}>", letter(name)),
            Self::ById(name, id) => write!(f, "{}<{name}>({id})", letter(name)),
            Self::ByIds(name, ids) => write!(f, "{}<{name}>({})", letter(name), list(ids)),
            Self::ByIndex(name, field, value) => write!(f, "N<{name}>({{ {field}: {value} }})"),
            Self::Variable(name) => f.write_str(name),
            Self::SearchV(name, data, k, None) => write!(f, "SearchV<{name}>({data}, {k})"),
            Self::SearchV(name, data, k, Some(only)) => write!(f, "SearchV<{name}>({data}, {k})::PREFILTER({only})"),
            Self::SearchBm25(name, text, k) => write!(f, "SearchBM25<{name}>({text}, {k})"),
        }
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let suffix = |of: &Of| if *of == Of::Vector { 'V' } else { 'N' };
        match self {
            Self::Out(edge) => write!(f, "::Out<{edge}>"),
            Self::In(edge) => write!(f, "::In<{edge}>"),
            Self::OutE(edge) => write!(f, "::OutE<{edge}>"),
            Self::InE(edge) => write!(f, "::InE<{edge}>"),
            Self::From(of) => write!(f, "::From{}", suffix(of)),
            Self::To(of) => write!(f, "::To{}", suffix(of)),
            Self::Where(condition) => write!(f, "::WHERE({condition})"),
            Self::Order(ascending, key) => write!(f, "::ORDER<{}>({key})", if *ascending { "Asc" } else { "Desc" }),
            Self::Range(start, end) => write!(f, "::RANGE({start}, {end})"),
            Self::First => f.write_str("::FIRST"),
            Self::Intersect(steps) => {
                write!(f, "::INTERSECT(_{})", steps.iter().map(Self::to_string).collect::<String>())
            }
            Self::Update(values) => write!(f, "::UPDATE({{ {} }})", sets(values)),
            Self::Upsert(values) => write!(f, "::UpsertN({{ {} }})", sets(values)),
            Self::AddEdge(name, values, to) if values.is_empty() => write!(f, "::AddE<{name}>::To({to})"),
            Self::AddEdge(name, values, to) => write!(f, "::AddE<{name}>({{ {} }})::To({to})", sets(values)),
        }
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Part {
    pub fn name(self) -> Name {
        match self {
            Self::Declared(name) => name,
            Self::Id => "id",
            Self::Label => "label",
            Self::FromNode => "from_node",
            Self::ToNode => "to_node",
            Self::Data => "data",
            Self::Score => "score",
        }
    }
}

fn maps(maps: &[(String, Map)]) -> Vec<String> {
    let map = |(key, map): &(String, Map)| match map {
        Map::Part(part) if part.name() == key => key.clone(),
        Map::Part(part) => format!("{key}: {part}"),
        Map::Value(value) => format!("{key}: {value}"),
        Map::Object(inner) => format!("{key}: {{ {} }}", maps_text(inner)),
    };
    maps.iter().map(map).collect()
}

fn maps_text(inner: &[(String, Map)]) -> String {
    maps(inner).join(", ")
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Items => Ok(()),
            Self::Part(part) => write!(f, "::{{{part}}}"),
            Self::Object(variable, members, rest) => {
                let variable = variable.map(|name| format!("|{name}|")).unwrap_or_default();
                let mut members = maps(members);
                if *rest {
                    members.push("..".to_owned());
                }
                write!(f, "::{variable}{{ {} }}", members.join(", "))
            }
            Self::Exclude(parts) => write!(f, "::!{{{}}}", list(parts)),
            Self::Count => f.write_str("::COUNT"),
            Self::Group { by, items, counted } => {
                let count = if *counted { "::COUNT" } else { "" };
                write!(f, "{count}::{}({})", if *items { "AGGREGATE_BY" } else { "GROUP_BY" }, list(by))
            }
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let not = |negated: &bool| if *negated { "!" } else { "" };
        match self {
            Self::Compare(left, operator, right) => {
                write!(f, "{left}::{}({right})", format!("{operator:?}").to_uppercase())
            }
            Self::Contains(left, right) => write!(f, "{left}::CONTAINS({right})"),
            Self::IsIn(left, right) => write!(f, "{left}::IS_IN({right})"),
            Self::Exists(negated, traversal) => write!(f, "{}EXISTS({traversal})", not(negated)),
            Self::And(negated, parts) => write!(f, "{}AND({})", not(negated), list(parts)),
            Self::Or(negated, parts) => write!(f, "{}OR({})", not(negated), list(parts)),
            Self::Flag(value) => write!(f, "{value}"),
        }
    }
}
