# Sourced after recipe.sh: reads PATCHES, one patch a line, words in any order:
#   url=URL...      where to get it; repeat the word for further places
#   sha256=HEX      of what the URL gives
#   file=PATH       the patch inside that archive; absent: the URL gives the patch itself
#   only=GLOB...    keep only the changes to files that match (paths without the first component)

# each_patch COMMAND: runs it once a patch with $patch_urls $patch_sha256 $patch_file $patch_only set.
each_patch() {
    patch_list=$(entries "${PATCHES:-}")
    set -f # the globs are filterdiff's, not the shell's
    while read -r patch_line; do
        [ -n "$patch_line" ] || continue
        patch_urls='' patch_sha256='' patch_file='' patch_only=''
        for word in $patch_line; do
            case $word in
            url=*) patch_urls="$patch_urls ${word#url=}" ;;
            sha256=*) patch_sha256=${word#sha256=} ;;
            file=*) patch_file=${word#file=} ;;
            only=*) patch_only="$patch_only ${word#only=}" ;;
            *) fail "PATCHES: unknown word $word" ;;
            esac
        done
        [ -n "$patch_urls" ] && [ -n "$patch_sha256" ] || fail "PATCHES: url= and sha256= are needed: $patch_line"
        "$1"
    done <<EOF
$patch_list
EOF
    set +f
}
