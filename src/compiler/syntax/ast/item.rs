//! Schema items: types, fields, versions, migrations.

use super::{Literal, Name, Query, child, children, choices, keyword, token, token_span, views};
use crate::compiler::source::{FileId, Span};
use crate::compiler::syntax::kind::{SyntaxKind, SyntaxToken};

views! {
    /// A whole file.
    SourceFile = SOURCE_FILE;
    /// `schema::2 { … }`
    SchemaBlock = SCHEMA_BLOCK;
    /// `N::User { … }`
    NodeDef = NODE_DEF;
    /// `E::Follows { From: User, To: User, … }`
    EdgeDef = EDGE_DEF;
    /// `V::Doc { … }`
    VectorDef = VECTOR_DEF;
    /// `From: User`
    EdgeFrom = EDGE_FROM;
    /// `To: User`
    EdgeTo = EDGE_TO;
    /// `{ name: String, … }`
    FieldList = FIELD_LIST;
    /// `UNIQUE INDEX name: String DEFAULT "x"`, in a schema item or an object type
    Field = FIELD;
    /// `DEFAULT "x"`
    FieldDefault = FIELD_DEFAULT;
    /// `String`, `User`
    NamedType = NAMED_TYPE;
    /// `[String]`
    ListType = LIST_TYPE;
    /// `{ name: String }`
    ObjectType = OBJECT_TYPE;
    /// `MIGRATION schema::1 => schema::2 { … }`
    Migration = MIGRATION;
    /// `schema::1`
    SchemaVersion = SCHEMA_VERSION;
    /// `N::User => _:: { … }`
    ItemMapping = ITEM_MAPPING;
    /// `N::User` or `_::` in a mapping
    MappedItem = MAPPED_ITEM;
    /// `age: old AS U8`
    FieldMapping = FIELD_MAPPING;
}

choices! {
    /// What a file consists of.
    Item {
        /// A node type.
        Node(NodeDef),
        /// An edge type.
        Edge(EdgeDef),
        /// A vector type.
        Vector(VectorDef),
        /// A schema version.
        Block(SchemaBlock),
        /// A migration.
        Migration(Migration),
        /// A query.
        Query(Query),
    }
    /// A type expression.
    Type {
        /// A scalar or a declared type.
        Named(NamedType),
        /// An array.
        List(ListType),
        /// An object.
        Object(ObjectType),
    }
}

impl SourceFile {
    /// The items, in order.
    pub fn items(&self) -> impl Iterator<Item = Item> + use<> {
        children(&self.0)
    }
}

impl SchemaBlock {
    /// The version.
    #[must_use]
    pub fn version(&self) -> Option<SchemaVersion> {
        child(&self.0)
    }

    /// The items: nodes, edges and vectors.
    pub fn items(&self) -> impl Iterator<Item = Item> + use<> {
        children(&self.0)
    }
}

impl SchemaVersion {
    /// The number, if it fits.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        token(&self.0, SyntaxKind::INT)?.text().parse().ok()
    }

    /// Whether there is a number, even if it does not fit.
    #[must_use]
    pub fn has_number(&self) -> bool {
        token(&self.0, SyntaxKind::INT).is_some()
    }
}

impl NodeDef {
    /// The type's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The fields; none without a body.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        child::<FieldList>(&self.0).into_iter().flat_map(|list| list.fields())
    }
}

impl VectorDef {
    /// The type's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The fields; none without a body.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        child::<FieldList>(&self.0).into_iter().flat_map(|list| list.fields())
    }
}

impl EdgeDef {
    /// The type's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The word `UNIQUE`.
    #[must_use]
    pub fn unique(&self) -> Option<SyntaxToken> {
        keyword(&self.0, "UNIQUE")
    }

    /// The name of the type that edges start at.
    #[must_use]
    pub fn from(&self) -> Option<Name> {
        child::<EdgeFrom>(&self.0).and_then(|from| child(&from.0))
    }

    /// The name of the type that edges end at.
    #[must_use]
    pub fn to(&self) -> Option<Name> {
        child::<EdgeTo>(&self.0).and_then(|to| child(&to.0))
    }

    /// The fields of `Properties`.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        child::<FieldList>(&self.0).into_iter().flat_map(|list| list.fields())
    }
}

impl FieldList {
    /// The fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        children(&self.0)
    }
}

impl Field {
    /// The field's name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }

    /// The word `UNIQUE`.
    #[must_use]
    pub fn unique(&self) -> Option<SyntaxToken> {
        keyword(&self.0, "UNIQUE")
    }

    /// The word `INDEX`.
    #[must_use]
    pub fn index(&self) -> Option<SyntaxToken> {
        keyword(&self.0, "INDEX")
    }

    /// `INDEX` or `UNIQUE INDEX`, and where it stands.
    #[must_use]
    pub fn index_words(&self, file: FileId) -> Option<(&'static str, Span)> {
        let index = token_span(file, &self.index()?);
        Some(match self.unique() {
            Some(unique) => ("UNIQUE INDEX", Span { start: token_span(file, &unique).start, ..index }),
            None => ("INDEX", index),
        })
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }

    /// The `DEFAULT`.
    #[must_use]
    pub fn default(&self) -> Option<FieldDefault> {
        child(&self.0)
    }
}

impl FieldDefault {
    /// The constant, unless it is `NOW` or `NONE`.
    #[must_use]
    pub fn literal(&self) -> Option<Literal> {
        child(&self.0)
    }

    /// Whether it is `NOW`.
    #[must_use]
    pub fn is_now(&self) -> bool {
        keyword(&self.0, "NOW").is_some()
    }

    /// Whether it is `NONE`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        keyword(&self.0, "NONE").is_some()
    }
}

impl NamedType {
    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }
}

impl ListType {
    /// The type of the elements.
    #[must_use]
    pub fn element(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl ObjectType {
    /// The members.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        child::<FieldList>(&self.0).into_iter().flat_map(|list| list.fields())
    }
}

impl Migration {
    /// The version that items come from.
    #[must_use]
    pub fn from(&self) -> Option<SchemaVersion> {
        children(&self.0).next()
    }

    /// The version that items go to.
    #[must_use]
    pub fn to(&self) -> Option<SchemaVersion> {
        children(&self.0).nth(1)
    }

    /// The mappings of items.
    pub fn mappings(&self) -> impl Iterator<Item = ItemMapping> + use<> {
        children(&self.0)
    }
}

impl ItemMapping {
    /// The item of the earlier version.
    #[must_use]
    pub fn from(&self) -> Option<MappedItem> {
        children(&self.0).next()
    }

    /// The item of the later version.
    #[must_use]
    pub fn to(&self) -> Option<MappedItem> {
        children(&self.0).nth(1)
    }

    /// The mappings of fields.
    pub fn fields(&self) -> impl Iterator<Item = FieldMapping> + use<> {
        children(&self.0)
    }
}

impl MappedItem {
    /// `N`, `E` or `V`; `None` for `_::`.
    #[must_use]
    pub fn kind(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::IDENT)
    }

    /// The type's name; `None` for `_::`.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        child(&self.0)
    }
}

impl FieldMapping {
    /// The field of the later version.
    #[must_use]
    pub fn target(&self) -> Option<Name> {
        children(&self.0).next()
    }

    /// The field of the earlier version, unless the value is a constant.
    #[must_use]
    pub fn source(&self) -> Option<Name> {
        children(&self.0).nth(1)
    }

    /// The constant.
    #[must_use]
    pub fn literal(&self) -> Option<Literal> {
        child(&self.0)
    }

    /// Whether the value is `NOW`.
    #[must_use]
    pub fn is_now(&self) -> bool {
        keyword(&self.0, "NOW").is_some()
    }

    /// Whether the value is `NONE`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        keyword(&self.0, "NONE").is_some()
    }

    /// The type behind `AS`.
    #[must_use]
    pub fn cast_type(&self) -> Option<NamedType> {
        child(&self.0)
    }
}
