//! Random programs: a schema, queries over it, data, and requests with right and wrong arguments. The same seed gives the same.
#![allow(dead_code, reason = "each user takes a part")]

use std::fmt::Write as _;

use fastrand::Rng;
use helix::compiler::{self, SourceSet};
use helix_plan::Program;

/// A random program with requests to it, in the form of the corpus.
pub struct Random {
    /// The schema and the queries.
    pub source: String,
    /// What they compile to.
    pub program: Program,
    /// One request a line: `kept: query {…}`.
    pub requests: String,
}

/// Names that are something else elsewhere are as good as others.
const TYPES: [&str; 8] = ["User", "Item", "Value", "Self", "Run", "Post", "Result", "Vec"];
const FIELDS: [&str; 12] =
    ["name", "age", "score", "match", "ratio", "run", "city", "active", "born", "tags", "fn", "self"];
const SCALARS: [&str; 9] = ["String", "I32", "U8", "I64", "U64", "F32", "F64", "Boolean", "Date"];
const WORDS: [&str; 6] = ["a", "ab", "b", "Oslo", "é\\\"x", ""];

struct Field {
    name: &'static str,
    ty: String,
}

struct Type {
    name: &'static str,
    fields: Vec<Field>,
}

struct Edge {
    name: String,
    from: usize,
    to: usize,
    property: &'static str,
}

struct Schema {
    nodes: Vec<Type>,
    edges: Vec<Edge>,
}

/// What a stream holds at some place.
#[derive(Clone, Copy)]
enum At {
    Node(usize),
    Edge(usize),
}

struct Generator {
    rng: Rng,
    schema: Schema,
    /// Parameters of the query that is being written: name and type.
    params: Vec<(String, String)>,
}

/// A random program with at least so many queries.
pub fn random(seed: u64, queries: usize) -> Random {
    let mut generator = Generator::new(seed);
    let schema = generator.declarations();
    let mut source = schema.clone();
    let mut written = Vec::new();
    written.extend(generator.schema.nodes.iter().map(add_query));
    for edge in &generator.schema.edges {
        let Edge { name, property, .. } = edge;
        written.push((
            format!("link_{name}"),
            vec![
                ("a".to_owned(), "ID".to_owned()),
                ("b".to_owned(), "ID".to_owned()),
                ("n".to_owned(), "I32".to_owned()),
            ],
            format!("    made <- AddE<{name}>({{ {property}: n }})::From(a)::To(b)\n    RETURN made\n"),
        ));
    }
    written.push(Generator::vector_query());
    let fixed = written.len();
    while written.len() < queries.max(fixed + 1) {
        let candidate = generator.query(written.len());
        // Most are right; the checker says which.
        let text = format!("{schema}{}", print(&candidate));
        if compiler::compile(&SourceSet::new([("q.hx".to_owned(), text)])).program.is_some() {
            written.push(candidate);
        }
    }
    written.iter().for_each(|query| source.push_str(&print(query)));
    let compiled = compiler::compile(&SourceSet::new([("random.hx".to_owned(), source.clone())]));
    let program = compiled.program.unwrap_or_else(|| panic!("{:?}\n{source}", compiled.diagnostics));
    let requests = generator.requests(&written);
    Random { source, program, requests }
}

type Query = (String, Vec<(String, String)>, String);

fn print((name, params, body): &Query) -> String {
    let params = params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect::<Vec<_>>().join(", ");
    format!("\nQUERY {name}({params}) =>\n{body}")
}

fn add_query(node: &Type) -> Query {
    let params = node.fields.iter().map(|field| (format!("p_{}", field.name), field.ty.clone())).collect();
    let fields = node.fields.iter().map(|field| format!("{}: p_{}", field.name, field.name));
    let body =
        format!("    made <- AddN<{}>({{ {} }})\n    RETURN made\n", node.name, fields.collect::<Vec<_>>().join(", "));
    (format!("add_{}", node.name), params, body)
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let types = rng.usize(2..5);
        let nodes = (0..types).map(|index| {
            let mut names = FIELDS.to_vec();
            rng.shuffle(&mut names);
            let mut fields = vec![Field { name: "key", ty: "String".to_owned() }];
            for name in names.into_iter().take(rng.usize(2..6)) {
                let scalar = SCALARS[rng.usize(..SCALARS.len())];
                let ty = if rng.u8(..8) == 0 { format!("[{scalar}]") } else { scalar.to_owned() };
                fields.push(Field { name, ty });
            }
            Type { name: TYPES[index * 2 % TYPES.len() + index / 4], fields }
        });
        let nodes: Vec<Type> = nodes.collect();
        let edges = (0..rng.usize(2..5)).map(|index| Edge {
            name: format!("E{index}"),
            from: rng.usize(..nodes.len()),
            to: rng.usize(..nodes.len()),
            property: ["since", "loop"][index % 2],
        });
        let edges = edges.collect();
        Self { rng, schema: Schema { nodes, edges }, params: Vec::new() }
    }

    fn declarations(&self) -> String {
        let mut text = String::new();
        for node in &self.schema.nodes {
            let fields = node.fields.iter().enumerate().map(|(index, field)| {
                let before = if index == 0 { "INDEX " } else { "" };
                format!("{before}{}: {}", field.name, field.ty)
            });
            let _ = writeln!(text, "N::{} {{ {} }}", node.name, fields.collect::<Vec<_>>().join(", "));
        }
        for edge in &self.schema.edges {
            let (from, to) = (self.schema.nodes[edge.from].name, self.schema.nodes[edge.to].name);
            let _ = writeln!(
                text,
                "E::{} {{ From: {from}, To: {to}, Properties: {{ {}: I32 }} }}",
                edge.name, edge.property
            );
        }
        text.push_str("V::Doc { title: String }\n");
        text
    }

    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    fn vector_query() -> Query {
        let params = vec![("v".to_owned(), "[F64]".to_owned()), ("title".to_owned(), "String".to_owned())];
        let body = "    made <- AddV<Doc>(v, { title: title })\n    near <- SearchV<Doc>(v, 3)\n    RETURN made::{title}, near::{title, score}\n";
        ("add_Doc".to_owned(), params, body.to_owned())
    }

    /// A parameter of a type; sometimes one that is there already.
    fn param(&mut self, ty: &str) -> String {
        let known = self.params.iter().find(|(_, known)| known == ty).map(|(name, _)| name.clone());
        if let Some(name) = known.filter(|_| self.rng.bool()) {
            return name;
        }
        let name = format!("p{}", self.params.len());
        self.params.push((name.clone(), ty.to_owned()));
        name
    }

    fn literal(&mut self, ty: &str) -> String {
        match ty {
            "String" => format!("\"{}\"", WORDS[self.rng.usize(..WORDS.len())]),
            "Boolean" => self.rng.bool().to_string(),
            "Date" => format!("\"20{:02}-0{}-11\"", self.rng.u8(10..30), self.rng.u8(1..9)),
            "F32" | "F64" => format!("{}.{}", self.rng.i8(-5..6), self.rng.u8(..10)),
            "U8" | "U64" => self.rng.u8(..60).to_string(),
            _ => self.rng.i8(-50..60).to_string(),
        }
    }

    fn operand(&mut self, ty: &str) -> String {
        if self.chance(50) { self.param(ty) } else { self.literal(ty) }
    }

    fn field(&mut self, node: usize) -> (&'static str, String) {
        let fields = &self.schema.nodes[node].fields;
        let field = &fields[self.rng.usize(..fields.len())];
        (field.name, field.ty.clone())
    }

    /// A step along an edge, from nodes of a type, and where it leads.
    fn hop(&mut self, node: usize) -> Option<(String, usize)> {
        let hops: Vec<(String, usize)> = self
            .schema
            .edges
            .iter()
            .flat_map(|edge| {
                let out = (edge.from == node).then(|| (format!("Out<{}>", edge.name), edge.to));
                let into = (edge.to == node).then(|| (format!("In<{}>", edge.name), edge.from));
                out.into_iter().chain(into)
            })
            .collect();
        (!hops.is_empty()).then(|| hops[self.rng.usize(..hops.len())].clone())
    }

    fn condition(&mut self, node: usize, depth: u8) -> String {
        match self.rng.u8(..if depth == 0 { 5 } else { 9 }) {
            0..=2 => {
                let (name, ty) = self.field(node);
                if ty.starts_with('[') {
                    let element = ty.trim_matches(['[', ']']).to_owned();
                    return format!("_::{{{name}}}::CONTAINS({})", self.operand(&element));
                }
                let operators = ["EQ", "NEQ", "GT", "GTE", "LT", "LTE"];
                let operator = operators[self.rng.usize(..if ty == "Boolean" { 2 } else { 6 })];
                format!("_::{{{name}}}::{operator}({})", self.operand(&ty))
            }
            3 => {
                let (name, ty) = self.field(node);
                let elements = [self.literal(&ty), self.literal(&ty)].join(", ");
                format!("_::{{{name}}}::IS_IN([{elements}])")
            }
            4 => match self.hop(node) {
                Some((hop, _)) => {
                    format!("_::{hop}::COUNT::{}({})", ["GT", "EQ", "LTE"][self.rng.usize(..3)], self.rng.u8(..3))
                }
                None => "_::{key}::NEQ(\"a\")".to_owned(),
            },
            5 => {
                let both = [self.condition(node, depth - 1), self.condition(node, depth - 1)].join(", ");
                format!("{}{}({both})", if self.chance(30) { "!" } else { "" }, ["AND", "OR"][self.rng.usize(..2)])
            }
            6 => match self.hop(node) {
                Some((hop, end)) if self.chance(50) => {
                    let inner = self.condition(end, depth - 1);
                    format!("EXISTS(_::{hop}::WHERE({inner}))")
                }
                Some((hop, _)) => format!("{}EXISTS(_::{hop})", if self.chance(30) { "!" } else { "" }),
                None => "_::{key}::EQ(\"b\")".to_owned(),
            },
            7 => match self.hop(node) {
                Some((hop, end)) => {
                    let (name, ty) = self.field(end);
                    format!("_::{hop}::{{{name}}}::EQ({})", self.operand(&ty))
                }
                None => "_::{key}::CONTAINS(\"b\")".to_owned(),
            },
            _ => {
                let (name, ty) = self.field(node);
                format!("_::{{{name}}}::GT(_::{{{}}})", if ty == "String" { "key" } else { name })
            }
        }
    }

    fn steps(&mut self, mut at: At, count: usize) -> (String, At) {
        let mut text = String::new();
        for _ in 0..count {
            match at {
                At::Node(node) => match self.rng.u8(..9) {
                    0..=2 => {
                        let condition = self.condition(node, 2);
                        let _ = write!(text, "::WHERE({condition})");
                    }
                    3 | 4 => {
                        if let Some((hop, end)) = self.hop(node) {
                            let _ = write!(text, "::{hop}");
                            at = At::Node(end);
                        }
                    }
                    5 => {
                        let (name, _) = self.field(node);
                        let _ =
                            write!(text, "::ORDER<{}>(_::{{{name}}})", if self.rng.bool() { "Asc" } else { "Desc" });
                    }
                    6 => {
                        let start = self.rng.u8(..4);
                        let _ = write!(text, "::RANGE({start}, {})", start + self.rng.u8(..4));
                    }
                    _ => {
                        let edge = self.rng.usize(..self.schema.edges.len());
                        let found = &self.schema.edges[edge];
                        if found.from == node {
                            let _ = write!(text, "::OutE<{}>", found.name);
                            at = At::Edge(edge);
                        } else if found.to == node {
                            let _ = write!(text, "::InE<{}>", found.name);
                            at = At::Edge(edge);
                        }
                    }
                },
                At::Edge(edge) => {
                    let Edge { from, to, property, .. } = &self.schema.edges[edge];
                    let (from, to, property) = (*from, *to, *property);
                    match self.rng.u8(..4) {
                        0 => {
                            text.push_str("::FromN");
                            at = At::Node(from);
                        }
                        1 => {
                            text.push_str("::ToN");
                            at = At::Node(to);
                        }
                        2 => {
                            let operand = self.operand("I32");
                            let _ = write!(text, "::WHERE(_::{{{property}}}::GTE({operand}))");
                        }
                        _ => {
                            let _ = write!(text, "::ORDER<Desc>(_::{{{property}}})");
                        }
                    }
                }
            }
        }
        (text, at)
    }

    fn source(&mut self) -> (String, At) {
        let node = self.rng.usize(..self.schema.nodes.len());
        let name = self.schema.nodes[node].name;
        match self.rng.u8(..8) {
            0 => (format!("N<{name}>({})", self.param("ID")), At::Node(node)),
            1 => (format!("N<{name}>({{ key: {} }})", self.operand("String")), At::Node(node)),
            2 => {
                let edge = self.rng.usize(..self.schema.edges.len());
                (format!("E<{}>", self.schema.edges[edge].name), At::Edge(edge))
            }
            _ => (format!("N<{name}>"), At::Node(node)),
        }
    }

    /// What is shown of elements.
    fn projection(&mut self, at: At, depth: u8) -> String {
        let At::Node(node) = at else {
            let At::Edge(edge) = at else { return String::new() };
            let property = self.schema.edges[edge].property;
            return [
                "::ID".to_owned(),
                format!("::{{ {property} }}"),
                format!("::{{ n: {property}, to: _::ToN::{{key}} }}"),
            ][self.rng.usize(..3)]
            .clone();
        };
        let (a, _) = self.field(node);
        let (b, ty) = self.field(node);
        match self.rng.u8(..if depth == 0 { 5 } else { 8 }) {
            0 => String::new(),
            1 => format!("::{{{a}}}"),
            2 => "::!{id}".to_owned(),
            3 => format!("::{{ key, other: {b} }}"),
            4 if ["I32", "I64", "U8", "F64"].contains(&ty.as_str()) => {
                let function = ["ADD", "SUB", "MUL", "MAX", "POW"][self.rng.usize(..5)];
                format!("::{{ key, n: {function}(_::{{{b}}}, {}) }}", self.rng.u8(1..4))
            }
            4 => "::ID".to_owned(),
            _ => match self.hop(node) {
                Some((hop, end)) => {
                    let inner = self.projection(At::Node(end), depth - 1);
                    let variable = format!("x{depth}");
                    format!("::|{variable}|{{ key, n: {variable}::{hop}::COUNT, inner: {variable}::{hop}{inner} }}")
                }
                None => "::{ who: key, .. }".to_owned(),
            },
        }
    }

    fn query(&mut self, index: usize) -> Query {
        self.params.clear();
        let mut body = String::new();
        let mut shown = Vec::new();
        for statement in 0..self.rng.usize(1..4) {
            let name = format!("v{statement}");
            let (mut text, at) = self.source();
            let count = self.rng.usize(..4);
            let (steps, at) = self.steps(at, count);
            text.push_str(&steps);
            match self.rng.u8(..12) {
                0 => {
                    text.push_str("::COUNT");
                    shown.push(name.clone());
                }
                1 => {
                    text.push_str("::FIRST");
                    let projection = self.projection(at, 1);
                    shown.push(format!("{name}{projection}"));
                }
                2 => {
                    if let At::Node(node) = at {
                        let (field, ty) = self.field(node);
                        let operand = self.operand(&ty);
                        let _ = write!(text, "::UPDATE({{ {field}: {operand} }})");
                    }
                    let projection = self.projection(at, 0);
                    shown.push(format!("{name}{projection}"));
                }
                3 => {
                    if let At::Node(node) = at {
                        let (field, ty) = self.field(node);
                        let operand = self.operand(&ty);
                        let _ = write!(text, "::UpsertN({{ {field}: {operand} }})");
                    }
                    shown.push(format!("{name}::!{{id}}"));
                }
                4 if statement == 0 => {
                    let _ = writeln!(body, "    DROP {text}::RANGE(0, 1)");
                    continue;
                }
                _ => {
                    let projection = self.projection(at, 2);
                    shown.push(format!("{name}{projection}"));
                }
            }
            let _ = writeln!(body, "    {name} <- {text}");
        }
        if self.chance(10) {
            let node = self.rng.usize(..self.schema.nodes.len());
            let _ =
                writeln!(body, "    FOR word IN words {{ AddN<{}>({{ key: word }}) }}", self.schema.nodes[node].name);
            self.params.push(("words".to_owned(), "[String]".to_owned()));
        }
        let returned = if shown.is_empty() { "NONE".to_owned() } else { shown.join(", ") };
        let _ = writeln!(body, "    RETURN {returned}");
        (format!("q{index}"), self.params.clone(), body)
    }

    fn argument(&mut self, ty: &str, ids: &[String]) -> String {
        if let Some(element) = ty.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let count = if element == "F64" { 4 } else { self.rng.usize(..4) };
            let elements: Vec<String> = (0..count).map(|_| self.argument(element, ids)).collect();
            return format!("[{}]", elements.join(", "));
        }
        match ty {
            "ID" if ids.is_empty() || self.chance(10) => "\"1f0e3e9c-5b1a-6c40-8f00-010203040506\"".to_owned(),
            "ID" => format!("\"{}\"", ids[self.rng.usize(..ids.len())]),
            _ => self.literal(ty),
        }
    }

    fn request(&mut self, query: &Query, ids: &[String]) -> String {
        let mut arguments: Vec<String> =
            query.1.iter().map(|(name, ty)| format!("\"{name}\": {}", self.argument(ty, ids))).collect();
        if self.chance(4) {
            arguments.pop();
        }
        if self.chance(4)
            && let Some((name, _)) = query.1.first()
        {
            arguments.push(format!("\"{name}\": {{}}"));
        }
        format!("{} {{{}}}", query.0, arguments.join(", "))
    }

    fn requests(&mut self, queries: &[Query]) -> String {
        let mut text = String::new();
        let mut ids = Vec::new();
        let nodes = self.schema.nodes.len();
        for (index, query) in queries.iter().take(nodes).enumerate() {
            for copy in 0..6 {
                let arguments: Vec<String> =
                    query.1.iter().map(|(name, ty)| format!("\"{name}\": {}", self.argument(ty, &[]))).collect();
                let _ = writeln!(text, "k{index}x{copy}: {} {{{}}}", query.0, arguments.join(", "));
                ids.push((index, format!("${{k{index}x{copy}.made.id}}")));
            }
        }
        let of = |node: usize| -> Vec<String> {
            ids.iter().filter(|(of, _)| *of == node).map(|(_, id)| id.clone()).collect()
        };
        for (index, query) in queries.iter().skip(nodes).take(self.schema.edges.len()).enumerate() {
            let (from, to) = (of(self.schema.edges[index].from), of(self.schema.edges[index].to));
            for _ in 0..8 {
                let (a, b) = (&from[self.rng.usize(..from.len())], &to[self.rng.usize(..to.len())]);
                let _ = writeln!(text, "{} {{\"a\": \"{a}\", \"b\": \"{b}\", \"n\": {}}}", query.0, self.rng.i8(-3..9));
            }
        }
        let ids: Vec<String> = ids.into_iter().map(|(_, id)| id).collect();
        let rest = &queries[nodes + self.schema.edges.len()..];
        for _ in 0..2 {
            for query in rest {
                let request = self.request(query, &ids);
                let _ = writeln!(text, "{request}");
            }
        }
        text
    }
}
