//! A traversal while it is being checked: its source, the steps so far, and what flows.

use helix_plan::{
    Cardinality, Entry, Expr, ExprKind, FieldRef, ItemType, Kind, ScalarType, Source, Step, Traversal, Type,
};

use super::Checker;
use super::scope::Current;
use super::ty::Ty;
use super::value::{Form, Value};
use crate::compiler::source::Span;

/// A traversal in the making.
#[derive(Debug)]
pub(super) struct Stream {
    pub source: Source,
    pub steps: Vec<Step>,
    /// What flows, and whether one element or many.
    pub ty: Ty,
    /// Whether a step has left the items of the source.
    pub moved: bool,
    /// Fields that are not shown, until a projection or the end.
    pub excluded: Vec<Excluded>,
    /// From the source to the last step.
    pub span: Span,
}

/// A field that an exclude step names.
#[derive(Clone, Debug)]
pub(super) struct Excluded {
    pub field: FieldRef,
    pub span: Span,
    /// The whole step.
    pub step: Span,
}

/// Where a traversal stands, which decides what becomes of an empty or long stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A statement or the response: one element is required of a stream of one.
    Top,
    /// A value of a projection: nothing is null, and fields behind graph steps are shown as objects.
    Nested,
    /// The left side of a comparison: all elements count, and nothing is null.
    Left,
    /// An operand that is one value: the first element, or null.
    Operand,
    /// Where all elements are taken, be there one, many or none: `DROP`.
    All,
}

impl Stream {
    /// A stream without steps.
    pub(super) fn new(source: Source, ty: Ty, span: Span) -> Self {
        Self { source, steps: Vec::new(), ty, moved: false, excluded: Vec::new(), span }
    }

    /// A stream of what an expression gives.
    pub(super) fn of(value: Value) -> Self {
        let (ty, span) = (value.ty, value.span);
        Self::new(Source::Expr(Box::new(value.expr)), ty, span)
    }

    /// Whether the stream is just one expression so far, with exactly one element.
    pub(super) fn is_one_expr(&self) -> bool {
        self.steps.is_empty() && matches!(self.source, Source::Expr(_)) && !self.ty.is_many()
    }

    /// Adds a step behind which elements of type `ty` flow.
    pub(super) fn push(&mut self, step: Step, ty: Ty) {
        self.steps.push(step);
        self.ty = ty;
    }
}

impl Checker<'_> {
    /// The value of a finished stream.
    pub(super) fn finish(&mut self, mut stream: Stream, place: Place) -> Value {
        self.apply_excludes(&mut stream);
        if place == Place::Nested && !stream.is_one_expr() {
            self.show_keys_of_one(&mut stream);
        }
        let Stream { source, steps, ty, span, .. } = stream;
        let first_only = place == Place::Operand && ty.is_many();
        match source {
            Source::Expr(expr) if steps.is_empty() && !first_only => {
                Value { expr: *expr, ty, form: Form::Settled, span }
            }
            source => {
                let cardinality = match place {
                    Place::Operand => Cardinality::Optional,
                    Place::All => Cardinality::Many,
                    Place::Top | Place::Nested | Place::Left if ty.is_many() => Cardinality::Many,
                    Place::Top => Cardinality::One,
                    Place::Nested | Place::Left => Cardinality::Optional,
                };
                let ty = match place {
                    Place::Operand => ty.element(),
                    Place::All => ty.with_many(true),
                    Place::Top | Place::Nested | Place::Left => ty,
                };
                let traversal = Traversal { source, steps, cardinality }.through_indexes(self.catalog);
                self.settled(ExprKind::Traversal(Box::new(traversal)), ty, span)
            }
        }
    }

    /// The first element of many, or null.
    pub(super) fn first_of(&mut self, value: Value) -> Value {
        self.finish(Stream::of(value), Place::Operand)
    }

    /// Whether a finished stream yields anything.
    pub(super) fn exists(&mut self, stream: Stream, span: Span) -> Value {
        let cardinality = if stream.ty.is_many() { Cardinality::Many } else { Cardinality::Optional };
        let traversal = Traversal { source: stream.source, steps: stream.steps, cardinality };
        let traversal = Box::new(traversal.through_indexes(self.catalog));
        self.settled(ExprKind::Exists(traversal), Ty::scalar(ScalarType::Boolean), span)
    }

    /// Turns excluded fields into the projection of all others.
    pub(super) fn apply_excludes(&mut self, stream: &mut Stream) {
        let excluded = std::mem::take(&mut stream.excluded);
        let (Some(first), Some(item)) = (excluded.first(), stream.ty.item()) else { return };
        let span = first.step;
        let ty = stream.ty.clone();
        let current = self.builder.slot("_", Ty::items(item, false).plan());
        let shown = self.catalog.all_fields(item).into_iter();
        let shown: Vec<FieldRef> = shown.filter(|field| excluded.iter().all(|other| other.field != *field)).collect();
        let entries = shown
            .into_iter()
            .map(|field| self.field_entry(&Current { slot: current, ty: ty.element() }, item, field, span));
        let entries = entries.collect();
        stream.push(Step::Project { current, entries }, shaped(&ty, item, ty.is_many()));
    }

    /// Where one item may be missing in a projection, its keys are shown all the same.
    fn show_keys_of_one(&mut self, stream: &mut Stream) {
        let (Ty::Known(ty) | Ty::Scored(ty)) = &stream.ty else { return };
        let Type { kind: Kind::Item(item), many: false } = *ty else { return };
        let span = stream.span;
        let current = Current { slot: self.builder.slot("_", stream.ty.plan()), ty: stream.ty.clone() };
        let fields = self.catalog.all_fields(item).into_iter();
        let entries = fields.map(|field| self.field_entry(&current, item, field, span)).collect();
        stream.push(Step::Project { current: current.slot, entries }, shaped(&current.ty, item, false));
    }

    /// A field of the current item under its own name.
    pub(super) fn field_entry(&mut self, current: &Current, item: ItemType, field: FieldRef, span: Span) -> Entry {
        let key = self.catalog.describe(item, field).0.to_owned();
        Entry { key, value: self.read_slot(current.slot, item, field, span).expr }
    }

    /// A slot for the current element of a stream, named `name`.
    pub(super) fn current(&mut self, name: &str, ty: &Ty) -> Current {
        let ty = ty.element();
        Current { slot: self.builder.slot(name, ty.plan()), ty }
    }

    /// The value of the current element.
    pub(super) fn current_value(&mut self, current: &Current, span: Span) -> Value {
        let expr: Expr = self.builder.expr(ExprKind::Slot(current.slot), current.ty.plan(), span);
        Value { expr, ty: current.ty.clone(), form: Form::Settled, span }
    }
}

/// Items that a projection has given another shape. They have a score still where they had one.
pub(super) const fn shaped(before: &Ty, item: ItemType, many: bool) -> Ty {
    let ty = Type { kind: Kind::Shaped(item), many };
    match before {
        Ty::Scored(_) => Ty::Scored(ty),
        Ty::Unknown | Ty::Known(_) => Ty::Known(ty),
    }
}
