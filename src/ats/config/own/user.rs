//! The user that a configuration names for ATS (`proxy.config.admin.user_id`): a package's ATS is started by root and becomes it.

/// The name of the user with the number `id`; without one, `#` and the number, as ATS writes it.
pub fn name_of(id: &str, passwd: &str) -> String {
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(id));
    line.and_then(|line| line.split(':').next()).map_or_else(|| format!("#{id}"), str::to_owned)
}

/// Whether `value`, a name or `#` with a number, is a user other than root in `passwd`, the text of a passwd(5) file.
pub(super) fn is_known(value: &str, passwd: &str) -> bool {
    passwd.lines().any(|line| {
        let mut fields = line.split(':');
        let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else { return false };
        let named = value.strip_prefix('#').map_or(name == value, |number| id == number);
        named && id != "0" && id.parse::<u32>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{is_known, name_of};

    #[test]
    fn a_number_without_a_name_is_told_as_ats_writes_it() {
        assert_eq!(name_of("100", "root:x:0:0::/:\nats:x:100:1::/:\n"), "ats");
        assert_eq!(name_of("7", "root:x:0:0::/:\n"), "#7");
    }

    #[test]
    fn root_and_users_that_the_image_lacks_are_no_users_for_ats() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\ntrafficserver:x:100:101::/run:/usr/sbin/nologin\nbroken\n:x:y\n";
        for (value, known) in [
            ("trafficserver", true),
            ("#100", true),
            ("root", false),
            ("#0", false),
            ("#-1", false),
            ("ats", false),
            ("#101", false),
            ("broken", false),
            ("", false),
        ] {
            assert_eq!(is_known(value, passwd), known, "{value}");
        }
        assert!(!is_known("trafficserver", ""));
    }
}
