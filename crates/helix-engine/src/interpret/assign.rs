//! What changes the store: evaluates the input of each operation, in the order that the language says.

use helix_plan::{Assignment, EdgeEnd, Expr, ExprKind, FieldId, ItemType, Traversal};

use super::run::Frame;
use crate::error::Result;
use crate::ids::ItemId;
use crate::operators::datum::{Datum, Item};
use crate::value::Value;

impl<'a> Frame<'a, '_> {
    /// Values for fields: those that are given.
    pub fn fields(&self, fields: &'a [Assignment]) -> Result<Vec<(FieldId, Value<'a>)>> {
        let mut values = Vec::with_capacity(fields.len());
        for Assignment { field, value: expr } in fields {
            let value = self.value(expr)?;
            if !(value.is_null() && matches!(expr.kind, ExprKind::Optional(_))) {
                values.push((*field, value));
            }
        }
        Ok(values)
    }

    pub fn add_node(&self, node: ItemType, fields: &'a [Assignment]) -> Result<Datum<'a>> {
        Ok(Datum::Item(self.run.add_node(node, &self.fields(fields)?)?))
    }

    pub fn add_edge(
        &self,
        edge: ItemType,
        from: &'a Expr,
        to: &'a Expr,
        fields: &'a [Assignment],
        many: bool,
    ) -> Result<Datum<'a>> {
        let fields = self.fields(fields)?;
        let (from, to) = (self.ends(from)?, self.ends(to)?);
        if many {
            let created = self.run.add_edges(edge, &fields, &from, &to)?;
            let created: Vec<Datum<'a>> = created.into_iter().map(Datum::Item).collect();
            return Ok(self.run.stream(&created));
        }
        Ok(Datum::Item(self.run.add_edge(edge, &fields, &from, &to)?))
    }

    pub fn add_vector(&self, vector: ItemType, data: &'a Expr, fields: &'a [Assignment]) -> Result<Datum<'a>> {
        let fields = self.fields(fields)?;
        let data = self.run.floats(self.value(data)?)?;
        Ok(Datum::Item(self.run.add_vector(vector, &fields, &data)?))
    }

    pub fn add_vectors(&self, vector: ItemType, data: &'a Expr) -> Result<Datum<'a>> {
        let created = self.run.add_vectors(vector, self.value(data)?)?;
        let created: Vec<Datum<'a>> = created.into_iter().map(Datum::Item).collect();
        Ok(self.run.stream(&created))
    }

    pub fn add_edges_of(
        &self,
        edge: ItemType,
        items: &[Item<'a>],
        end: EdgeEnd,
        other: &'a Expr,
        fields: &'a [Assignment],
    ) -> Result<Vec<Item<'a>>> {
        let fields = self.fields(fields)?;
        self.run.add_edges_of(edge, &fields, items, end, &self.ends(other)?)
    }

    fn ends(&self, expr: &'a Expr) -> Result<Vec<ItemId>> {
        self.run.ends(self.eval(expr)?)
    }

    pub fn update(&self, item: ItemType, items: &[Item<'a>], fields: &'a [Assignment]) -> Result<Option<Item<'a>>> {
        self.run.update(item, items, &self.fields(fields)?)
    }

    pub fn upsert_node(
        &self,
        node: ItemType,
        found: Option<Item<'a>>,
        fields: &'a [Assignment],
        traversal: &'a Traversal,
    ) -> Result<Item<'a>> {
        self.refuse_unknown(found, traversal)?;
        self.run.upsert_node(node, found, &self.fields(fields)?)
    }

    pub fn upsert_edge(
        &self,
        edge: ItemType,
        from: &'a Expr,
        to: &'a Expr,
        fields: &'a [Assignment],
    ) -> Result<Item<'a>> {
        let (from, to) = (self.ends(from)?, self.ends(to)?);
        self.run.upsert_edge(edge, &from, &to, &self.fields(fields)?)
    }

    pub fn upsert_vector(
        &self,
        vector: ItemType,
        found: Option<Item<'a>>,
        data: &'a Expr,
        fields: &'a [Assignment],
        traversal: &'a Traversal,
    ) -> Result<Item<'a>> {
        let data = self.run.floats(self.value(data)?)?;
        self.refuse_unknown(found, traversal)?;
        self.run.upsert_vector(vector, found, &data, &self.fields(fields)?)
    }

    fn refuse_unknown(&self, found: Option<Item<'a>>, traversal: &'a Traversal) -> Result<()> {
        match (found, traversal.looked_up()) {
            (None, Some((item, id))) => self.run.refuse_unknown(item, self.eval(id)?),
            (Some(_), _) | (None, None) => Ok(()),
        }
    }
}
