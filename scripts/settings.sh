#!/bin/sh
# Asks ATS for its settings (name, type, default) and plugins, in images that are there, and prints the tables of
# src/ats/settings:
#
#   scripts/settings.sh settings VERSION=IMAGE...         measured.tsv
#   scripts/settings.sh plugins DISTRO/VERSION=IMAGE...   plugins.tsv
#
# VERSION is what the image's `traffic_server -V` reports, oldest first; an image of `atsmatrix run` with ATS 8.1 or 9, which
# have traffic_manager. Needs docker, or DOCKER=podman. Nothing is fetched and no container has a network.
set -eu
docker=${DOCKER:-docker}
what=${1:?settings or plugins}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/settings" <<'INSIDE'
set -eu
mkdir -p /run/trafficserver /var/log/trafficserver /var/cache/trafficserver
for file in records.config storage.config plugin.config; do : >"/etc/trafficserver/$file"; done
chown -R trafficserver /etc/trafficserver /run/trafficserver /var/log/trafficserver /var/cache/trafficserver
traffic_manager >/tmp/manager.log 2>&1 &
tries=0
until traffic_ctl config get proxy.config.http.cache.http >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { cat /tmp/manager.log >&2; exit 1; }
  sleep 0.5
done
traffic_ctl config match 'proxy\.(config|local)\.' 2>/dev/null | sed -n 's/:.*//p' | sort -u >/tmp/names
# traffic_ctl of 8.1 opens a file for each name, and has a limit.
xargs -n 20 traffic_ctl config describe 2>/dev/null </tmp/names | awk '
  function value() { sub(/^[^:]*: ?/, ""); return $0 }
  /^Name /          { name = value() }
  /^Default Value / { usual = value() }
  /^Data Type /     { print name "\t" value() "\t" usual }' >/tmp/settings
[ "$(wc -l </tmp/names)" = "$(wc -l </tmp/settings)" ] || { echo "not every setting was described" >&2; exit 1; }
cat /tmp/settings
INSIDE

case $what in
settings)
  for pair in "$@"; do
    "$docker" run --rm --network none -i --entrypoint sh "${pair#*=}" -s <"$work/settings" | sed "s/^/${pair%%=*}	/" >>"$work/all"
  done
  printf '# versions:'
  for pair in "$@"; do printf ' %s' "${pair%%=*}"; done
  printf '\n# VERSIONS, NAME, TYPE, DEFAULT; by tabs. From running ATS: scripts/settings.sh. VERSION in a default stands for its own.\n'
  LC_ALL=C awk -F '\t' '{
    gsub(/Server\/[0-9.]+/, "Server/VERSION", $4); gsub(/ATS\/[0-9.]+/, "ATS/VERSION", $4)
    key = $2 "\t" $3 "\t" $4
    before = (key in in_versions) ? in_versions[key] " " : ""
    in_versions[key] = before $1
  } END { for (key in in_versions) print in_versions[key] "\t" key }' "$work/all" | LC_ALL=C sort -t "$(printf '\t')" -k 2,2 -k 1,1V
  ;;
plugins)
  printf '# DISTRO, VERSION, plugins of its package; by tabs. From listing the folders of plugins: scripts/settings.sh.\n'
  for pair in "$@"; do
    key=${pair%%=*}
    names=$("$docker" run --rm --network none --entrypoint sh "${pair#*=}" -c 'cd "$(traffic_layout 2>/dev/null | sed -n "s/^PLUGINDIR: //p")" && ls' | sed -n 's/\.so$/&/p' | tr '\n' ' ')
    printf '%s\t%s\t%s\n' "${key%%/*}" "${key#*/}" "${names% }"
  done
  ;;
*) echo "settings or plugins?" >&2; exit 2 ;;
esac
