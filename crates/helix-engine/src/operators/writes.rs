//! What changes the store: creations, updates, upserts, deletions. All of their input is computed before they write.

use helix_plan::{DefaultValue, EdgeEnd, FieldId, ItemType, Literal};
use uuid::Uuid;

use super::Run;
use super::datum::{Datum, Item};
use crate::error::{EngineError, Result};
use crate::graph::Ends;
use crate::ids::ItemId;
use crate::value::{Date, Value};

/// Values for fields of a type.
pub type Fields<'f, 'a> = &'f [(FieldId, Value<'a>)];

impl<'a> Run<'a, '_> {
    /// A created item, as it is stored.
    fn created(&self, item: ItemType, id: ItemId) -> Result<Item<'a>> {
        self.load(Item::new(item, id))
    }

    /// A value for every field of a new item: what is given, else the default.
    fn initial(&self, item: ItemType, fields: Fields<'_, 'a>) -> Vec<Value<'a>> {
        let default = |default: &'a Option<DefaultValue>| match default {
            None => Value::Null,
            Some(DefaultValue::Now) => Value::Date(self.now),
            Some(DefaultValue::Literal(literal)) => self.literal(literal),
        };
        let declared = &self.catalog.get(item).fields;
        let mut values: Vec<Value<'a>> = declared.iter().map(|field| default(&field.default)).collect();
        for (field, value) in fields {
            if !value.is_null() {
                values[field.index()] = *value;
            }
        }
        values
    }

    /// A constant.
    #[must_use]
    pub fn literal(&self, literal: &'a Literal) -> Value<'a> {
        match literal {
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Integer(value) => {
                i64::try_from(*value).map_or_else(|_| Value::unsigned(value.unsigned_abs()), Value::Int)
            }
            Literal::Unsigned(value) => Value::unsigned(*value),
            Literal::F32(value) => Value::F32(*value),
            Literal::F64(value) => Value::F64(*value),
            Literal::String(value) => Value::Str(value),
            Literal::Date { seconds, nanoseconds } => {
                Value::Date(Date { seconds: *seconds, nanoseconds: *nanoseconds })
            }
            Literal::Id(value) => Value::Id(Uuid::from_u128(*value)),
            Literal::List(elements) => {
                Value::List(self.arena.alloc_slice_fill_iter(elements.iter().map(|element| self.literal(element))))
            }
        }
    }

    /// Creates a node.
    ///
    /// # Errors
    ///
    /// When a value does not fit its field, is held by another node although it must be unique, or the store fails.
    pub fn add_node(&self, node: ItemType, fields: Fields<'_, 'a>) -> Result<Item<'a>> {
        let id = self.access.mutations()?.insert_node(node, &self.initial(node, fields))?;
        self.created(node, id)
    }

    /// Creates an edge for each pair of ends, those of the first start first.
    ///
    /// # Errors
    ///
    /// When an end does not exist, the pair is joined already although it must not be, or as [`Run::add_node`].
    pub fn add_edges(
        &self,
        edge: ItemType,
        fields: Fields<'_, 'a>,
        from: &[ItemId],
        to: &[ItemId],
    ) -> Result<Vec<Item<'a>>> {
        let values = self.initial(edge, fields);
        if from.is_empty() || to.is_empty() {
            self.access.mutations()?.check_ends(edge, from, to)?;
        }
        let mut created = Vec::with_capacity(from.len() * to.len());
        for from in from {
            for to in to {
                self.tick()?;
                let ends = Ends { from: *from, to: *to };
                let id = self.access.mutations()?.insert_edge(edge, ends, &values)?;
                created.push(self.created(edge, id)?);
            }
        }
        Ok(created)
    }

    /// Creates the edge between two ends, of which each is one.
    ///
    /// # Errors
    ///
    /// As [`Run::add_edges`]; [`EngineError::NoValue`] when there are none or many.
    pub fn add_edge(&self, edge: ItemType, fields: Fields<'_, 'a>, from: &[ItemId], to: &[ItemId]) -> Result<Item<'a>> {
        match &self.add_edges(edge, fields, from, to)?[..] {
            [one] => Ok(*one),
            _ => Err(EngineError::NoValue),
        }
    }

    /// Creates a vector.
    ///
    /// # Errors
    ///
    /// When the dimension is another one, or as [`Run::add_node`].
    pub fn add_vector(&self, vector: ItemType, fields: Fields<'_, 'a>, data: &[f32]) -> Result<Item<'a>> {
        let id = self.access.mutations()?.insert_vector(vector, data, &self.initial(vector, fields))?;
        self.created(vector, id)
    }

    /// Creates a vector of each element of a list.
    ///
    /// # Errors
    ///
    /// As [`Run::add_vector`].
    pub fn add_vectors(&self, vector: ItemType, list: Value<'a>) -> Result<Vec<Item<'a>>> {
        let Value::List(elements) = list else {
            return Err(EngineError::BadValue("a list of vectors was expected".to_owned()));
        };
        let mut created = Vec::with_capacity(elements.len());
        for element in elements {
            self.tick()?;
            created.push(self.add_vector(vector, &[], &self.floats(*element)?)?);
        }
        Ok(created)
    }

    /// Creates an edge between each item and the items at its other end, those of the first item first.
    ///
    /// # Errors
    ///
    /// As [`Run::add_edges`].
    pub fn add_edges_of(
        &self,
        edge: ItemType,
        fields: Fields<'_, 'a>,
        items: &[Item<'a>],
        end: EdgeEnd,
        others: &[ItemId],
    ) -> Result<Vec<Item<'a>>> {
        let items: Vec<ItemId> = items.iter().map(|item| item.id).collect();
        match end {
            EdgeEnd::To => self.add_edges(edge, fields, &items, others),
            EdgeEnd::From => {
                let mut created = Vec::with_capacity(items.len() * others.len());
                for item in &items {
                    created.extend(self.add_edges(edge, fields, others, &[*item])?);
                }
                if items.is_empty() {
                    self.access.mutations()?.check_ends(edge, others, &[])?;
                }
                Ok(created)
            }
        }
    }

    /// Values for fields, without those of `optional` fields that are null.
    #[must_use]
    pub fn given(&self, fields: Fields<'_, 'a>, optional: &[FieldId]) -> Vec<(FieldId, Value<'a>)> {
        let is_given = |(field, value): &&(FieldId, Value<'a>)| !value.is_null() || !optional.contains(field);
        fields.iter().filter(is_given).copied().collect()
    }

    /// The items that an end of an edge names. One that cannot be an id of this database does not exist.
    ///
    /// # Errors
    ///
    /// [`EngineError::NodeNotFound`] when it is neither an id nor an item.
    pub fn ends(&self, datum: Datum<'a>) -> Result<Vec<ItemId>> {
        let end = |element: &Datum<'a>| self.id_of(element).ok_or(EngineError::NodeNotFound);
        match datum {
            Datum::Stream(elements) => elements.iter().map(end).collect(),
            one => Ok(vec![end(&one)?]),
        }
    }

    /// Updates every item and gives the first.
    ///
    /// # Errors
    ///
    /// As [`Run::add_node`], or when one was deleted.
    pub fn update(&self, item: ItemType, items: &[Item<'a>], fields: Fields<'_, 'a>) -> Result<Option<Item<'a>>> {
        let mutations = self.access.mutations()?;
        for found in items {
            self.tick()?;
            mutations.update(item, found.id, fields)?;
        }
        items.first().map(|first| self.created(item, first.id)).transpose()
    }

    /// Updates the node that was found, or creates one.
    ///
    /// # Errors
    ///
    /// As [`Run::add_node`].
    pub fn upsert_node(&self, node: ItemType, found: Option<Item<'a>>, fields: Fields<'_, 'a>) -> Result<Item<'a>> {
        match found {
            Some(found) => self.replaced(node, found.id, fields),
            None => self.add_node(node, fields),
        }
    }

    /// Updates the first edge between two items, or creates one.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoValue`] when an end is none, or as [`Run::add_edges`].
    pub fn upsert_edge(
        &self,
        edge: ItemType,
        from: &[ItemId],
        to: &[ItemId],
        fields: Fields<'_, 'a>,
    ) -> Result<Item<'a>> {
        let (Some(from), Some(to)) = (from.first(), to.first()) else { return Err(EngineError::NoValue) };
        match self.access.edge_between(self.catalog.get(edge), *from, *to)? {
            Some(id) => self.replaced(edge, id, fields),
            None => self.add_edge(edge, fields, &[*from], &[*to]),
        }
    }

    /// Replaces the components of the vector that was found and updates it, or creates one.
    ///
    /// # Errors
    ///
    /// As [`Run::add_vector`].
    pub fn upsert_vector(
        &self,
        vector: ItemType,
        found: Option<Item<'a>>,
        data: &[f32],
        fields: Fields<'_, 'a>,
    ) -> Result<Item<'a>> {
        match found {
            Some(found) => {
                self.access.mutations()?.replace_vector(vector, found.id, data)?;
                self.replaced(vector, found.id, fields)
            }
            None => self.add_vector(vector, fields, data),
        }
    }

    fn replaced(&self, item: ItemType, id: ItemId, fields: Fields<'_, 'a>) -> Result<Item<'a>> {
        self.access.mutations()?.update(item, id, fields)?;
        self.created(item, id)
    }

    /// An upsert by an id never creates: fails when no item has it.
    ///
    /// # Errors
    ///
    /// [`EngineError::NodeNotFound`] and its like.
    pub fn refuse_unknown(&self, item: ItemType, id: Datum<'a>) -> Result<()> {
        match self.unknown(item, id) {
            EngineError::NoValue => Ok(()),
            error => Err(error),
        }
    }

    /// Deletes items, with the edges of nodes and vectors; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn delete(&self, items: &[Item<'a>]) -> Result<()> {
        let mutations = self.access.mutations()?;
        for item in items {
            self.tick()?;
            mutations.delete(item.ty, item.id)?;
        }
        Ok(())
    }
}
