#!/bin/sh
# tools/ktls_vm.sh [COMMAND…]: runs COMMAND, or else the stories of TLS, on a kernel that knows TLS: Debian's User Mode Linux, which
# is an ordinary process, with its module `tls`. It needs no KVM. It sees this machine's files, read-only, and writes to its own memory
# (TMPDIR). Its exit code is that of COMMAND, which must have had TLS from the kernel.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/tls tests/websocket/test_websocket_tls.py
place=$PWD/build/ktls
# The kernel asks for its ciphers by name; they are where nobody else would look for them.
mkdir -p "$place/lib"
ln -sfn /usr/lib/uml/modules "$place/lib/modules"
printf '#!/bin/sh\nexec /sbin/modprobe -d "%s" "$@"\n' "$place" > "$place/modprobe"

quoted=$(for word; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done)
cat > "$place/start" <<END
#!/bin/sh
for at in proc sysfs; do mount -t \$at \$at /\${at%fs}; done
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
ip link set lo up
echo "$place/modprobe" > /proc/sys/kernel/modprobe
modprobe -d "$place" tls
cd "$PWD"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/run ${LABCOAT:+LABCOAT="$LABCOAT"}
$quoted </dev/null
echo "the command ended with \$?"
grep TxSw /proc/net/tls_stat
echo o > /proc/sysrq-trigger
sleep 60
END
chmod +x "$place/start" "$place/modprobe"

linux.uml mem="${MEMORY:-3G}" quiet root=/dev/root rootfstype=hostfs rootflags=/ ro init="$place/start" con=null con0=null,fd:1 \
  > "$place/output" &
machine=$!
trap 'kill $machine 2>/dev/null || true' EXIT
trap 'exit 143' INT TERM
tail -f -n +1 --pid=$machine "$place/output"
grep -q "^the command ended with 0" "$place/output" && grep -q "^TlsTxSw.*[1-9]" "$place/output"
