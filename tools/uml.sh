#!/bin/sh
# tools/uml.sh tls|cgroup [COMMAND…]: runs COMMAND, or else the stories of that use, on a kernel that has what this machine's may lack:
# Debian's User Mode Linux, which is an ordinary process and needs no KVM. It sees this machine's files, read-only, and writes to a disk of
# its own (TMPDIR). Its exit code is that of COMMAND, which must have used what it is there for:
#   tls      TLS from the kernel (module `tls`)
#   cgroup   cgroup v2 with the memory controller
set -eu
cd "$(dirname "$0")/.."
pytest="/usr/bin/python3 -m pytest -q -p no:cacheprovider"
use=${1:-}
[ $# -eq 0 ] || shift
case $use in
  tls) stories="tests/tls tests/websocket/test_websocket_tls.py" used='grep "^TlsTxSw.*[1-9]" /proc/net/tls_stat' ;;
  cgroup) stories=tests/supervisor/test_cgroup_kernel.py used='grep -w memory /sys/fs/cgroup/cgroup.subtree_control' ;;
  *) echo "usage: tools/uml.sh tls|cgroup [COMMAND…]" >&2; exit 2 ;;
esac
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $pytest $stories
place=$PWD/build/uml-$use
# The kernel asks for its ciphers by name; they are where nobody else would look for them.
mkdir -p "$place/lib"
ln -sfn /usr/lib/uml/modules "$place/lib/modules"
printf '#!/bin/sh\nexec /sbin/modprobe -d "%s" "$@"\n' "$place" > "$place/modprobe"
rm -f "$place/disk"
truncate -s 4G "$place/disk"
/sbin/mkfs.ext4 -q -O ^has_journal "$place/disk"

quoted=$(for word; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done)
cat > "$place/start" <<END
#!/bin/sh
for at in proc sysfs; do mount -t \$at \$at /\${at%fs}; done
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mkdir /run/disk
mount -t ext4 /dev/ubda /run/disk
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
echo "$place/modprobe" > /proc/sys/kernel/modprobe
modprobe -d "$place" tls
cd "$PWD"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb TMPDIR=/run/disk ${LABCOAT:+LABCOAT="$LABCOAT"}
$quoted </dev/null
echo "the command ended with \$?"
$used && echo "it used $use"
echo o > /proc/sysrq-trigger
sleep 60
END
chmod +x "$place/start" "$place/modprobe"

linux.uml mem="${MEMORY:-3G}" quiet root=/dev/root rootfstype=hostfs rootflags=/ ro ubd0="$place/disk" init="$place/start" \
  con=null con0=null,fd:1 > "$place/output" &
machine=$!
trap 'kill $machine 2>/dev/null || true; rm -f "$place/disk"' EXIT
trap 'exit 143' INT TERM
tail -f -n +1 --pid=$machine "$place/output"
grep -q "^the command ended with 0" "$place/output" && grep -q "^it used $use" "$place/output"
