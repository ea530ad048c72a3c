#!/bin/sh
# Removes what one test engine left: waits until its standard input ends (the test process closed it, or died in
# whatever way), then kills the engine's processes, takes down its mounts and deletes its folder.
#
# Usage: sweep.sh FOLDER
# Touches only: processes of an Engine whose command line names FOLDER, their containers, mounts below FOLDER.
set -u

dir=$1
case $dir in
  /*/pollard-engine-*) ;;
  *) echo "sweep: not the folder of a test engine: $dir" >&2; exit 2 ;;
esac
[ -f "$dir/owner" ] || { echo "sweep: $dir has no owner mark" >&2; exit 2; }

cat >/dev/null # until the test process closes its end

# The engine's own processes: dockerd, containerd, the shims (`-address FOLDER/...`) and runc.
own_processes() {
  for proc in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$proc/comm" || continue
    case $name in
      dockerd | containerd | containerd-shim* | runc*) ;;
      *) continue ;;
    esac
    tr '\0' '\n' 2>/dev/null <"$proc/cmdline" | grep -qF -- "$dir/" && echo "${proc#/proc/}"
  done
}

# A container's first process is a child of its shim; with it the kernel ends the container's pid namespace.
children_of() {
  for task in /proc/"$1"/task/*/children; do
    cat "$task" 2>/dev/null
  done
}

for _ in 1 2 3 4 5; do
  pids=$(own_processes)
  [ -n "$pids" ] || break
  for pid in $pids; do
    read -r name 2>/dev/null <"/proc/$pid/comm" || continue
    case $name in
      containerd-shim*) victims="$(children_of "$pid") $pid" ;;
      *) victims=$pid ;;
    esac
    for victim in $victims; do kill -9 "$victim" 2>/dev/null; done
  done
  sleep 0.2
done

# The deepest first; lazily, since a process that is dying may still hold one.
cut -d' ' -f2 /proc/self/mounts | grep -F -- "$dir/" | sort -r | while read -r mount; do
  umount -l "$mount" 2>/dev/null
done

# What a killed shim leaves outside of the folder: its socket, and the container's control groups.
# containerd notes the socket in `address`, from 2.0 on in `bootstrap.json`.
cat "$dir"/containerd/state/io.containerd.runtime.v2.task/*/*/address \
  "$dir"/containerd/state/io.containerd.runtime.v2.task/*/*/bootstrap.json 2>/dev/null |
  grep -o '/run/containerd/s/[0-9a-f]*' | while read -r socket; do rm -f "$socket"; done
for container in "$dir"/data/containers/*/; do
  id=$(basename "$container")
  for group in /sys/fs/cgroup/docker/"$id" /sys/fs/cgroup/*/docker/"$id"; do
    [ -d "$group" ] && rmdir "$group" 2>/dev/null
  done
done

rm -rf --one-file-system "$dir"
