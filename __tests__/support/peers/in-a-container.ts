const SET_UP = `
set -e
root=$1 volume=$2 at=$3
shift 3
mount -t tmpfs tmpfs "$root"
for entry in /*; do
  if [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
  elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
  fi
done
touch "$root/.dockerenv"
mkdir -p "$root$at"
[ -z "$volume" ] || mount --bind "$volume" "$root$at"
exec chroot "$root" "$@"
`;

/**
 * Words before a command by which it sees the machine as from inside of a container: with a file system of its own
 * at `/`, which is gone with the process, and a volume where one is given. As the tests with real Engines, it
 * takes root.
 *
 * @param root an empty folder, on which nothing is left mounted
 * @param volume a folder of the machine, and where it is mounted
 */
export function inAContainer(
  root: string,
  volume: { readonly source: string | undefined; readonly at: string },
): readonly string[] {
  return ['unshare', '--mount', 'sh', '-c', SET_UP, 'sh', root, volume.source ?? '', volume.at];
}
