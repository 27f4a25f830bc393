import type { ArgTemplate, PlainArgs } from '../flags';
import { object, text, type Check } from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import { secretPath } from '../workload';

/** Basic auth of a program whose web server is configured by a file of Prometheus' exporter toolkit. */
export interface WebConfigAuth {
  /** Whoever scrapes or pushes sends it. */
  readonly username: string;
  /** Whoever scrapes or pushes sends it. */
  readonly password: SecretRef;
  /**
   * The file that the process reads, again at each request: `basic_auth_users`, with the bcrypt hash of the password
   * after the username. Nothing about TLS: what is wired to the process speaks plain HTTP.
   *
   * @see https://prometheus.io/docs/prometheus/latest/configuration/https/
   */
  readonly webConfig: SecretRef;
}

export const webConfigAuthCheck: Check = object<WebConfigAuth>(
  { username: text(), password: secretRefCheck, webConfig: secretRefCheck },
  'username',
  'password',
  'webConfig',
);

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
