//! The response: straight from rows to JSON.

use helix_plan::{FieldId, FieldRef, ItemKind};

use super::Run;
use super::datum::{Datum, Item, Members};
use crate::error::Result;
use crate::value::json;

impl<'a> Run<'a, '_> {
    /// Appends what an expression gave.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn write(&self, datum: Datum<'a>, out: &mut Vec<u8>) -> Result<()> {
        match datum {
            Datum::Value(value) => {
                json::write(&value, out);
                Ok(())
            }
            Datum::Item(item) => self.write_item(&item, out),
            Datum::Shaped(_, members) | Datum::Object(members) => self.write_members(members, out),
            Datum::Stream(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.write(*element, out)?;
                }
                out.push(b']');
                Ok(())
            }
            Datum::Path(nodes, edges) => {
                out.push(b'[');
                self.write_items(nodes, out)?;
                out.push(b',');
                self.write_items(edges, out)?;
                out.push(b']');
                Ok(())
            }
        }
    }

    fn write_items(&self, items: &[Item<'a>], out: &mut Vec<u8>) -> Result<()> {
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write_item(item, out)?;
        }
        out.push(b']');
        Ok(())
    }

    fn write_members(&self, members: Members<'a>, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'{');
        for (index, (name, member)) in members.iter().enumerate() {
            json::key(index, name, out);
            self.write(*member, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Appends a full item: the implicit fields of its kind, then the declared ones.
    ///
    /// # Errors
    ///
    /// As [`Run::load`].
    pub fn write_item(&self, item: &Item<'a>, out: &mut Vec<u8>) -> Result<()> {
        let item = self.load(*item)?;
        let ty = self.catalog.get(item.ty);
        let implicit: &[(&str, FieldRef)] = match item.ty.kind {
            ItemKind::Node => &[("id", FieldRef::Id), ("label", FieldRef::Label)],
            ItemKind::Edge => &[
                ("id", FieldRef::Id),
                ("label", FieldRef::Label),
                ("from_node", FieldRef::FromNode),
                ("to_node", FieldRef::ToNode),
            ],
            ItemKind::Vector => &[
                ("id", FieldRef::Id),
                ("label", FieldRef::Label),
                ("data", FieldRef::Data),
                ("score", FieldRef::Score),
            ],
        };
        out.push(b'{');
        for (index, (name, field)) in implicit.iter().enumerate() {
            json::key(index, name, out);
            json::write(&self.field(&item, *field)?, out);
        }
        for (index, field) in ty.fields.iter().enumerate() {
            json::key(implicit.len() + index, &field.name, out);
            json::write(&self.field(&item, FieldRef::Declared(FieldId(index as u16)))?, out);
        }
        out.push(b'}');
        Ok(())
    }
}
