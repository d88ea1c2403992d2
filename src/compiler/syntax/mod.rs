//! Text to lossless syntax tree, with recovery; typed views of the tree.
