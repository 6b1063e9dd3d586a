#!/bin/busybox sh
# The first process of a virtual machine. Its root is that of the host, read-only
# under a layer in memory; what is to run there is the script /task.
busybox=/bin/busybox
mount() { $busybox mount "$@"; }
mkdir() { $busybox mkdir -p "$@"; }

mkdir /proc /sys /dev /host /layer /new
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do
	$busybox insmod "/modules/$module" || echo "insmod $module failed"
done </modules/order

mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
mount -t tmpfs tmpfs /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /new
mkdir /new/proc /new/sys /new/dev /new/run /new/tmp /new/lib/modules
mount -t proc proc /new/proc
mount -t sysfs sysfs /new/sys
mount -t devtmpfs devtmpfs /new/dev
mkdir /new/dev/pts /new/dev/shm
mount -t devpts -o ptmxmode=666 devpts /new/dev/pts
mount -t tmpfs tmpfs /new/dev/shm
mount -t tmpfs tmpfs /new/run
mount -t tmpfs -o mode=1777 tmpfs /new/tmp
mkdir /new/run/host
mount --move /host /new/run/host
mount --bind "/new/run/host$(cat /kernel)/lib/modules" /new/lib/modules

groups=/new/sys/fs/cgroup
case $(cat /groups) in
2) mount -t cgroup2 cgroup2 $groups ;;
1)
	mount -t tmpfs tmpfs $groups
	$busybox awk 'NR > 1 { print $1 }' /proc/cgroups | while read -r controller; do
		mkdir "$groups/$controller"
		mount -t cgroup -o "$controller" cgroup "$groups/$controller"
	done
	;;
esac

$busybox cp /task /new/run/task
exec $busybox switch_root /new /bin/sh /run/task
