//! Items and their fields: rows are read when they are needed, and then kept with the item.

use helix_plan::{FieldId, FieldRef, ItemKind, ItemType};

use super::Run;
use super::datum::{Datum, Item, Members};
use crate::error::{EngineError, Result};
use crate::ids::ItemId;
use crate::row::{self, FieldReader};
use crate::value::Value;

/// A declared field of a type, ready to be read from many of its items.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    reader: &'a FieldReader,
}

impl<'a> Run<'a, '_> {
    /// The item with its row.
    ///
    /// # Errors
    ///
    /// When it was deleted since it was found, which is an error of the query's own making.
    #[inline]
    pub fn load(&self, item: Item<'a>) -> Result<Item<'a>> {
        if item.row.is_some() { Ok(item) } else { self.read_row(item) }
    }

    fn read_row(&self, mut item: Item<'a>) -> Result<Item<'a>> {
        let row = self.access.row(self.catalog.get(item.ty), item.id)?;
        item.row = Some(row.ok_or_else(|| self.gone(&item))?);
        Ok(item)
    }

    fn gone(&self, item: &Item<'_>) -> EngineError {
        match item.ty.kind {
            ItemKind::Node => EngineError::NodeNotFound,
            ItemKind::Edge => EngineError::EdgeNotFound,
            ItemKind::Vector => EngineError::VectorNotFound { id: self.context.codec.encode(item.id).to_string() },
        }
    }

    /// What a variable holds in a query that writes: values, not references. Its items are read now, whole.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn settle(&self, datum: Datum<'a>) -> Result<Datum<'a>> {
        Ok(match datum {
            Datum::Item(item) => Datum::Item(self.settle_item(item)?),
            Datum::Stream(elements) => {
                let elements = elements.iter().map(|element| self.settle(*element)).collect::<Result<Vec<_>>>()?;
                Datum::Stream(self.arena.alloc_slice_copy(&elements))
            }
            Datum::Path(nodes, edges) => Datum::Path(self.settle_items(nodes)?, self.settle_items(edges)?),
            Datum::Shaped(item, members) => self.shaped(self.settle_item(*item)?, self.settle_members(members)?),
            Datum::Object(members) => Datum::Object(self.settle_members(members)?),
            Datum::Value(_) => datum,
        })
    }

    fn settle_members(&self, members: Members<'a>) -> Result<Members<'a>> {
        let settled = members.iter().map(|(key, datum)| Ok((*key, self.settle(*datum)?)));
        Ok(self.members(&settled.collect::<Result<Vec<_>>>()?))
    }

    fn settle_items(&self, items: &[Item<'a>]) -> Result<&'a [Item<'a>]> {
        let items = items.iter().map(|item| self.settle_item(*item)).collect::<Result<Vec<_>>>()?;
        Ok(self.arena.alloc_slice_copy(&items))
    }

    /// The same for one item.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn settle_item(&self, item: Item<'a>) -> Result<Item<'a>> {
        let mut item = self.load(item)?;
        if item.ty.kind == ItemKind::Vector && item.data.is_none() {
            item.data = Some(self.components(&item)?);
        }
        Ok(item)
    }

    /// The components of a vector.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn components(&self, item: &Item<'a>) -> Result<&'a [f32]> {
        if let Some(data) = item.data {
            return Ok(data);
        }
        let item = self.load(*item)?;
        let slot = row::vector_slot(item.row.unwrap_or_default())?;
        self.access.components(self.catalog.get(item.ty), slot)
    }

    /// The id of an item, as the outside sees it.
    #[must_use]
    pub fn id(&self, item: &Item<'a>) -> Value<'a> {
        Value::Id(self.context.codec.encode(item.id))
    }

    /// A declared field of a type.
    #[must_use]
    pub fn column(&self, item: ItemType, field: FieldId) -> Column<'a> {
        Column { reader: &self.catalog.get(item).field(field).reader }
    }

    /// A declared field of an item of the column's type.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    #[inline]
    pub fn read(&self, item: &Item<'a>, column: Column<'a>) -> Result<Value<'a>> {
        match item.row {
            Some(row) => column.reader.read(row, self.arena),
            None => column.reader.read(self.read_row(*item)?.row.unwrap_or_default(), self.arena),
        }
    }

    /// Any field of an item.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn field(&self, item: &Item<'a>, field: FieldRef) -> Result<Value<'a>> {
        Ok(match field {
            FieldRef::Id => self.id(item),
            FieldRef::Label => Value::Str(&self.catalog.get(item.ty).name),
            FieldRef::Score => Value::F32(item.score),
            FieldRef::Data => Value::Floats(self.components(item)?),
            FieldRef::FromNode | FieldRef::ToNode => {
                let item = self.load(*item)?;
                let (from, to) = row::edge_ends(item.row.unwrap_or_default())?;
                Value::Id(self.context.codec.encode(if field == FieldRef::FromNode { from } else { to }))
            }
            FieldRef::Declared(id) => self.read(item, self.column(item.ty, id))?,
        })
    }

    /// A field of whatever an expression gave: of the first of many, null of none.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn field_of(&self, datum: Datum<'a>, field: FieldRef) -> Result<Value<'a>> {
        let item = match datum {
            Datum::Stream(elements) => elements.first().and_then(Datum::item),
            one => one.item(),
        };
        item.map_or(Ok(Value::Null), |item| self.field(&item, field))
    }

    /// A member of an object parameter; null of anything else.
    #[must_use]
    pub fn member(&self, object: Value<'a>, index: u16) -> Value<'a> {
        match object {
            Value::Object(members) => members.get(usize::from(index)).map_or(Value::Null, |(_, member)| *member),
            _ => Value::Null,
        }
    }

    /// What an expression gave as one value: the id of an item, the first of many.
    #[must_use]
    pub fn value(&self, datum: Datum<'a>) -> Value<'a> {
        match datum {
            Datum::Value(value) => value,
            Datum::Item(item) => self.id(&item),
            Datum::Stream(elements) => elements.first().map_or(Value::Null, Datum::value),
            Datum::Shaped(..) | Datum::Object(..) | Datum::Path(..) => Value::Null,
        }
    }

    /// A value that may be missing from the request, where it must not be.
    ///
    /// # Errors
    ///
    /// [`EngineError::MissingParameter`] when it is missing.
    pub fn required(&self, value: Value<'a>, name: &str) -> Result<Value<'a>> {
        if value.is_null() { Err(EngineError::MissingParameter { name: name.to_owned() }) } else { Ok(value) }
    }

    /// An array: of values where all elements are values, else of whatever they are.
    #[must_use]
    pub fn list(&self, elements: &[Datum<'a>]) -> Datum<'a> {
        let value = |element: &Datum<'a>| if let Datum::Value(value) = element { Some(*value) } else { None };
        match elements.iter().map(value).collect::<Option<Vec<_>>>() {
            Some(values) => Datum::Value(self.values(&values)),
            None => self.stream(elements),
        }
    }

    /// An array of values.
    #[must_use]
    pub fn values(&self, elements: &[Value<'a>]) -> Value<'a> {
        Value::List(self.arena.alloc_slice_copy(elements))
    }

    /// Many elements.
    #[must_use]
    pub fn stream(&self, elements: &[Datum<'a>]) -> Datum<'a> {
        Datum::Stream(self.arena.alloc_slice_copy(elements))
    }

    /// An object.
    #[must_use]
    pub fn members(&self, members: &[(&'a str, Datum<'a>)]) -> Members<'a> {
        self.arena.alloc_slice_copy(members)
    }

    /// An item in the shape of an object.
    #[must_use]
    pub fn shaped(&self, item: Item<'a>, members: &[(&'a str, Datum<'a>)]) -> Datum<'a> {
        Datum::Shaped(self.arena.alloc(item), self.members(members))
    }

    /// What a loop goes through: the elements of an array, of the data of a vector or of a stream; one of one, none of null.
    #[must_use]
    pub fn elements(&self, list: Datum<'a>) -> Vec<Datum<'a>> {
        match list {
            Datum::Stream(elements) => elements.to_vec(),
            Datum::Value(Value::List(elements)) => elements.iter().map(|value| Datum::Value(*value)).collect(),
            Datum::Value(Value::Floats(elements)) => {
                elements.iter().map(|value| Datum::Value(Value::F32(*value))).collect()
            }
            Datum::Value(Value::Null) => Vec::new(),
            one => vec![one],
        }
    }

    /// The ids that an expression names: ids, lists of ids, items. One that cannot be of this database is left out.
    pub(super) fn ids(&self, datum: Datum<'a>) -> Vec<ItemId> {
        self.elements(datum).iter().filter_map(|element| self.id_of(element)).collect()
    }

    /// The id that an element is or has; none where it cannot be of this database.
    pub(super) fn id_of(&self, element: &Datum<'a>) -> Option<ItemId> {
        match element {
            Datum::Value(Value::Id(id)) => self.context.codec.decode(*id),
            one => one.item().map(|item| item.id),
        }
    }

    /// Why a look-up by one id, or a list of them, whose stream was not filtered, gave no element.
    #[must_use]
    pub fn missing(&self, item: ItemType, id: Datum<'a>) -> EngineError {
        match id {
            Datum::Stream(_) | Datum::Value(Value::List(_)) => EngineError::NoValue,
            one => self.unknown(item, one),
        }
    }

    /// The same, where a list is no different from one id.
    pub(super) fn unknown(&self, item: ItemType, id: Datum<'a>) -> EngineError {
        let ty = self.catalog.get(item);
        for known in self.ids(id) {
            match self.access.row(ty, known) {
                Ok(None) => {}
                Ok(Some(_)) => return EngineError::NoValue,
                Err(error) => return error,
            }
        }
        match item.kind {
            ItemKind::Node => EngineError::NodeNotFound,
            ItemKind::Edge => EngineError::EdgeNotFound,
            ItemKind::Vector => {
                let id = match self.value(id) {
                    Value::Id(id) => id.to_string(),
                    _ => "unknown".to_owned(),
                };
                EngineError::VectorNotFound { id }
            }
        }
    }
}
