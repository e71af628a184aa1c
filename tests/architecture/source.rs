//! Reads the sources with `syn`: the modules of the crate without their tests, and every path in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// A path as its segments.
pub(crate) type Segments = Vec<String>;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the crate that is not a test.
pub(crate) struct Source {
    /// Path of the file below the root of the repository.
    pub(crate) file: PathBuf,
    /// Path of its module, without `crate`.
    pub(crate) module: Segments,
    syntax: syn::File,
    lines: usize,
}

/// Every module that `lib.rs` declares, directly or indirectly, without test modules.
pub(crate) fn crate_sources() -> Vec<Source> {
    let mut sources = Vec::new();
    read_module(&root().join("src/lib.rs"), &root().join("src"), &[], &mut sources);
    sources
}

/// Reads `file`, and the modules that it declares in files below `folder`.
fn read_module(file: &Path, folder: &Path, module: &[String], sources: &mut Vec<Source>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let declared: Vec<String> = syntax
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(item) if item.content.is_none() && !is_test(&item.attrs) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect();
    let relative = file.strip_prefix(root()).unwrap().to_owned();
    sources.push(Source { file: relative, module: module.to_vec(), syntax, lines: text.lines().count() });
    for name in declared {
        let (flat, nested) = (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
        let file = if nested.exists() { nested } else { flat };
        let module = [module, std::slice::from_ref(&name)].concat();
        read_module(&file, &folder.join(&name), &module, sources);
    }
}

/// Whether the attributes compile an item for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        meta => meta.path().segments.last().is_some_and(|segment| segment.ident == "test"),
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// A function outside tests.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) lines: usize,
}

impl Source {
    /// A source of the module `module` with this text, as if it were a file of the crate.
    pub(crate) fn of_text(module: &[&str], text: &str) -> Self {
        Self {
            file: PathBuf::from("text.rs"),
            module: module.iter().map(ToString::to_string).collect(),
            syntax: syn::parse_file(text).unwrap(),
            lines: text.lines().count(),
        }
    }

    /// Lines outside of tests.
    pub(crate) fn lines(&self) -> usize {
        let tests = self.syntax.items.iter().filter(|item| is_test(attributes(item)));
        let lines = |item: &syn::Item| item.span().end().line + 1 - item.span().start().line;
        self.lines - tests.map(lines).sum::<usize>()
    }

    /// Names of the types and traits that the file defines at the level of modules.
    pub(crate) fn types(&self) -> Vec<String> {
        let mut found = Types(Vec::new());
        found.visit_file(&self.syntax);
        found.0
    }

    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Functions(Vec::new());
        found.visit_file(&self.syntax);
        found.0
    }

    /// Every path in the file, absolute: `crate::a::b` as `["crate", "a", "b"]`, others from the name of their crate.
    /// `modules` are the paths of all modules of the crate.
    pub(crate) fn paths(&self, modules: &BTreeSet<Segments>) -> BTreeSet<Segments> {
        let mut reader = Paths { module: self.module.clone(), found: Vec::new(), aliases: BTreeMap::new() };
        reader.visit_file(&self.syntax);
        let Paths { found, aliases, .. } = reader;
        found.into_iter().map(|(module, path)| resolve(&module, &path, &aliases, modules, ALIAS_DEPTH)).collect()
    }
}

/// How many imports of imports are followed; more would be a cycle of a name with itself.
const ALIAS_DEPTH: usize = 4;

/// The absolute form of `path` as written in `module`.
fn resolve(
    module: &[String],
    path: &[String],
    aliases: &BTreeMap<String, (Segments, Segments)>,
    modules: &BTreeSet<Segments>,
    depth: usize,
) -> Segments {
    let absolute = |module: &[String], rest: &[String]| [&["crate".to_owned()], module, rest].concat();
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    match first.as_str() {
        "crate" => return path.to_vec(),
        "self" => return absolute(module, rest),
        "super" => {
            let ups = path.iter().take_while(|segment| *segment == "super").count();
            return absolute(&module[..module.len().saturating_sub(ups)], &path[ups..]);
        }
        _ => {}
    }
    if modules.contains(&[module, std::slice::from_ref(first)].concat()) {
        return absolute(module, path);
    }
    match aliases.get(first) {
        Some((there, target)) if depth > 0 && target.first() != Some(first) => {
            let target = resolve(there, target, aliases, modules, depth - 1);
            [target.as_slice(), rest].concat()
        }
        _ => path.to_vec(),
    }
}

/// Collects paths and imported names.
struct Paths {
    /// The module that is being read.
    module: Segments,
    /// Paths with the module in which they are written.
    found: Vec<(Segments, Segments)>,
    /// Imported names, with the module of the import and its path.
    aliases: BTreeMap<String, (Segments, Segments)>,
}

impl Paths {
    fn add(&mut self, path: Segments) {
        self.found.push((self.module.clone(), path));
    }

    fn add_use(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(tree) => return self.add_use(&tree.tree, &with(&tree.ident)),
            syn::UseTree::Group(tree) => return tree.items.iter().for_each(|tree| self.add_use(tree, before)),
            syn::UseTree::Glob(_) => return self.add(before.to_vec()),
            syn::UseTree::Name(tree) if tree.ident == "self" => (before.to_vec(), before.last().cloned()),
            syn::UseTree::Name(tree) => (with(&tree.ident), Some(tree.ident.to_string())),
            syn::UseTree::Rename(tree) if tree.ident == "self" => (before.to_vec(), Some(tree.rename.to_string())),
            syn::UseTree::Rename(tree) => (with(&tree.ident), Some(tree.rename.to_string())),
        };
        self.aliases.extend(name.map(|name| (name, (self.module.clone(), path.clone()))));
        self.add(path);
    }

    /// Paths in the tokens of a macro, where `a::{b, c}` may be a tree of imports.
    fn add_tokens(&mut self, tokens: TokenStream, before: &[String]) {
        let mut path: Segments = before.to_vec();
        let (mut colons, mut empty) = (0, true);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons < 2 && !empty {
                        self.add(std::mem::replace(&mut path, before.to_vec()));
                    }
                    path.push(ident.to_string());
                    (colons, empty) = (0, false);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                // `$crate` is `crate`.
                TokenTree::Punct(punct) if punct.as_char() == '$' => {}
                TokenTree::Group(group) if colons >= 2 && group.delimiter() == Delimiter::Brace => {
                    self.add_tokens(group.stream(), &path);
                    (path, colons, empty) = (before.to_vec(), 0, true);
                }
                other => {
                    if !empty {
                        self.add(std::mem::replace(&mut path, before.to_vec()));
                    }
                    (colons, empty) = (0, true);
                    match other {
                        TokenTree::Group(group) => self.add_tokens(group.stream(), &[]),
                        // Attributes name functions as texts: `#[serde(default = "crate::x")]`.
                        TokenTree::Literal(literal) => {
                            let text = syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|text| text.value());
                            if let Ok(path) = text.and_then(|text| syn::parse_str::<syn::Path>(&text)) {
                                self.add(segments(&path));
                            }
                        }
                        TokenTree::Ident(_) | TokenTree::Punct(_) => {}
                    }
                }
            }
        }
        if !empty {
            self.add(path);
        }
    }
}

fn segments(path: &syn::Path) -> Segments {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.add(segments(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'a syn::Macro) {
        self.visit_path(&item.path);
        self.add_tokens(item.tokens.clone(), &[]);
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.visit_path(&list.path);
            self.add_tokens(list.tokens.clone(), &[]);
        }
    }

    /// `pub(super)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}
}

struct Types(Vec<String>);

impl<'a> Visit<'a> for Types {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if is_test(attributes(item)) {
            return;
        }
        match item {
            syn::Item::Enum(item) => self.0.push(item.ident.to_string()),
            syn::Item::Struct(item) => self.0.push(item.ident.to_string()),
            syn::Item::Trait(item) => self.0.push(item.ident.to_string()),
            syn::Item::Type(item) => self.0.push(item.ident.to_string()),
            syn::Item::Mod(_) => visit::visit_item(self, item),
            // What is defined inside of functions has no name outside.
            _ => {}
        }
    }
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let from = signature.fn_token.span.start().line;
        let to = block.brace_token.span.close().end().line;
        self.0.push(Function { name: signature.ident.to_string(), lines: to + 1 - from });
    }
}

impl<'a> Visit<'a> for Functions {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
