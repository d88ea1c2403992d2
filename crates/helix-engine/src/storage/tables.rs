//! The tables. Their keys and values are described byte by byte in `docs/storage-format.md`.

/// A table of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Facts about the database itself, by name.
    Meta = 0x01,
    /// Definitions of types and indexes, by kind and id.
    Catalog = 0x02,
    /// Ids of types and indexes, by kind and name.
    Names = 0x03,
    /// Rows of nodes, by type and id.
    Node = 0x10,
    /// Rows of edges, by type and id.
    Edge = 0x11,
    /// Outgoing edges, by item and edge type.
    Out = 0x12,
    /// Incoming edges, by item and edge type.
    In = 0x13,
    /// The edge of an ordered pair, for unique edge types.
    Pair = 0x14,
    /// Rows of vectors, by type and id.
    Vector = 0x15,
    /// Live items, by kind and type.
    Count = 0x16,
    /// Nodes by the value of an indexed field.
    Index = 0x20,
    /// The node that holds a value of a uniquely indexed field.
    Unique = 0x21,
    /// One vector index: its parameters and counters.
    VectorMeta = 0x30,
    /// Components of vectors, by vector index and slot.
    VectorData = 0x31,
    /// Neighbours at level 0, by vector index and slot.
    VectorLinks = 0x32,
    /// Neighbours above level 0, by vector index, slot and level.
    VectorUpperLinks = 0x33,
    /// Slots free for reuse, by vector index and slot.
    VectorFree = 0x34,
    /// One text index: its counters.
    TextMeta = 0x40,
    /// Numbers of terms, by text index and text.
    TextTerm = 0x41,
    /// Blocks of postings, by text index, term and last document.
    TextPostings = 0x42,
    /// What is kept of documents, by text index and number.
    TextDocument = 0x43,
    /// The document of a node, by text index and id.
    TextDocumentOf = 0x44,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 22] = [
        Self::Meta,
        Self::Catalog,
        Self::Names,
        Self::Node,
        Self::Edge,
        Self::Out,
        Self::In,
        Self::Pair,
        Self::Vector,
        Self::Count,
        Self::Index,
        Self::Unique,
        Self::VectorMeta,
        Self::VectorData,
        Self::VectorLinks,
        Self::VectorUpperLinks,
        Self::VectorFree,
        Self::TextMeta,
        Self::TextTerm,
        Self::TextPostings,
        Self::TextDocument,
        Self::TextDocumentOf,
    ];

    /// The place of the table in [`Table::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        INDEX[self as usize] as usize
    }

    /// The name under which the store keeps the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Catalog => "catalog",
            Self::Names => "names",
            Self::Node => "node",
            Self::Edge => "edge",
            Self::Out => "out",
            Self::In => "in",
            Self::Pair => "pair",
            Self::Vector => "vector",
            Self::Count => "count",
            Self::Index => "index",
            Self::Unique => "unique",
            Self::VectorMeta => "vmeta",
            Self::VectorData => "vdata",
            Self::VectorLinks => "vlink",
            Self::VectorUpperLinks => "vlink+",
            Self::VectorFree => "vfree",
            Self::TextMeta => "tmeta",
            Self::TextTerm => "term",
            Self::TextPostings => "post",
            Self::TextDocument => "doc",
            Self::TextDocumentOf => "docof",
        }
    }

    /// Whether a key may have several values, sorted and of one size.
    #[must_use]
    pub const fn has_duplicates(self) -> bool {
        matches!(self, Self::Out | Self::In | Self::Index)
    }
}

/// Tag byte to place in [`Table::ALL`].
const INDEX: [u8; 0x50] = {
    let mut index = [0; 0x50];
    let mut place = 0;
    while place < Table::ALL.len() {
        index[Table::ALL[place] as usize] = place as u8;
        place += 1;
    }
    index
};
