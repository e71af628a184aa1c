# Downloads a release tarball and patches into $dist and lets nothing through unverified.
#   URLS SHA256                      a checksum we know, or else
#   SIGNATURE_URL KEYS_URL           the release's own detached signature, by a key of the project, and/or
#   SHA512_URL                       the release's own checksum
#   PATCHES                          see patches.sh; always by checksum
. /recipe/recipe.sh
. /recipe/patches.sh

by_signature() {
    GNUPGHOME=$(mktemp -d)
    export GNUPGHOME
    # Keys of old signatures may be expired, and broken ones abound in such files: import says so
    # with its exit status. What counts is whether a key of the file made this signature.
    gpg --batch --quiet --import "$work/KEYS" || true
    gpg --batch --status-fd 3 --verify "$work/asc" "$dist/source" 3>"$work/status" || true
    if ! grep -q '^\[GNUPG:\] VALIDSIG ' "$work/status" ||
        grep -qE '^\[GNUPG:\] (BADSIG|REVKEYSIG|EXPSIG) ' "$work/status"; then
        fail "$(basename "$SIGNATURE_URL") is no good signature of $(basename "$source_url") by a key of $KEYS_URL"
    fi
    verified="$verified,signature:$(sed -n 's/^\[GNUPG:\] VALIDSIG \([0-9A-F]*\).*/\1/p' "$work/status" | head -n1)"
    rm -rf "$GNUPGHOME"
}

by_sha512() {
    actual=$(sha512sum "$dist/source" | cut -d' ' -f1)
    # `HEX  name`, `HEX *name` and gpg's upper-case groups of digits are all in use.
    tr -d ' \n' <"$work/sha512" | tr 'A-F' 'a-f' | grep -qF "$actual" ||
        fail "sha512 of $(basename "$source_url") is not the one in $SHA512_URL"
    verified="$verified,sha512"
}

mkdir -p $dist
work=$(mktemp -d)
[ -n "${URLS:-}" ] || [ -e $dist/source ] || fail 'URLS is needed: where to get the tarball'

if [ -n "${URLS:-}" ]; then
    phase fetch
    [ -n "${SHA256:-}${SIGNATURE_URL:-}${SHA512_URL:-}" ] ||
        fail 'nothing to verify the tarball with: SHA256, SIGNATURE_URL and SHA512_URL are empty'
    [ -z "${SIGNATURE_URL:-}" ] || [ -n "${KEYS_URL:-}" ] || fail 'SIGNATURE_URL is of no use without KEYS_URL'
    # shellcheck disable=SC2086 # a list of URLs
    fetch $dist/source $URLS
    source_url=$fetched_from
    if [ -z "${SHA256:-}" ]; then
        if [ -n "${SIGNATURE_URL:-}" ]; then
            fetch "$work/asc" "$SIGNATURE_URL"
            fetch "$work/KEYS" "$KEYS_URL"
        fi
        [ -z "${SHA512_URL:-}" ] || fetch "$work/sha512" "$SHA512_URL"
    fi

    phase verify
    verified=
    if [ -n "${SHA256:-}" ]; then
        check_sha256 $dist/source "$SHA256" "$(basename "$source_url")"
        verified=,sha256
    else
        # All that is given must hold: a bad signature is never made good by a checksum.
        [ -z "${SIGNATURE_URL:-}" ] || by_signature
        [ -z "${SHA512_URL:-}" ] || by_sha512
    fi
    verified=${verified#,}
    echo "verified by $verified"
    echo "source sha256=$(sha256sum $dist/source | cut -d' ' -f1) verified=$verified url=$source_url" >$dist/provenance
fi

# Patches lie under their checksum, so an archive that many patches come from is fetched once.
get_patch() {
    if [ ! -e "$dist/$patch_sha256" ]; then
        phase fetch
        # shellcheck disable=SC2086 # a list of URLs
        fetch "$dist/$patch_sha256.part" $patch_urls
        phase verify
        check_sha256 "$dist/$patch_sha256.part" "$patch_sha256" "$(basename "$fetched_from")"
        mv "$dist/$patch_sha256.part" "$dist/$patch_sha256"
    fi
    echo "patch $patch_line" >>$dist/provenance
}
each_patch get_patch
printf '%s\n' "${PATCHES:-}" >$dist/patches
printf '%s\n' "${CONFIGURE:-}" >$dist/configure
rm -rf "$work" /tmp/atsmatrix.*
