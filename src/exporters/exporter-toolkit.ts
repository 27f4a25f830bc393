import type { ArgTemplate, PlainArgs } from '../flags';
import { secretPath, type WebConfigAuth } from '../workload';

/**
 * The args of the web server, which several programs share.
 *
 * @param listenSource the prop that the address belongs to
 */
export function setWebArgs(
  args: PlainArgs,
  listenAddress: string | ArgTemplate,
  listenSource: string,
  httpAuth: WebConfigAuth | undefined,
): void {
  args
    .set('web.listen-address', listenAddress, listenSource)
    .set('web.config.file', httpAuth && secretPath(httpAuth.webConfig), 'httpAuth.webConfig')
    .refuse(
      ['web.telemetry-path', 'web.route-prefix', 'web.external-url', 'web.systemd-socket'],
      'the probe of the pod and everything that is wired to it ask at the port, below the root path',
      'remove it',
    );
}
