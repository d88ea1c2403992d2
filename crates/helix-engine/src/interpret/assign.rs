//! What changes the store: creations, updates, upserts, deletions. Each computes all of its input before it writes.

use helix_plan::{Assignment, DefaultValue, Expr, ExprKind, FieldId, ItemType, Traversal, TypeId};

use super::run::Run;
use crate::error::{EngineError, Result};
use crate::graph::Ends;
use crate::ids::ItemId;
use crate::operators::datum::{Datum, Item};
use crate::value::Value;

impl<'a> Run<'a, '_> {
    /// A created item, as it is stored.
    fn created(&self, item: ItemType, id: ItemId) -> Result<Datum<'a>> {
        self.with_row(Item::new(item, id)).map(Datum::Item)
    }

    /// A value for every field of a new item: what is given, else the default.
    fn initial(&self, item: ItemType, fields: &'a [Assignment]) -> Result<Vec<Value<'a>>> {
        let ty = self.catalog.get(item);
        let default = |default: &'a Option<DefaultValue>| match default {
            None => Value::Null,
            Some(DefaultValue::Now) => Value::Date(self.now),
            Some(DefaultValue::Literal(literal)) => self.literal(literal),
        };
        let mut values: Vec<Value<'a>> = ty.fields.iter().map(|field| default(&field.default)).collect();
        for (field, value) in self.changes(fields)? {
            if !value.is_null() {
                values[field.index()] = value;
            }
        }
        Ok(values)
    }

    fn changes(&self, fields: &'a [Assignment]) -> Result<Vec<(FieldId, Value<'a>)>> {
        fields.iter().map(|assignment| Ok((assignment.field, self.value(&assignment.value)?))).collect()
    }

    pub fn add_node(&self, node: TypeId, fields: &'a [Assignment]) -> Result<Datum<'a>> {
        let item = ItemType::node(node);
        let values = self.initial(item, fields)?;
        let id = self.access.mutations()?.insert_node(item, &values)?;
        self.created(item, id)
    }

    pub fn add_edge(
        &self,
        edge: TypeId,
        from: &'a Expr,
        to: &'a Expr,
        fields: &'a [Assignment],
        many: bool,
    ) -> Result<Datum<'a>> {
        let item = ItemType::edge(edge);
        let values = self.initial(item, fields)?;
        let (from, to) = (self.ends(from)?, self.ends(to)?);
        let mut created = Vec::with_capacity(from.len() * to.len());
        for from in &from {
            for to in &to {
                self.tick()?;
                let ends = Ends { from: *from, to: *to };
                let id = self.access.mutations()?.insert_edge(item, ends, &values)?;
                created.push(self.created(item, id)?);
            }
        }
        match (many, &created[..]) {
            (false, [one]) => Ok(*one),
            (false, _) => Err(EngineError::NoValue),
            (true, created) => Ok(Datum::Stream(self.arena.alloc_slice_copy(created))),
        }
    }

    pub fn add_vector(&self, vector: TypeId, data: &'a Expr, fields: &'a [Assignment]) -> Result<Datum<'a>> {
        let item = ItemType::vector(vector);
        let values = self.initial(item, fields)?;
        let data = self.floats(data)?;
        let id = self.access.mutations()?.insert_vector(item, &data, &values)?;
        self.created(item, id)
    }

    /// The items that an end of an edge names. One that cannot be an id of this database does not exist.
    fn ends(&self, expr: &'a Expr) -> Result<Vec<ItemId>> {
        match self.eval(expr)? {
            Datum::Stream(elements) => Ok(elements.iter().filter_map(Datum::item).map(|item| item.id).collect()),
            Datum::Value(Value::Id(id)) => {
                self.context.codec.decode(id).map(|id| vec![id]).ok_or(EngineError::NodeNotFound)
            }
            one => one.item().map(|item| vec![item.id]).ok_or(EngineError::NodeNotFound),
        }
    }

    fn one_end(&self, expr: &'a Expr) -> Result<ItemId> {
        self.ends(expr)?.first().copied().ok_or(EngineError::NoValue)
    }

    /// Updates every item and gives the first.
    pub fn update(&self, item: ItemType, elements: &[Datum<'a>], fields: &'a [Assignment]) -> Result<Vec<Datum<'a>>> {
        let changes = self.changes(fields)?;
        let mutations = self.access.mutations()?;
        let mut first = None;
        for found in elements.iter().filter_map(Datum::item) {
            self.tick()?;
            mutations.update(item, found.id, &changes)?;
            first.get_or_insert(found.id);
        }
        first.map(|id| self.created(item, id)).into_iter().collect()
    }

    pub fn upsert_node(
        &self,
        node: TypeId,
        found: Option<&Datum<'a>>,
        fields: &'a [Assignment],
        traversal: &'a Traversal,
    ) -> Result<Vec<Datum<'a>>> {
        let item = ItemType::node(node);
        if let Some(found) = found.and_then(Datum::item) {
            return self.update(item, &[Datum::Item(found)], fields);
        }
        self.refuse_unknown_id(traversal)?;
        let values = self.initial(item, fields)?;
        let id = self.access.mutations()?.insert_node(item, &values)?;
        Ok(vec![self.created(item, id)?])
    }

    pub fn upsert_edge(
        &self,
        edge: TypeId,
        from: &'a Expr,
        to: &'a Expr,
        fields: &'a [Assignment],
    ) -> Result<Vec<Datum<'a>>> {
        let item = ItemType::edge(edge);
        let ends = Ends { from: self.one_end(from)?, to: self.one_end(to)? };
        if let Some(id) = self.access.edge_between(self.catalog.get(item), ends.from, ends.to)? {
            return self.update(item, &[Datum::Item(Item::new(item, id))], fields);
        }
        let values = self.initial(item, fields)?;
        let id = self.access.mutations()?.insert_edge(item, ends, &values)?;
        Ok(vec![self.created(item, id)?])
    }

    pub fn upsert_vector(
        &self,
        vector: TypeId,
        found: Option<&Datum<'a>>,
        data: &'a Expr,
        fields: &'a [Assignment],
        traversal: &'a Traversal,
    ) -> Result<Vec<Datum<'a>>> {
        let item = ItemType::vector(vector);
        let data = self.floats(data)?;
        if let Some(found) = found.and_then(Datum::item) {
            self.access.mutations()?.replace_vector(item, found.id, &data)?;
            return self.update(item, &[Datum::Item(found)], fields);
        }
        self.refuse_unknown_id(traversal)?;
        let values = self.initial(item, fields)?;
        let id = self.access.mutations()?.insert_vector(item, &data, &values)?;
        Ok(vec![self.created(item, id)?])
    }

    /// An upsert by id never creates.
    fn refuse_unknown_id(&self, traversal: &'a Traversal) -> Result<()> {
        match self.missing(traversal) {
            EngineError::NoValue => Ok(()),
            error => Err(error),
        }
    }

    /// Deletes what an expression gives; an item that is gone already is no error.
    pub fn delete(&self, expr: &'a Expr) -> Result<()> {
        let mut items = Vec::new();
        let mut add = |datum: Datum<'a>| items.extend(datum.item());
        match &expr.kind {
            ExprKind::Traversal(traversal) => self.stream(traversal, &mut |datum| {
                add(datum);
                Ok(crate::operators::Flow::Continue)
            })?,
            _ => match self.eval(expr)? {
                Datum::Stream(elements) => elements.iter().copied().for_each(add),
                one => add(one),
            },
        }
        let mutations = self.access.mutations()?;
        for item in items {
            self.tick()?;
            mutations.delete(item.ty, item.id)?;
        }
        Ok(())
    }
}
