#!/bin/bash
# In new namespaces: makes a throw-away root over the machine's own that systemd accepts, and becomes systemd.
# $TREE: what to lay over the root. $PYTHON, $PACKAGES: what runs the agent.
set -eu
mount --make-rprivate /
scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
root=$scratch/root
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$root"

mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
ip link set lo up

# The unit's sandbox hides /root, /home and /tmp, where a checkout and its interpreter may lie.
mkdir -p "$root/opt/python" "$root/opt/packages"
mount --bind "$PYTHON" "$root/opt/python"
number=0
for package in $PACKAGES; do
    number=$((number + 1))
    mkdir "$root/opt/packages/$number"
    mount --bind "$package" "$root/opt/packages/$number"
done

# Of the machine's own services the journal alone.
units=$root/etc/systemd/system
rm -rf "$root"/lib/systemd/system/*.target.wants "$units"/*.wants
mkdir -p "$units/sysinit.target.wants" "$units/sockets.target.wants"
ln -s /lib/systemd/system/systemd-journald.service "$units/sysinit.target.wants/"
for socket in systemd-journald.socket systemd-journald-dev-log.socket; do
    ln -s "/lib/systemd/system/$socket" "$units/sockets.target.wants/$socket"
done
ln -sf /dev/null "$units/tmp.mount"
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >"$units/sandbox.target"
rm -rf "$root/etc/credstore" "$root/etc/firmtrail-agent" "$root/var/lib/firmtrail-agent" "$root/var/lib/private"
cp -r "$TREE/." "$root/"
rm -f "$root/etc/machine-id"
echo 6f1d1a9b0c4e4a2e8b5f3d7c9e1a2b4c >"$root/etc/machine-id"

cd "$root"
mkdir -p oldroot
pivot_root . oldroot
umount -l /oldroot
mount --make-rshared / # without this the credentials of a unit cannot be mounted
exec env -i container=sandbox PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=sandbox.target --log-target=journal --show-status=0 </dev/null
