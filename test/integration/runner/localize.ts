/** What differs between a pod in a cluster and its processes on this machine. */
export interface Place {
  /** The pod's own address. */
  readonly address: string;
  /** @returns nothing for a host outside of the stack */
  resolve(host: string): string | undefined;
  /** Where the mounts of the container are, by their path in the container. */
  readonly folders: ReadonlyMap<string, string>;
}

/**
 * Rewrites hosts, listen addresses and paths of an argument, a variable or a config file, and nothing else:
 *
 * - names of Services and pods where a host stands, that is after `//` or `@`, before `:port`, or in the form
 *   `name.namespace.svc`, become addresses;
 * - `:port`, `0.0.0.0`, `0.0.0.0:port` and `[::]:port` standing alone get the address of the pod;
 * - mount paths become folders.
 */
export function localize(text: string, place: Place): string {
  return localizePaths(
    localizeListenAddresses(
      localizeHosts(text, (host) => place.resolve(host)),
      place,
    ),
    place,
  );
}

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const HOST = new RegExp(`(?:(\\/\\/|@)|(?<![\\w./-]))(${LABEL}(?:\\.${LABEL})*\\.?)(:\\d{1,5})?(?![\\w-])`, 'g');

/** Rewrites the hosts alone, for texts that are used from outside of the stack's pods. */
export function localizeHosts(text: string, resolve: (host: string) => string | undefined): string {
  return text.replace(HOST, (whole, before: string | undefined, host: string, port: string | undefined) => {
    if (before === undefined && port === undefined && !/\.svc(\.|$)/.test(host)) return whole;
    const address = resolve(host);
    return address === undefined ? whole : `${before ?? ''}${address}${port ?? ''}`;
  });
}

/** Between quotes, after `=`, in a list or as a whole word. */
const LISTEN_ADDRESS = /(?<![^\s"'=,[])(?:(?:0\.0\.0\.0|\[::\])?(:\d{1,5})|0\.0\.0\.0)(?=$|[\s"',\]}])/g;

function localizeListenAddresses(text: string, { address }: Place): string {
  return text.replace(LISTEN_ADDRESS, (_whole, port: string | undefined) => `${address}${port ?? ''}`);
}

function localizePaths(text: string, { folders }: Place): string {
  if (folders.size === 0) return text;
  const longestFirst = [...folders.keys()].sort((a, b) => b.length - a.length);
  // Not after a host, where the same text is the path of a URL; `file://` has none.
  const path = new RegExp(
    `(?<=^|[\\s"'=,:([]|:\\/\\/)(?:${longestFirst.map(escape).join('|')})(?=$|[/\\s"',:)\\]])`,
    'g',
  );
  return text.replace(path, (mountPath) => folders.get(mountPath) ?? mountPath);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * Kubernetes' own expansion: `$(NAME)` is replaced where the variable is known, `$$` stands for one `$`.
 *
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? whole),
  );
}
