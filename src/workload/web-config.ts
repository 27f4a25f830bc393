import type { ArgTemplate, PlainArgs } from '../flags';
import { object, text, type Check } from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import type { ProbeAction } from './kubernetes';
import { secretPath } from './secret-files';

/** Basic auth of a program whose web server is configured by a file of Prometheus' exporter toolkit. */
export interface WebConfigAuth {
  /** Clients send it. */
  readonly username: string;
  /** Clients send it. */
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

/** The args of the web server of such a program. @param listenSource the prop that the address belongs to */
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
      'the probes of the pod and everything that is wired to it ask at the port, below the root path',
      'remove it',
    );
}

/** Where users see the pages of such a program, which itself stays at the root path. */
export function setExternalUrl(args: PlainArgs, externalUrl: string | undefined): void {
  args
    .set('web.external-url', externalUrl, 'externalUrl')
    // Without it the path of the external URL would come before all others.
    .set('web.route-prefix', externalUrl === undefined ? undefined : '/', 'externalUrl');
}

/** Asks for a page, or of a program with basic auth for the open port: the kubelet has no password to send. */
export function pageProbe(path: string, port: string, httpAuth: WebConfigAuth | undefined): ProbeAction {
  return httpAuth ? { tcpSocket: { port } } : { httpGet: { path, port } };
}
