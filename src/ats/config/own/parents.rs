//! Parents by address, which a cell does not have: there they are stand-ins with names.

use std::collections::BTreeSet;

use crate::ats::asks::parent_name;
use crate::ats::site::ParentLine;

/// What stands before a parent in its line.
const BEFORE: &[char] = &['=', '"', '\'', ',', ';', ' ', '\t'];

/// `text`, a parent.config with `lines`, with names in place of addresses; and whether it has any.
pub(super) fn with_names(text: &str, lines: &[ParentLine]) -> (String, bool) {
    let all = lines.iter().flat_map(|line| line.parents.iter().chain(&line.secondary));
    let addresses: BTreeSet<(&str, String)> = all
        .filter_map(|parent| parent.rsplit_once(':'))
        .filter_map(|(host, _)| Some((host, parent_name(host)?)))
        .collect();
    let named = addresses.iter().fold(text.to_owned(), |text, (address, name)| replaced(&text, address, name));
    (named, !addresses.is_empty())
}

/// `text` with `name` for each `address` that is a whole host with a port.
fn replaced(text: &str, address: &str, name: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(address) {
        let (before, found) = rest.split_at(at);
        let after = &found[address.len()..];
        out.push_str(before);
        let is_whole = out.chars().next_back().is_none_or(|c| BEFORE.contains(&c)) && after.starts_with(':');
        out.push_str(if is_whole { name } else { address });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::site::ConfigFolder;

    #[test]
    fn whole_addresses_of_parents_are_replaced_and_nothing_else() {
        let text = "dest_ip=10.1.2.3 parent=\"10.1.2.3:80|0.5;110.1.2.3:80, up.com:81\" secondary_parent=10.1.2.3:81\n";
        let files = [("parent.config".to_owned(), text.as_bytes().to_vec())].into();
        let (named, has_addresses) = with_names(text, &ConfigFolder::read(&files).parents);
        assert!(has_addresses);
        assert_eq!(
            named,
            "dest_ip=10.1.2.3 parent=\"10-1-2-3.parent.example:80|0.5;110-1-2-3.parent.example:80, up.com:81\" \
             secondary_parent=10-1-2-3.parent.example:81\n"
        );
        assert_eq!(with_names("# none\n", &[]), ("# none\n".to_owned(), false));
    }
}
