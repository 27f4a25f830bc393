import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Reads `add <group>` and `remove <group>`; at the end of its input, which comes however the writer dies, it kills the
 * process groups that are left and removes the folder that it was given, if any.
 */
export const WATCHDOG_SCRIPT = `
groups=
while read -r operation group; do
  case $operation in
    add) groups="$groups $group" ;;
    remove)
      rest=
      for other in $groups; do [ "$other" = "$group" ] || rest="$rest $other"; done
      groups=$rest ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
# Killed processes take a moment to end, and may add a file meanwhile.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  [ -z "$1" ] || rm -rf -- "$1" && break
  sleep 0.1
done 2>/dev/null
`;

/** Sees to it that no process and no folder outlives this one, even when this one is killed. */
export class Watchdog {
  private readonly shell: ChildProcess;

  /** @param folder is removed at the end. @default - none */
  public constructor(folder = '') {
    // Detached, so that an interrupt at the terminal does not end it before the processes that it watches.
    this.shell = spawn('sh', ['-c', WATCHDOG_SCRIPT, 'watchdog', folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.shell.unref();
    this.shell.stdin?.on('error', () => undefined);
  }

  /** @param group the id of the process that leads the group */
  public add(group: number): void {
    this.shell.stdin?.write(`add ${group}\n`);
  }

  /** Must follow the end of the process soon: the system gives its id to others. */
  public remove(group: number): void {
    this.shell.stdin?.write(`remove ${group}\n`);
  }

  /** Does at once what it would do at the end of this process. */
  public async close(): Promise<void> {
    if (this.shell.exitCode !== null) return;
    const ended = new Promise((resolve) => this.shell.once('exit', resolve));
    this.shell.stdin?.end();
    await ended;
  }
}
